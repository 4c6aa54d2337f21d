#include "config/anycast.hpp"

#include "base/limits.hpp"
#include "config/parse.hpp"
#include "unit/config/messages.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

namespace meridian::config {
namespace {

using test::messages;

const std::string kHead =
    "map: m\nsite: ams1\nlisten: {dns: [\"198.51.100.53:53\", \"[2001:db8:53::53]:5353\"]}\nanycast:\n";
const std::string kVips =
    "  as: 65110\n  router_id: 192.0.2.10\n"
    "  vips: {ns1: {address: 198.51.100.53, prefix: 198.51.100.0/24}}\n";
const std::string kNeighbors = "  neighbors: {up: {address: 192.0.2.9, local: 192.0.2.10, as: 65000}}\n";

Anycast parse_good(const std::string& text) {
  const auto loaded = parse_site_text(text, "meridian.yaml");
  CHECK(messages(loaded.diagnostics) == "");
  REQUIRE(loaded.site.anycast);
  return *loaded.site.anycast;
}

}  // namespace

TEST_SUITE("config/parse_anycast") {
  TEST_CASE("a site without the key announces nothing") {
    CHECK_FALSE(parse_site_text("map: m", "meridian.yaml").site.anycast);
  }

  TEST_CASE("the least that can be said has the defaults of the model") {
    const auto anycast = parse_good(kHead + kVips + kNeighbors);
    CHECK(anycast.as == 65110);
    REQUIRE(anycast.vips.size() == 1);
    CHECK(anycast.vips[0].name == "ns1");
    CHECK(anycast.vips[0].port == 53);
    CHECK(base::to_string(anycast.vips[0].prefix) == "198.51.100.0/24");
    REQUIRE(anycast.neighbors.size() == 1);
    CHECK(anycast.neighbors[0].hold_s == 9);
    CHECK(anycast.may_withdraw == Anycast::MayWithdraw::Hard);
    CHECK(anycast.on_overload == Anycast::OnOverload::Absorb);
    CHECK(anycast.stale_after_s == 86'400);
    CHECK(anycast.drain_min_s == 60);
    CHECK(anycast.drain_max_s == 300);
    CHECK(anycast.prepend == 3);
    CHECK_FALSE(anycast.is_internal);
    CHECK(anycast.agent.liveness == "/run/meridian/liveness.sock");
    CHECK_FALSE(anycast.agent.http);
  }

  TEST_CASE("where the agent is") {
    const auto anycast = parse_good(
        kHead + kVips + kNeighbors +
        "  agent: {control: a.sock, bridge: /b.sock, liveness: l.sock, state: s, http: \"[::1]:8054\"}\n");
    CHECK(anycast.agent.control == "a.sock");
    CHECK(anycast.agent.bridge == "/b.sock");
    CHECK(anycast.agent.liveness == "l.sock");
    CHECK(anycast.agent.state == "s");
    REQUIRE(anycast.agent.http);
    CHECK(anycast.agent.http->port == 8054);
  }

  TEST_CASE("the agent's pages are for this host") {
    const auto loaded = parse_site_text(kHead + kVips + kNeighbors + "  agent: {http: \"192.0.2.10:8054\"}\n",
                                        "meridian.yaml");
    CHECK(messages(loaded.diagnostics) ==
          "9:17: 192.0.2.10 is no loopback address; write \"127.0.0.1:8054\"");
  }

  TEST_CASE("a socket's path that is too long") {
    const auto loaded = parse_site_text(
        kHead + kVips + kNeighbors + "  agent: {bridge: /" + std::string(120, 'b') + "}\n", "meridian.yaml");
    CHECK(messages(loaded.diagnostics) ==
          "9:10: the agent socket's path has 121 bytes; a Unix socket's path has at most 107");
  }

  TEST_CASE("everything that can be said") {
    const auto anycast = parse_good(
        kHead +
        "  as: 65110\n  router_id: 192.0.2.10\n"
        "  vips:\n"
        "    ns1: {address: 198.51.100.53, prefix: 198.51.100.0/24}\n"
        "    ns1-v6: {address: \"2001:db8:53::53\", prefix: \"2001:db8:53::/48\"}\n"
        "  covering: [198.51.100.0/23, \"2001:db8:52::/47\"]\n"
        "  neighbors:\n"
        "    up: {address: 192.0.2.9, local: 192.0.2.10, as: 65000, hold: 3, multihop: true,\n"
        "         password: bgp.password, drain_communities: [\"65000:80\", \"65000:1:2\"]}\n"
        "    up6: {address: \"2001:db8:ff::9\", local: \"2001:db8:ff::10\", as: 4200000000}\n"
        "  may_withdraw: never\n  on_overload: de-preference\n  stale_after: 2h\n"
        "  drain: {at_least: 90, at_most: 10m}\n  prepend: 5\n  internal: true\n  local_router: true\n"
        "  queries:\n"
        "    - {name: www.example.com, for: 203.0.113.0/24, expect: [192.0.2.1]}\n"
        "    - {name: Gone.example.com, expect: nxdomain}\n"
        "    - {name: example.com, type: soa}\n"
        "  checks:\n"
        "    - {command: [/usr/bin/true, -x]}\n"
        "    - {file: /run/fresh, younger_than: 5m}\n"
        "    - {unit: chrony.service}\n");
    CHECK(anycast.vips[1].port == 5353);
    CHECK(base::to_string(anycast.covering[1]) == "2001:db8:52::/47");
    const auto& up = anycast.neighbors[0];
    CHECK(up.hold_s == 3);
    CHECK(up.is_multihop);
    CHECK(up.password_file == "bgp.password");
    CHECK(up.drain_communities == std::vector<base::Community>{{65'000, 80}});
    CHECK(up.drain_large_communities == std::vector<base::LargeCommunity>{{65'000, 1, 2}});
    CHECK(anycast.neighbors[1].as == 4'200'000'000);
    CHECK(anycast.may_withdraw == Anycast::MayWithdraw::Never);
    CHECK(anycast.on_overload == Anycast::OnOverload::DePreference);
    CHECK(anycast.stale_after_s == 7'200);
    CHECK(anycast.drain_min_s == 90);
    CHECK(anycast.drain_max_s == 600);
    CHECK(anycast.prepend == 5);
    CHECK(anycast.has_local_router);
    REQUIRE(anycast.queries.size() == 3);
    CHECK(anycast.queries[0].client_subnet);
    CHECK(anycast.queries[0].addresses.size() == 1);
    CHECK(anycast.queries[1].expects_nxdomain);
    CHECK(anycast.queries[2].type == dns::Rtype::Soa);
    REQUIRE(anycast.checks.size() == 3);
    CHECK(anycast.checks[0].command.size() == 2);
    CHECK(anycast.checks[1].younger_than_s == 300);
    CHECK(anycast.checks[2].unit == "chrony.service");
  }

  TEST_CASE("what is wrong is told with its place") {
    struct Row {
      std::string text;
      std::string expected;
    };
    const Row rows[] = {
        {"map: m\nlisten: {dns: [\"198.51.100.53:53\"]}\nanycast:\n" + kVips + kNeighbors,
         "needs the key 'site': the agent tells this site's answers from another's by it"},
        {kHead +
             "  as: 65110\n  router_id: 192.0.2.10\n"
             "  vips: {ns1: {address: 203.0.113.1, prefix: 203.0.113.0/24}}\n" +
             kNeighbors,
         "'ns1': 'listen' takes no queries to 203.0.113.1"},
        {kHead +
             "  as: 65110\n  router_id: 192.0.2.10\n"
             "  vips: {ns1: {address: 198.51.100.53, prefix: 198.51.101.0/24}}\n" +
             kNeighbors,
         "198.51.101.0/24 does not hold 198.51.100.53: nobody would find the way to it"},
        {kHead +
             "  as: 65110\n  router_id: 192.0.2.10\n"
             "  vips: {ns1: {address: 198.51.100.53, prefix: 198.51.100.48/28}}\n" +
             kNeighbors,
         "'ns1': 198.51.100.48/28 is longer than /24, which the Internet filters"},
        {kHead +
             "  as: 65110\n  router_id: 192.0.2.10\n"
             "  vips: {ns1: {address: \"2001:db8:53::53\", prefix: \"2001:db8:53::/48\"}}\n" +
             kNeighbors,
         "no neighbour has an IPv6 address to announce 'ns1' over"},
        {kHead +
             "  as: 65110\n  router_id: 192.0.2.10\n"
             "  vips: {a: {address: 198.51.100.53, prefix: 198.51.100.0/24},"
             " b: {address: 198.51.100.53, prefix: 198.51.100.0/24}}\n" +
             kNeighbors,
         "'b' has the address of 'a'"},
        {kHead + kVips + "  covering: [198.51.100.0/24]\n" + kNeighbors,
         "'covering': 198.51.100.0/24 is wider than no VIP's prefix"},
        {kHead + kVips + "  neighbors: {up: {address: 192.0.2.9, local: \"2001:db8::1\", as: 65000}}\n",
         "2001:db8::1 and 192.0.2.9 are of different families"},
        {kHead + kVips + "  neighbors: {up: {address: 192.0.2.9, local: 192.0.2.10, as: 23456}}\n",
         "23456 is no system of anybody"},
        {kHead + kVips +
             "  neighbors: {up: {address: 192.0.2.9, local: 192.0.2.10, as: 1, "
             "drain_communities: [graceful-shutdown]}}\n",
         "'graceful-shutdown' is no community; write its numbers"},
        {kHead + kVips + kNeighbors + "  drain: {at_least: 10m}\n", "'at_least' is more than 'at_most'"},
        {kHead + kVips + kNeighbors + "  queries: [{name: www.example.com, expect: [\"2001:db8::1\"]}]\n",
         "2001:db8::1 is in no A record"},
        {kHead + kVips + kNeighbors + "  queries: [{name: www.example.com, expect: something}]\n",
         "'something' is neither `nxdomain` nor a list of addresses"},
        {kHead + kVips + kNeighbors + "  queries: [{name: www.example.com, type: QQ}]\n",
         "'QQ' is no record type"},
        {kHead + kVips + kNeighbors + "  checks: [{unit: a, file: /b}]\n",
         "a check is one of 'command', 'file' and 'unit'"},
        {kHead + kVips + kNeighbors + "  checks: [{file: /b}]\n",
         "'file' and 'younger_than' belong together"},
        {kHead + kVips + kNeighbors + "  checks: [{command: [true]}]\n",
         "'command' begins with the path of a program, from / on"},
        {kHead +
             "  as: 65110\n  router_id: \"2001:db8::1\"\n"
             "  vips: {ns1: {address: 198.51.100.53, prefix: 198.51.100.0/24}}\n" +
             kNeighbors,
         "'router_id' is an IPv4 address"},
        {kHead + "  as: 65110\n  router_id: 192.0.2.10\n  vips: {}\n" + kNeighbors, "'vips' names none"},
        {kHead +
             "  as: 65110\n  router_id: 198.51.100.53\n"
             "  vips: {ns1: {address: 198.51.100.53, prefix: 198.51.100.0/24}}\n" +
             kNeighbors,
         "'router_id' is a VIP, which every site has"},
        {kHead + kVips + "  neighbors: {up: {address: 192.0.2.9, local: 198.51.100.53, as: 65000}}\n",
         "'up': 'local' is a VIP; a session needs an address of this host alone"},
        {kHead + kVips + "  neighbors: {up: {address: 192.0.2.9, local: 192.0.2.10, as: 65110}}\n" +
             "  local_router: true\n",
         "'up' is of our own system 65110, to which a local router passes nothing on"},
        {kHead + kVips +
             "  neighbors: {a: {address: 192.0.2.9, local: 192.0.2.10, as: 65000},"
             " b: {address: 192.0.2.9, local: 192.0.2.11, as: 65000}}\n",
         "'b' has the address of 'a'"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.expected);
      const auto loaded = parse_site_text(row.text, "meridian.yaml");
      const auto text = messages(loaded.diagnostics);
      CAPTURE(text);
      CHECK(text.find(row.expected) != std::string::npos);
    }
  }

  TEST_CASE("prefixes times neighbours of their family are no more than the bridge takes") {
    const auto site = [](int vips, int neighbors) {
      std::string text = "map: m\nsite: ams1\nlisten: {dns: [\"0.0.0.0:53\"]}\nanycast:\n  as: 65110\n";
      text += "  router_id: 192.0.2.10\n  vips:\n";
      for (int i = 0; i < vips; ++i)
        text += fmt::format("    v{0}: {{address: 10.0.{0}.1, prefix: 10.0.{0}.0/24}}\n", i);
      text += "  neighbors:\n";
      for (int i = 0; i < neighbors; ++i)
        text += fmt::format("    n{0}: {{address: 192.0.3.{0}, local: 192.0.2.10, as: 65000}}\n", i);
      text += "    six: {address: \"2001:db8::1\", local: \"2001:db8::2\", as: 65000}\n";
      return messages(parse_site_text(text, "meridian.yaml").diagnostics);
    };
    CHECK(site(16, 8) == "");
    CHECK(site(15, 9).find("are 135 routes; at most 128 are announced") != std::string::npos);
    CHECK(site(1, base::limits::kBgpNeighborsMax).find("names 33; at most 32 are taken") !=
          std::string::npos);
  }
}

}  // namespace meridian::config
