#include "bgp/agent/wanted_routes.hpp"

#include "base/limits.hpp"
#include "config/ranges.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace meridian::agent {
namespace {

using policy::Level;

config::AnycastVip vip(const std::string& name, const std::string& address, const std::string& prefix) {
  config::AnycastVip made;
  made.name = name;
  made.address = *base::parse_ip_address(address);
  made.prefix = *base::parse_ip_prefix(prefix);
  return made;
}

config::AnycastNeighbor neighbor(const std::string& address, const std::string& local) {
  config::AnycastNeighbor made;
  made.address = *base::parse_ip_address(address);
  made.local = *base::parse_ip_address(local);
  made.as = 65000;
  return made;
}

config::Anycast example() {
  config::Anycast anycast;
  anycast.as = 65101;
  anycast.vips = {vip("a", "198.51.100.53", "198.51.100.0/24"),
                  vip("six", "2001:db8:53::53", "2001:db8:53::/48")};
  anycast.neighbors = {neighbor("192.0.2.9", "192.0.2.10"), neighbor("192.0.2.17", "192.0.2.18"),
                       neighbor("2001:db8:ff::9", "2001:db8:ff::10")};
  anycast.neighbors[0].drain_communities = {{65000, 80}, base::kGracefulShutdown};
  anycast.neighbors[0].drain_large_communities = {{65000, 1, 2}};
  return anycast;
}

std::string text_of(const std::vector<bgp::Route>& routes) {
  auto text = bgp::format_wanted({.sent_ms = 1, .routes = routes});
  // What the bridge would refuse is worth nothing.
  const auto read = bgp::parse_wanted(text);
  CHECK(read);
  return text.substr(text.find("sent 1\n") + 7);
}

}  // namespace

TEST_SUITE("agent/wanted_routes") {
  TEST_CASE("an announcement is for each neighbour of the family, and says nothing but that") {
    CHECK(text_of(wanted_routes(example(), {Level::Announce, Level::Announce})) ==
          "route 192.0.2.9 198.51.100.0/24 announce next-hop self\n"
          "route 192.0.2.17 198.51.100.0/24 announce next-hop self\n"
          "route 2001:db8:ff::9 2001:db8:53::/48 announce next-hop self\n");
  }

  TEST_CASE("each VIP has a level of its own, and de-preference what each neighbour needs for it") {
    CHECK(text_of(wanted_routes(example(), {Level::DePreference, Level::Withdraw})) ==
          "route 192.0.2.9 198.51.100.0/24 announce next-hop self med 1000 community 65535:0,65000:80 "
          "large-community 65000:1:2 as-path 65101,65101,65101,65101\n"
          "route 192.0.2.17 198.51.100.0/24 announce next-hop self med 1000 community 65535:0 as-path "
          "65101,65101,65101,65101\n"
          "route 2001:db8:ff::9 2001:db8:53::/48 withdraw next-hop self\n");
  }

  TEST_CASE("a router of our own system is given no path, which it would drop for our number in it") {
    auto anycast = example();
    anycast.neighbors = {neighbor("192.0.2.9", "192.0.2.10")};
    anycast.neighbors[0].as = anycast.as;
    anycast.vips.pop_back();
    CHECK(text_of(wanted_routes(anycast, {Level::DePreference})) ==
          "route 192.0.2.9 198.51.100.0/24 announce next-hop self med 1000 community 65535:0\n");
  }

  TEST_CASE("the most that a site file can want fits into a message") {
    auto anycast = example();
    anycast.vips.clear();
    anycast.neighbors.clear();
    anycast.prepend = config::ranges::kPrependMax;
    anycast.as = 4'294'967'294;
    for (int i = 0; i < 4; ++i) {
      anycast.vips.push_back(vip("v", "2001:db8:ffff:ffff:ffff:ffff:ffff:fff" + std::to_string(i),
                                 "2001:db8:ffff:ffff:ffff:ffff:ffff:fff" + std::to_string(i) + "/128"));
    }
    for (int i = 0; i < 32; ++i) {
      anycast.neighbors.push_back(
          neighbor(fmt::format("2001:db8:eeee:eeee:eeee:eeee:eeee:ee{:02x}", 0x10 + i), "2001:db8:ff::10"));
      for (std::size_t n = 0; n < config::ranges::kDrainCommunitiesMax; ++n) {
        const auto number = static_cast<std::uint32_t>(n);
        anycast.neighbors.back().drain_communities.push_back(
            {65'000, static_cast<std::uint16_t>(60'000 + n)});
        anycast.neighbors.back().drain_large_communities.push_back(
            {4'200'000'000U, 4'200'000'000U, 4'200'000'000U + number});
      }
    }
    const auto routes = wanted_routes(anycast, std::vector(4, Level::DePreference));
    REQUIRE(routes.size() == base::limits::kBgpRoutesMax);
    CHECK(text_of(routes).size() < base::limits::kBgpWantedBytesMax);
  }

  TEST_CASE("without prepending the path is ExaBGP's") {
    auto anycast = example();
    anycast.prepend = 0;
    const auto routes = wanted_routes(anycast, {Level::DePreference, Level::Withdraw});
    CHECK(routes.front().attributes.as_path.empty());
  }

  TEST_CASE(
      "covering prefixes are announced whatever the levels are, and once however often they are named") {
    auto anycast = example();
    const auto wide = *base::parse_ip_prefix("198.51.100.0/23");
    anycast.covering = {wide, wide};
    const auto text = text_of(wanted_routes(anycast, {Level::Withdraw, Level::Withdraw}));
    CHECK(text.find("route 192.0.2.9 198.51.100.0/23 announce next-hop self\n") != std::string::npos);
    CHECK(text.find("route 192.0.2.17 198.51.100.0/23 announce next-hop self\n") != std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') == 5);
  }

  TEST_CASE("a level never changes a key, or the bridge would withdraw and announce anew") {
    const auto keys = [](Level level) {
      std::vector<bgp::RouteKey> found;
      for (const auto& route : wanted_routes(example(), {level, level})) found.push_back(route.key);
      return found;
    };
    CHECK(keys(Level::Announce) == keys(Level::DePreference));
    CHECK(keys(Level::Announce) == keys(Level::Withdraw));
  }

  TEST_CASE(
      "a local router gets our own next hop, and neither a path with our number nor others' communities") {
    auto anycast = example();
    anycast.has_local_router = true;
    CHECK(text_of(wanted_routes(anycast, {Level::DePreference, Level::Announce})) ==
          "route * 198.51.100.0/24 announce next-hop 192.0.2.10 med 1000 community 65535:0\n"
          "route * 2001:db8:53::/48 announce next-hop 2001:db8:ff::10\n");
  }
}

}  // namespace meridian::agent
