#include "control/upgrader.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "control/child_process.hpp"
#include "control/self_test.hpp"
#include "net/descriptor_message.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <boost/json/array.hpp>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

namespace meridian::control {
namespace {

namespace json = boost::json;
namespace limits = base::limits;

/// How long a new server that was ready may take to say that it serves: it has one thing to do.
constexpr std::chrono::seconds kServingWithin{10};
/// How long one that failed may take to end before it is ended.
constexpr std::chrono::seconds kEndWithin{2};

std::chrono::milliseconds since(base::MonotonicTime start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

Upgrader::Upgrader(UpgradeParts parts, const stats::CounterRegistry& counters, stats::Counters& block)
    : parts_(std::move(parts)), counters_(counters), block_(block) {}

Upgrader::~Upgrader() { stop(); }

bool Upgrader::request(std::chrono::seconds timeout, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (under_way_ || stopping_) return false;
    under_way_ = true;
  }
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread([this, timeout, done = std::move(done)] { run(timeout, done); });
  return true;
}

bool Upgrader::is_under_way() const {
  const std::lock_guard lock(mutex_);
  return under_way_;
}

json::object Upgrader::totals() const {
  const std::lock_guard lock(mutex_);
  return handed_on_ ? *handed_on_ : counters_to_json(counters_);
}

/// Under the lock, so that nobody reads later counts and then these.
json::object Upgrader::freeze_totals() {
  const std::lock_guard lock(mutex_);
  handed_on_ = counters_to_json(counters_);
  return *handed_on_;
}

void Upgrader::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (channel_) channel_->shut_down();
  }
  if (thread_.joinable()) thread_.join();
}

void Upgrader::run(std::chrono::seconds timeout, const Done& done) {
  const auto start = std::chrono::steady_clock::now();
  UpgradeResult result;
  auto up = bring_up(start + timeout, result);
  result.took = since(start);
  if (!up) {
    result.error = std::move(up.error());
    block_.add(stats::Counter::UpgradesFailed);
    base::log_event(base::LogLevel::Error, "upgrade_failed",
                    {{"error", result.error}, {"took_ms", result.took.count()}});
    {
      const std::lock_guard lock(mutex_);
      channel_.reset();
      handed_on_.reset();
      under_way_ = false;
    }
    return done(result);
  }
  result.ok = true;
  base::log_event(base::LogLevel::Info, "handed_over",
                  {{"pid", result.pid}, {"took_ms", result.took.count()}});
  done(result);
  parts_.hand_over();
  // The new server may be gone or busy; its clients are served either way, only our last counts would be
  // lost.
  static_cast<void>(channel_->send("counters", {{"totals", counters_to_json(counters_)}}, {},
                                   std::chrono::steady_clock::now() + kServingWithin));
  parts_.leave();
}

/// Until the new server serves. On an error it is ended.
base::Expected<void, std::string> Upgrader::bring_up(base::MonotonicTime deadline, UpgradeResult& result) {
  auto ends = net::make_message_pair();
  if (!ends) {
    return base::unexpected("cannot make a socket pair: " + std::generic_category().message(ends.error()));
  }
  auto command = parts_.command;
  command.push_back("--takeover-fd");
  command.push_back(std::to_string(kChildDescriptor));
  auto child = ChildProcess::start(command, ends->second);
  if (!child) return base::unexpected(std::move(child.error()));
  ends->second = net::FileDescriptor();  // the child has it; held here, its end would never be told
  {
    const std::lock_guard lock(mutex_);
    channel_ = std::make_unique<HandoverChannel>(std::move(ends->first));
    if (stopping_) channel_->shut_down();
  }
  result.pid = child->id();
  base::log_event(base::LogLevel::Info, "upgrade_started",
                  {{"pid", result.pid}, {"binary", parts_.command.front()}});
  const auto epoch = parts_.serving()->snapshot->epoch;
  const auto lent = lend(deadline);
  // A new server that ended before it had everything may have left word why; otherwise our own reason stands.
  auto up = await_ready(lent ? deadline : std::chrono::steady_clock::now());
  if (!lent && (up || up.error() == HandoverChannel::kClosed || up.error() == HandoverChannel::kLate))
    up = lent;
  if (up) up = let_go(epoch);
  if (up) return up;
  const auto end = child->finish(std::min(deadline, std::chrono::steady_clock::now() + kEndWithin));
  return base::unexpected(fmt::format("the new server did not take over: {} (it {})", up.error(), end));
}

base::Expected<void, std::string> Upgrader::lend(base::MonotonicTime deadline) {
  if (auto sent = lend_sockets(deadline); !sent) return sent;
  if (auto sent = lend_listener("control", parts_.control_path, parts_.control_listener(), deadline); !sent)
    return sent;
  if (!parts_.liveness_path.empty()) {
    auto sent = lend_listener("liveness", parts_.liveness_path, parts_.liveness_listener(), deadline);
    if (!sent) return sent;
  }
  auto secret = secret_to_json(parts_.cookie_secret);
  if (auto sent = channel_->send("cookie_secret", std::move(secret), {}, deadline); !sent) return sent;
  // A name has at most 1,020 characters as text, so sixty of them fit a message.
  constexpr std::size_t kNames = 50;
  const auto names = zone_names(*parts_.serving()->snapshot);
  for (std::size_t at = 0; at < names.size(); at += kNames) {
    json::array some;
    for (std::size_t i = at; i < std::min(at + kNames, names.size()); ++i) some.emplace_back(names[i]);
    if (auto sent = channel_->send("zones", {{"names", std::move(some)}}, {}, deadline); !sent) return sent;
  }
  if (auto sent = lend_overrides(deadline); !sent) return sent;
  return channel_->send("end", {{"pid", ::getpid()}, {"version", MERIDIAN_VERSION}}, {}, deadline);
}

base::Expected<void, std::string> Upgrader::lend_listener(std::string_view type, const std::string& path,
                                                          net::FileDescriptor listener,
                                                          base::MonotonicTime deadline) {
  const int descriptor = listener.get();
  return channel_->send(type, {{"path", path}}, {&descriptor, 1}, deadline);
}

base::Expected<void, std::string> Upgrader::lend_overrides(base::MonotonicTime deadline) {
  bool is_first = true;
  for (auto& entries : parts_.overrides()) {
    json::object body{{"entries", std::move(entries)}, {"first", is_first}};
    if (auto sent = channel_->send("overrides", std::move(body), {}, deadline); !sent) return sent;
    is_first = false;
  }
  return {};
}

base::Expected<void, std::string> Upgrader::lend_sockets(base::MonotonicTime deadline) {
  const auto sockets = parts_.sockets();
  if (!sockets) return base::unexpected(sockets.error());
  for (const auto& one : *sockets) {
    std::vector<int> descriptors{one.tcp.get()};
    for (const auto& socket : one.udp) descriptors.push_back(socket.get());
    const json::object head{{"address", base::to_string(one.wanted.address)}, {"port", one.wanted.port}};
    for (std::size_t at = 0; at < descriptors.size(); at += limits::kHandoverDescriptorsMax) {
      const auto count = std::min(descriptors.size() - at, limits::kHandoverDescriptorsMax);
      auto body = head;
      body["more"] = at > 0;  // of the address before
      auto sent =
          channel_->send("sockets", std::move(body), std::span(descriptors).subspan(at, count), deadline);
      if (!sent) return sent;
    }
  }
  return {};
}

base::Expected<void, std::string> Upgrader::await_ready(base::MonotonicTime deadline) {
  auto answer = channel_->receive(deadline);
  if (!answer) return base::unexpected(std::move(answer.error()));
  if (answer->type == "ready") return {};
  const auto* const reason = answer->body.if_contains("error");
  if (answer->type == "failed" && reason != nullptr && reason->is_string()) {
    return base::unexpected(std::string(reason->as_string()));
  }
  return base::unexpected(fmt::format("it said '{}' instead of being ready", answer->type));
}

base::Expected<void, std::string> Upgrader::let_go(std::uint64_t epoch_lent) {
  // Nobody may see our last totals and then the new server's lower ones: first we are silent, then we count.
  parts_.pause_control(true);
  const auto deadline = std::chrono::steady_clock::now() + kServingWithin;
  const bool was_reloaded = parts_.serving()->snapshot->epoch != epoch_lent;
  auto said = channel_->send("counters", {{"totals", freeze_totals()}}, {}, deadline);
  if (said) said = lend_overrides(deadline);  // again: an operator may have changed it meanwhile
  if (said) said = channel_->send("go", {{"reload", was_reloaded}}, {}, deadline);
  if (said) {
    const auto answer = channel_->receive(deadline);
    if (!answer) {
      said = base::unexpected(answer.error());
    } else if (answer->type != "serving") {
      said = base::unexpected(fmt::format("it said '{}' instead of serving", answer->type));
    }
  }
  if (!said) parts_.pause_control(false);
  return said;
}

}  // namespace meridian::control
