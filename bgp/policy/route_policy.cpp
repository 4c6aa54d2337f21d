#include "bgp/policy/route_policy.hpp"

#include <algorithm>
#include <utility>

namespace meridian::policy {
namespace {

/// What is true now, before anything brakes.
struct Verdict {
  Level level = Level::Withdraw;
  Reason reason = Reason::Starting;
};

unsigned count_if(bool condition, unsigned rounds) noexcept {
  // More than both thresholds say nothing more.
  return condition ? std::min(rounds + 1, std::max(kRoundsToFall, kRoundsToRise)) : 0;
}

void count_round(const Round& round, RouteHistory& history) noexcept {
  if (!round.was_asked()) return;  // the agent's own error is no fact about the server
  history.silent_rounds = count_if(round.is_silent(), history.silent_rounds);
  history.wrong_rounds = count_if(round.wrong > 0, history.wrong_rounds);
  history.silent_transport_rounds = count_if(round.has_silent_transport, history.silent_transport_rounds);
  history.foreign_rounds = count_if(round.foreign > 0, history.foreign_rounds);
  history.answered_rounds = count_if(round.is_answered(), history.answered_rounds);
  history.clean_rounds = count_if(round.is_clean(), history.clean_rounds);
}

void forget_rounds(RouteHistory& history) noexcept {
  history.silent_rounds = 0;
  history.wrong_rounds = 0;
  history.silent_transport_rounds = 0;
  history.foreign_rounds = 0;
  history.answered_rounds = 0;
  history.clean_rounds = 0;
}

std::optional<Reason> hard_fact(const Observation& seen, const RouteHistory& history) noexcept {
  if (seen.server == Server::Gone) return Reason::ServerGone;
  if (seen.vip == Vip::Missing) return Reason::VipMissing;
  if (history.foreign_rounds > 0) return Reason::ForeignAnswer;
  if (history.silent_rounds >= kRoundsToFall) return Reason::ServerSilent;
  if (seen.server == Server::NotReady) return Reason::NotReady;
  return std::nullopt;
}

/// What other sites may see as well.
std::optional<Reason> shared_fate(const Observation& seen, const Settings& settings,
                                  const RouteHistory& history) noexcept {
  if (history.wrong_rounds >= kRoundsToFall) return Reason::WrongAnswers;
  if (history.silent_transport_rounds >= kRoundsToFall) return Reason::SilentTransport;
  if (seen.oldest_input && *seen.oldest_input > settings.stale_after) return Reason::StaleInput;
  if (seen.is_overloaded && settings.overload_de_preferences) return Reason::Overloaded;
  if (seen.fails_local_check) return Reason::LocalCheck;
  return std::nullopt;
}

/// A drain takes away and gives nothing: a site that is down stays down.
Level drain_level(const Wish& wish, const Settings& settings, Level level) noexcept {
  const bool is_over = wish.held >= settings.drain_max || (wish.is_quiet && wish.held >= settings.drain_min);
  return is_over ? Level::Withdraw : std::min(level, Level::DePreference);
}

Verdict judge(const Observation& seen, const Wish& wish, const Settings& settings,
              const RouteHistory& history) noexcept {
  if (wish.kind == WishKind::Withdraw) return {Level::Withdraw, Reason::OperatorWithdrew};
  if (const auto hard = hard_fact(seen, history)) return {Level::Withdraw, *hard};
  if (wish.kind == WishKind::Drain)
    return {drain_level(wish, settings, history.level), Reason::OperatorDrains};
  if (wish.kind == WishKind::Announce) return {Level::Announce, Reason::OperatorAnnounces};
  if (const auto shared = shared_fate(seen, settings, history)) return {Level::DePreference, *shared};
  // Nothing speaks against it; whether enough speaks for it is Probation's to say.
  return {Level::Announce, Reason::Serving};
}

bool is_hard(Reason reason) noexcept { return reason >= Reason::ServerGone && reason <= Reason::NotReady; }

bool is_operators(Reason reason) noexcept { return reason >= Reason::OperatorDrains; }

/// What is asked of a site that goes up, however it got down. `is_answered`: by this very round.
Brake brake_rise(const Verdict& verdict, const RouteHistory& history, bool is_answered,
                 base::MonotonicTime now) noexcept {
  if (!is_answered) return Brake::Probation;
  if (is_operators(verdict.reason)) return Brake::None;
  if (history.hold_down.held_until(now)) return Brake::HoldDown;
  const unsigned rounds = verdict.level == Level::Announce ? history.clean_rounds : history.answered_rounds;
  if (rounds < kRoundsToRise) return Brake::Probation;
  return history.changes.has_room(now) ? Brake::None : Brake::ChangeLimit;
}

Brake brake_fall(const Verdict& verdict, const RouteHistory& history, base::MonotonicTime now) noexcept {
  if (is_operators(verdict.reason) || is_hard(verdict.reason)) return Brake::None;
  if (now - history.since < kMinimumUp) return Brake::MinimumUp;
  return history.changes.has_room(now) ? Brake::None : Brake::ChangeLimit;
}

Brake brake_of(const Verdict& verdict, const Observation& seen, const RouteHistory& history,
               base::MonotonicTime now) noexcept {
  const bool is_answered = seen.server == Server::Ready && seen.round && seen.round->is_answered();
  if (verdict.level > history.level) return brake_rise(verdict, history, is_answered, now);
  if (verdict.level < history.level) return brake_fall(verdict, history, now);
  return Brake::None;
}

void change_to(const Verdict& verdict, RouteHistory& history, base::MonotonicTime now) {
  if (verdict.level < history.level && !is_operators(verdict.reason)) history.hold_down.fall(now);
  history.changes.note(now);
  history.level = verdict.level;
  history.since = now;
}

}  // namespace

std::string_view to_string(Reason reason) noexcept {
  switch (reason) {
    case Reason::Starting:
      return "starting";
    case Reason::Serving:
      return "serving";
    case Reason::ServerGone:
      return "server_gone";
    case Reason::ServerSilent:
      return "server_silent";
    case Reason::ForeignAnswer:
      return "foreign_answer";
    case Reason::VipMissing:
      return "vip_missing";
    case Reason::NotReady:
      return "not_ready";
    case Reason::WrongAnswers:
      return "wrong_answers";
    case Reason::SilentTransport:
      return "silent_transport";
    case Reason::StaleInput:
      return "stale_input";
    case Reason::Overloaded:
      return "overloaded";
    case Reason::LocalCheck:
      return "local_check";
    case Reason::OperatorDrains:
      return "operator_drains";
    case Reason::OperatorWithdrew:
      return "operator_withdrew";
    case Reason::OperatorAnnounces:
      return "operator_announces";
  }
  return "";
}

std::string_view to_string(Brake brake) noexcept {
  switch (brake) {
    case Brake::None:
      return "none";
    case Brake::HoldDown:
      return "hold_down";
    case Brake::Probation:
      return "probation";
    case Brake::MinimumUp:
      return "minimum_up";
    case Brake::ChangeLimit:
      return "change_limit";
    case Brake::MayNotWithdraw:
      return "may_not_withdraw";
  }
  return "";
}

Decision decide_route(const Observation& seen, const Wish& wish, const Settings& settings,
                      RouteHistory history, base::MonotonicTime now) {
  if (seen.round) count_round(*seen.round, history);
  // Answers of before it went are nothing to come back by.
  if (seen.server == Server::Gone || seen.vip == Vip::Missing) forget_rounds(history);
  Verdict verdict = judge(seen, wish, settings, history);
  const Level wanted = verdict.level;
  Brake brake = Brake::None;
  if (is_hard(verdict.reason) && settings.may_withdraw == MayWithdraw::Never) {
    verdict.level = std::min(history.level, Level::DePreference);
    brake = Brake::MayNotWithdraw;
  }
  if (const auto held_by = brake_of(verdict, seen, history, now); held_by != Brake::None) {
    brake = held_by;
  } else if (verdict.level != history.level) {
    change_to(verdict, history, now);
  }
  history.reason = verdict.reason;
  return {history.level, verdict.reason, brake, wanted, std::move(history)};
}

}  // namespace meridian::policy
