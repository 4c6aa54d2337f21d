// The new server's side of a hand-over: takes the sockets of the old one, and tells it when to let go.
//
// Before let_go_of_old() everything blocks, on the main thread: there is nothing else to do. Afterwards the
// rest comes over the context.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "control/handover_channel.hpp"
#include "control/overrides.hpp"
#include "dns/cookie.hpp"
#include "net/sockets.hpp"
#include "stats/counters.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace meridian::control {

/// What the old server lends.
struct Inheritance {
  std::vector<net::ListenSockets> sockets;
  net::FileDescriptor control;
  std::string control_path;
  net::FileDescriptor liveness;  ///< none from a server without anycast
  std::string liveness_path;
  std::vector<std::string> zones;                  ///< what it serves
  std::optional<dns::CookieSecret> cookie_secret;  ///< its own; none from a version before this was lent
  int pid = 0;
};

class Takeover {
 public:
  /// `descriptor`: the other end of the old server's pair. `block` takes what it counted.
  /// `overrides` takes what operators set.
  Takeover(int descriptor, stats::Counters& block, Overrides& overrides);

  /// Everything the old server lends.
  [[nodiscard]] base::Expected<Inheritance, std::string> receive();

  /// Tells the old server why it must go on.
  void fail(const std::string& error);

  /// We answer already: waits until the old server lets go. True when it read its files again meanwhile, so
  /// that ours are old.
  [[nodiscard]] base::Expected<bool, std::string> let_go_of_old();

  /// The old server may stop now. `ended` is called on the context's thread when it has.
  void serve(boost::asio::io_context& context, std::function<void()> ended);

 private:
  [[nodiscard]] static base::Expected<void, std::string> take_listener(HandoverChannel::Message& message,
                                                                       net::FileDescriptor& listener,
                                                                       std::string& path);
  [[nodiscard]] base::Expected<void, std::string> take(HandoverChannel::Message message, Inheritance& all);
  void take_overrides(const HandoverChannel::Message& message);
  void wait_for_more();

  HandoverChannel channel_;
  CarriedCounters carried_;
  Overrides& overrides_;
  std::optional<boost::asio::posix::stream_descriptor> readable_;
  std::function<void()> ended_;
};

}  // namespace meridian::control
