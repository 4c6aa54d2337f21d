// The connection that the agent holds to `meridiand`: its end is the server's, and is seen the moment it
// comes.
//
// When it ends, another one is tried at once. Nobody there: the server is gone. Somebody there: it was
// upgraded, and nothing has changed. A server that is connected and says nothing is not gone; whether it
// answers is for the self-queries to tell. One thread, the io_context's.
#pragma once

#include "base/clock.hpp"
#include "bgp/agent/liveness_report.hpp"
#include "bgp/policy/observation.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace meridian::agent {

struct LivenessTimes {
  /// Without a word for so long, which is three reports, whether the server is ready is not known.
  std::chrono::milliseconds silence{3'000};
  /// While nobody is there, so often is looked again: a connect() costs some microseconds.
  std::chrono::milliseconds retry{100};
};
/// Connections in a row that end before a word is said. A server that dies leaves one or two of these, which
/// its kernel took while it went; one that takes and drops them for ever is not to keep us busy.
inline constexpr int kWordlessEndsMax = 8;
/// One report: four times of what the server sends, so that it may grow.
inline constexpr std::size_t kLivenessBytesMax = 32u << 10;

class LivenessClient {
 public:
  /// `on_news`: state(), fault() or report() have changed. Context and clock must outlive this.
  LivenessClient(boost::asio::io_context& context, const base::Clock& clock, std::string path,
                 std::function<void()> on_news, LivenessTimes times = {});

  /// Looks for the first time, before it returns, and goes on.
  void start();

  [[nodiscard]] policy::Server state() const noexcept { return state_; }
  /// Why the server is gone or its state is not known, or what is wrong with what it says.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
  /// The last one that came; nothing: none has come yet.
  [[nodiscard]] const std::optional<LivenessReport>& report() const noexcept { return report_; }

 private:
  void connect();
  void await_packet();
  void take_packets();
  void take_report(std::string_view text);
  void on_end();
  void wake_after(std::chrono::milliseconds time);
  void on_wake();
  void settle(policy::Server state, std::string fault);

  const base::Clock& clock_;
  const std::string path_;
  const std::function<void()> on_news_;
  const LivenessTimes times_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  std::vector<char> room_;
  policy::Server state_ = policy::Server::Unknown;
  std::string fault_;
  std::optional<LivenessReport> report_;
  base::MonotonicTime heard_at_{};
  int wordless_ends_ = 0;
};

}  // namespace meridian::agent
