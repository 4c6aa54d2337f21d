#include "bgp/router_config/frr_config.hpp"

#include "unit/router_config/site_of.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::bgp {
namespace {

using test::settings_of;
using test::site_of;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("router_config/frr_config") {
  TEST_CASE("a neighbour takes the prefixes of its family, and puts a site to avoid last") {
    const auto settings = settings_of(site_of(test::kNeighbors, "  covering: [198.51.100.0/23]\n"));
    CHECK(frr_router_config(settings, settings.sessions[0]) ==
          R"(! For the router 'transit': its session with ams1. Made by `meridianctl anycast config frr`.
! These prefixes, nothing longer and nothing wider.
ip prefix-list ams1-transit seq 5 permit 198.51.100.0/24
ip prefix-list ams1-transit seq 10 permit 198.51.100.0/23
bgp as-path access-list ams1-transit seq 5 permit _65101$
bgp community-list standard meridian-avoid permit 65535:0
! RFC 8326: a site that wants to be avoided is the last choice.
route-map ams1-transit-in permit 10
 match ip address prefix-list ams1-transit
 match as-path ams1-transit
 match community meridian-avoid
 set local-preference 0
exit
route-map ams1-transit-in permit 20
 match ip address prefix-list ams1-transit
 match as-path ams1-transit
exit
route-map ams1-transit-out deny 10
exit
router bgp 65000
 neighbor 192.0.2.10 remote-as 65101
 neighbor 192.0.2.10 description ams1, anycast
 neighbor 192.0.2.10 timers 3 9
 neighbor 192.0.2.10 passive
 address-family ipv4 unicast
  neighbor 192.0.2.10 activate
  neighbor 192.0.2.10 route-map ams1-transit-in in
  neighbor 192.0.2.10 route-map ams1-transit-out out
  neighbor 192.0.2.10 maximum-prefix 2 restart 1
 exit-address-family
exit
)");
    const auto six = frr_router_config(settings, settings.sessions[1]);
    CHECK(has(six, "ipv6 prefix-list ams1-transit-v6 seq 5 permit 2001:db8:53::/48\n"));
    CHECK(has(six, " match ipv6 address prefix-list ams1-transit-v6\n"));
    CHECK(has(six,
              " address-family ipv4 unicast\n  no neighbor 2001:db8:ff::10 activate\n exit-address-family\n"
              " address-family ipv6 unicast\n  neighbor 2001:db8:ff::10 activate\n"));
  }

  TEST_CASE("a neighbour's part follows the session") {
    const auto settings = settings_of(
        site_of("    far: {address: 192.0.2.9, local: 192.0.2.10, as: 65000, multihop: true, hold: 4}\n"
                "    six: {address: \"2001:db8:ff::9\", local: \"2001:db8:ff::10\", as: 65000}\n",
                "  local_router: true\n"),
        {"deadbeef"});
    const auto far = frr_router_config(settings, settings.sessions[0]);
    CHECK(has(far, " neighbor 192.0.2.10 timers 1 4\n"));
    CHECK(has(far,
              " neighbor 192.0.2.10 ebgp-multihop\n neighbor 192.0.2.10 password deadbeef\n"
              " neighbor 192.0.2.10 bfd 3 100 100\n"));
    CHECK_FALSE(has(frr_router_config(settings, settings.sessions[1]), "password"));
  }

  TEST_CASE("within one system paths are empty, and neighbours are anywhere") {
    const auto settings = settings_of(
        site_of("    own: {address: 192.0.2.8, local: 192.0.2.10, as: 65101, multihop: true}\n"
                "    six: {address: \"2001:db8:ff::9\", local: \"2001:db8:ff::10\", as: 65000}\n"));
    const auto own = frr_router_config(settings, settings.sessions[0]);
    CHECK_FALSE(has(own, "as-path"));
    CHECK_FALSE(has(own, "multihop"));
  }

  TEST_CASE("the site's own router passes on what ExaBGP says, and nothing else") {
    const auto text = frr_site_config(settings_of(
        site_of("    transit: {address: 192.0.2.9, local: 192.0.2.10, as: 65000,\n"
                "              drain_communities: [\"65000:80\", \"65000:81\", \"65000:1:2\"]}\n"
                "    transit-v6: {address: \"2001:db8:ff::9\", local: \"2001:db8:ff::10\", as: 65000}\n",
                "  local_router: true\n"),
        {"secret"}));
    CHECK(has(text, R"(route-map exabgp-ipv4-in permit 10
 match ip address prefix-list exabgp-ipv4
 set ip next-hop 192.0.2.9
exit
)"));
    CHECK(has(text, " set ipv6 next-hop global 2001:db8:ff::9\n"));
    CHECK(has(text, R"(route-map to-transit-out permit 10
 match ip address prefix-list to-transit
 match community meridian-avoid
 set as-path prepend 65101 65101 65101
 set community 65000:80 65000:81 additive
 set large-community 65000:1:2 additive
exit
route-map to-transit-out permit 20
 match ip address prefix-list to-transit
exit
)"));
    CHECK(has(text, R"( neighbor 127.0.0.1 remote-as 65101
 neighbor 127.0.0.1 description exabgp, which says what meridian-agent wants
 neighbor 127.0.0.1 timers 3 9
 neighbor 127.0.0.1 passive
 neighbor 127.0.0.1 update-source 192.0.2.10
)"));
    CHECK(has(text, R"( neighbor 192.0.2.9 timers connect 5
 neighbor 192.0.2.9 update-source 192.0.2.10
 neighbor 192.0.2.9 password secret
 neighbor 192.0.2.9 bfd 3 100 100
 address-family ipv4 unicast
  neighbor 192.0.2.9 activate
  neighbor 192.0.2.9 route-map meridian-none in
  neighbor 192.0.2.9 route-map to-transit-out out
  neighbor 192.0.2.9 next-hop-self
 exit-address-family
)"));
    CHECK(has(text, "  table-map meridian-none\n"));
    CHECK_FALSE(has(text, "graceful-restart"));
  }
}

}  // namespace meridian::bgp
