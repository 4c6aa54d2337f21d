#include "control/reloader.hpp"

#include "base/log.hpp"
#include "base/secret_bytes.hpp"
#include "control/carry_health.hpp"
#include "control/file_stamps.hpp"
#include "plan/expectations.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <utility>

namespace meridian::control {
namespace {

std::vector<std::string> geography_stamps(const config::Site& site, const std::string& data_folder) {
  std::vector<std::string> stamps{file_stamp(data_folder + "/places.yaml")};
  if (site.geoip.empty()) stamps.push_back(file_stamp(data_folder + "/country.mmdb"));
  for (const auto& database : site.geoip) {
    stamps.push_back(database.name);
    for (const auto& file : database.files) stamps.push_back(file_stamp(file));
  }
  return stamps;
}

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

ReadSite read_site_from(std::string path) {
  return [path = std::move(path)] { return config::load_site_file(path); };
}

Reloader::Reloader(ReadSite read_site, std::string data_folder, const base::Clock& clock,
                   stats::Counters& counters)
    : read_site_(std::move(read_site)),
      data_folder_(std::move(data_folder)),
      clock_(clock),
      counters_(counters) {
  base::fill_secret(own_secret_);
}

Reloader::~Reloader() { stop(); }

base::Expected<void, base::Diagnostics> Reloader::load_first() {
  auto result = build();
  if (!result.ok) return base::unexpected(std::move(result.diagnostics));
  const std::lock_guard lock(mutex_);
  last_ = std::move(result);
  return {};
}

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
  std::vector<Done> late;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    late = std::move(waiting_);
    waiting_.clear();
  }
  for (const auto& done : late) done(too_late());
}

ReloadResult Reloader::too_late() const {
  ReloadResult result = last_result();
  result.ok = false;
  result.diagnostics.error({serving_ ? serving_->get()->site->path : std::string{}, 0, 0},
                           "not read again: the server is stopping");
  return result;
}

void Reloader::request(Done done) {
  {
    std::unique_lock lock(mutex_);
    if (stopped_) {  // a server that was handed over may still have clients at its control socket
      lock.unlock();
      return done(too_late());
    }
    waiting_.push_back(std::move(done));
  }
  wake_.notify_all();
}

ReloadResult Reloader::last_result() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

void Reloader::run() {
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
      waiting_.emplace_back([](const ReloadResult&) {});
    }
    if (waiting_.empty()) return;
    auto callers = std::move(waiting_);
    waiting_.clear();
    lock.unlock();
    const ReloadResult result = build();
    counters_.add(result.ok ? stats::Counter::ReloadsOk : stats::Counter::ReloadsFailed);
    lock.lock();
    last_ = result;
    lock.unlock();
    for (const auto& done : callers) done(result);
    lock.lock();
  }
}

bool Reloader::is_stale() const { return stale_at_ && *stale_at_ <= clock_.wall(); }

void Reloader::free_retired() {
  const auto freed = std::erase_if(retired_, [](const auto& serving) { return serving.use_count() == 1; });
  // A build leaves tens of megabytes of small free blocks behind, which glibc keeps unless it is asked.
  if (freed > 0) malloc_trim(0);
}

base::Expected<compile::Geography, base::Diagnostics> Reloader::current_geography(const config::Site& site) {
  auto stamp = geography_stamps(site, data_folder_);
  if (geography_ && stamp == geography_stamp_) return *geography_;
  auto fresh = compile::load_geography(site.geoip, data_folder_);
  if (fresh) {
    geography_ = *fresh;
    geography_stamp_ = std::move(stamp);
  }
  return fresh;
}

ReloadResult Reloader::build() {
  const auto start = clock_.monotonic();
  ReloadResult result;
  result.epoch = epoch_;
  const auto fail = [&](base::Diagnostics diagnostics) {
    result.diagnostics = std::move(diagnostics);
    result.took = since(clock_, start);
    if (is_stale()) stale_at_ = clock_.wall() + kStaleRetry;
    if (epoch_ == 0) return result;  // at start-up, when main prints them
    base::log_event(
        base::LogLevel::Error, "reload_failed",
        {{"errors", result.diagnostics.error_count()}, {"epoch", epoch_}, {"took_ms", result.took.count()}});
    log_problems(result.diagnostics);
    return result;
  };
  // Files, yaml-cpp and new may throw; a reload that fails must leave the server as it was.
  try {
    auto warnings = build_and_publish();
    if (!warnings) return fail(std::move(warnings.error()));
    result.diagnostics = std::move(*warnings);
  } catch (const std::exception& error) {
    base::Diagnostics diagnostics;
    diagnostics.error({serving_ ? serving_->get()->site->path : std::string{}, 0, 0}, error.what());
    return fail(std::move(diagnostics));
  }
  result.ok = true;
  result.epoch = epoch_;
  result.took = since(clock_, start);
  base::log_event(base::LogLevel::Info, "map_loaded",
                  {{"epoch", epoch_},
                   {"warnings", result.diagnostics.warning_count()},
                   {"took_ms", result.took.count()}});
  log_problems(result.diagnostics);
  return result;
}

base::Diagnostics Reloader::refuse_broken(const base::Diagnostics& proof) {
  if (epoch_ > 0) {  // else the start fails, and main tells why
    counters_.add(stats::Counter::ReloadsExpectationBroken);
    base::log_event(base::LogLevel::Error, "expectations_broken",
                    {{"broken", proof.error_count()}, {"epoch", epoch_}});
  }
  return proof;
}

/// The warnings of what serves now, or the errors for which nothing changed.
base::Expected<base::Diagnostics, base::Diagnostics> Reloader::build_and_publish() {
  auto loaded = read_site_();
  if (loaded.diagnostics.has_errors()) return base::unexpected(std::move(loaded.diagnostics));
  auto& site = loaded.site;
  const auto geography = current_geography(site);
  if (!geography) return base::unexpected(geography.error());
  auto compiled = compile::compile(config::load_map_directory(site.map), *geography, epoch_ + 1,
                                   clock_.wall(), compile::compile_settings(site, own_secret_));
  if (!compiled) return base::unexpected(std::move(compiled.error()));
  const auto proof = plan::prove_expectations(*compiled->snapshot, *compiled->rulebook);
  if (proof.has_errors()) return base::unexpected(refuse_broken(proof));
  auto warnings = std::move(loaded.diagnostics);
  warnings.append(compiled->warnings);
  warnings.append(proof);
  Commit commit;
  if (prepare_) {
    auto prepared = prepare_(site, warnings);
    if (!prepared) return base::unexpected(std::move(prepared.error()));
    commit = std::move(*prepared);
  }
  stale_at_ = compiled->stale_at;
  counters_.add(stats::Counter::NetworksFileConflicts, compiled->networks_file_conflicts);
  publish(std::move(*compiled), std::move(site));
  if (commit) commit();
  return warnings;
}

void Reloader::publish(compile::Compiled compiled, config::Site site) {
  auto next = std::make_shared<Serving>();
  const auto& limits = compiled.snapshot->settings.rate_limits;
  const auto rates = serving_ ? serving_->get()->tables->rates : nullptr;
  next->tables = std::make_shared<query::Tables>(*compiled.snapshot, query::rate_table_for(limits, rates));
  next->snapshot = std::move(compiled.snapshot);
  next->rulebook = std::move(compiled.rulebook);
  next->site = std::make_shared<const config::Site>(std::move(site));
  ++epoch_;
  if (serving_) {
    const auto last = serving_->get();
    carry_health(*last->snapshot, *last->tables, *next->snapshot, *next->tables);
  }
  const auto swap_in = [&] {
    if (serving_) {
      retired_.push_back(serving_->publish(next));
    } else {
      serving_ = std::make_unique<base::Published<Serving>>(next);
    }
  };
  if (shedding_ != nullptr) {
    shedding_->publish(next->snapshot, next->tables, swap_in);
  } else {
    swap_in();
  }
  next.reset();  // ours would keep it from being freed
  free_retired();
}

}  // namespace meridian::control
