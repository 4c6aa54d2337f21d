// The agent's control API and the wishes behind it, wired, on a thread of its own: what waits for a disk or
// for a slow client must not keep the agent from saying to the bridge that it lives.
//
// load(), start() and stop() on the agent's thread; what comes in between goes through its io_context.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "bgp/agent/agent.hpp"
#include "bgp/agent/agent_api.hpp"
#include "bgp/agent/wish_book.hpp"
#include "config/anycast.hpp"
#include "http/http_server.hpp"
#include "http/tcp_http_server.hpp"
#include "journal/journal.hpp"
#include "stats/counters.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace meridian::agent {

class AgentControl {
 public:
  /// The agent, its context and the clock outlive this.
  AgentControl(Agent& agent, boost::asio::io_context& agent_context, const base::Clock& clock,
               std::string version, const config::Anycast& anycast);
  ~AgentControl();
  AgentControl(const AgentControl&) = delete;
  AgentControl& operator=(const AgentControl&) = delete;

  /// Sets what stood before on the agent; before that starts.
  void load();
  /// Listens, and takes requests. The error is one line for the operator.
  [[nodiscard]] base::Expected<void, std::string> start();
  /// Ends what is under way; also done when this goes.
  void stop();

  /// The site file was read again: as `anycast` says, or it was refused (nothing).
  void note_reload(const config::Anycast* anycast);

 private:
  [[nodiscard]] std::optional<AgentPicture> look();
  [[nodiscard]] std::string page(const AgentPicture& picture);
  void give(const std::optional<std::string>& vip, const StandingWish* wish);
  void wait_for_ends();

  Agent& agent_;
  boost::asio::io_context& agent_context_;
  const base::Clock& clock_;
  const std::string version_;
  const base::MonotonicTime started_at_;
  const config::AnycastAgent places_;  ///< of the start
  std::mutex mutex_;
  std::vector<config::AnycastNeighbor> neighbors_;
  std::atomic<std::uint64_t> reloads_ok_{0};
  std::atomic<std::uint64_t> reloads_refused_{0};

  stats::CounterRegistry counters_;
  stats::Counters& journal_block_ = counters_.register_block();
  stats::Counters& control_block_ = counters_.register_block();
  journal::Journal journal_;
  WishBook wishes_;
  AgentApi api_;
  boost::asio::io_context context_{1};
  http::HttpServer http_;
  http::TcpHttpServer tcp_http_;
  boost::asio::steady_timer ends_{context_};
  std::thread thread_;
};

}  // namespace meridian::agent
