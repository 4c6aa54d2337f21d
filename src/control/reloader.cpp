#include "control/reloader.hpp"

#include "base/log.hpp"
#include "config/load.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace meridian::control {
namespace {

/// Changes when the file does: size, time and name.
std::string stamp_of(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  const auto time = std::filesystem::last_write_time(path, error).time_since_epoch().count();
  return fmt::format("{}:{}:{}", path, error ? 0 : size, error ? 0 : time);
}

std::vector<std::string> stamps_of(const compile::Sources& sources) {
  std::vector<std::string> stamps{stamp_of(sources.data_folder + "/places.yaml")};
  if (sources.geoip.empty()) stamps.push_back(stamp_of(sources.data_folder + "/country.mmdb"));
  for (const auto& database : sources.geoip) {
    for (const auto& file : database.files) stamps.push_back(stamp_of(file));
  }
  return stamps;
}

std::chrono::milliseconds since(const base::Clock& clock, base::MonotonicTime start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock.monotonic() - start);
}

}  // namespace

Reloader::Reloader(compile::Sources sources, const base::Clock& clock, stats::Counters& counters)
    : sources_(std::move(sources)), clock_(clock), counters_(counters) {}

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
}

void Reloader::request(Done done) {
  {
    const std::lock_guard lock(mutex_);
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
  while (!stopping_) {
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
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

base::Expected<compile::Geography, base::Diagnostics> Reloader::current_geography() {
  auto stamp = stamps_of(sources_);
  if (geography_ && stamp == geography_stamp_) return *geography_;
  auto fresh = compile::load_geography(sources_.geoip, sources_.data_folder);
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
    base::log_event(base::LogLevel::Error, "reload_failed",
                    {{"errors", result.diagnostics.error_count()}, {"epoch", epoch_}, {"took_ms", result.took.count()}});
    for (const auto& problem : result.diagnostics.sorted()) {
      base::log_event(base::LogLevel::Error, "map_problem", {{"what", base::to_string(problem)}});
    }
    return result;
  };
  // Files, yaml-cpp and new may throw; a reload that fails must leave the server as it was.
  try {
    const auto geography = current_geography();
    if (!geography) return fail(geography.error());
    auto compiled = compile::compile(config::load_map_directory(sources_.map_folder), *geography, epoch_ + 1, clock_.wall());
    if (!compiled) return fail(compiled.error());
    result.diagnostics = compiled->warnings;
    publish(std::move(*compiled));
  } catch (const std::exception& error) {
    base::Diagnostics diagnostics;
    diagnostics.error({sources_.map_folder, 0, 0}, error.what());
    return fail(std::move(diagnostics));
  }
  result.ok = true;
  result.epoch = epoch_;
  result.took = since(clock_, start);
  base::log_event(base::LogLevel::Info, "map_loaded",
                  {{"epoch", epoch_}, {"warnings", result.diagnostics.warning_count()}, {"took_ms", result.took.count()}});
  return result;
}

void Reloader::publish(compile::Compiled compiled) {
  auto next = std::make_shared<Serving>();
  next->tables = std::make_shared<query::Tables>(*compiled.snapshot);
  next->snapshot = std::move(compiled.snapshot);
  next->rulebook = std::move(compiled.rulebook);
  ++epoch_;
  if (serving_) {
    serving_->publish(std::move(next));
  } else {
    serving_ = std::make_unique<base::Published<Serving>>(std::move(next));
  }
}

}  // namespace meridian::control
