// What the generated configurations are made from: the site file's sessions, checked once so that no value
// can end a word or a string in the language of ExaBGP, BIRD or FRR.
//
// Plain values; only read_passwords() reads files.
#pragma once

#include "base/community.hpp"
#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "base/ip.hpp"
#include "config/model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace meridian::bgp {

/// The program that ExaBGP runs, and the file in which it keeps what it said.
struct BridgePaths {
  std::string program = "/usr/bin/meridian-bgp";
  std::string state = "/run/exabgp/meridian-bgp.state";
};

/// One neighbour of the site, and all that may be announced to it.
struct Session {
  std::string name;
  base::IpAddress address;
  base::IpAddress local;
  std::uint32_t as = 0;
  std::uint32_t hold_s = 0;
  bool is_multihop = false;
  std::string password;  ///< of TCP MD5; empty: none
  std::vector<base::Community> drain_communities;
  std::vector<base::LargeCommunity> drain_large_communities;
  std::vector<base::IpPrefix> prefixes;  ///< of its family: those of the VIPs, and the covering ones
};

struct Settings {
  std::string site;
  std::uint32_t as = 0;
  base::IpAddress router_id;
  std::uint32_t prepend = 0;
  bool has_local_router = false;
  std::string bridge_socket;  ///< of the agent
  BridgePaths bridge;
  std::vector<Session> sessions;
};

/// The passwords of the neighbours, in their order; "" where there is none.
[[nodiscard]] base::Expected<std::vector<std::string>, base::Diagnostics> read_passwords(
    const config::Anycast& anycast);

/// `site.anycast` must be there; `passwords` are those of its neighbours. No message shows a password.
[[nodiscard]] base::Expected<Settings, base::Diagnostics> make_settings(
    const config::Site& site, const std::vector<std::string>& passwords, BridgePaths bridge);

/// "192.0.2.1/32 192.0.2.2/32", with `between` between.
[[nodiscard]] std::string joined(const std::vector<base::IpPrefix>& prefixes, const char* between);

/// "ipv4" or "ipv6", as all three languages say.
[[nodiscard]] const char* family_word(const base::IpAddress& address) noexcept;

/// One of every local session: the first of each family.
[[nodiscard]] std::vector<const Session*> first_of_each_family(const Settings& settings);

/// ExaBGP's end of its session with the local router, of this family; the router's is the session's `local`.
/// Not the other way round: FRR takes no session that ends at a loopback address of its own.
[[nodiscard]] base::IpAddress loopback_address(base::Family family) noexcept;

}  // namespace meridian::bgp
