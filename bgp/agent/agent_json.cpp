#include "bgp/agent/agent_json.hpp"

#include "http/parameters.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

#include <algorithm>
#include <chrono>

namespace meridian::agent {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

template <typename Number>
json::value number_json(const std::optional<Number>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::object to_json(const policy::Round& round) {
  return {
      {"right", round.right}, {"wrong", round.wrong}, {"silent", round.silent}, {"foreign", round.foreign}};
}

json::object server_json(const ServerStatus& server) {
  json::object told{{"state", to_string(server.state)},
                    {"fault", server.fault},
                    {"queries_per_s", number_json(server.queries_per_s)},
                    {"overloaded", server.is_overloaded},
                    {"epoch", nullptr},
                    {"oldest_input_s", nullptr}};
  if (!server.report) return told;
  told["epoch"] = server.report->epoch;
  if (server.report->oldest_input) told["oldest_input_s"] = server.report->oldest_input->count();
  return told;
}

json::object bridge_json(const AgentPicture& picture) {
  const auto& bridge = picture.status.bridge;
  json::object told{{"connected", bridge.is_connected}, {"heard_ms_ago", nullptr}, {"exabgp", nullptr}};
  if (!bridge.last) return told;
  told["heard_ms_ago"] =
      std::chrono::duration_cast<std::chrono::milliseconds>(picture.now - bridge.heard_at).count();
  if (!bridge.last->exabgp_version.empty()) told["exabgp"] = bridge.last->exabgp_version;
  told["acks"] = bridge.last->acks;
  told["ack_timeouts"] = bridge.last->ack_timeouts;
  told["errors"] = bridge.last->errors;
  told["refused"] = bridge.last->refused;
  told["refusal"] = bridge.last->refusal;
  return told;
}

json::array neighbors_json(const AgentPicture& picture) {
  json::array told;
  for (const auto& neighbor : picture.neighbors) {
    const auto* const session = find_session(picture.status, neighbor);
    json::object one{{"name", neighbor.name},
                     {"address", base::to_string(neighbor.address)},
                     {"as", neighbor.as},
                     {"up", nullptr},
                     {"reason", ""}};
    if (session != nullptr) {
      one["up"] = session->up;
      one["reason"] = session->reason;
    }
    told.push_back(std::move(one));
  }
  return told;
}

json::object vip_json(const AgentPicture& picture, const VipStatus& vip, const WishBook& wishes) {
  json::array faults;
  for (const auto& fault : vip.faults) faults.push_back(json::string(fault));
  const auto& history = vip.decision.history;
  const auto* const wish = wishes.find(vip.name);
  return {{"name", vip.name},
          {"address", base::to_string(vip.address)},
          {"prefix", base::to_string(vip.prefix)},
          {"level", to_string(vip.decision.level)},
          {"reason", to_string(vip.decision.reason)},
          {"brake", to_string(vip.decision.brake)},
          {"wanted", to_string(vip.decision.wanted)},
          {"since", base::to_utc(level_since(picture, vip))},
          {"route", word_of(find_in_force(picture.status, vip))},
          {"presence", to_string(vip.presence)},
          {"round", to_json(vip.last_round)},
          {"faults", std::move(faults)},
          {"wish", wish == nullptr ? json::value(nullptr) : json::value(to_json(*wish, picture.wall_now))},
          {"quiet", vip.is_quiet},
          {"queries_per_s", number_json(vip.queries_per_s)},
          {"hold_down_s", std::chrono::floor<seconds>(history.hold_down.length()).count()},
          {"changes", vip.level_changes},
          {"changes_recent", history.changes.recent(picture.now)}};
}

}  // namespace

std::string_view word_of(InForce in_force) noexcept {
  switch (in_force) {
    case InForce::Unknown:
      return "unknown";
    case InForce::Pending:
      return "pending";
    case InForce::Settled:
      return "settled";
  }
  return "";
}

base::WallTime level_since(const AgentPicture& picture, const VipStatus& vip) {
  // A level that never changed is as old as the agent.
  const auto& since = vip.decision.history.since;
  const auto at = since == base::MonotonicTime{} ? picture.started_at : since;
  return picture.wall_now - std::chrono::duration_cast<base::WallTime::duration>(picture.now - at);
}

InForce find_in_force(const AgentStatus& status, const VipStatus& vip) {
  if (!status.bridge.is_connected || !status.bridge.last) return InForce::Unknown;
  auto found = InForce::Unknown;
  for (const auto& route : status.bridge.last->routes) {
    if (route.key.prefix != vip.prefix) continue;
    const bool is_withdrawn = vip.decision.level == policy::Level::Withdraw;
    // The bridge may not have heard of the newest level yet: what it has done is held against that.
    const bool is_done =
        !route.pending && route.in_force && (*route.in_force == bgp::Level::Withdraw) == is_withdrawn;
    if (!is_done) return InForce::Pending;
    found = InForce::Settled;
  }
  return found;
}

const bgp::SessionStatus* find_session(const AgentStatus& status, const config::AnycastNeighbor& neighbor) {
  if (!status.bridge.is_connected || !status.bridge.last) return nullptr;
  const auto& sessions = status.bridge.last->sessions;
  const auto found = std::ranges::find(sessions, neighbor.address, &bgp::SessionStatus::neighbor);
  return found == sessions.end() ? nullptr : &*found;
}

json::object to_json(const StandingWish& wish, base::WallTime now) {
  json::object told{{"id", wish.id},
                    {"vip", wish.vip ? json::value(json::string(*wish.vip)) : json::value(nullptr)},
                    {"kind", to_string(wish.kind)},
                    {"reason", wish.reason},
                    {"who", wish.who},
                    {"set", base::to_utc(wish.set_at)},
                    {"since", base::to_utc(wish.since)},
                    {"until", http::time_json(wish.until)},
                    {"left_s", nullptr},
                    {"rate_before", number_json(wish.rates_before.server)},
                    {"vip_rates_before", json::value_from(wish.rates_before.vips)},
                    {"written", wish.id != 0}};
  if (wish.until) told["left_s"] = std::chrono::ceil<seconds>(*wish.until - now).count();
  return told;
}

json::object to_json(const AgentPicture& picture, const WishBook& wishes) {
  const auto& status = picture.status;
  json::array vips;
  for (const auto& vip : status.vips) vips.push_back(vip_json(picture, vip, wishes));
  json::array standing;
  for (const auto& wish : wishes.all()) standing.push_back(to_json(wish, picture.wall_now));
  json::array checks;
  for (const auto& check : status.checks)
    checks.push_back(json::object{{"name", check.name}, {"fails", check.fails}, {"fault", check.fault}});
  return {{"site", status.site},
          {"version", picture.version},
          {"uptime_s", std::chrono::floor<seconds>(picture.now - picture.started_at).count()},
          {"decided", status.is_decided},
          {"adopted", status.has_adopted},
          {"server", server_json(status.server)},
          {"bridge", bridge_json(picture)},
          {"neighbors", neighbors_json(picture)},
          {"vips", std::move(vips)},
          {"wishes", std::move(standing)},
          {"checks", std::move(checks)}};
}

}  // namespace meridian::agent
