// Where the bridge connects: it is told what is wanted, and tells what became of it.
//
// Nothing waits for a bridge: one that does not read misses a message, and the next has all that it had. One
// thread, the io_context's.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "bgp/link/link.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::agent {

/// ExaBGP's bridge, one that replaces it, and an operator who looks.
inline constexpr std::size_t kBridgesMax = 4;

class BridgeServer {
 public:
  /// `on_connect`: a bridge came, and is to be told. `on_change`: connections, or last(), have changed. Clock
  /// and context must outlive this.
  BridgeServer(boost::asio::io_context& context, const base::Clock& clock, std::function<void()> on_connect,
               std::function<void()> on_change);
  ~BridgeServer();
  BridgeServer(const BridgeServer&) = delete;
  BridgeServer& operator=(const BridgeServer&) = delete;

  /// The error is one line for the operator.
  [[nodiscard]] base::Expected<void, std::string> listen(const std::string& path);

  /// Sends it to whoever is connected.
  void say(const bgp::Wanted& wanted);

  [[nodiscard]] bool is_connected() const noexcept { return !bridges_.empty(); }
  /// The last status that came.
  [[nodiscard]] const std::optional<bgp::Status>& last() const noexcept { return last_; }
  [[nodiscard]] base::MonotonicTime heard_at() const noexcept { return heard_at_; }

 private:
  using Connection = boost::asio::posix::stream_descriptor;

  void await_connection();
  void take_connections();
  void await_status(const std::shared_ptr<Connection>& bridge);
  void take_statuses(const std::shared_ptr<Connection>& bridge);
  void take_status(std::string_view text);
  void drop(const std::shared_ptr<Connection>& bridge);

  boost::asio::io_context& context_;
  const base::Clock& clock_;
  const std::function<void()> on_connect_;
  const std::function<void()> on_change_;
  Connection listener_;
  std::string path_;  ///< of the socket's file; empty: none is ours
  std::vector<std::shared_ptr<Connection>> bridges_;
  std::vector<char> room_;
  std::optional<bgp::Status> last_;
  base::MonotonicTime heard_at_{};
};

}  // namespace meridian::agent
