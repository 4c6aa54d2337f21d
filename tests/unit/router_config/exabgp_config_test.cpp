#include "bgp/router_config/exabgp_config.hpp"

#include "unit/router_config/site_of.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::bgp {

using test::settings_of;
using test::site_of;

TEST_SUITE("router_config/exabgp_config") {
  TEST_CASE("a session each neighbour, with one family") {
    CHECK(exabgp_config(settings_of(site_of(
              "    transit: {address: 192.0.2.9, local: 192.0.2.10, as: 65000, hold: 30}\n"
              "    six: {address: \"2001:db8:ff::9\", local: \"2001:db8:ff::10\", as: 4200000000}\n"))) ==
          R"(# ExaBGP at ams1. Made by `meridianctl anycast config exabgp`; make it anew rather than edit it.
process meridian-bgp {
  run /usr/bin/meridian-bgp --agent /run/meridian-agent/bridge.sock --state /run/exabgp/meridian-bgp.state;
  encoder text;
}

# transit
neighbor 192.0.2.9 {
  router-id 192.0.2.10;
  local-address 192.0.2.10;
  local-as 65101;
  peer-as 65000;
  hold-time 30;
  adj-rib-in false;
  capability {
    graceful-restart disable;
  }
  family {
    ipv4 unicast;
  }
  api {
    processes [ meridian-bgp ];
    neighbor-changes;
  }
}

# six
neighbor 2001:db8:ff::9 {
  router-id 192.0.2.10;
  local-address 2001:db8:ff::10;
  local-as 65101;
  peer-as 4200000000;
  hold-time 9;
  adj-rib-in false;
  capability {
    graceful-restart disable;
  }
  family {
    ipv6 unicast;
  }
  api {
    processes [ meridian-bgp ];
    neighbor-changes;
  }
}
)");
  }

  TEST_CASE("a password is quoted, and never Base64") {
    const auto text = exabgp_config(settings_of(site_of(), {"deadbeef"}));
    const std::string both = "  md5-password \"deadbeef\";\n  md5-base64 false;\n";
    CHECK(text.find(both) != std::string::npos);
    CHECK(text.find("md5-password", text.find(both) + both.size()) == std::string::npos);
  }

  TEST_CASE("with a local router ExaBGP speaks to it alone, once a family") {
    const auto text = exabgp_config(
        settings_of(site_of(test::kNeighbors + "    b: {address: 192.0.2.8, local: 192.0.2.10, as: 65001}\n",
                            "  local_router: true\n"),
                    {"deadbeef"}));
    CHECK(text.find(R"(# The router on this host.
neighbor 192.0.2.10 {
  router-id 127.0.0.2;
  local-address 127.0.0.1;
  local-as 65101;
  peer-as 65101;
  hold-time 9;
)") != std::string::npos);
    CHECK(text.find("\nneighbor 2001:db8:ff::10 {\n  router-id 127.0.0.2;\n  local-address ::1;\n") !=
          std::string::npos);
    for (const auto* const absent : {"md5", "192.0.2.9", "192.0.2.8", "6500"}) {
      CAPTURE(absent);
      CHECK(text.find(absent) == std::string::npos);
    }
  }
}

}  // namespace meridian::bgp
