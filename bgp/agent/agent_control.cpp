#include "bgp/agent/agent_control.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "bgp/agent/agent_metrics.hpp"

#include <pthread.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

namespace meridian::agent {
namespace {

using std::chrono::milliseconds;

/// The agent's thread does nothing that takes long: one that does not answer within this hangs.
constexpr milliseconds kAnswerWithin{2'000};
/// While it waits, the control thread looks so often whether the agent has ended.
constexpr milliseconds kLookAgain{50};

/// What the agent is told of a wish: how long it has been standing, by the clock that does not jump.
WishEntry to_entry(const StandingWish& wish, const base::Clock& clock) {
  const auto held = std::max(clock.wall() - wish.since, base::WallTime::duration{0});
  return {.kind = wish.kind,
          .since = clock.monotonic() - std::chrono::duration_cast<base::MonotonicTime::duration>(held),
          .rates_before = wish.rates_before};
}

}  // namespace

AgentControl::AgentControl(Agent& agent, boost::asio::io_context& agent_context, const base::Clock& clock,
                           std::string version, const config::Anycast& anycast)
    : agent_(agent),
      agent_context_(agent_context),
      clock_(clock),
      version_(std::move(version)),
      started_at_(clock.monotonic()),
      places_(anycast.agent),
      neighbors_(anycast.neighbors),
      journal_(places_.state, clock, journal_block_),
      wishes_(journal_, clock),
      api_({.wishes = wishes_,
            .journal = journal_,
            .clock = clock,
            .look = [this] { return look(); },
            .metrics = [this](const AgentPicture& picture) { return page(picture); }}),
      http_(context_, control_block_,
            [this](const http::Request& request, const http::Respond& respond) {
              respond(api_.answer(request));
            }),
      tcp_http_(
          context_, control_block_,
          [this](const http::Request& request, const http::Respond& respond) {
            auto response = api_.answer_guest(request);
            if (response.status == 403) control_block_.add(stats::Counter::ControlDenied);
            respond(std::move(response));
          },
          "anycast: {agent: {http: …}}") {}

AgentControl::~AgentControl() { stop(); }

void AgentControl::load() {
  wishes_.load();
  for (const auto& wish : wishes_.all()) agent_.set_wish(wish.vip, to_entry(wish, clock_));
  wishes_.set_on_change(
      [this](const std::optional<std::string>& vip, const StandingWish* wish) { give(vip, wish); });
}

base::Expected<void, std::string> AgentControl::start() {
  if (auto listening = http_.listen(places_.control, "'anycast: {agent: {control: …}}'"); !listening)
    return listening;
  if (places_.http) {
    if (auto listening = tcp_http_.listen(places_.http->address, places_.http->port); !listening)
      return listening;
    base::log_event(base::LogLevel::Info, "http_listening",
                    {{"address", tcp_http_.address()}, {"tokens", false}});
  }
  wait_for_ends();
  thread_ = std::thread([this] { context_.run(); });
  // A name for top and gdb; a failure costs nothing.
  static_cast<void>(::pthread_setname_np(thread_.native_handle(), "control"));
  return {};
}

void AgentControl::stop() {
  boost::asio::post(context_, [this] { context_.stop(); });
  if (thread_.joinable()) thread_.join();
  http_.stop();
  tcp_http_.stop();
}

void AgentControl::note_reload(const config::Anycast* anycast) {
  ++(anycast != nullptr ? reloads_ok_ : reloads_refused_);
  if (anycast == nullptr) return;
  const std::lock_guard lock(mutex_);
  neighbors_ = anycast->neighbors;
}

/// The agent's status is its thread's: asks there, and waits.
std::optional<AgentPicture> AgentControl::look() {
  const auto asked = std::make_shared<std::promise<AgentStatus>>();
  auto answer = asked->get_future();
  boost::asio::post(agent_context_, [&agent = agent_, asked] { asked->set_value(agent.status()); });
  const auto deadline = clock_.monotonic() + kAnswerWithin;
  while (answer.wait_for(kLookAgain) != std::future_status::ready) {
    if (agent_context_.stopped() || clock_.monotonic() >= deadline) return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  return AgentPicture{.status = answer.get(),
                      .neighbors = neighbors_,
                      .version = version_,
                      .started_at = started_at_,
                      .now = clock_.monotonic(),
                      .wall_now = clock_.wall()};
}

std::string AgentControl::page(const AgentPicture& picture) {
  const auto journal = journal_.status();
  return metrics_page(picture, wishes_,
                      {.counters = counters_,
                       .reloads_ok = reloads_ok_,
                       .reloads_refused = reloads_refused_,
                       .is_journal_up = journal.place == journal::Place::File && journal.error.empty()});
}

void AgentControl::give(const std::optional<std::string>& vip, const StandingWish* wish) {
  if (wish == nullptr)
    return boost::asio::post(agent_context_, [&agent = agent_, vip] { agent.clear_wish(vip); });
  boost::asio::post(agent_context_,
                    [&agent = agent_, vip, entry = to_entry(*wish, clock_)] { agent.set_wish(vip, entry); });
}

/// Their times are those of the wall, whose clock may jump.
void AgentControl::wait_for_ends() {
  ends_.expires_after(std::chrono::seconds{1});
  ends_.async_wait([this](boost::system::error_code ended) {
    if (ended) return;
    wishes_.end_due();
    wait_for_ends();
  });
}

}  // namespace meridian::agent
