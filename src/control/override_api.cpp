#include "control/override_api.hpp"

#include "base/limits.hpp"
#include "http/parameters.hpp"
#include "journal/audit.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

namespace meridian::control {
namespace {

namespace json = boost::json;
namespace limits = base::limits;
using std::chrono::seconds;

std::optional<steering::Share> parse_share(const std::string& text) {
  const auto share = http::parse_number<double>(text);
  if (!share || !(*share >= 0 && *share <= 1)) return std::nullopt;
  return static_cast<steering::Share>(std::lround(*share * steering::kFull));
}

/// `for` seconds or `until` a time, neither is without end; the text is what is wrong.
struct Times {
  std::string from;
  std::string until;
  std::string lasts;

  [[nodiscard]] std::string read(base::WallTime now, OverrideWish& wish) const {
    if (!from.empty()) {
      wish.begins_at = base::parse_utc(from);
      if (!wish.begins_at) return fmt::format("from is a time in UTC, as 2026-11-27T03:00Z, not '{}'", from);
    }
    auto end = http::read_end(until, lasts, wish.begins_at.value_or(now));
    if (!end) return std::move(end.error());
    wish.ends_at = *end;
    return {};
  }
};

}  // namespace

json::array OverrideApi::overrides_json() const {
  const auto now = clock_.wall();
  json::array array;
  for (const auto& one : overrides_.all()) {
    json::object entry{{"id", one.id},
                       {"kind", word_of(one.kind)},
                       {"target", one.target_text},
                       {"reason", one.reason},
                       {"author", one.author},
                       {"created", base::to_utc(one.created_at)},
                       {"from", base::to_utc(one.begins_at)},
                       {"until", http::time_json(one.ends_at)},
                       {"active", one.has_begun(now) && !one.is_over(now)}};
    if (takes_clients(one.kind)) entry["share"] = fraction_of(one.share);
    if (one.ends_at) entry["left_s"] = std::chrono::ceil<seconds>(*one.ends_at - now).count();
    array.push_back(std::move(entry));
  }
  return array;
}

http::Response OverrideApi::list() const { return http::ok_response({{"overrides", overrides_json()}}); }

http::Response OverrideApi::set(const http::Request& request) const {
  std::string kind_text;
  std::string share_text;
  std::string force;
  Times times;
  OverrideWish wish{.author = request.who};
  const auto problem = http::read_parameters(request.query, {{"kind", &kind_text},
                                                             {"target", &wish.target},
                                                             {"share", &share_text},
                                                             {"reason", &wish.reason},
                                                             {"from", &times.from},
                                                             {"until", &times.until},
                                                             {"for", &times.lasts},
                                                             {"force", &force}});
  if (!problem.empty()) return http::error_response(400, problem);
  const auto kind = find_kind(kind_text);
  if (!kind) {
    return http::error_response(
        400, fmt::format("kind is drain, shed, force_up or force_down, not '{}'", kind_text));
  }
  wish.kind = *kind;
  const auto share = parse_share(share_text);
  const bool wants_share = wish.kind == OverrideKind::Shed;
  if (wants_share ? !share || *share == 0 : !share_text.empty())
    return http::error_response(
        400, wants_share ? "shed takes share=, above 0 and up to 1" : "only shed takes share=");
  if (wants_share) wish.share = *share;
  if (auto bad = times.read(clock_.wall(), wish); !bad.empty()) return http::error_response(400, bad);
  if (!force.empty() && force != "true") return http::error_response(400, "force is true, or left out");
  wish.is_insisted_on = !force.empty();
  const auto id = overrides_.set(wish);
  if (!id) return http::error_response(422, id.error());
  return http::ok_response({{"id", *id}, {"overrides", overrides_json()}, {"shedding", shedding_json()}});
}

http::Response OverrideApi::end(const http::Request& request) const {
  std::string what = "clients";
  std::string id_text;
  OverrideEnd wish{.author = request.who};
  const auto problem = http::read_parameters(
      request.query, {{"target", &wish.target}, {"what", &what}, {"id", &id_text}, {"reason", &wish.reason}});
  if (!problem.empty()) return http::error_response(400, problem);
  if (what != "clients" && what != "force") return http::error_response(400, "what is clients or force");
  if (wish.target.empty() == id_text.empty())
    return http::error_response(400, "give target= or id=, one of them");
  wish.takes_clients = what == "clients";
  if (!id_text.empty()) {
    const auto id = http::parse_number<std::int64_t>(id_text);
    if (!id || *id <= 0) return http::error_response(400, "id is a number of GET /v1/overrides");
    wish.id = *id;
  }
  const auto ended = overrides_.end(wish);
  if (!ended) return http::error_response(422, ended.error());
  if (*ended == 0 && wish.id != 0)
    return http::error_response(422, fmt::format("there is no override {}", wish.id));
  // What the map has lost can still be ended, but a name that means nothing is told.
  const auto unknown = *ended == 0 ? overrides_.find_unknown(wish.target) : std::string{};
  if (!unknown.empty()) return http::error_response(422, unknown);
  return http::ok_response(
      {{"ended", *ended}, {"overrides", overrides_json()}, {"shedding", shedding_json()}});
}

/// As before there were other targets: without a reason, too, and 0 gives everything back.
http::Response OverrideApi::shed(const http::Request& request) const {
  std::string share_text;
  std::string for_text;
  std::string force;
  OverrideWish wish{.author = request.who, .may_lack_reason = true};
  const auto problem = http::read_parameters(request.query, {{"datacenter", &wish.target},
                                                             {"share", &share_text},
                                                             {"reason", &wish.reason},
                                                             {"for", &for_text},
                                                             {"force", &force}});
  if (!problem.empty()) return http::error_response(400, problem);
  const auto share = parse_share(share_text);
  if (!share) return http::error_response(400, "shed takes share=, from 0 to 1");
  const auto lasts = http::parse_number<std::uint32_t>(for_text);
  if (!for_text.empty() && (!lasts || *lasts == 0 || *lasts > limits::kShedSecondsMax))
    return http::error_response(400, fmt::format("shed takes for=SECONDS, 1 to {}", limits::kShedSecondsMax));
  if (!force.empty() && force != "true") return http::error_response(400, "force is true, or left out");
  wish.is_insisted_on = !force.empty();
  if (lasts) wish.ends_at = clock_.wall() + seconds{*lasts};
  std::string failed;
  if (*share == 0) {
    const auto ended = overrides_.end({.target = wish.target, .reason = wish.reason, .author = wish.author});
    if (!ended) failed = ended.error();
    if (ended && *ended == 0) failed = overrides_.find_unknown(wish.target);
  } else {
    wish.kind = *share == steering::kFull ? OverrideKind::Drain : OverrideKind::Shed;
    wish.share = *share;
    if (const auto id = overrides_.set(wish); !id) failed = id.error();
  }
  if (!failed.empty()) return http::error_response(422, failed);
  return http::ok_response({{"overrides", overrides_json()}, {"shedding", shedding_json()}});
}

json::array OverrideApi::shedding_json() const {
  json::array array;
  const auto now = clock_.wall();
  for (const auto& [name, one] : overrides_.shedding()) {
    json::object entry{{"datacenter", name},
                       {"share", fraction_of(one.share)},
                       {"drained", one.share == steering::kFull},
                       {"reason", one.reason},
                       {"since", base::to_utc(one.begins_at)}};
    if (one.ends_at) entry["left_s"] = std::chrono::ceil<seconds>(*one.ends_at - now).count();
    array.push_back(std::move(entry));
  }
  return array;
}

json::object OverrideApi::journal_json() const {
  const auto status = journal_.status();
  const auto* const place = status.place == journal::Place::File     ? "file"
                            : status.place == journal::Place::Memory ? "memory"
                                                                     : "off";
  return {{"place", place}, {"file", status.path}, {"error", status.error}, {"waiting", status.waiting}};
}

http::Response OverrideApi::audit(const http::Request& request) const {
  std::string limit_text;
  const auto problem = http::read_parameters(request.query, {{"limit", &limit_text}});
  if (!problem.empty()) return http::error_response(400, problem);
  const auto limit = http::read_limit(limit_text);
  if (!limit) return http::error_response(400, limit.error());
  const auto rows = journal_.audit(*limit);
  if (!rows) return http::error_response(503, rows.error());
  json::array lines;
  for (const auto& row : *rows) lines.push_back(journal::to_json(row));
  return http::ok_response({{"audit", std::move(lines)}});
}

http::Response OverrideApi::history(const http::Request& request) const {
  std::string limit_text;
  std::string since_text;
  journal::HistoryQuery wanted;
  const auto problem = http::read_parameters(
      request.query, {{"name", &wanted.name}, {"since", &since_text}, {"limit", &limit_text}});
  if (!problem.empty()) return http::error_response(400, problem);
  const auto limit = http::read_limit(limit_text);
  if (!limit) return http::error_response(400, limit.error());
  wanted.limit = *limit;
  if (!since_text.empty()) {
    wanted.since = base::parse_utc(since_text);
    if (!wanted.since)
      return http::error_response(
          400, fmt::format("since is a time in UTC, as 2026-11-27T03:00Z, not '{}'", since_text));
  }
  const auto rows = journal_.history(wanted);
  if (!rows) return http::error_response(503, rows.error());
  json::array changes;
  for (const auto& row : *rows) {
    changes.push_back(json::object{{"at", base::to_utc_ms(row.at)},
                                   {"service", row.endpoint.service},
                                   {"datacenter", row.endpoint.datacenter},
                                   {"address", row.endpoint.address},
                                   {"check", row.check},
                                   {"from", row.from},
                                   {"to", row.to},
                                   {"cause", row.cause}});
  }
  return http::ok_response({{"history", std::move(changes)}});
}

}  // namespace meridian::control
