#include "control/reloader.hpp"

#include "base/log.hpp"
#include "control/carry_health.hpp"

#include <malloc.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace meridian::control {
namespace {

/// Workers take the new epoch with their next batch; looking twice a second is soon enough to free memory,
/// and to see that the day of a rule is over.
constexpr std::chrono::milliseconds kIdleCheck{500};
/// A map that can't be built when a rule ends is logged once and tried again after this: the files are being
/// changed, or need an operator.
constexpr std::chrono::minutes kStaleRetry{10};

void log_problems(const base::Diagnostics& diagnostics) {
  for (const auto& problem : diagnostics.sorted()) {
    const bool is_error = problem.severity == base::Severity::Error;
    base::log_event(is_error ? base::LogLevel::Error : base::LogLevel::Warning, "map_problem",
                    {{"what", base::to_string(problem)}});
  }
}

std::chrono::milliseconds since(const base::Clock& clock, base::MonotonicTime start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.monotonic() - start);
}

}  // namespace

Reloader::Reloader(ReadSite read_site, std::string data_folder, const base::Clock& clock,
                   stats::Counters& counters)
    : builder_(std::move(read_site), std::move(data_folder), clock, counters),
      clock_(clock),
      counters_(counters) {}

Reloader::~Reloader() { stop(); }

void Reloader::start() {
  thread_ = std::thread([this] { run(); });
}

void Reloader::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  // Requests that came too late are answered with what serves: a caller may own things that end before we do.
  std::vector<Waiting> late;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    late = std::move(waiting_);
    waiting_.clear();
  }
  for (const auto& waiting : late) waiting.done(too_late());
}

ReloadResult Reloader::too_late() const {
  ReloadResult result = last_result();
  result.ok = false;
  result.diagnostics.error({serving_ ? serving_->get()->site->path : std::string{}, 0, 0},
                           "not read again: the server is stopping");
  return result;
}

void Reloader::request(ReloadOrder order, Done done) {
  {
    std::unique_lock lock(mutex_);
    if (stopped_) {  // a server that was handed over may still have clients at its control socket
      lock.unlock();
      return done(too_late());
    }
    waiting_.push_back({order, std::move(done)});
  }
  wake_.notify_all();
}

ReloadResult Reloader::last_result() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::optional<base::Diagnostic> ReloadResult::first_error() const {
  for (auto& problem : diagnostics.sorted()) {
    if (problem.severity == base::Severity::Error) return std::move(problem);
  }
  return std::nullopt;
}

std::optional<HeldUpdate> Reloader::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

void Reloader::run() {
  complete_restored();
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto is_wanted = [&] { return stopping_ || !waiting_.empty(); };
    if (retired_.empty() && !stale_at_) {
      wake_.wait(lock, is_wanted);
    } else if (!wake_.wait_for(lock, kIdleCheck, is_wanted)) {
      // Milliseconds for a large map, in which no caller should wait for the lock.
      lock.unlock();
      free_retired();
      lock.lock();
      if (!is_stale()) continue;
      waiting_.push_back({{}, [](const ReloadResult&) {}});
    }
    if (waiting_.empty()) return;
    const auto callers = take_waiting();
    lock.unlock();
    const auto& order = callers.front().order;
    const ReloadResult result = build([&] { return make(order); });
    counters_.add(result.ok ? stats::Counter::ReloadsOk : stats::Counter::ReloadsFailed);
    if (result.ok && order.rollback_to != 0) {
      counters_.add(stats::Counter::Rollbacks);
      base::log_event(base::LogLevel::Warning, "rolled_back", {{"epoch", result.epoch}});
    }
    for (const auto& caller : callers) caller.done(result);
    lock.lock();
  }
}

/// The first that waits and all behind it that want the same.
std::vector<Reloader::Waiting> Reloader::take_waiting() {
  const auto order = waiting_.front().order;
  const auto end = std::find_if(waiting_.begin(), waiting_.end(),
                                [&](const Waiting& waiting) { return !(waiting.order == order); });
  std::vector<Waiting> taken(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return taken;
}

bool Reloader::is_stale() const { return stale_at_ && *stale_at_ <= clock_.wall(); }

void Reloader::free_retired() {
  const auto freed = std::erase_if(retired_, [](const auto& serving) { return serving.use_count() == 1; });
  // A build leaves tens of megabytes of small free blocks behind, which glibc keeps unless it is asked.
  if (freed > 0) malloc_trim(0);
}

ReloadResult Reloader::build(const std::function<Built()>& make_epoch) {
  const auto start = clock_.monotonic();
  ReloadResult result;
  const auto number = [&] { return serving_ ? serving_->get()->info.number : 0; };
  result.epoch = number();
  const auto remember = [&] {
    const std::lock_guard lock(mutex_);
    held_ = builder_.held();
    last_ = result;
  };
  const auto fail = [&](base::Diagnostics diagnostics) {
    result.diagnostics = std::move(diagnostics);
    result.took = since(clock_, start);
    if (is_stale()) stale_at_ = clock_.wall() + kStaleRetry;
    remember();
    if (!serving_) return result;  // at start-up, when main prints them
    base::log_event(base::LogLevel::Error, "reload_failed",
                    {{"errors", result.diagnostics.error_count()},
                     {"epoch", result.epoch},
                     {"took_ms", result.took.count()}});
    log_problems(result.diagnostics);
    on_failed_(result);
    return result;
  };
  // Files, yaml-cpp and new may throw; a reload that fails must leave the server as it was.
  try {
    auto built = make_epoch();
    if (!built) return fail(std::move(built.error()));
    auto warnings = serve(std::move(*built));
    if (!warnings) return fail(std::move(warnings.error()));
    result.diagnostics = std::move(*warnings);
  } catch (const std::exception& error) {
    base::Diagnostics diagnostics;
    diagnostics.error({serving_ ? serving_->get()->site->path : std::string{}, 0, 0}, error.what());
    return fail(std::move(diagnostics));
  }
  result.ok = true;
  result.epoch = number();
  result.took = since(clock_, start);
  base::log_event(base::LogLevel::Info, "map_loaded",
                  {{"epoch", result.epoch},
                   {"warnings", result.diagnostics.warning_count()},
                   {"took_ms", result.took.count()}});
  log_problems(result.diagnostics);
  remember();
  return result;
}

/// The warnings of what serves now, or the errors for which nothing changed.
base::Expected<base::Diagnostics, base::Diagnostics> Reloader::serve(BuiltEpoch built) {
  auto warnings = std::move(built.warnings);
  Commit commit;
  if (prepare_) {
    auto prepared = prepare_(built.site, warnings);
    if (!prepared) return base::unexpected(std::move(prepared.error()));
    commit = std::move(*prepared);
  }
  stale_at_ = built.compiled.stale_at;
  counters_.add(stats::Counter::NetworksFileConflicts, built.compiled.networks_file_conflicts);
  publish(built.compiled, built.site, built.info);
  epoch_ = std::max(epoch_, built.info.number);
  if (commit) commit();
  if (store_) keep(built, warnings);
  return warnings;
}

void Reloader::publish(compile::Compiled compiled, config::Site site, EpochInfo info) {
  auto next = std::make_shared<Serving>();
  const auto& limits = compiled.snapshot->settings.rate_limits;
  const auto rates = serving_ ? serving_->get()->tables->rates : nullptr;
  next->tables = std::make_shared<query::Tables>(*compiled.snapshot, query::rate_table_for(limits, rates),
                                                 answering_threads_);
  next->snapshot = std::move(compiled.snapshot);
  next->rulebook = std::move(compiled.rulebook);
  next->site = std::make_shared<const config::Site>(std::move(site));
  next->info = std::move(info);
  if (serving_ && health_ == nullptr) {
    const auto last = serving_->get();
    carry_health(*last->snapshot, *last->tables, *next->snapshot, *next->tables);
  }
  if (answers_ != nullptr) answers_->take(*next->snapshot, next->tables);
  const auto swap_in = [&] {
    if (serving_) {
      retired_.push_back(serving_->publish(next));
    } else {
      serving_ = std::make_unique<base::Published<Serving>>(next);
    }
  };
  const auto write_health = [&] {
    if (health_ != nullptr) {
      health_->publish(next->snapshot, next->tables, swap_in);
    } else {
      swap_in();
    }
  };
  if (overrides_ != nullptr) {
    overrides_->publish(next->snapshot, next->tables, write_health);
  } else {
    write_health();
  }
  next.reset();  // ours would keep it from being freed
  free_retired();
}

}  // namespace meridian::control
