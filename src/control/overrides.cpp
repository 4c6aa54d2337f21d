#include "control/overrides.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "control/override_effect.hpp"
#include "journal/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian::control {
namespace {

namespace limits = base::limits;
using std::chrono::seconds;

bool is_of(const Override& one, std::string_view target, bool takes) {
  return one.target_text == target && takes_clients(one.kind) == takes;
}

std::int64_t left_s(const Override& one, base::WallTime now) {
  if (!one.ends_at) return 0;
  return std::max<std::int64_t>(1, std::chrono::ceil<seconds>(*one.ends_at - now).count());
}

/// What is wrong with its times, or nothing.
std::string find_bad_times(const OverrideWish& wish, base::WallTime now) {
  const auto begins = wish.begins_at.value_or(now);
  if (begins > now + seconds{limits::kOverrideAheadSecondsMax}) {
    return fmt::format("it may begin at most {} days ahead", limits::kOverrideAheadSecondsMax / 86'400);
  }
  if (!wish.ends_at) return {};
  if (*wish.ends_at <= std::max(begins, now)) return "it would end before it begins";
  if (*wish.ends_at > std::max(begins, now) + seconds{limits::kShedSecondsMax}) {
    return fmt::format("it may last at most {} days; who wants longer changes the map",
                       limits::kShedSecondsMax / 86'400);
  }
  return {};
}

journal::AuditRow audit_of(const OverrideWish& wish, base::WallTime now, std::string result) {
  std::string details;
  if (wish.kind == OverrideKind::Shed)
    details = fmt::format("{:.4g}%", static_cast<double>(wish.share) * 100 / steering::kFull);
  const auto add = [&](std::string_view word, const std::optional<base::WallTime>& time) {
    if (time) details += fmt::format("{}{} {}", details.empty() ? "" : " ", word, base::to_utc(*time));
  };
  add("from", wish.begins_at);
  add("until", wish.ends_at);
  if (wish.is_insisted_on) details += details.empty() ? "forced" : " forced";
  return {.id = 0,
          .at = now,
          .who = wish.author,
          .action = std::string{word_of(wish.kind)},
          .target = wish.target,
          .details = std::move(details),
          .reason = wish.reason,
          .result = std::move(result)};
}

}  // namespace

void Overrides::set_journal(journal::Journal& journal) {
  journal_ = &journal;
  if (journal.status().place != journal::Place::File) return;
  auto rows = journal.overrides();
  if (!rows) {
    return base::log_event(base::LogLevel::Error, "overrides_unreadable", {{"error", rows.error()}});
  }
  const std::lock_guard lock(mutex_);
  const auto now = clock_.wall();
  for (const auto& row : *rows) {
    auto one = from_row(row);
    // One that ended while no server ran is taken out of the journal by apply_due().
    if (!one || overrides_.size() == limits::kOverridesMax) {
      base::log_event(base::LogLevel::Warning, "override_unreadable",
                      {{"id", row.id}, {"target", row.target}});
      continue;
    }
    if (one->has_begun(now) && !one->is_over(now)) {
      begun_.insert(one->id);
      base::log_event(base::LogLevel::Warning, "override_restored",
                      {{"id", one->id}, {"what", describe(*one)}, {"reason", one->reason}});
    }
    overrides_.push_back(std::move(*one));
  }
}

/// Under the lock.
base::Expected<Overrides::Planned, Overrides::Refusal> Overrides::plan(const OverrideWish& wish) const {
  const auto now = clock_.wall();
  if (!journal::is_sound_reason(wish.reason)) {
    return base::unexpected(
        fmt::format("a reason is one line of at most {} bytes of UTF-8", limits::kShedReasonBytesMax));
  }
  if (wish.reason.empty() && !wish.may_lack_reason)
    return base::unexpected(std::string{"it needs a reason; whoever is called at night will look for one"});
  auto target = parse_target(wish.target);
  if (!target) return base::unexpected(std::move(target.error()));
  if (wish.kind == OverrideKind::Shed && target->kind == OverrideTarget::Kind::Endpoint) {
    return base::unexpected(
        std::string{"an endpoint cannot shed a part; give it another weight in the map, or "
                    "shed its pool or its datacenter"});
  }
  if (auto bad = find_bad_times(wish, now); !bad.empty()) return base::unexpected(std::move(bad));
  if (!snapshot_) return base::unexpected(std::string{"no map is loaded yet"});
  if (find_matches(*target, *snapshot_).is_empty(target->kind))
    return base::unexpected(no_match_message(wish.target, *target, *snapshot_));

  Planned planned;
  const auto begins = wish.begins_at.value_or(now);
  if (begins <= now) {
    // A scheduled one stands beside what holds now.
    for (const auto& one : overrides_) {
      if (one.has_begun(now) && is_of(one, wish.target, takes_clients(wish.kind)))
        planned.ended.push_back(one.id);
    }
  }
  if (overrides_.size() - planned.ended.size() >= limits::kOverridesMax) {
    return base::unexpected(
        fmt::format("there are {} overrides already; end those that nobody needs", limits::kOverridesMax));
  }
  planned.begun = {.kind = wish.kind,
                   .target_text = wish.target,
                   .target = std::move(*target),
                   .share = wish.kind == OverrideKind::Shed ? wish.share : steering::kFull,
                   .reason = wish.reason,
                   .author = wish.author.substr(0, limits::kOverrideAuthorBytesMax),
                   .created_at = now,
                   .begins_at = begins,
                   .ends_at = wish.ends_at};
  return planned;
}

/// Under the lock. One that is to begin later is judged as if it began now: nobody is there to ask then.
std::optional<Overrides::Refusal> Overrides::find_shortage(const Planned& planned) const {
  const auto now = clock_.wall();
  const auto is_active = [&](const Override& one) {
    return one.id == planned.begun.id || (one.has_begun(now) && !one.is_over(now));
  };
  const auto before = copy_states(*snapshot_, *tables_);
  write_overrides(overrides_, is_active, *snapshot_, *before);
  auto later = overrides_;
  std::erase_if(later, [&](const Override& one) { return std::ranges::count(planned.ended, one.id) != 0; });
  later.push_back(planned.begun);
  const auto after = copy_states(*snapshot_, *tables_);
  write_overrides(later, is_active, *snapshot_, *after);
  const auto shortages = find_shortages(*snapshot_, *before, *after);
  if (shortages.empty()) return std::nullopt;
  return fmt::format("{}: {}; --force insists", describe(planned.begun), to_text(shortages));
}

Overrides::Refusal Overrides::refuse(const OverrideWish& wish, std::string why) {
  counters_.add(stats::Counter::OverridesRefused);
  base::log_event(
      base::LogLevel::Warning, "override_refused",
      {{"what", word_of(wish.kind)}, {"target", wish.target}, {"who", wish.author}, {"why", why}});
  auto row = audit_of(wish, clock_.wall(), "refused: " + why);
  // Nothing was done, so nothing is lost with a line that cannot be written; the journal told of it.
  if (journal_ != nullptr) static_cast<void>(journal_->add_audit(row));
  tell_audit(row);
  return why;
}

base::Expected<std::int64_t, Overrides::Refusal> Overrides::write_down(const Planned& planned,
                                                                       const OverrideWish& wish) {
  const auto row = audit_of(wish, planned.begun.created_at, "done");
  if (journal_ != nullptr) {
    auto written = journal_->change_overrides(planned.ended, to_row(planned.begun), row);
    if (!written && !wish.is_insisted_on) {
      return base::unexpected(fmt::format(
          "it could not be written down, so a restart would forget it: {}; --force sets it all the same",
          written.error()));
    }
    if (written) {
      tell_audit(row);
      return *written;
    }
  }
  tell_audit(row);
  return ++last_local_id_;
}

base::Expected<std::int64_t, std::string> Overrides::set(const OverrideWish& wish) {
  const std::lock_guard change(change_mutex_);
  Planned planned;
  {
    std::unique_lock lock(mutex_);
    auto made = plan(wish);
    if (!made) return base::unexpected(std::move(made.error()));
    planned = std::move(*made);
    auto shortage = wish.is_insisted_on ? std::nullopt : find_shortage(planned);
    lock.unlock();
    if (shortage) return base::unexpected(refuse(wish, std::move(*shortage)));
  }
  auto id = write_down(planned, wish);
  if (!id) return base::unexpected(refuse(wish, std::move(id.error())));
  {
    const std::lock_guard lock(mutex_);
    planned.begun.id = *id;
    erase(planned.ended);
    overrides_.push_back(planned.begun);
    if (planned.begun.has_begun(clock_.wall())) begun_.insert(*id);
    write();
    tell_set(planned.begun);
  }
  if (on_change_) on_change_();
  return *id;
}

base::Expected<std::size_t, std::string> Overrides::end(const OverrideEnd& wish) {
  const std::lock_guard change(change_mutex_);
  if (!journal::is_sound_reason(wish.reason)) {
    return base::unexpected(
        fmt::format("a reason is one line of at most {} bytes of UTF-8", limits::kShedReasonBytesMax));
  }
  std::vector<Override> found;
  for (auto& one : all()) {
    const bool is_meant = wish.id != 0 ? one.id == wish.id : is_of(one, wish.target, wish.takes_clients);
    if (is_meant) found.push_back(std::move(one));
  }
  if (found.empty()) return std::size_t{0};
  std::vector<std::int64_t> ids;
  for (const auto& one : found) ids.push_back(one.id);
  const journal::AuditRow row{.id = 0,
                              .at = clock_.wall(),
                              .who = wish.author,
                              .action = "end",
                              .target = found.front().target_text,
                              .details = describe(found.front()),
                              .reason = wish.reason,
                              .result = "done"};
  if (journal_ != nullptr) {
    // An operator who gives clients back is not held up by a disk; what is left in the journal is told.
    if (auto written = journal_->change_overrides(ids, std::nullopt, row); !written) {
      base::log_event(base::LogLevel::Error, "override_end_not_written",
                      {{"what", describe(found.front())}, {"error", written.error()}});
    }
  }
  tell_audit(row);
  {
    const std::lock_guard lock(mutex_);
    erase(ids);
    write();
    for (const auto& one : found) tell_ended(one, wish.reason);
  }
  if (on_change_) on_change_();
  return found.size();
}

std::string Overrides::find_unknown(const std::string& text) const {
  const auto target = parse_target(text);
  if (!target) return target.error();
  const std::lock_guard lock(mutex_);
  if (!snapshot_ || !find_matches(*target, *snapshot_).is_empty(target->kind)) return {};
  return no_match_message(text, *target, *snapshot_);
}

void Overrides::apply_due() {
  const std::lock_guard change(change_mutex_);
  const auto now = clock_.wall();
  std::vector<Override> over;
  {
    const std::lock_guard lock(mutex_);
    bool is_changed = false;
    for (const auto& one : overrides_) {
      if (one.is_over(now)) {
        over.push_back(one);
      } else if (one.has_begun(now) && begun_.insert(one.id).second) {
        is_changed = true;
        tell_set(one);
      }
    }
    std::vector<std::int64_t> ids;
    for (const auto& one : over) ids.push_back(one.id);
    erase(ids);
    if (is_changed || !over.empty()) write();
    for (const auto& one : over) tell_ended(one, "its time is over");
  }
  for (const auto& one : over) {
    const journal::AuditRow row{.id = 0,
                                .at = now,
                                .who = "meridiand",
                                .action = "end",
                                .target = one.target_text,
                                .details = describe(one),
                                .reason = "its time is over",
                                .result = "done"};
    // Left in the journal it is over there, too, and goes with the next start.
    if (journal_ != nullptr) static_cast<void>(journal_->change_overrides({one.id}, std::nullopt, row));
    tell_audit(row);
  }
  if (on_change_) on_change_();
}

std::optional<base::WallTime> Overrides::next_change() const {
  const std::lock_guard lock(mutex_);
  std::optional<base::WallTime> next;
  const auto take = [&](base::WallTime time) { next = next ? std::min(*next, time) : time; };
  for (const auto& one : overrides_) {
    if (!begun_.contains(one.id)) take(one.begins_at);
    if (one.ends_at) take(*one.ends_at);
  }
  return next;
}

void Overrides::publish(std::shared_ptr<const query::Snapshot> snapshot,
                        std::shared_ptr<query::Tables> tables, const std::function<void()>& publish) {
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(snapshot);
  tables_ = std::move(tables);
  write();
  publish();
}

std::vector<Override> Overrides::all() const {
  const std::lock_guard lock(mutex_);
  return overrides_;
}

std::map<std::string, Override, std::less<>> Overrides::shedding() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, Override, std::less<>> found;
  const auto take = [&](const std::string& name, const Override& one) {
    const auto [at, is_new] = found.try_emplace(name, one);
    if (!is_new && one.share > at->second.share) at->second = one;
  };
  for (const auto& one : overrides_) {
    if (!begun_.contains(one.id) || !takes_clients(one.kind) ||
        one.target.kind != OverrideTarget::Kind::Datacenter)
      continue;
    if (!is_pattern(one.target.datacenter)) {
      take(one.target.datacenter, one);
      continue;
    }
    for (const auto id :
         snapshot_ ? find_matches(one.target, *snapshot_).datacenters : std::vector<base::DatacenterId>{})
      take(snapshot_->datacenters[base::index_of(id)].name, one);
  }
  return found;
}

std::vector<boost::json::array> Overrides::to_json() const {
  const std::lock_guard lock(mutex_);
  std::vector<boost::json::array> messages(1);
  for (const auto& one : overrides_) {
    // Six bytes for each of a reason, a target and an author, escaped, take under 3,700: sixteen fit.
    if (messages.back().size() == 16) messages.emplace_back();
    messages.back().push_back(control::to_json(one));
  }
  return messages;
}

void Overrides::restore(const boost::json::array& entries, bool is_first) {
  const std::lock_guard lock(mutex_);
  if (is_first) {
    overrides_.clear();
    begun_.clear();
  }
  const auto now = clock_.wall();
  for (const auto& value : entries) {
    auto one = value.is_object() ? from_json(value.as_object()) : std::nullopt;
    if (!one || overrides_.size() == limits::kOverridesMax) continue;
    if (one->id > kLocalIds) last_local_id_ = std::max(last_local_id_, one->id);
    if (one->has_begun(now)) begun_.insert(one->id);
    overrides_.push_back(std::move(*one));
  }
  write();
}

void Overrides::restore_sheds(const boost::json::array& entries, bool is_first) {
  boost::json::array now_called;
  std::int64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = last_local_id_;
  }
  const auto now = std::chrono::floor<seconds>(clock_.wall()).time_since_epoch().count();
  for (const auto& value : entries) {
    const auto* const entry = value.if_object();
    const auto* const datacenter = entry == nullptr ? nullptr : entry->if_contains("datacenter");
    const auto* const share = entry == nullptr ? nullptr : entry->if_contains("share");
    const auto* const since = entry == nullptr ? nullptr : entry->if_contains("since");
    if (datacenter == nullptr || share == nullptr || since == nullptr) continue;
    const bool is_drained = share->is_int64() && share->as_int64() == steering::kFull;
    boost::json::object object{{"id", ++id},
                               {"kind", is_drained ? "drain" : "shed"},
                               {"target", *datacenter},
                               {"share", *share},
                               {"created", *since},
                               {"begins", *since}};
    if (const auto* const reason = entry->if_contains("reason")) object["reason"] = *reason;
    const auto* const left = entry->if_contains("left_s");
    if (left != nullptr && left->is_int64()) object["ends"] = now + left->as_int64();
    now_called.push_back(std::move(object));
  }
  restore(now_called, is_first);
}

/// Under the lock.
void Overrides::erase(const std::vector<std::int64_t>& ids) {
  std::erase_if(overrides_, [&](const Override& one) { return std::ranges::count(ids, one.id) != 0; });
  for (const auto id : ids) begun_.erase(id);
}

/// Under the lock. What has been told to hold, holds: a clock that is set back ends nothing.
void Overrides::write() {
  if (!snapshot_) return;
  write_overrides(
      overrides_, [&](const Override& one) { return begun_.contains(one.id); }, *snapshot_, *tables_);
}

void Overrides::tell_set(const Override& one) {
  counters_.add(stats::Counter::OverrideChanges);
  if (takes_clients(one.kind)) counters_.add(stats::Counter::SheddingChanges);
  const auto now = clock_.wall();
  const bool is_datacenter = one.target.kind == OverrideTarget::Kind::Datacenter;
  if (is_datacenter && takes_clients(one.kind) && one.has_begun(now)) {
    return base::log_event(
        base::LogLevel::Warning, "shedding_set",
        {{"datacenter", one.target_text},
         {"percent", fmt::format("{:.4g}", static_cast<double>(one.share) * 100 / steering::kFull)},
         {"reason", one.reason},
         {"for_s", left_s(one, now)},
         {"who", one.author}});
  }
  base::log_event(base::LogLevel::Warning, "override_set",
                  {{"id", one.id},
                   {"what", describe(one)},
                   {"reason", one.reason},
                   {"begins", base::to_utc(one.begins_at)},
                   {"ends", one.ends_at ? base::to_utc(*one.ends_at) : std::string{}},
                   {"who", one.author}});
}

void Overrides::tell_ended(const Override& one, std::string_view reason) {
  counters_.add(stats::Counter::OverrideChanges);
  if (takes_clients(one.kind)) counters_.add(stats::Counter::SheddingChanges);
  if (one.target.kind == OverrideTarget::Kind::Datacenter && takes_clients(one.kind)) {
    return base::log_event(base::LogLevel::Info, "shedding_ended",
                           {{"datacenter", one.target_text}, {"reason", reason}});
  }
  base::log_event(base::LogLevel::Info, "override_ended",
                  {{"id", one.id}, {"what", describe(one)}, {"reason", reason}});
}

void Overrides::tell_audit(const journal::AuditRow& row) const {
  if (on_audit_) on_audit_(row);
}

}  // namespace meridian::control
