#include "control/api.hpp"

#include "base/limits.hpp"
#include "base/utc.hpp"
#include "control/metrics_page.hpp"
#include "explain/explain.hpp"
#include "http/parameters.hpp"
#include "http/prometheus_page.hpp"
#include "plan/assume.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

namespace meridian::control {
namespace {

namespace json = boost::json;

constexpr auto& error = http::error_response;

json::array to_json(const base::Diagnostics& diagnostics) {
  json::array array;
  for (const auto& problem : diagnostics.sorted()) {
    array.push_back(
        json::object{{"severity", problem.severity == base::Severity::Error ? "error" : "warning"},
                     {"file", problem.where.file},
                     {"line", problem.where.line},
                     {"column", problem.where.column},
                     {"message", problem.message}});
  }
  return array;
}

json::object to_json(const ReloadResult& result) {
  return {{"ok", result.ok},
          {"epoch", result.epoch},
          {"took_ms", result.took.count()},
          {"problems", to_json(result.diagnostics)}};
}

using base::to_utc;

json::value held_json(const std::optional<HeldUpdate>& held) {
  if (!held) return nullptr;
  return json::object{{"files", json::array(held->files.begin(), held->files.end())},
                      {"reasons", json::array(held->reasons.begin(), held->reasons.end())},
                      {"since", to_utc(held->since)}};
}

json::array to_json(const std::vector<DatabaseFacts>& databases) {
  json::array array;
  for (const auto& database : databases) {
    array.push_back(json::object{{"name", database.name},
                                 {"file", database.path},
                                 {"type", database.type},
                                 {"built_at", to_utc(std::chrono::system_clock::from_time_t(
                                                  static_cast<std::time_t>(database.build_epoch)))}});
  }
  return array;
}

json::object to_json(const querylog::DemandTotals& totals) {
  return {{"since", to_utc(totals.since)},
          {"seconds", static_cast<double>(totals.lasted.count()) / 1'000},
          {"sample", totals.sample},
          {"queries", totals.queries},
          {"networks_counted", totals.networks},
          {"networks_evicted", totals.evicted},
          {"missing_max", totals.missing_max}};
}

/// As the audit log has it.
std::string refusal_of(const ReloadResult& result) {
  const auto first = result.first_error();
  return first ? "refused: " + first->message : "refused";
}

/// `timeout=30`, or nothing; nullopt when it is anything else.
std::optional<std::chrono::seconds> parse_timeout(std::string_view query) {
  constexpr std::string_view kKey = "timeout=";
  if (query.empty()) return std::chrono::seconds{base::limits::kUpgradeTimeoutS};
  if (!query.starts_with(kKey)) return std::nullopt;
  query.remove_prefix(kKey.size());
  std::uint32_t seconds = 0;
  const auto [end, problem] = std::from_chars(query.data(), query.data() + query.size(), seconds);
  const bool is_number = problem == std::errc{} && end == query.data() + query.size();
  if (!is_number || seconds == 0 || seconds > base::limits::kUpgradeTimeoutMaxS) return std::nullopt;
  return std::chrono::seconds{seconds};
}

}  // namespace

Api::Api(ServerInfo info, const ApiParts& parts)
    : info_(std::move(info)),
      reloader_(parts.reloader),
      upgrader_(parts.upgrader),
      demand_(parts.demand),
      health_(parts.health),
      reports_(parts.reports),
      clock_(parts.clock),
      journal_(parts.journal),
      overrides_(parts.overrides, parts.journal, parts.clock),
      events_(parts.events),
      metrics_(parts.metrics) {}

/// One path after the other, as a 404 lists them.
std::span<const Route> Api::routes() {
  using In = const http::Request&;
  using Out = http::Respond;
  static constexpr Route kRoutes[] = {
      {"GET", "/v1/status", [](const Api& api, In, Out respond) { respond(api.status()); }},
      {"GET", "/v1/explain", [](const Api& api, In in, Out respond) { respond(api.explain(in.query)); }},
      {"GET", "/v1/demand",
       [](const Api& api, In, Out respond) { respond(api.tell_demand(api.demand_.report())); }},
      {"POST", "/v1/demand/reset", [](const Api& api, In in, Out respond) { respond(api.reset_demand(in)); }},
      {"POST", "/v1/reload", [](const Api& api, In in, Out respond) { api.reload(in, std::move(respond)); }},
      {"GET", "/v1/epochs", [](const Api& api, In, Out respond) { respond(api.epochs()); }},
      {"POST", "/v1/rollback",
       [](const Api& api, In in, Out respond) { api.rollback(in, std::move(respond)); }},
      {"POST", "/v1/geoip/accept",
       [](const Api& api, In in, Out respond) {
         api.load({.accept_geoip = true}, {in.who, "geoip_accept"}, std::move(respond));
       }},
      {"GET", "/v1/health", [](const Api& api, In in, Out respond) { respond(api.health(in.query)); }},
      {"POST", "/v1/report", [](const Api& api, In in, Out respond) { respond(api.report(in.query)); }},
      {"POST", "/v1/shed", [](const Api& api, In in, Out respond) { respond(api.overrides_.shed(in)); }},
      {"GET", "/v1/overrides", [](const Api& api, In, Out respond) { respond(api.overrides_.list()); }},
      {"POST", "/v1/overrides", [](const Api& api, In in, Out respond) { respond(api.overrides_.set(in)); }},
      {"POST", "/v1/overrides/end",
       [](const Api& api, In in, Out respond) { respond(api.overrides_.end(in)); }},
      {"GET", "/v1/audit", [](const Api& api, In in, Out respond) { respond(api.overrides_.audit(in)); }},
      {"GET", "/v1/history", [](const Api& api, In in, Out respond) { respond(api.overrides_.history(in)); }},
      {"GET", "/v1/events", [](const Api& api, In, Out respond) { respond(api.listen()); }},
      {"GET", "/metrics",
       [](const Api& api, In, Out respond) {
         respond({200, api.metrics_(), http::kPrometheusContentType});
       }},
      {"POST", "/v1/upgrade", [](const Api& api, In in, Out respond) { api.upgrade(in, respond); }},
  };
  return kRoutes;
}

void Api::handle(const http::Request& request, http::Respond respond) const {
  const auto all = routes();
  const auto* const route = http::find_route(request, all);
  if (route == nullptr) return respond(http::refuse_route(request, all));
  route->handle(*this, request, std::move(respond));
}

http::Response Api::status() const {
  const auto serving = reloader_.serving().get();
  const auto& snapshot = *serving->snapshot;
  json::array listening;
  for (const auto& address : info_.listening()) listening.push_back(json::string(address));
  json::array maps;
  for (const auto& map : snapshot.maps) {
    maps.push_back(json::object{{"name", map.name},
                                {"leaves_v4", map.v4.leaf_count()},
                                {"leaves_v6", map.v6.leaf_count()},
                                {"bytes", map.v4.memory_bytes() + map.v6.memory_bytes()}});
  }
  json::value demand;  // null: off
  if (const auto totals = demand_.totals()) demand = to_json(*totals);
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(clock_.monotonic() - info_.started_at);
  return {200, json::serialize(json::object{{"version", info_.version},
                                            {"site", serving->site->site},
                                            {"uptime_s", uptime.count()},
                                            {"listening", std::move(listening)},
                                            {"http", info_.http},
                                            {"workers", info_.workers},
                                            {"epoch", snapshot.epoch},
                                            {"epoch_built_at", to_utc(snapshot.built_at)},
                                            {"epoch_hash", serving->info.hash},
                                            {"has_rules", serving->rulebook->has_rules()},
                                            {"geoip_held", held_json(reloader_.held())},
                                            {"zones", snapshot.zones.size()},
                                            {"services", snapshot.services.size()},
                                            {"endpoints", snapshot.endpoints.size()},
                                            {"maps", std::move(maps)},
                                            {"databases", to_json(facts_of(serving->rulebook->geography))},
                                            {"shedding", overrides_.shedding_json()},
                                            {"journal", overrides_.journal_json()},
                                            {"demand", std::move(demand)},
                                            {"last_reload", to_json(reloader_.last_result())},
                                            {"counters", upgrader_.totals()}})};
}

http::Response Api::tell_demand(const std::optional<querylog::DemandReport>& report) const {
  if (!report) {
    return error(422,
                 "demand is off, so nothing is counted; write 'demand: on' into the site file and reload");
  }
  auto told = to_json(report->totals);
  told["site"] = reloader_.serving().get()->site->site;
  told["until"] = to_utc(clock_.wall());
  json::array networks;
  networks.reserve(report->networks.size());
  for (const auto& [network, queries, most_wrong] : report->networks) {
    networks.push_back(
        json::object{{"network", base::to_string(network)}, {"queries", queries}, {"error", most_wrong}});
  }
  told["networks"] = std::move(networks);
  return {200, json::serialize(told)};
}

http::Response Api::reset_demand(const http::Request& request) const {
  const auto report = demand_.take_report();
  if (report) write_down({request.who, "demand_reset"}, "done");
  return tell_demand(report);
}

http::Response Api::explain(const std::string& query) const {
  if (query.empty()) return error(400, "explain needs at least name=…");
  std::string name;
  std::string type;
  std::string from;
  std::string resolver;
  std::string format = "json";
  std::string assume;
  const auto problem = http::read_parameters(query, {{"name", &name},
                                                     {"type", &type},
                                                     {"from", &from},
                                                     {"resolver", &resolver},
                                                     {"format", &format},
                                                     {"assume", &assume}});
  if (!problem.empty()) return error(400, problem);
  if (format != "text" && format != "json")
    return error(400, fmt::format("format is text or json, not '{}'", format));
  const auto question = explain::parse_question(name, type, from, resolver);
  if (!question) return error(400, question.error());
  const auto serving = reloader_.serving().get();
  const auto assumptions = plan::parse_assumptions(assume);
  if (!assumptions) return error(400, assumptions.error());
  const auto assumed = plan::assumed_tables(*serving->snapshot, *serving->tables, *assumptions);
  if (!assumed) return error(422, assumed.error());
  auto explanation = explain::explain(*question, *serving->snapshot, **assumed, *serving->rulebook);
  explanation.assumed = assume;
  explanation.endpoints = health_.not_up(explanation.service);
  if (format == "text") {
    return {200, json::serialize(json::object{{"text", explain::to_text(explanation)}})};
  }
  return {200, explain::to_json(explanation)};
}

http::Response Api::health(const std::string& query) const {
  std::string name;
  if (!query.empty()) {
    const auto problem = http::read_parameters(query, {{"name", &name}});
    if (!problem.empty()) return error(400, problem);
  }
  const auto told = health_.status(name);
  if (!name.empty() && told.at("services").as_array().empty())
    return error(404, fmt::format("the map has no service '{}'", name));
  return {200, json::serialize(told)};
}

http::Response Api::report(const std::string& query) const {
  HealthReport report;
  std::string address;
  std::string is_ok;
  std::string weight;
  const auto problem = http::read_parameters(query, {{"check", &report.check},
                                                     {"address", &address},
                                                     {"ok", &is_ok},
                                                     {"cause", &report.cause},
                                                     {"weight", &weight}});
  if (!problem.empty()) return error(400, problem);
  const auto parsed = base::parse_ip_address(address);
  if (!parsed) return error(400, fmt::format("address is an IP address, not '{}'", address));
  if (is_ok != "yes" && is_ok != "no") return error(400, fmt::format("ok is yes or no, not '{}'", is_ok));
  if (!weight.empty()) {
    report.weight_percent = http::parse_number<std::uint32_t>(weight);
    if (!report.weight_percent || *report.weight_percent > 100)
      return error(400, fmt::format("weight is 0 to 100 percent, not '{}'", weight));
  }
  report.address = *parsed;
  report.is_ok = is_ok == "yes";
  if (const auto taken = reports_.report(report); !taken) return error(404, taken.error());
  return {200, json::serialize(json::object{{"ok", true}})};
}

void Api::upgrade(const http::Request& request, const http::Respond& respond) const {
  const auto timeout = parse_timeout(request.query);
  if (!timeout) {
    return respond(
        error(400, fmt::format("upgrade takes timeout=SECONDS, 1 to {}", base::limits::kUpgradeTimeoutMaxS)));
  }
  const bool is_taken = upgrader_.request(*timeout, [respond](const UpgradeResult& result) {
    json::object told{{"ok", result.ok}, {"took_ms", result.took.count()}};
    if (result.ok) told["pid"] = result.pid;
    if (!result.ok) told["error"] = result.error;
    respond({result.ok ? 200u : 422u, json::serialize(told)});
  });
  if (!is_taken) return respond(error(409, "an upgrade is under way; its caller will be told how it ends"));
  write_down({request.who, "upgrade"}, "begun");
}

void Api::write_down(const Action& action, std::string result) const {
  // What an operator does is not held up by a journal that is off, which counts that itself.
  static_cast<void>(journal_.add_audit({.id = 0,
                                        .at = clock_.wall(),
                                        .who = action.who,
                                        .action = action.name,
                                        .target = "",
                                        .details = action.details,
                                        .reason = "",
                                        .result = std::move(result)}));
}

void Api::load(const ReloadOrder& order, Action action, http::Respond respond) const {
  const auto done = [this, action = std::move(action),
                     respond = std::move(respond)](const ReloadResult& result) {
    write_down(action, result.ok ? fmt::format("done: epoch {}", result.epoch) : refusal_of(result));
    respond({result.ok ? 200u : 422u, json::serialize(to_json(result))});
  };
  reloader_.request(order, done);
}

void Api::reload(const http::Request& request, http::Respond respond) const {
  std::string force;
  const auto problem = http::read_parameters(request.query, {{"force", &force}});
  if (!problem.empty()) return respond(error(400, problem));
  if (!force.empty() && force != "true") return respond(error(400, "reload takes force=true, or nothing"));
  const bool is_forced = !force.empty();
  load({.force = is_forced}, {request.who, "reload", is_forced ? "forced" : ""}, std::move(respond));
}

http::Response Api::epochs() const {
  const auto serving = reloader_.serving().get();
  json::array kept;
  for (const auto& info : reloader_.kept_epochs()) {
    kept.push_back(json::object{{"epoch", info.number},
                                {"hash", info.hash},
                                {"loaded_at", to_utc(info.loaded_at)},
                                {"version", info.version},
                                {"serves", info.number == serving->info.number},
                                {"databases", to_json(info.databases)}});
  }
  return {200, json::serialize(json::object{{"epoch", serving->info.number},
                                            {"hash", serving->info.hash},
                                            {"state", serving->site->state},
                                            {"kept", std::move(kept)}})};
}

http::Response Api::listen() const {
  auto events = events_.subscribe();
  if (!events)
    return error(503, fmt::format("{} clients listen already", base::limits::kEventSubscribersMax));
  return {200, {}, "text/event-stream", std::move(events)};
}

/// Without a number: to the newest that does not decide as the one that serves.
void Api::rollback(const http::Request& request, http::Respond respond) const {
  std::string text;
  const auto problem = http::read_parameters(request.query, {{"epoch", &text}});
  if (!problem.empty()) return respond(error(400, problem));
  auto number = http::parse_number<std::uint64_t>(text);
  if (!text.empty() && (!number || *number == 0)) return respond(error(400, "rollback takes epoch=NUMBER"));
  if (!number) {
    const auto serving = reloader_.serving().get();
    for (const auto& info : reloader_.kept_epochs()) {
      if (info.number >= serving->info.number || info.hash == serving->info.hash) continue;
      number = info.number;
      break;
    }
  }
  if (!number) return respond(error(422, "no epoch is kept that is older than the one that serves"));
  load({.rollback_to = *number}, {request.who, "rollback", fmt::format("to epoch {}", *number)},
       std::move(respond));
}

}  // namespace meridian::control
