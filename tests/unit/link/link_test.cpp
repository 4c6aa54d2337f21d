#include "bgp/link/link.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::bgp {
namespace {

namespace limits = base::limits;

constexpr const char* kHead = "meridian-bgp wanted 1\nsent 12345\n";
constexpr const char* kRoute = "route * 198.51.100.0/24 announce next-hop self";

base::IpAddress address(const char* text) { return base::parse_ip_address(text).value(); }
base::IpPrefix prefix(const char* text) { return base::parse_ip_prefix(text).value(); }

std::string repeated(const std::string& value, std::size_t count) {
  std::string text = value;
  for (std::size_t i = 1; i < count; ++i) text += "," + value;
  return text;
}

/// So many routes, each with another network.
std::string routes(std::size_t count) {
  std::string text = kHead;
  for (std::size_t i = 0; i < count; ++i) {
    text += "route * 10." + std::to_string(i / 256) + "." + std::to_string(i % 256) +
            ".0/24 announce next-hop self\n";
  }
  return text;
}

Route full_route() {
  Route route;
  route.key = {address("192.0.2.1"), prefix("198.51.100.0/24")};
  route.level = Level::Announce;
  route.attributes = {.next_hop = address("192.0.2.10"),
                      .med = 50,
                      .communities = {{65535, 0}, {65101, 100}},
                      .large_communities = {{65101, 1, 2}},
                      .as_path = {65101, 4200000000}};
  return route;
}

TEST_SUITE("link/link") {
  TEST_CASE("a wanted state is text, a line a route") {
    Wanted wanted{12345, {full_route(), {{{}, prefix("2001:db8:53::/48")}, Level::Withdraw, {}}}};
    const std::string text =
        "meridian-bgp wanted 1\n"
        "sent 12345\n"
        "route 192.0.2.1 198.51.100.0/24 announce next-hop 192.0.2.10 med 50 community 65535:0,65101:100 "
        "large-community 65101:1:2 as-path 65101,4200000000\n"
        "route * 2001:db8:53::/48 withdraw next-hop self\n";
    CHECK(format_wanted(wanted) == text);
    CHECK(parse_wanted(text).value() == wanted);
  }

  TEST_CASE("a wanted state without routes is one") {
    CHECK(parse_wanted(kHead).value() == Wanted{12345, {}});
  }

  TEST_CASE("what is not understood is refused whole, with its place") {
    struct Row {
      const char* why;
      std::string text;
      const char* error;
    };
    const std::string head = kHead;
    const std::string route = kRoute;
    const Row rows[] = {
        {"empty", "", "message:1:1: here is to stand 'meridian-bgp'"},
        {"other text", "hello\n", "message:1:1: here is to stand 'meridian-bgp'"},
        {"other version", "meridian-bgp wanted 2\nsent 1\n", "message:1:21: here is to stand '1'"},
        {"a status", "meridian-bgp status 1\nsent 1\n", "message:1:14: here is to stand 'wanted'"},
        {"no time", "meridian-bgp wanted 1\n" + route + "\n", "message:2:1: here is to stand 'sent'"},
        {"no end of the last line", head + route, "message:3:43: the last line does not end"},
        {"an empty line", head + "\n" + route + "\n", "message:3:1: here is to stand 'route'"},
        {"an unknown line", head + "neighbor 192.0.2.1\n", "message:3:1: here is to stand 'route'"},
        {"a name for the neighbor", head + "route upstream 198.51.100.0/24 announce next-hop self\n",
         "message:3:7: this is not the address of a neighbor, or '*'"},
        {"host bits", head + "route * 198.51.100.1/24 announce next-hop self\n",
         "message:3:9: '198.51.100.1/24' has host bits set; the network is 198.51.100.0/24"},
        {"the default route", head + "route * 0.0.0.0/0 announce next-hop self\n",
         "message:3:9: this is the default route, which no site may announce"},
        {"the default route of IPv6", head + "route * ::/0 announce next-hop self\n",
         "message:3:9: this is the default route, which no site may announce"},
        {"another level", head + "route * 198.51.100.0/24 drain next-hop self\n",
         "message:3:25: here is to stand 'announce'"},
        {"no next hop", head + "route * 198.51.100.0/24 announce\n",
         "message:3:33: here is to stand 'next-hop'"},
        {"a next hop of the other family", head + "route * 198.51.100.0/24 announce next-hop 2001:db8::1\n",
         "message:3:43: the next hop is of another family than the network"},
        {"a next hop by name", head + "route * 198.51.100.0/24 announce next-hop peer\n",
         "message:3:43: this is not an address or 'self'"},
        {"a community by name", head + route + " community graceful-shutdown\n",
         "message:3:58: this is not a community like 65535:0, numbers only"},
        {"a community with a command behind it", head + route + " community 65535:0] shutdown [\n",
         "message:3:58: this is not a community like 65535:0, numbers only"},
        {"a community of three parts", head + route + " community 1:2:3\n",
         "message:3:58: this is not a community like 65535:0, numbers only"},
        {"a community of one part", head + route + " community 1\n",
         "message:3:58: this is not a community like 65535:0, numbers only"},
        {"a community that is too large", head + route + " community 65536:0\n",
         "message:3:58: this is not a community like 65535:0, numbers only"},
        {"an empty community", head + route + " community 1:2,,3:4\n",
         "message:3:58: this is not a community like 65535:0, numbers only"},
        {"a large community of two parts", head + route + " large-community 1:2\n",
         "message:3:64: this is not a large community like 65101:1:2"},
        {"a negative MED", head + route + " med -1\n", "message:3:52: this is not a number"},
        {"a MED of more than 32 bits", head + route + " med 4294967296\n",
         "message:3:52: this is not a number"},
        {"a path with a word", head + route + " as-path 65101,self\n",
         "message:3:56: this is not the number of an autonomous system"},
        {"another attribute", head + route + " local-preference 200\n",
         "message:3:48: the line is to end before this, or its words stand in another order"},
        {"another order", head + route + " community 1:2 med 3\n",
         "message:3:62: the line is to end before this, or its words stand in another order"},
        {"an attribute twice", head + route + " med 3 med 3\n",
         "message:3:54: the line is to end before this, or its words stand in another order"},
        {"a command after it", head + route + " ; shutdown\n",
         "message:3:48: the line is to end before this, or its words stand in another order"},
        {"two spaces", head + "route *  198.51.100.0/24 announce next-hop self\n",
         "message:3:9: '' is not an IP network; write it like 192.0.2.0/24 or 2001:db8::/32"},
        {"a space at the end", head + route + " \n",
         "message:3:48: the line is to end before this, or its words stand in another order"},
        {"a zero in front", head + route + " med 050\n",
         "message:3:52: this is not written in its one right form"},
        {"a long spelling of an address",
         head + "route 2001:db8:0::1 2001:db8:53::/48 announce next-hop self\n",
         "message:3:16: this is not written in its one right form"},
        {"a bare address", head + "route * 198.51.100.1 announce next-hop self\n",
         "message:3:21: this is not written in its one right form"},
        {"the same route twice", head + route + "\n" + route + " med 1\n",
         "message:4:9: a line above is for the same network and neighbor, or '*'"},
        {"one neighbor among all",
         head + route + "\nroute 192.0.2.1 198.51.100.0/24 withdraw next-hop self\n",
         "message:4:17: a line above is for the same network and neighbor, or '*'"},
        {"too many communities",
         head + route + " community " + repeated("1:2", limits::kBgpAttributeValuesMax + 1) + "\n",
         "message:3:58: a list has at most 32 values"},
        {"too many routes", routes(limits::kBgpRoutesMax + 1),
         "message:131:1: there are more than 128 of these"},
        {"too long", head + std::string(limits::kBgpWantedBytesMax, 'x'),
         "message:1:1: a message has at most 163840 bytes"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto wanted = parse_wanted(row.text);
      REQUIRE_FALSE(wanted.has_value());
      CHECK(to_string(wanted.error()) == row.error);
    }
  }

  TEST_CASE("each limit can be reached") {
    CHECK(parse_wanted(routes(limits::kBgpRoutesMax)).has_value());
    const auto full =
        std::string(kHead) + kRoute + " community " + repeated("1:2", limits::kBgpAttributeValuesMax) + "\n";
    CHECK(parse_wanted(full).has_value());
  }

  TEST_CASE("two neighbors may get the same network differently") {
    const std::string text = std::string(kHead) +
                             "route 192.0.2.1 198.51.100.0/24 announce next-hop self\n"
                             "route 192.0.2.2 198.51.100.0/24 withdraw next-hop self\n";
    CHECK(parse_wanted(text).value().routes.size() == 2);
  }

  TEST_CASE("a saved state may hold a route that goes beside the one that comes") {
    Route all = full_route();
    all.key.neighbor.reset();
    all.level = Level::Withdraw;
    const Saved saved{4711, 12345, {full_route(), all}};
    CHECK(parse_saved(format_saved(saved)).value() == saved);
    CHECK(format_saved(saved).starts_with("meridian-bgp saved 1\nsent 12345\nexabgp 4711\nroute 192.0.2.1 "));
    CHECK_FALSE(parse_saved("meridian-bgp saved 1\nsent 12345\n").has_value());
  }

  TEST_CASE("a status tells of each route and session") {
    Status status{
        .sent_ms = 5,
        .exabgp_version = "4.2.21",
        .acks = 1,
        .ack_timeouts = 2,
        .errors = 3,
        .refused = 4,
        .refusal = "message:3:9: wrong",
        .sessions = {{address("192.0.2.1"), true, ""}, {address("2001:db8::1"), false, "peer reset"}},
        .routes = {{full_route().key, Level::Announce, false, 250, full_route().attributes},
                   {{{}, prefix("2001:db8:53::/48")}, {}, true, {}, {}}}};
    const std::string text =
        "meridian-bgp status 1\nsent 5\nexabgp 4.2.21\nacks 1\nack-timeouts 2\nerrors 3\nrefused 4\n"
        "refusal message:3:9: wrong\n"
        "neighbor 192.0.2.1 up -\n"
        "neighbor 2001:db8::1 down peer reset\n"
        "route 192.0.2.1 198.51.100.0/24 announce settled 250 next-hop 192.0.2.10 med 50 "
        "community 65535:0,65101:100 large-community 65101:1:2 as-path 65101,4200000000\n"
        "route * 2001:db8:53::/48 unknown pending never next-hop self\n";
    CHECK(format_status(status) == text);
    CHECK(parse_status(text).value() == status);
    CHECK(parse_status(format_status(Status{})).value() == Status{});
  }

  TEST_CASE("a status with control characters, or too many sessions, is refused") {
    Status status;
    status.exabgp_version = "4\x1b[2J";
    CHECK_FALSE(parse_status(format_status(status)).has_value());
    status.exabgp_version.clear();
    for (std::uint32_t i = 0; i <= limits::kBgpNeighborsMax; ++i)
      status.sessions.push_back({base::IpAddress::v4(i), true, ""});
    CHECK_FALSE(parse_status(format_status(status)).has_value());
    status.sessions.pop_back();
    CHECK(parse_status(format_status(status)).has_value());
  }

  TEST_CASE("routes overlap where a neighbor gets both") {
    const RouteKey all{{}, prefix("198.51.100.0/24")};
    const RouteKey one{address("192.0.2.1"), prefix("198.51.100.0/24")};
    const RouteKey two{address("192.0.2.2"), prefix("198.51.100.0/24")};
    const RouteKey wider{{}, prefix("198.51.100.0/23")};
    CHECK(overlap(all, one));
    CHECK(overlap(two, all));
    CHECK(overlap(one, one));
    CHECK_FALSE(overlap(one, two));
    CHECK_FALSE(overlap(all, wider));
  }
}

}  // namespace
}  // namespace meridian::bgp
