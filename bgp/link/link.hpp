// What the agent and the bridge say to each other: the routes that are wanted, and what became of them.
//
// Text, one message a packet of a SOCK_SEQPACKET socket, each with its version in the first line;
// docs/anycast.md has both by example. Reading is strict: a message is understood whole or refused whole,
// with the place in it. A route has numbers and addresses only, so that none of its values can carry a word
// that ExaBGP would take for a command. Values; no I/O, any thread.
#pragma once

#include "base/community.hpp"
#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "base/ip.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::bgp {

struct Attributes {
  std::optional<base::IpAddress> next_hop;  ///< Absent: `self`, the local end of the session.
  std::optional<std::uint32_t> med;
  std::vector<base::Community> communities;
  std::vector<base::LargeCommunity> large_communities;
  /// The whole path: ExaBGP adds nothing to it, so a prepended one starts with our own number. Empty: our
  /// number once.
  std::vector<std::uint32_t> as_path;
  friend bool operator==(const Attributes&, const Attributes&) = default;
};

/// One neighbor, or all of them when absent (`*`).
using Neighbor = std::optional<base::IpAddress>;

struct RouteKey {
  Neighbor neighbor;
  base::IpPrefix prefix;
  friend auto operator<=>(const RouteKey&, const RouteKey&) = default;
};

enum class Level : std::uint8_t { Withdraw, Announce };

struct Route {
  RouteKey key;
  Level level = Level::Withdraw;
  Attributes attributes;  ///< Of a route to withdraw: those it would be announced with.
  friend bool operator==(const Route&, const Route&) = default;
};

/// All that the agent wants. What was wanted before and is not among it is withdrawn and forgotten.
struct Wanted {
  std::uint64_t sent_ms = 0;  ///< The agent's steady clock as it decided; the bridge's is the same one.
  std::vector<Route> routes;
  friend bool operator==(const Wanted&, const Wanted&) = default;
};

/// What a bridge leaves behind for the next one. Routes may overlap, where one is being withdrawn for
/// another.
struct Saved {
  std::uint64_t exabgp_process = 0;  ///< Who was told; another ExaBGP knows nothing of it.
  std::uint64_t sent_ms = 0;         ///< Of the last message that was heeded.
  std::vector<Route> routes;         ///< To withdraw: with the attributes they were announced with.
  friend bool operator==(const Saved&, const Saved&) = default;
};

struct SessionStatus {
  base::IpAddress neighbor;
  bool up = false;
  std::string reason;  ///< Why it is down, as ExaBGP says; printable, or empty.
  friend bool operator==(const SessionStatus&, const SessionStatus&) = default;
};

struct RouteStatus {
  RouteKey key;
  std::optional<Level> in_force;  ///< What ExaBGP acknowledged last; absent: not known.
  bool pending = false;           ///< It is not yet what is wanted.
  std::optional<std::uint64_t> acked_ms_ago;
  Attributes attributes;  ///< Of what is in force.
  friend bool operator==(const RouteStatus&, const RouteStatus&) = default;
};

struct Status {
  std::uint64_t sent_ms = 0;
  std::string exabgp_version;  ///< Empty until it has told.
  std::uint64_t acks = 0;
  std::uint64_t ack_timeouts = 0;
  std::uint64_t errors = 0;   ///< Commands that ExaBGP refused.
  std::uint64_t refused = 0;  ///< Messages of agents that were refused.
  std::string refusal;        ///< Why the last of those was, with its place.
  std::vector<SessionStatus> sessions;
  std::vector<RouteStatus> routes;
  friend bool operator==(const Status&, const Status&) = default;
};

/// How a list of values is written: here `a,b`, to ExaBGP `[a b]`.
struct ListStyle {
  const char* open;
  const char* between;
  const char* close;
};
inline constexpr ListStyle kLinkLists{"", ",", ""};

/// `next-hop self med 50 community 65535:0,65101:100 large-community 65101:1:2 as-path 65101,65101`; what is
/// absent is left out.
[[nodiscard]] std::string attributes_text(const Attributes& attributes, ListStyle style);

[[nodiscard]] std::string format_wanted(const Wanted& wanted);
[[nodiscard]] std::string format_saved(const Saved& saved);
[[nodiscard]] std::string format_status(const Status& status);

/// The reverse of format_wanted, and of nothing else.
[[nodiscard]] base::Expected<Wanted, base::Diagnostic> parse_wanted(std::string_view text);
[[nodiscard]] base::Expected<Saved, base::Diagnostic> parse_saved(std::string_view text);
[[nodiscard]] base::Expected<Status, base::Diagnostic> parse_status(std::string_view text);

/// True when both are for the same prefix and a common neighbor, so that what is said of one is said of the
/// other.
[[nodiscard]] bool overlap(const RouteKey& left, const RouteKey& right) noexcept;

}  // namespace meridian::bgp
