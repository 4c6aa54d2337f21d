// Site files for tests of generated configurations.
#pragma once

#include "bgp/router_config/settings.hpp"
#include "config/load.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace meridian::bgp::test {

inline const std::string kNeighbors =
    "    transit: {address: 192.0.2.9, local: 192.0.2.10, as: 65000}\n"
    "    transit-v6: {address: \"2001:db8:ff::9\", local: \"2001:db8:ff::10\", as: 65000}\n";

/// ams1 with two VIPs; `more` are keys of `anycast`.
inline config::Site site_of(const std::string& neighbors = kNeighbors, const std::string& more = "") {
  auto loaded = config::parse_site_text(
      "map: m\nsite: ams1\nlisten: {dns: [\"198.51.100.53:53\", \"[2001:db8:53::53]:53\"]}\nanycast:\n"
      "  as: 65101\n  router_id: 192.0.2.10\n  vips:\n"
      "    ns1: {address: 198.51.100.53, prefix: 198.51.100.0/24}\n"
      "    ns1-v6: {address: \"2001:db8:53::53\", prefix: \"2001:db8:53::/48\"}\n"
      "  neighbors:\n" +
          neighbors + more,
      "meridian.yaml");
  CHECK(loaded.diagnostics.to_text() == "");
  REQUIRE(loaded.site.anycast);
  return std::move(loaded.site);
}

inline Settings settings_of(const config::Site& site, std::vector<std::string> passwords = {}) {
  passwords.resize(site.anycast->neighbors.size());
  auto settings = make_settings(site, passwords, {});
  REQUIRE(settings);
  return std::move(*settings);
}

}  // namespace meridian::bgp::test
