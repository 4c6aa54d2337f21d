#include "probe/engine.hpp"

#include "base/limits.hpp"
#include "base/secret_bytes.hpp"
#include "probe/scheduler.hpp"
#include "probe/transports.hpp"

#include <pthread.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

namespace meridian::probe {
namespace {

namespace asio = boost::asio;

std::uint64_t draw_seed() {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
  base::fill_secret(bytes);
  std::uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

}  // namespace

class Engine::Implementation {
 public:
  Implementation(const base::Clock& clock, stats::Counters& counters, Handlers handlers)
      : clock_(clock),
        handlers_(std::move(handlers)),
        transports_(context_, clock),
        scheduler_(clock, transports_, counters, draw_seed(),
                   {[this](std::size_t target, const health::ProbeResult& result) {
                      handlers_.on_result(epoch_, target, result);
                      arm_later();
                    },
                    [this](bool is_complete) { handlers_.on_first_round(epoch_, is_complete); }}),
        thread_([this] { run(); }) {}

  ~Implementation() {
    context_.stop();
    thread_.join();
  }
  Implementation(const Implementation&) = delete;
  Implementation& operator=(const Implementation&) = delete;

  void set_targets(std::uint64_t epoch, std::vector<Target> targets) {
    asio::post(context_, [this, epoch, list = std::move(targets)] {
      epoch_ = epoch;
      transports_.forget_checks();
      scheduler_.set_targets(list);
      arm();
    });
  }

 private:
  void run() {
    pthread_setname_np(pthread_self(), "probe");
    context_.run();
  }

  /// Results come many at once; one look at the next turn serves them all.
  void arm_later() {
    if (std::exchange(is_arming_, true)) return;
    asio::post(context_, [this] {
      is_arming_ = false;
      arm();
    });
  }

  void arm() {
    const auto due = scheduler_.next_due();
    if (!due) return;
    // To the next tick, so that turns that lie close together are one wake-up.
    const auto tick = std::chrono::milliseconds{base::limits::kProbeTickMs};
    const auto wake = base::MonotonicTime{(due->time_since_epoch() / tick + 1) * tick};
    // A wake-up that comes too early costs less than moving it.
    if (wake_ != base::MonotonicTime{} && wake_ <= wake) return;
    wake_ = wake;
    timer_.expires_at(wake);
    timer_.async_wait([this](boost::system::error_code error) {
      if (error) return;
      wake_ = {};
      scheduler_.run_due();
      arm();
    });
  }

  const base::Clock& clock_;
  Handlers handlers_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  asio::steady_timer timer_{context_};
  base::MonotonicTime wake_{};
  bool is_arming_ = false;
  std::uint64_t epoch_ = 0;
  Transports transports_;
  Scheduler scheduler_;
  std::thread thread_;
};

Engine::Engine(const base::Clock& clock, stats::Counters& counters, Handlers handlers)
    : implementation_(std::make_unique<Implementation>(clock, counters, std::move(handlers))) {}

Engine::~Engine() = default;

void Engine::set_targets(std::uint64_t epoch, std::vector<Target> targets) {
  implementation_->set_targets(epoch, std::move(targets));
}

}  // namespace meridian::probe
