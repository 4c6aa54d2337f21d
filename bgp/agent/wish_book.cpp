#include "bgp/agent/wish_book.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "journal/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian::agent {
namespace {

namespace limits = base::limits;
using policy::WishKind;
using std::chrono::seconds;

/// Stands for all VIPs in the journal; no VIP is called so.
constexpr std::string_view kAll = "*";
/// Who ends a wish whose time is over.
constexpr const char* kClock = "the clock";

std::string target_of(const std::optional<std::string>& vip) { return vip.value_or(std::string{kAll}); }

std::optional<WishKind> find_kind(std::string_view word) noexcept {
  for (const auto kind : {WishKind::Drain, WishKind::Withdraw, WishKind::Announce}) {
    if (word == to_string(kind)) return kind;
  }
  return std::nullopt;
}

journal::OverrideRow to_row(const StandingWish& wish) {
  return {.id = wish.id,
          .kind = std::string{to_string(wish.kind)},
          .target = target_of(wish.vip),
          .reason = wish.reason,
          .author = wish.who,
          .created_at = wish.set_at,
          .begins_at = wish.since,
          .ends_at = wish.until};
}

/// Nothing for a row that makes no sense: a hand may have written it.
std::optional<StandingWish> from_row(const journal::OverrideRow& row) {
  const auto kind = find_kind(row.kind);
  if (!kind || row.target.empty() || !journal::is_sound_reason(row.reason)) return std::nullopt;
  StandingWish wish{.id = row.id,
                    .vip = row.target,
                    .kind = *kind,
                    .reason = row.reason,
                    .who = row.author,
                    .set_at = row.created_at,
                    .since = row.begins_at,
                    .until = row.ends_at,
                    .rates_before = {}};
  if (row.target == kAll) wish.vip.reset();
  return wish;
}

}  // namespace

void WishBook::load() {
  const auto rows = journal_.overrides();
  if (!rows) return base::log_event(base::LogLevel::Error, "wishes_unreadable", {{"error", rows.error()}});
  for (const auto& row : *rows) {
    auto wish = from_row(row);
    if (!wish) {
      base::log_event(base::LogLevel::Warning, "wish_unreadable", {{"id", row.id}, {"target", row.target}});
      continue;
    }
    base::log_event(base::LogLevel::Warning, "wish_restored",
                    {{"id", wish->id},
                     {"what", to_string(wish->kind)},
                     {"vip", target_of(wish->vip)},
                     {"reason", wish->reason}});
    wishes_.push_back(std::move(*wish));
  }
  for (const auto& wish : wishes_) tell(wish.vip, &wish);
  end_due();
}

std::string WishBook::find_fault(const WishOrder& order) const {
  if (order.reason.empty()) return "it needs a reason; whoever is called at night will look for one";
  if (!journal::is_sound_reason(order.reason))
    return fmt::format("a reason is one line of at most {} bytes of UTF-8", limits::kShedReasonBytesMax);
  const auto now = clock_.wall();
  if (order.until && *order.until <= now) return "it would end before it begins";
  if (order.until && *order.until > now + seconds{limits::kShedSecondsMax}) {
    return fmt::format("it may last at most {} days; who wants longer changes the site file",
                       limits::kShedSecondsMax / 86'400);
  }
  return {};
}

/// A drain that replaces one goes on with it: begun anew, a VIP that is drained already would come back.
StandingWish WishBook::make_wish(const WishOrder& order) const {
  const auto now = clock_.wall();
  StandingWish wish{.id = 0,
                    .vip = order.vip,
                    .kind = order.kind,
                    .reason = order.reason,
                    .who = order.who.substr(0, limits::kOverrideAuthorBytesMax),
                    .set_at = now,
                    .since = now,
                    .until = order.until,
                    .rates_before = order.rates_now};
  for (const auto& standing : wishes_) {
    const bool is_same = standing.kind == order.kind && (!standing.vip || standing.vip == order.vip);
    if (!is_same || standing.since > wish.since) continue;
    wish.since = standing.since;
    wish.rates_before = standing.rates_before;
  }
  return wish;
}

std::vector<StandingWish> WishBook::take(const std::optional<std::string>& vip) {
  std::vector<StandingWish> taken;
  const auto stays = [&](const StandingWish& wish) { return vip && wish.vip != vip; };
  const auto end = std::stable_partition(wishes_.begin(), wishes_.end(), stays);
  taken.assign(std::make_move_iterator(end), std::make_move_iterator(wishes_.end()));
  wishes_.erase(end, wishes_.end());
  return taken;
}

/// Why it could not be, or nothing.
std::string WishBook::write(const std::vector<StandingWish>& ended, StandingWish* begun,
                            journal::AuditRow audit) {
  std::vector<std::int64_t> ids;
  for (const auto& wish : ended) {
    if (wish.id != 0) ids.push_back(wish.id);
  }
  std::optional<journal::OverrideRow> row;
  if (begun != nullptr) row = to_row(*begun);
  audit.at = clock_.wall();
  audit.result = "done";
  const auto id = journal_.change_overrides(std::move(ids), std::move(row), std::move(audit));
  if (!id) return id.error();
  if (begun != nullptr) begun->id = *id;
  return {};
}

void WishBook::tell(const std::optional<std::string>& vip, const StandingWish* wish) const {
  if (on_change_) on_change_(vip, wish);
}

base::Expected<WishOutcome, std::string> WishBook::set(const WishOrder& order) {
  if (auto fault = find_fault(order); !fault.empty()) return base::unexpected(std::move(fault));
  auto wish = make_wish(order);
  const auto ended = take(order.vip);
  // First what is done, and then its record: a disk that hangs must not hold up who withdraws.
  for (const auto& one : ended) {
    if (one.vip != wish.vip) tell(one.vip, nullptr);
  }
  tell(wish.vip, &wish);
  WishOutcome outcome{.ended = ended.size(), .not_written = {}};
  outcome.not_written = write(ended, &wish,
                              {.who = wish.who,
                               .action = std::string{to_string(wish.kind)},
                               .target = target_of(wish.vip),
                               .details = wish.until ? "until " + base::to_utc(*wish.until) : std::string{},
                               .reason = wish.reason});
  base::log_event(base::LogLevel::Warning, "wish_set",
                  {{"id", wish.id},
                   {"what", to_string(wish.kind)},
                   {"vip", target_of(wish.vip)},
                   {"reason", wish.reason},
                   {"until", wish.until ? base::to_utc(*wish.until) : std::string{}},
                   {"who", wish.who}});
  if (!outcome.not_written.empty())
    base::log_event(base::LogLevel::Error, "wish_not_written",
                    {{"what", to_string(wish.kind)}, {"error", outcome.not_written}});
  wishes_.push_back(std::move(wish));
  return outcome;
}

base::Expected<WishOutcome, std::string> WishBook::end(const std::optional<std::string>& vip,
                                                       const std::string& who, const std::string& reason) {
  if (!journal::is_sound_reason(reason)) {
    return base::unexpected(
        fmt::format("a reason is one line of at most {} bytes of UTF-8", limits::kShedReasonBytesMax));
  }
  const auto* const standing = vip ? find(*vip) : nullptr;
  if (standing != nullptr && !standing->vip) {
    return base::unexpected(
        fmt::format("'{}' has no wish of its own; the {} of all VIPs holds, which undrain without a VIP ends",
                    *vip, to_string(standing->kind)));
  }
  auto ended = take(vip);
  if (ended.empty()) return WishOutcome{};
  return finish(ended, {.who = who, .action = "undrain", .target = target_of(vip), .reason = reason});
}

WishOutcome WishBook::finish(const std::vector<StandingWish>& ended, journal::AuditRow audit) {
  const auto who = audit.who;
  for (const auto& wish : ended) tell(wish.vip, nullptr);
  WishOutcome outcome{.ended = ended.size(), .not_written = write(ended, nullptr, std::move(audit))};
  for (const auto& wish : ended) {
    base::log_event(
        base::LogLevel::Info, "wish_ended",
        {{"id", wish.id}, {"what", to_string(wish.kind)}, {"vip", target_of(wish.vip)}, {"who", who}});
  }
  if (!outcome.not_written.empty())
    base::log_event(base::LogLevel::Error, "wish_end_not_written", {{"error", outcome.not_written}});
  return outcome;
}

void WishBook::end_due() {
  const auto now = clock_.wall();
  const auto is_over = [&](const StandingWish& wish) { return wish.until && *wish.until <= now; };
  for (auto due = std::ranges::find_if(wishes_, is_over); due != wishes_.end();
       due = std::ranges::find_if(wishes_, is_over)) {
    const std::vector<StandingWish> ended{std::move(*due)};
    wishes_.erase(due);
    const auto& wish = ended.front();
    // A row that stays in the journal ends again at the next start.
    static_cast<void>(finish(ended, {.who = kClock, .action = "expire", .target = target_of(wish.vip)}));
  }
}

std::optional<base::WallTime> WishBook::next_end() const noexcept {
  std::optional<base::WallTime> next;
  for (const auto& wish : wishes_) {
    if (wish.until && (!next || *wish.until < *next)) next = wish.until;
  }
  return next;
}

const StandingWish* WishBook::find(const std::string& vip) const noexcept {
  const StandingWish* found = nullptr;
  for (const auto& wish : wishes_) {
    if (wish.vip == vip) return &wish;
    if (!wish.vip) found = &wish;
  }
  return found;
}

}  // namespace meridian::agent
