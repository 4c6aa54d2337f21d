// Watches this site's server, decides for each VIP what to announce of it, and tells the bridge.
//
// It holds a connection to `meridiand`, asks it through each VIP, looks whether the VIP is on this host, and
// runs the operator's checks; route_policy makes a level of that. It says nothing to the bridge until it
// knows what it wants. Its own errors change nothing. One thread, the io_context's.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "bgp/agent/agent_status.hpp"
#include "config/anycast.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <string>

namespace meridian::agent {

class Agent {
 public:
  /// `site` is our name in NSID. Context and clock must outlive this.
  Agent(boost::asio::io_context& context, const base::Clock& clock, std::string site,
        config::Anycast anycast);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Opens the sockets and the state, and begins. The error is one line for the operator. Wishes that stand
  /// already are to be set before.
  [[nodiscard]] base::Expected<void, std::string> start();

  /// Another site file was read. VIPs that stay keep their levels; paths of `agent` are those of the start.
  void reconfigure(config::Anycast anycast);

  /// Of one VIP, or of all that have none of their own; replaces the one before. Acted on at once.
  void set_wish(const std::optional<std::string>& vip, WishEntry wish);
  void clear_wish(const std::optional<std::string>& vip);

  [[nodiscard]] AgentStatus status() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace meridian::agent
