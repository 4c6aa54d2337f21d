// Who may ask what over HTTP: lets requests through to the control API, or answers 401 or 403.
//
// On the control thread; the tokens may be replaced from any.
#pragma once

#include "control/tokens.hpp"
#include "http/http_server.hpp"
#include "stats/counters.hpp"

#include <memory>
#include <mutex>

namespace meridian::control {

class HttpGate {
 public:
  /// `counters` is the control thread's block.
  HttpGate(http::RequestHandler handler, stats::Counters& counters)
      : handler_(std::move(handler)), counters_(counters) {}

  /// nullptr: there are none; then anybody may read status and metrics, and nobody anything else.
  void set_tokens(std::shared_ptr<const TokenBook> tokens);

  void handle(const http::Request& request, http::Respond respond);

 private:
  http::RequestHandler handler_;
  stats::Counters& counters_;
  std::mutex mutex_;
  std::shared_ptr<const TokenBook> tokens_;
};

}  // namespace meridian::control
