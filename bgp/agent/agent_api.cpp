#include "bgp/agent/agent_api.hpp"

#include "base/limits.hpp"
#include "http/parameters.hpp"
#include "http/prometheus_page.hpp"
#include "journal/audit.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace meridian::agent {
namespace {

namespace json = boost::json;
namespace limits = base::limits;
using http::error_response;
using policy::WishKind;

http::Response no_answer() {
  return error_response(503, "the agent does not answer; see its log, and restart it");
}

/// Why no VIP is called so, or nothing.
std::string find_unknown(const AgentPicture& picture, const std::optional<std::string>& vip) {
  if (!vip) return {};
  std::vector<std::string> names;
  for (const auto& one : picture.status.vips) names.push_back(one.name);
  if (std::ranges::count(names, *vip) != 0) return {};
  return fmt::format("the site file has no VIP '{}'; there are {}", *vip, fmt::join(names, ", "));
}

/// Of this VIP, or of all.
ClientRates rates_of(const AgentStatus& status, const std::optional<std::string>& vip) {
  ClientRates rates{.server = status.server.queries_per_s, .vips = {}};
  for (const auto& one : status.vips) {
    if (one.queries_per_s && (!vip || one.name == *vip)) rates.vips.emplace(one.name, *one.queries_per_s);
  }
  return rates;
}

std::optional<std::string> named(const std::string& vip) {
  return vip.empty() ? std::nullopt : std::optional{vip};
}

}  // namespace

http::Response AgentApi::answer(const http::Request& request) const {
  struct Route {
    std::string_view method;
    std::string_view path;
    http::Response (*answer)(const AgentApi&, const http::Request&);
  };
  using Api = const AgentApi&;
  using In = const http::Request&;
  static constexpr Route kRoutes[] = {
      {"GET", "/v1/anycast", [](Api api, In) { return api.status(); }},
      {"POST", "/v1/anycast/drain", [](Api api, In in) { return api.set(WishKind::Drain, in); }},
      {"POST", "/v1/anycast/withdraw", [](Api api, In in) { return api.set(WishKind::Withdraw, in); }},
      {"POST", "/v1/anycast/announce", [](Api api, In in) { return api.set(WishKind::Announce, in); }},
      {"POST", "/v1/anycast/undrain", [](Api api, In in) { return api.end(in); }},
      {"GET", "/v1/audit", [](Api api, In in) { return api.audit(in); }},
      {"GET", "/metrics", [](Api api, In) { return api.metrics(); }},
  };
  const auto* const route = http::find_route(request, kRoutes);
  return route == nullptr ? http::refuse_route(request, kRoutes) : route->answer(*this, request);
}

http::Response AgentApi::answer_guest(const http::Request& request) const {
  if (request.method != "GET" || (request.path != "/metrics" && request.path != "/v1/anycast"))
    return error_response(
        403, "only GET /metrics and GET /v1/anycast are answered here; the Unix socket has the rest");
  return answer(request);
}

http::Response AgentApi::status() const {
  const auto picture = parts_.look();
  if (!picture) return no_answer();
  return http::ok_response(to_json(*picture, parts_.wishes));
}

http::Response AgentApi::metrics() const {
  const auto picture = parts_.look();
  if (!picture) return no_answer();
  return {200, parts_.metrics(*picture), http::kPrometheusContentType};
}

http::Response AgentApi::audit(const http::Request& request) const {
  std::string limit_text;
  if (auto bad = http::read_parameters(request.query, {{"limit", &limit_text}}); !bad.empty())
    return error_response(400, bad);
  const auto limit = http::read_limit(limit_text);
  if (!limit) return error_response(400, limit.error());
  const auto rows = parts_.journal.audit(*limit);
  if (!rows) return error_response(503, rows.error());
  json::array lines;
  for (const auto& row : *rows) lines.push_back(journal::to_json(row));
  return http::ok_response({{"audit", std::move(lines)}});
}

http::Response AgentApi::set(WishKind kind, const http::Request& request) const {
  WishOrder order{.kind = kind, .who = request.who};
  std::string vip;
  std::string until;
  std::string lasts;
  const auto bad = http::read_parameters(
      request.query, {{"vip", &vip}, {"reason", &order.reason}, {"until", &until}, {"for", &lasts}});
  if (!bad.empty()) return error_response(400, bad);
  auto end = http::read_end(until, lasts, parts_.clock.wall());
  if (!end) return error_response(400, end.error());
  order.until = *end;
  order.vip = named(vip);
  const auto picture = parts_.look();
  if (!picture) return no_answer();
  if (const auto unknown = find_unknown(*picture, order.vip); !unknown.empty())
    return error_response(422, unknown);
  order.rates_now = rates_of(picture->status, order.vip);
  const auto outcome = parts_.wishes.set(order);
  if (!outcome) return error_response(422, outcome.error());
  return tell(*outcome);
}

http::Response AgentApi::end(const http::Request& request) const {
  std::string vip;
  std::string reason;
  const auto bad = http::read_parameters(request.query, {{"vip", &vip}, {"reason", &reason}});
  if (!bad.empty()) return error_response(400, bad);
  const auto outcome = parts_.wishes.end(named(vip), request.who, reason);
  if (!outcome) return error_response(422, outcome.error());
  if (outcome->ended == 0) {
    // What the site file has lost can still be ended, but a name that means nothing is told.
    const auto picture = parts_.look();
    if (!picture) return no_answer();
    if (const auto unknown = find_unknown(*picture, named(vip)); !unknown.empty())
      return error_response(422, unknown);
  }
  return tell(*outcome);
}

/// With what the agent makes of it, which has heard of it by now.
http::Response AgentApi::tell(const WishOutcome& outcome) const {
  const auto picture = parts_.look();
  if (!picture) return no_answer();
  return http::ok_response({{"ended", outcome.ended},
                            {"not_written", outcome.not_written},
                            {"anycast", to_json(*picture, parts_.wishes)}});
}

}  // namespace meridian::agent
