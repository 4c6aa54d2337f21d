#include "control/api.hpp"

#include "base/limits.hpp"
#include "explain/explain.hpp"
#include "plan/assume.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json.hpp>
#include <boost/url/params_encoded_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <utility>

namespace meridian::control {
namespace {

namespace json = boost::json;

Response error(unsigned status, std::string_view message) {
  return {status, json::serialize(json::object{{"error", message}})};
}

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

std::string to_utc(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(time)));
}

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

/// Fills in the parameters of a query string; the result is what is wrong with it, or "".
std::string read_parameters(const std::string& query,
                            std::initializer_list<std::pair<std::string_view, std::string*>> known) {
  if (query.empty()) return {};
  const std::string text = "?" + query;  // what url looks into
  const auto url = boost::urls::parse_relative_ref(text);
  if (!url) return "the query string is malformed";
  for (const auto& param : url->params()) {
    const auto* const found =
        std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.first == param.key; });
    if (found == known.end()) return fmt::format("unknown parameter '{}'", std::string{param.key});
    *found->second = param.value;
  }
  return {};
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Api::Api(ServerInfo info, Reloader& reloader, Shedding& shedding, Upgrader& upgrader,
         querylog::DemandBook& demand, const base::Clock& clock)
    : info_(std::move(info)),
      reloader_(reloader),
      shedding_(shedding),
      upgrader_(upgrader),
      demand_(demand),
      clock_(clock) {}

void Api::handle(const Request& request, Respond respond) const {
  const auto wants = [&](std::string_view method) {
    if (request.method == method) return true;
    respond(error(405, fmt::format("{} takes {}", request.path, method)));
    return false;
  };
  if (request.path == "/v1/status") {
    if (wants("GET")) respond(status());
  } else if (request.path == "/v1/demand") {
    if (wants("GET")) respond(tell_demand(demand_.report()));
  } else if (request.path == "/v1/demand/reset") {
    if (wants("POST")) respond(tell_demand(demand_.take_report()));
  } else if (request.path == "/v1/explain") {
    if (wants("GET")) respond(explain(request.query));
  } else if (request.path == "/v1/reload") {
    if (wants("POST")) reload(request.query, std::move(respond));
  } else if (request.path == "/v1/epochs") {
    if (wants("GET")) respond(epochs());
  } else if (request.path == "/v1/rollback") {
    if (wants("POST")) rollback(request.query, std::move(respond));
  } else if (request.path == "/v1/geoip/accept") {
    if (wants("POST")) load({.accept_geoip = true}, std::move(respond));
  } else if (request.path == "/v1/shed") {
    if (wants("POST")) respond(shed(request.query));
  } else if (request.path == "/v1/upgrade") {
    if (wants("POST")) upgrade(request.query, respond);
  } else {
    respond(
        error(404, fmt::format("no such path '{}'; there are /v1/status, /v1/explain, /v1/demand, "
                               "/v1/demand/reset, /v1/reload, /v1/epochs, /v1/rollback, /v1/geoip/accept, "
                               "/v1/shed and /v1/upgrade",
                               request.path)));
  }
}

Response Api::status() const {
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
                                            {"shedding", shedding_json()},
                                            {"demand", std::move(demand)},
                                            {"last_reload", to_json(reloader_.last_result())},
                                            {"counters", upgrader_.totals()}})};
}

json::array Api::shedding_json() const {
  json::array array;
  const auto now = clock_.monotonic();
  for (const auto& [name, shed] : shedding_.all()) {
    json::object entry{{"datacenter", name},
                       {"share", static_cast<double>(shed.share) / steering::kFull},
                       {"drained", shed.share == steering::kFull},
                       {"reason", shed.reason},
                       {"since", to_utc(shed.since)}};
    if (shed.ends_at) entry["left_s"] = std::chrono::ceil<std::chrono::seconds>(*shed.ends_at - now).count();
    array.push_back(std::move(entry));
  }
  return array;
}

Response Api::shed(const std::string& query) const {
  std::string datacenter;
  std::string share_text;
  std::string reason;
  std::string for_text;
  const auto problem = read_parameters(
      query, {{"datacenter", &datacenter}, {"share", &share_text}, {"reason", &reason}, {"for", &for_text}});
  if (!problem.empty()) return error(400, problem);
  const auto share = parse_number<double>(share_text);
  if (!share || !(*share >= 0 && *share <= 1)) return error(400, "shed takes share=, from 0 to 1");
  const auto seconds = parse_number<std::uint32_t>(for_text);
  if (!for_text.empty() && (!seconds || *seconds == 0 || *seconds > base::limits::kShedSecondsMax)) {
    return error(400, fmt::format("shed takes for=SECONDS, 1 to {}", base::limits::kShedSecondsMax));
  }
  const auto lasts = seconds ? std::optional{std::chrono::seconds{*seconds}} : std::nullopt;
  const auto wanted = static_cast<steering::Share>(std::lround(*share * steering::kFull));
  const auto set = shedding_.set(datacenter, wanted, reason, lasts);
  if (!set) return error(422, set.error());
  return {200, json::serialize(json::object{{"shedding", shedding_json()}})};
}

Response Api::tell_demand(const std::optional<querylog::DemandReport>& report) const {
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

Response Api::explain(const std::string& query) const {
  if (query.empty()) return error(400, "explain needs at least name=…");
  std::string name;
  std::string type;
  std::string from;
  std::string resolver;
  std::string format = "json";
  std::string assume;
  const auto problem = read_parameters(query, {{"name", &name},
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
  if (format == "text") {
    return {200, json::serialize(json::object{{"text", explain::to_text(explanation)}})};
  }
  return {200, explain::to_json(explanation)};
}

void Api::upgrade(const std::string& query, const Respond& respond) const {
  const auto timeout = parse_timeout(query);
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
  if (!is_taken) respond(error(409, "an upgrade is under way; its caller will be told how it ends"));
}

void Api::load(const ReloadOrder& order, Respond respond) const {
  reloader_.request(order, [respond = std::move(respond)](const ReloadResult& result) {
    respond({result.ok ? 200u : 422u, json::serialize(to_json(result))});
  });
}

void Api::reload(const std::string& query, Respond respond) const {
  std::string force;
  const auto problem = read_parameters(query, {{"force", &force}});
  if (!problem.empty()) return respond(error(400, problem));
  if (!force.empty() && force != "true") return respond(error(400, "reload takes force=true, or nothing"));
  load({.force = !force.empty()}, std::move(respond));
}

Response Api::epochs() const {
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

/// Without a number: to the newest that does not decide as the one that serves.
void Api::rollback(const std::string& query, Respond respond) const {
  std::string text;
  const auto problem = read_parameters(query, {{"epoch", &text}});
  if (!problem.empty()) return respond(error(400, problem));
  auto number = parse_number<std::uint64_t>(text);
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
  load({.rollback_to = *number}, std::move(respond));
}

}  // namespace meridian::control
