// What an agent sees of its site at one moment, for one anycast address (VIP). Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace meridian::policy {

/// What is known of `meridiand` by the connection that the agent holds to it.
enum class Server : std::uint8_t {
  Unknown,   ///< the agent could not look, for a reason of its own
  Gone,      ///< the connection ended, or nobody takes one
  NotReady,  ///< it says that it has no map yet
  Ready,
};

enum class Vip : std::uint8_t {
  Unknown,  ///< the agent could not look
  Missing,  ///< no interface of this host has the address
  Present,
};

/// "gone", "not_ready"; "missing"; as messages, the API and the metrics have them.
[[nodiscard]] constexpr std::string_view to_string(Server server) noexcept {
  switch (server) {
    case Server::Unknown:
      return "unknown";
    case Server::Gone:
      return "gone";
    case Server::NotReady:
      return "not_ready";
    case Server::Ready:
      return "ready";
  }
  return "";
}

[[nodiscard]] constexpr std::string_view to_string(Vip vip) noexcept {
  switch (vip) {
    case Vip::Unknown:
      return "unknown";
    case Vip::Missing:
      return "missing";
    case Vip::Present:
      return "present";
  }
  return "";
}

/// A round of self-queries: each of them through the VIP, over UDP and TCP.
struct Round {
  unsigned right = 0;
  unsigned wrong =
      0;  ///< another content than expected, SERVFAIL, nothing where the last epoch had something
  unsigned silent = 0;   ///< no answer in time, or refused by the host
  unsigned foreign = 0;  ///< answered, and by another site: its NSID is not ours
  /// A transport of which not one query was answered, though others were.
  bool has_silent_transport = false;

  /// False: the agent could ask nothing at all, for a reason of its own.
  [[nodiscard]] bool was_asked() const noexcept { return right + wrong + silent + foreign > 0; }
  [[nodiscard]] bool is_silent() const noexcept { return silent > 0 && right + wrong + foreign == 0; }
  /// The server of this site answers at least something.
  [[nodiscard]] bool is_answered() const noexcept { return right + wrong > 0 && foreign == 0; }
  [[nodiscard]] bool is_clean() const noexcept { return right > 0 && wrong + silent + foreign == 0; }
};

struct Observation {
  Server server = Server::Unknown;
  Vip vip = Vip::Unknown;
  /// A round that has just ended, to be shown once; nothing: something else has changed, or time has passed.
  std::optional<Round> round;
  /// How old the oldest of map, GeoIP data and health is; nothing: not known.
  std::optional<std::chrono::seconds> oldest_input;
  /// It drops more than a fifth of its queries, for half a minute.
  bool is_overloaded = false;
  /// A local check of the operator fails.
  bool fails_local_check = false;
};

/// What an operator asked for.
enum class WishKind : std::uint8_t { None, Drain, Withdraw, Announce };

/// "drain", "withdraw", "announce"; as in the agent's journal and in its API.
[[nodiscard]] constexpr std::string_view to_string(WishKind kind) noexcept {
  switch (kind) {
    case WishKind::None:
      return "none";
    case WishKind::Drain:
      return "drain";
    case WishKind::Withdraw:
      return "withdraw";
    case WishKind::Announce:
      return "announce";
  }
  return "";
}

struct Wish {
  WishKind kind = WishKind::None;
  std::chrono::milliseconds held{0};  ///< for how long it has been standing
  /// Drain: less than a hundredth of the queries of before the drain arrive.
  bool is_quiet = false;
};

}  // namespace meridian::policy
