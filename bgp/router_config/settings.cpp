#include "bgp/router_config/settings.hpp"

#include "base/regular_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace meridian::bgp {
namespace {

/// What the kernel takes (TCP_MD5SIG_MAXKEYLEN).
constexpr std::size_t kPasswordBytesMax = 80;
/// A name in BIRD has at most 63 bytes; "ams1-transit-in" is made of the site's and the neighbour's.
constexpr std::size_t kNamesBytesMax = 58;

/// What stands in a string in all three languages: FRR ends a word at a blank, BIRD a string at a quote,
/// ExaBGP takes a backslash for the start of a character. A question mark is a call for help to FRR's shell.
bool is_plain_password(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && std::string_view("\"'\\?").find(c) == std::string_view::npos;
  });
}

/// A word without quotes in ExaBGP's file.
bool is_plain_path(std::string_view text) noexcept {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("/._-+@").find(c) != std::string_view::npos;
         });
}

base::Expected<std::string, std::string> read_password(const std::string& path) {
  if (base::is_readable_by_everyone(path))
    return base::unexpected(
        fmt::format("everyone can read {0}; chmod o-r {0}, and take a new password", path));
  auto text = base::read_regular_file(path, kPasswordBytesMax + 2);
  if (!text) return base::unexpected(fmt::format("{}: {}", path, text.error().message));
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty() || text->size() > kPasswordBytesMax)
    return base::unexpected(fmt::format("{} must hold a password of 1 to {} bytes", path, kPasswordBytesMax));
  if (!is_plain_password(*text))
    return base::unexpected(fmt::format(
        R"({} must hold printable ASCII without blanks, ", ', \ and ?: BIRD, FRR and ExaBGP take these for )"
        "something else",
        path));
  return std::move(*text);
}

Session make_session(const config::Anycast& anycast, const config::AnycastNeighbor& neighbor,
                     std::string password) {
  Session session{.name = neighbor.name,
                  .address = neighbor.address,
                  .local = neighbor.local,
                  .as = neighbor.as,
                  .hold_s = neighbor.hold_s,
                  .is_multihop = neighbor.is_multihop,
                  .password = std::move(password),
                  .drain_communities = neighbor.drain_communities,
                  .drain_large_communities = neighbor.drain_large_communities,
                  .prefixes = {}};
  const auto add = [&](const base::IpPrefix& prefix) {
    if (prefix.address.family == neighbor.address.family) session.prefixes.push_back(prefix);
  };
  for (const auto& vip : anycast.vips) add(vip.prefix);
  for (const auto& prefix : anycast.covering) add(prefix);
  return session;
}

}  // namespace

base::Expected<std::vector<std::string>, base::Diagnostics> read_passwords(const config::Anycast& anycast) {
  std::vector<std::string> passwords;
  base::Diagnostics diagnostics;
  for (const auto& neighbor : anycast.neighbors) {
    auto& password = passwords.emplace_back();
    if (neighbor.password_file.empty()) continue;
    auto read = read_password(neighbor.password_file);
    if (read) {
      password = std::move(*read);
    } else {
      diagnostics.error(neighbor.where, fmt::format("'{}': {}", neighbor.name, read.error()));
    }
  }
  if (diagnostics.has_errors()) return base::unexpected(std::move(diagnostics));
  return passwords;
}

base::Expected<Settings, base::Diagnostics> make_settings(const config::Site& site,
                                                          const std::vector<std::string>& passwords,
                                                          BridgePaths bridge) {
  const auto& anycast = *site.anycast;
  base::Diagnostics diagnostics;
  Settings settings{.site = site.site,
                    .as = anycast.as,
                    .router_id = anycast.router_id,
                    .prepend = anycast.prepend,
                    .has_local_router = anycast.has_local_router,
                    .bridge_socket = anycast.agent.bridge,
                    .bridge = std::move(bridge),
                    .sessions = {}};
  for (const auto& path : {settings.bridge.program, settings.bridge.state, settings.bridge_socket}) {
    if (!is_plain_path(path))
      diagnostics.error(anycast.agent.where,
                        fmt::format("'{}' can't stand in ExaBGP's file; it takes a path from / on of "
                                    "letters, digits and . _ - + @",
                                    path));
  }
  for (std::size_t i = 0; i < anycast.neighbors.size(); ++i) {
    const auto& neighbor = anycast.neighbors[i];
    if (settings.site.size() + neighbor.name.size() > kNamesBytesMax) {
      diagnostics.error(neighbor.where,
                        fmt::format("'{}' is too long: BIRD's names of it and of the site have {} bytes",
                                    neighbor.name, kNamesBytesMax));
    }
    if (!is_plain_password(passwords[i]))
      diagnostics.error(neighbor.where, fmt::format("'{}': its password can't be quoted", neighbor.name));
    settings.sessions.push_back(make_session(anycast, neighbor, passwords[i]));
  }
  if (diagnostics.has_errors()) return base::unexpected(std::move(diagnostics));
  return settings;
}

std::string joined(const std::vector<base::IpPrefix>& prefixes, const char* between) {
  std::string text;
  for (const auto& prefix : prefixes) text += (text.empty() ? "" : between) + base::to_string(prefix);
  return text;
}

const char* family_word(const base::IpAddress& address) noexcept {
  return address.family == base::Family::V4 ? "ipv4" : "ipv6";
}

std::vector<const Session*> first_of_each_family(const Settings& settings) {
  std::vector<const Session*> first;
  for (const auto& session : settings.sessions) {
    const auto is_same = [&](const Session* other) {
      return other->address.family == session.address.family;
    };
    if (std::none_of(first.begin(), first.end(), is_same)) first.push_back(&session);
  }
  return first;
}

base::IpAddress loopback_address(base::Family family) noexcept {
  base::IpAddress address;
  address.family = family;
  if (family == base::Family::V4) {
    address.bytes[0] = 127;
    address.bytes[3] = 1;
  } else {
    address.bytes[15] = 1;
  }
  return address;
}

}  // namespace meridian::bgp
