// Decides what a site announces of one VIP: a pure function of what is seen, what was, what an operator
// wishes, and the time.
//
// Only a hard local fact withdraws: this server is gone or answers nothing, or another site answers in its
// place. What other sites may see too (wrong or stale answers, overload) at most de-preferences: done by all
// sites at once, that changes nothing. The agent's own errors change nothing at all. docs/anycast.md has the
// table. Knows nothing of BGP; no I/O, no clock.
#pragma once

#include "base/clock.hpp"
#include "bgp/policy/hold_down.hpp"
#include "bgp/policy/level.hpp"
#include "bgp/policy/observation.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace meridian::policy {

enum class MayWithdraw : std::uint8_t { Hard, Never };

struct Settings {
  MayWithdraw may_withdraw = MayWithdraw::Hard;
  /// Absorb what comes, unless the site is told otherwise: a withdrawn flood goes to the next site.
  bool overload_de_preferences = false;
  std::chrono::seconds stale_after{24 * 3'600};
  /// A drain lasts at least, and at most; in between it ends when the VIP is quiet.
  std::chrono::seconds drain_min{60};
  std::chrono::seconds drain_max{300};
};

/// Rounds that must say the same before it is believed. Silence is believed sooner than health.
inline constexpr unsigned kRoundsToFall = 3;
inline constexpr unsigned kRoundsToRise = 10;
/// A route that came up stays at least, unless the reason is a hard one.
inline constexpr std::chrono::seconds kMinimumUp{60};

/// Why the level is what it is.
enum class Reason : std::uint8_t {
  Starting,    ///< nothing is known yet
  Serving,     ///< all is well
  ServerGone,  ///< from here to NotReady: hard
  ServerSilent,
  ForeignAnswer,
  VipMissing,
  NotReady,
  WrongAnswers,  ///< from here to LocalCheck: shared fate
  SilentTransport,
  StaleInput,
  Overloaded,
  LocalCheck,
  OperatorDrains,
  OperatorWithdrew,
  OperatorAnnounces,
};

/// What keeps the level from being what the reason asks for.
enum class Brake : std::uint8_t {
  None,
  HoldDown,     ///< it fell a short while ago
  Probation,    ///< not enough rounds were clean yet
  MinimumUp,    ///< it came up a short while ago
  ChangeLimit,  ///< it changed too often: somebody has to look
  MayNotWithdraw,
};

/// In words, as messages and events have them: "server_gone", "hold_down".
[[nodiscard]] std::string_view to_string(Reason reason) noexcept;
[[nodiscard]] std::string_view to_string(Brake brake) noexcept;

/// What a VIP's past weighs in; kept by the caller from one decision to the next.
struct RouteHistory {
  Level level = Level::Withdraw;
  base::MonotonicTime since{};  ///< of the level
  Reason reason = Reason::Starting;
  unsigned silent_rounds = 0;  ///< in a row, as all of these
  unsigned wrong_rounds = 0;
  unsigned silent_transport_rounds = 0;
  unsigned foreign_rounds = 0;
  unsigned answered_rounds = 0;
  unsigned clean_rounds = 0;
  HoldDown hold_down;
  ChangeLimit changes;
};

struct Decision {
  Level level = Level::Withdraw;
  Reason reason = Reason::Starting;
  Brake brake = Brake::None;
  Level wanted = Level::Withdraw;  ///< where the reason leads once nothing brakes
  RouteHistory history;            ///< for the next decision
};

/// To be asked at each round, at each change of the server or the VIP, and at least once a second. An agent
/// that takes over from one that died seconds ago starts with that one's level, so that its own death changes
/// no route; any other with Withdraw.
[[nodiscard]] Decision decide_route(const Observation& seen, const Wish& wish, const Settings& settings,
                                    RouteHistory history, base::MonotonicTime now);

}  // namespace meridian::policy
