// What an agent tells of itself as JSON: GET /v1/anycast.
#pragma once

#include "base/clock.hpp"
#include "bgp/agent/agent_status.hpp"
#include "bgp/agent/wish_book.hpp"
#include "config/anycast.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::agent {

/// All that there is to tell, at one moment.
struct AgentPicture {
  AgentStatus status;
  std::vector<config::AnycastNeighbor> neighbors;  ///< of the site file
  std::string version;
  base::MonotonicTime started_at{};
  base::MonotonicTime now{};
  base::WallTime wall_now{};
};

[[nodiscard]] boost::json::object to_json(const StandingWish& wish, base::WallTime now);
[[nodiscard]] boost::json::object to_json(const AgentPicture& picture, const WishBook& wishes);

/// When its level became what it is.
[[nodiscard]] base::WallTime level_since(const AgentPicture& picture, const VipStatus& vip);

/// What the bridge has made of a VIP's level. Unknown: it is away, or has not said.
enum class InForce : std::uint8_t { Unknown, Pending, Settled };
[[nodiscard]] InForce find_in_force(const AgentStatus& status, const VipStatus& vip);

/// The session with a neighbor, as far as ExaBGP has told; nothing: not since it or the bridge started.
[[nodiscard]] const bgp::SessionStatus* find_session(const AgentStatus& status,
                                                     const config::AnycastNeighbor& neighbor);

/// "pending", as the API and the metrics have it.
[[nodiscard]] std::string_view word_of(InForce in_force) noexcept;

}  // namespace meridian::agent
