#include "bgp/agent/local_checks.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace meridian::agent {
namespace {

using config::AnycastCheck;

/// What `systemctl is-active` says of a unit that is not active, or that is not known (systemctl(1)); with
/// anything else it could not ask.
constexpr int kUnitNotActive = 3;
constexpr int kUnitNotKnown = 4;

std::string name_of(const AnycastCheck& check) {
  switch (check.kind) {
    case AnycastCheck::Kind::Command:
      return fmt::format("command {}", fmt::join(check.command, " "));
    case AnycastCheck::Kind::File:
      return "file " + check.file;
    case AnycastCheck::Kind::Unit:
      return "unit " + check.unit;
  }
  return "";
}

}  // namespace

LocalChecks::LocalChecks(boost::asio::io_context& context, const base::Clock& clock,
                         std::vector<AnycastCheck> checks, std::function<void()> on_news, CheckTimes times)
    : context_(context), clock_(clock), on_news_(std::move(on_news)), times_(times), timer_(context) {
  for (auto& check : checks) {
    const auto name = name_of(check);
    checks_.push_back({std::move(check), {.name = name, .fails = false, .fault = {}}, 0, {}});
  }
}

LocalChecks::~LocalChecks() {
  for (const auto& check : checks_) {
    if (check.run) check.run->cancel();
  }
}

void LocalChecks::inherit(const LocalChecks& before) {
  for (auto& check : checks_) {
    const auto found = std::find_if(before.checks_.begin(), before.checks_.end(), [&](const Check& other) {
      return other.status.name == check.status.name;
    });
    if (found == before.checks_.end()) continue;
    check.status = found->status;
    check.failures = found->failures;
  }
}

void LocalChecks::start() {
  if (!checks_.empty()) look();
}

bool LocalChecks::any_fails() const noexcept {
  return std::any_of(checks_.begin(), checks_.end(), [](const Check& check) { return check.status.fails; });
}

std::vector<CheckStatus> LocalChecks::statuses() const {
  std::vector<CheckStatus> statuses;
  for (const auto& check : checks_) statuses.push_back(check.status);
  return statuses;
}

void LocalChecks::look() {
  timer_.expires_after(times_.period);
  timer_.async_wait([this](boost::system::error_code ended) {
    if (!ended) look();
  });
  for (auto& check : checks_) look_at(check);
}

void LocalChecks::look_at(Check& check) {
  switch (check.config.kind) {
    case AnycastCheck::Kind::File:
      return take(check, look_at_file(check.config));
    case AnycastCheck::Kind::Command:
      return run(check, check.config.command);
    case AnycastCheck::Kind::Unit:
      return run(check, {"/usr/bin/systemctl", "is-active", "--", check.config.unit});
  }
}

LocalChecks::Finding LocalChecks::look_at_file(const AnycastCheck& check) const {
  using Kind = Finding::Kind;
  struct stat file {};
  if (::stat(check.file.c_str(), &file) != 0) {
    const bool is_absent = errno == ENOENT || errno == ENOTDIR;
    return {is_absent ? Kind::Failed : Kind::NotMade, std::strerror(errno)};
  }
  const auto age = clock_.wall() - std::chrono::system_clock::from_time_t(file.st_mtime);
  const auto age_s = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (age_s <= static_cast<std::int64_t>(check.younger_than_s)) return {};
  return {Kind::Failed, fmt::format("it is {} s old, more than {}", age_s, check.younger_than_s)};
}

void LocalChecks::run(Check& check, const std::vector<std::string>& command) {
  if (check.run) return;  // its time is shorter than the period, but a stall of ours may be longer
  check.run = CheckRun::start(context_, command, times_.program, [this, &check](CheckEnd end) {
    check.run.reset();
    take(check, judge(check.config, std::move(end)));
  });
}

LocalChecks::Finding LocalChecks::judge(const AnycastCheck& check, CheckEnd end) {
  using Kind = Finding::Kind;
  if (!end.was_started) return {Kind::NotMade, std::move(end.words)};
  if (end.exit_code == 0) return {};
  const bool could_ask = check.kind == AnycastCheck::Kind::Command || end.exit_code == kUnitNotActive ||
                         end.exit_code == kUnitNotKnown;
  return {could_ask ? Kind::Failed : Kind::NotMade, std::move(end.words)};
}

void LocalChecks::take(Check& check, Finding finding) {
  const auto before = check.status;
  if (finding.kind == Finding::Kind::Well) {
    check.failures = 0;
    check.status.fails = false;
  } else if (finding.kind == Finding::Kind::Failed) {
    check.failures = std::min(check.failures + 1, kChecksToFail);
    check.status.fails = check.status.fails || check.failures == kChecksToFail;
  }
  check.status.fault = std::move(finding.fault);
  if (before.fails != check.status.fails || before.fault != check.status.fault) on_news_();
}

}  // namespace meridian::agent
