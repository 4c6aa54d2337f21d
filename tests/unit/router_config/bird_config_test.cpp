#include "bgp/router_config/bird_config.hpp"

#include "unit/router_config/site_of.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::bgp {
namespace {

using test::settings_of;
using test::site_of;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string kDraining =
    "    transit: {address: 192.0.2.9, local: 192.0.2.10, as: 65000, multihop: true,\n"
    "              drain_communities: [\"65000:80\", \"65000:1:2\"]}\n"
    "    transit-v6: {address: \"2001:db8:ff::9\", local: \"2001:db8:ff::10\", as: 65000}\n";

}  // namespace

TEST_SUITE("router_config/bird_config") {
  TEST_CASE("a neighbour takes the prefixes of its family, and puts a site to avoid last") {
    const auto settings = settings_of(site_of(test::kNeighbors, "  covering: [198.51.100.0/23]\n"));
    CHECK(bird_router_config(settings, settings.sessions[0]) ==
          R"(# For the router 'transit': its session with ams1. Made by `meridianctl anycast config bird`.
# Include it in bird.conf.

filter 'ams1-transit-in' {
  # These prefixes, nothing longer and nothing wider.
  if net !~ [ 198.51.100.0/24, 198.51.100.0/23 ] then reject;
  if bgp_path.last != 65101 then reject;
  # RFC 8326: a site that wants to be avoided is the last choice.
  if (65535, 0) ~ bgp_community then bgp_local_pref = 0;
  accept;
}

protocol bgp 'ams1-transit' {
  local 192.0.2.9 as 65000;
  neighbor 192.0.2.10 as 65101;
  direct;
  passive;
  hold time 9;
  # Else a site that was cut off waits for a minute, and longer each time.
  error wait time 1, 30;
  ipv4 {
    import filter 'ams1-transit-in';
    import limit 2 action block;
    export none;
  };
}
)");
    const auto six = bird_router_config(settings, settings.sessions[1]);
    CHECK(has(six, "if net !~ [ 2001:db8:53::/48 ] then reject;"));
    CHECK(has(six, "  ipv6 {\n    import filter 'ams1-transit-v6-in';\n    import limit 1 action block;\n"));
  }

  TEST_CASE("a neighbour's part follows the session") {
    const auto settings = settings_of(
        site_of("    far: {address: 192.0.2.9, local: 192.0.2.10, as: 65000, multihop: true, hold: 90}\n"
                "    six: {address: \"2001:db8:ff::9\", local: \"2001:db8:ff::10\", as: 65000}\n",
                "  local_router: true\n"),
        {"deadbeef"});
    const auto text = bird_router_config(settings, settings.sessions[0]);
    CHECK(has(text, "  multihop;\n  passive;\n  hold time 90;\n"));
    CHECK(has(text, "  password \"deadbeef\";\n  bfd { interval 100 ms; multiplier 3; };\n"));
    CHECK(has(text, "beside a `protocol bfd { }`"));
    CHECK_FALSE(has(bird_router_config(settings, settings.sessions[1]), "password"));
  }

  TEST_CASE("within one system paths are empty, and tell nothing of their origin") {
    const auto settings = settings_of(
        site_of("    own: {address: 192.0.2.9, local: 192.0.2.10, as: 65101}\n"
                "    six: {address: \"2001:db8:ff::9\", local: \"2001:db8:ff::10\", as: 65000}\n"));
    CHECK_FALSE(has(bird_router_config(settings, settings.sessions[0]), "bgp_path"));
    CHECK(has(bird_router_config(settings, settings.sessions[1]), "bgp_path.last != 65101"));
  }

  TEST_CASE("the site's own router passes on what ExaBGP says, and nothing else") {
    const auto text = bird_site_config(settings_of(site_of(kDraining, "  local_router: true\n"), {"secret"}));
    CHECK(has(text, "router id 192.0.2.10;\n\nprotocol device { }\nprotocol bfd { }\n"));
    CHECK(has(text, R"(
filter 'exabgp-ipv4-in' {
  if net !~ [ 198.51.100.0/24 ] then reject;
  accept;
}

protocol bgp 'exabgp-ipv4' {
  description "what meridian-agent wants";
  local 192.0.2.10 as 65101;
  neighbor 127.0.0.1 as 65101;
  multihop;
  passive;
  hold time 9;
  ipv4 {
    gateway recursive;
    import filter 'exabgp-ipv4-in';
    import limit 1 action block;
    export none;
  };
}
)"));
    CHECK(has(text, "  local 2001:db8:ff::10 as 65101;\n  neighbor ::1 as 65101;\n"));
    CHECK(has(text, R"(
filter 'to-transit-out' {
  if proto != "exabgp-ipv4" then reject;
  if (65535, 0) ~ bgp_community then {
    bgp_path.prepend(65101);
    bgp_path.prepend(65101);
    bgp_path.prepend(65101);
    bgp_community.add((65000, 80));
    bgp_large_community.add((65000, 1, 2));
  }
  accept;
}

protocol bgp 'to-transit' {
  local 192.0.2.10 as 65101;
  neighbor 192.0.2.9 as 65000;
  multihop;
  hold time 9;
  connect delay time 1;
  connect retry time 5;
  error wait time 1, 30;
  password "secret";
  bfd { interval 100 ms; multiplier 3; };
  ipv4 {
    import none;
    export filter 'to-transit-out';
    next hop self;
  };
}
)"));
    CHECK(has(text, "filter 'to-transit-v6-out' {\n  if proto != \"exabgp-ipv6\" then reject;\n"));
    for (const auto* const absent : {"kernel {", "static", "graceful"}) {
      CAPTURE(absent);
      CHECK_FALSE(has(text, absent));
    }
  }

  TEST_CASE("a network that is told nothing more of a site to avoid has an empty filter for it") {
    const auto text =
        bird_site_config(settings_of(site_of(test::kNeighbors, "  local_router: true\n  prepend: 0\n")));
    CHECK(has(text, "filter 'to-transit-out' {\n  if proto != \"exabgp-ipv4\" then reject;\n  accept;\n}\n"));
  }
}

}  // namespace meridian::bgp
