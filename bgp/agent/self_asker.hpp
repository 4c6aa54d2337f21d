// Asks every self-query through the VIP, each over UDP and all of them over one TCP connection, and adds up
// what came back within the time of a round.
//
// Each UDP query has a socket of its own: another source port reaches another worker of the server, so that
// one that hangs shows. They are connected, so that a closed port tells at once. One thread, the
// io_context's.
#pragma once

#include "base/ip.hpp"
#include "bgp/agent/self_query.hpp"
#include "bgp/policy/observation.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace meridian::agent {

/// A server on the same host answers in well under a millisecond: this is how long a hiccup may take.
inline constexpr std::chrono::milliseconds kRoundTime{300};

struct SelfTarget {
  base::IpAddress vip;
  std::uint16_t port = 53;
  std::string site;  ///< our name in NSID
  std::vector<SelfQuery> queries;
};

class SelfAsker {
 public:
  /// `faults` say what was not right, the first of each query: "SOA example.com over TCP: no answer".
  using Done = std::function<void(const policy::Round& round, const std::vector<std::string>& faults)>;

  /// The context must outlive this. A round that is under way when this goes says nothing more.
  SelfAsker(boost::asio::io_context& context, SelfTarget target);
  ~SelfAsker();
  SelfAsker(const SelfAsker&) = delete;
  SelfAsker& operator=(const SelfAsker&) = delete;

  /// Begins a round, unless one is under way. `done` is called from the context, within kRoundTime.
  void start(Done done);

 private:
  class Asking;

  boost::asio::io_context& context_;
  const std::shared_ptr<const SelfTarget> target_;
  std::weak_ptr<Asking> asking_;
};

}  // namespace meridian::agent
