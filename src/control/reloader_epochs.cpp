// What of the reloader has to do with epochs on the disk: starting from the last one, keeping each, and going
// back.
#include "base/log.hpp"
#include "control/file_stamps.hpp"
#include "control/reloader.hpp"

#include <fmt/format.h>

#include <utility>

namespace meridian::control {
namespace {

base::Diagnostics error_at(const std::string& file, std::string what) {
  base::Diagnostics errors;
  errors.error({file, 0, 0}, std::move(what));
  return errors;
}

/// Sources that were broken at the start are read again after this, if nobody asks before.
constexpr std::chrono::minutes kBrokenRetry{10};

}  // namespace

std::vector<EpochInfo> Reloader::kept_epochs() const {
  std::string folder;
  {
    const std::lock_guard lock(mutex_);
    folder = state_folder_;
  }
  return folder.empty() ? std::vector<EpochInfo>{} : EpochStore(folder).list();
}

std::optional<Running> Reloader::running() const {
  if (!serving_) return std::nullopt;
  const auto serving = serving_->get();
  return Running{{serving->snapshot, serving->rulebook, {}, std::nullopt, 0}, serving->info};
}

Reloader::Built Reloader::make(const ReloadOrder& order) {
  if (order.rollback_to != 0) return roll_back(order.rollback_to);
  const auto before = running();
  const auto refused = store_ ? store_->current().refused : MapDigest{};
  return builder_.build(order, epoch_ + 1, before ? &*before : nullptr, refused);
}

Reloader::Built Reloader::roll_back(std::uint64_t number) {
  auto loaded = builder_.read_site();
  if (loaded.diagnostics.has_errors()) return base::unexpected(std::move(loaded.diagnostics));
  if (!store_) {
    return base::unexpected(error_at(loaded.site.path,
                                     "has had no 'state' since this server started, so no "
                                     "epoch is kept that it could go back to"));
  }
  auto stored = store_->open(number);
  if (!stored) return base::unexpected(error_at(store_->folder(), stored.error()));
  auto built = builder_.rebuild(std::move(*stored), std::move(loaded.site), false);
  if (!built) return built;
  // Whoever goes back twice still has the first map on the disk.
  const auto current = store_->current();
  const auto before = running();
  built->refused = current.refused;
  if (before && current.refused == MapDigest{} && before->info.digest != built->info.digest)
    built->refused = before->info.digest;
  return built;
}

/// The epoch that served last, or the newest one that can be read; nothing when none can.
std::optional<BuiltEpoch> Reloader::open_last(const config::Site& site) {
  const auto infos = store_->list();
  if (infos.empty()) return std::nullopt;
  epoch_ = infos.front().number;
  std::vector<std::uint64_t> numbers{store_->current().number};
  for (const auto& info : infos) numbers.push_back(info.number);
  for (const auto number : numbers) {
    auto stored = store_->open(number);
    auto built = stored ? builder_.rebuild(std::move(*stored), site, true)
                        : Built(base::unexpected(error_at(store_->folder(), stored.error())));
    if (built) return std::move(*built);
    base::log_event(base::LogLevel::Error, "epoch_unreadable",
                    {{"epoch", number}, {"why", base::to_string(built.error().sorted().front())}});
  }
  return std::nullopt;
}

base::Expected<void, base::Diagnostics> Reloader::load_first(StartFrom from) {
  auto loaded = builder_.read_site();
  if (loaded.diagnostics.has_errors()) return base::unexpected(std::move(loaded.diagnostics));
  std::optional<BuiltEpoch> last;
  if (!loaded.site.state.empty()) {
    store_.emplace(loaded.site.state);
    last = open_last(loaded.site);
    const std::lock_guard lock(mutex_);
    state_folder_ = loaded.site.state;
  }
  if (last &&
      (from == StartFrom::LastEpoch || is_rolled_back(*last) || builder_.is_fresh(last->info, last->site))) {
    restore(std::move(*last));
    return {};
  }
  const auto result = build([&] { return make({}); });
  if (!result.ok) return base::unexpected(result.diagnostics);
  return {};
}

/// The sources are the map that was gone back from, to `last`.
bool Reloader::is_rolled_back(const BuiltEpoch& last) const {
  const auto refused = store_->current().refused;
  if (refused == MapDigest{}) return false;
  const auto digest = digest_map(last.site.map, last.info.feeds);
  return digest && *digest == refused;
}

void Reloader::restore(BuiltEpoch last) {
  base::log_event(base::LogLevel::Info, "epoch_restored", {{"epoch", last.info.number}});
  counters_.add(stats::Counter::EpochsRestored);
  restored_ = last;
  publish(std::move(last.compiled), std::move(last.site), std::move(last.info));
  const std::lock_guard lock(mutex_);
  last_.ok = true;
  last_.epoch = serving_->get()->info.number;
}

/// What serves gets its rules, for explain and the gates, and what is newer than it is served.
void Reloader::complete_restored() {
  if (!restored_) return;
  const auto last = *std::exchange(restored_, std::nullopt);
  const auto number = last.info.number;
  const auto result = build([&]() -> Built {
    if (is_rolled_back(last)) return roll_back(number);
    if (builder_.is_fresh(last.info, last.site)) {
      auto same = builder_.build({.force = true}, number, nullptr, {});
      if (same && same->info.hash == last.info.hash) return same;
    }
    // Names that are gone were taken out by somebody who stopped the server; databases change by themselves.
    return make({.force = true});
  });
  if (!result.ok) {
    counters_.add(stats::Counter::ReloadsFailed);
    stale_at_ = clock_.wall() + kBrokenRetry;
  } else if (result.epoch != number) {
    counters_.add(stats::Counter::ReloadsOk);
  }
}

void Reloader::keep(const BuiltEpoch& built, base::Diagnostics& warnings) {
  const auto& info = built.info;
  if (info.hash.empty() || built.site.state != state_folder_) return;  // told by site_changes
  const auto current = store_->current();
  const auto kept = store_->list();
  const auto find = [&](std::uint64_t number) {
    return std::find_if(kept.begin(), kept.end(), [&](const EpochInfo& one) { return one.number == number; });
  };
  const auto same = find(info.number);
  base::Expected<void, std::string> done;
  if (same != kept.end() && same->hash == info.hash) {  // gone back to, or read anew
    if (current.number == info.number && current.refused == built.refused) return;
    done = store_->set_current({.number = info.number, .refused = built.refused});
  } else if (const auto last = find(current.number); last != kept.end() && last->hash == info.hash) {
    done = store_->renumber(last->number, info.number);
  } else {
    std::vector<std::string> stamps;
    append_folder_stamps(built.site.map, stamps);
    done = stamps == built.folder_stamps
               ? store_->keep(info, built.site.map, built.maps)
               : base::unexpected(built.site.map + ": was changed while it was read; reload it again");
  }
  if (done) return;
  counters_.add(stats::Counter::EpochsNotKept);
  base::log_event(base::LogLevel::Error, "epoch_not_kept", {{"epoch", info.number}, {"error", done.error()}});
  warnings.warning({built.site.state, 0, 0}, "epoch not kept: " + done.error());
}

}  // namespace meridian::control
