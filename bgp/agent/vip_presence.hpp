// Whether the VIPs are on this host: the kernel tells of each change of an address, and the list is read
// again.
//
// A VIP that is on no interface is a hole: the route leads here and nobody answers, or another site answers
// our own questions. One thread, the io_context's.
#pragma once

#include "base/expected.hpp"
#include "base/ip.hpp"
#include "bgp/policy/observation.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace meridian::agent {

/// The kernel's messages may get lost, so the list is read this often whatever it tells; some 50 us.
inline constexpr std::chrono::seconds kPresencePeriod{5};

/// The addresses of all interfaces that are up. The error is a clause.
[[nodiscard]] base::Expected<std::vector<base::IpAddress>, std::string> read_own_addresses();

class VipPresence {
 public:
  using Reader = std::function<base::Expected<std::vector<base::IpAddress>, std::string>()>;

  /// `on_news`: the list or fault() has changed. The context must outlive this.
  VipPresence(boost::asio::io_context& context, std::function<void()> on_news,
              Reader read = read_own_addresses, std::chrono::milliseconds period = kPresencePeriod);

  /// Reads the list for the first time, before it returns, and goes on.
  void start();

  /// Unknown until the list was read once; after that a list that cannot be read changes nothing.
  [[nodiscard]] policy::Vip find(const base::IpAddress& vip) const;
  /// Why the list cannot be read; empty: it can.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

 private:
  void listen();
  void await_message();
  void await_period();
  void look();

  const std::function<void()> on_news_;
  const Reader read_;
  const std::chrono::milliseconds period_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer timer_;
  std::vector<base::IpAddress> addresses_;
  bool was_read_ = false;
  std::string fault_;
};

}  // namespace meridian::agent
