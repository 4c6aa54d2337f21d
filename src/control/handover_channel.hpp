// What an old and a new server say to each other: JSON objects with descriptors, so that versions may differ.
//
//   old → new   sockets (a listen address and its descriptors, in parts), control (the control socket's
//               listener), liveness (that socket's), cookie_secret (its own, and the version of the cookies
//               it signs), zones (names, in parts), end
//   new → old   ready, or failed with the reason
//   old → new   counters, go
//   new → old   serving
//   old → new   counters once more, when its last client is served; then it closes
//
// One thread an end; shut_down() from any.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "dns/cookie.hpp"
#include "net/sockets.hpp"
#include "stats/counters.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::control {

class HandoverChannel {
 public:
  struct Message {
    std::string type;
    boost::json::object body;
    std::vector<net::FileDescriptor> descriptors;
  };

  static constexpr std::string_view kClosed = "it closed the connection";
  static constexpr std::string_view kLate = "it did not answer in time";

  explicit HandoverChannel(net::FileDescriptor socket) : socket_(std::move(socket)) {}

  /// The error is a clause for the operator: "it closed the connection".
  [[nodiscard]] base::Expected<void, std::string> send(std::string_view type, boost::json::object body,
                                                       std::span<const int> descriptors,
                                                       base::MonotonicTime deadline);
  [[nodiscard]] base::Expected<Message, std::string> receive(base::MonotonicTime deadline);

  /// Ends whatever waits here, on both ends.
  void shut_down() noexcept;

  [[nodiscard]] int descriptor() const noexcept { return socket_.get(); }

 private:
  net::FileDescriptor socket_;
};

/// The body of `cookie_secret`. Only for the other end of a channel: no log line, message or status shows it.
[[nodiscard]] boost::json::object secret_to_json(const dns::CookieSecret& secret);

/// The reverse. Nothing for the secret of a cookie version that is not ours; an error for what is no secret,
/// without a byte of it.
[[nodiscard]] base::Expected<std::optional<dns::CookieSecret>, std::string> secret_from_json(
    const boost::json::object& body);

/// Every counter by its name.
[[nodiscard]] boost::json::object counters_to_json(const stats::CounterRegistry& counters);

/// What another process counted, as a block of this one's: totals go on from there and never back.
class CarriedCounters {
 public:
  explicit CarriedCounters(stats::Counters& block) : block_(block) {}
  /// Names this version does not know are left out.
  void take(const boost::json::object& totals);

 private:
  stats::Counters& block_;
};

}  // namespace meridian::control
