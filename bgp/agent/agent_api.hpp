// The agent's control API: what operators may ask of it (docs/anycast.md).
//
//   GET  /v1/anycast            what is announced, why, and what operators want
//   POST /v1/anycast/drain      ?vip=…&reason=…&for=SECONDS or &until=TIME; without vip: all of them
//   POST /v1/anycast/withdraw   the same
//   POST /v1/anycast/announce   the same
//   POST /v1/anycast/undrain    ?vip=…&reason=…: ends what an operator wanted
//   GET  /v1/audit              who did what
//   GET  /metrics               for Prometheus: agent_metrics.hpp
//
// On the control thread; a change waits for the disk.
#pragma once

#include "base/clock.hpp"
#include "bgp/agent/agent_json.hpp"
#include "bgp/agent/wish_book.hpp"
#include "http/http_server.hpp"
#include "journal/journal.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::agent {

struct AgentApiParts {
  WishBook& wishes;
  journal::Journal& journal;
  const base::Clock& clock;
  /// Nothing: the agent does not answer.
  std::function<std::optional<AgentPicture>()> look;
  std::function<std::string(const AgentPicture&)> metrics;
};

class AgentApi {
 public:
  /// What the parts refer to outlives this.
  explicit AgentApi(AgentApiParts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] http::Response answer(const http::Request& request) const;
  /// For those who come over TCP: status and metrics alone.
  [[nodiscard]] http::Response answer_guest(const http::Request& request) const;

 private:
  [[nodiscard]] http::Response status() const;
  [[nodiscard]] http::Response metrics() const;
  [[nodiscard]] http::Response audit(const http::Request& request) const;
  [[nodiscard]] http::Response set(policy::WishKind kind, const http::Request& request) const;
  [[nodiscard]] http::Response end(const http::Request& request) const;
  [[nodiscard]] http::Response tell(const WishOutcome& outcome) const;

  const AgentApiParts parts_;
};

}  // namespace meridian::agent
