// The commands that override what the running server would do by itself: drain, undrain, shed, force and
// overrides.
#include "base/limits.hpp"
#include "config/yaml_reader.hpp"
#include "meridianctl/command.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::meridianctl {
namespace {

namespace json = boost::json;

struct Wish {
  std::string kind;
  std::string target;
  std::string share;  ///< `30%` or `0.3`
  std::string reason;
  std::string lasts;  ///< `90`, `30m`, `1h`, `1d`; empty: until further notice
  std::string from;
  std::string until;
  bool is_insisted_on = false;
};

constexpr const char* kTargetHelp =
    "A datacenter (ams), a pool (www.example.com@ams) or endpoints (192.0.2.10); * and ? stand for any text";

/// Of overrides that shedding_lines() does not show.
std::vector<std::string> other_lines(const json::object& reply) {
  std::vector<std::string> lines;
  for (const auto& item : reply.at("overrides").as_array()) {
    const auto& one = item.as_object();
    const auto kind = text(one.at("kind"));
    const auto target = text(one.at("target"));
    const bool is_datacenter = target.find_first_of("@.:*?") == std::string::npos;
    if (is_datacenter && !kind.starts_with("force") && one.at("active").as_bool()) continue;
    auto line = fmt::format("{:<10} {}", target, kind);
    if (kind == "shed") line += fmt::format(" {:.4g}%", one.at("share").to_number<double>() * 100);
    std::ranges::replace(line, '_', ' ');
    line += fmt::format(" {} {}", one.at("active").as_bool() ? "since" : "from", text(one.at("from")));
    if (!one.at("until").is_null()) line += fmt::format(" until {}", text(one.at("until")));
    line +=
        fmt::format(" · {} · {} · {}", text(one.at("reason")), text(one.at("author")), text(one.at("id")));
    lines.push_back(std::move(line));
  }
  return lines;
}

int send(const Options& options, const std::string& target) {
  const auto reply = ask_server(options, "POST", target);
  if (!reply) {
    complain(reply.error());
    return kUnusable;
  }
  boost::system::error_code error;
  const auto value = json::parse(reply->body, error);
  if (error || !value.is_object() || reply->status != 200) {
    const auto* const told = !error && value.is_object() ? value.as_object().if_contains("error") : nullptr;
    complain(told != nullptr && told->is_string() ? std::string{told->as_string()} : reply->body);
    return reply->status == 422 ? kProblems : kUnusable;
  }
  const auto& answer = value.as_object();
  const auto sheds = shedding_lines(answer);
  const auto others = other_lines(answer);
  if (sheds.empty() && others.empty()) fmt::print("every datacenter keeps its clients\n");
  for (const auto& line : sheds) fmt::print("{}\n", line);
  for (const auto& line : others) fmt::print("{}\n", line);
  return kOk;
}

/// Drains and sheds of a datacenter came before reasons and other targets did, and scripts have them.
bool is_plain(const Wish& wish) {
  return wish.reason.empty() && wish.from.empty() && wish.until.empty() && !wish.kind.starts_with("force") &&
         wish.target.find_first_of("@.:*?") == std::string::npos;
}

int set(const Options& options, const Wish& wish) {
  std::string share;
  if (!wish.share.empty()) {
    const auto parsed = config::parse_share(wish.share);
    if (!parsed) {
      complain(fmt::format("'{}' is no share; write 30% or 0.3", wish.share));
      return kUnusable;
    }
    share = fmt::format("{}", *parsed);
  }
  // 0 % is what ends a shed.
  if (wish.kind == "shed" && config::parse_share(wish.share) == 0)
    return send(options,
                "/v1/overrides/end?target=" + url_encode(wish.target) + "&reason=" + url_encode(wish.reason));
  auto target = is_plain(wish)
                    ? fmt::format("/v1/shed?datacenter={}&share={}", url_encode(wish.target),
                                  wish.kind == "drain" ? "1" : share)
                    : fmt::format("/v1/overrides?kind={}&target={}", wish.kind, url_encode(wish.target));
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) target += fmt::format("&{}={}", name, url_encode(value));
  };
  if (!is_plain(wish)) add("share", share);
  add("reason", wish.reason);
  add("from", wish.from);
  add("until", wish.until);
  if (!wish.lasts.empty()) {
    const auto seconds = config::parse_seconds(wish.lasts, base::limits::kShedSecondsMax);
    if (!seconds || *seconds == 0) {
      complain(fmt::format("'{}' is no time up to {} days; write 90s, 30m, 1h or 1d", wish.lasts,
                           base::limits::kShedSecondsMax / 86'400));
      return kUnusable;
    }
    add("for", std::to_string(*seconds));
  }
  if (wish.is_insisted_on) add("force", "true");
  return send(options, target);
}

int end(const Options& options, const Wish& wish, std::string_view what) {
  auto target = fmt::format("/v1/overrides/end?what={}&target={}", what, url_encode(wish.target));
  if (!wish.reason.empty()) target += "&reason=" + url_encode(wish.reason);
  return send(options, target);
}

void add_reason(CLI::App& command, Wish& wish) {
  command.add_option("--reason", wish.reason, "Shown in status, in the log and in the audit log");
}

void add_times(CLI::App& command, Wish& wish) {
  add_reason(command, wish);
  auto* lasts = command.add_option("--for", wish.lasts, "Ends by itself after this: 90s, 30m, 1h, 1d");
  command.add_option("--until", wish.until, "Ends by itself then: 2026-11-27T03:00Z")->excludes(lasts);
  command.add_option("--from", wish.from, "Begins by itself then: 2026-11-27T01:00Z");
  command.add_flag("--force", wish.is_insisted_on, "Also when too little is left of a service");
}

int run_overrides(const Options& options, bool as_json, std::int64_t ended) {
  if (ended != 0) return send(options, fmt::format("/v1/overrides/end?id={}", ended));
  const auto reply = ask_object(options, "GET", "/v1/overrides");
  if (!reply) return kUnusable;
  if (as_json) {
    fmt::print("{}\n", json::serialize(*reply));
    return kOk;
  }
  const auto& all = reply->at("overrides").as_array();
  if (all.empty()) fmt::print("nothing is overridden\n");
  for (const auto& item : all) {
    const auto& one = item.as_object();
    auto what = text(one.at("kind"));
    std::ranges::replace(what, '_', ' ');
    if (what == "shed") what += fmt::format(" {:.4g}%", one.at("share").to_number<double>() * 100);
    fmt::print("{:<4} {:<10} {} · {} {}{} · {} · {}\n", text(one.at("id")), what, text(one.at("target")),
               one.at("active").as_bool() ? "since" : "from", text(one.at("from")),
               one.at("until").is_null() ? std::string{} : " until " + text(one.at("until")),
               text(one.at("reason")), text(one.at("author")));
  }
  return kOk;
}

}  // namespace

std::vector<std::string> shedding_lines(const json::object& reply) {
  std::vector<std::string> lines;
  for (const auto& item : reply.at("shedding").as_array()) {
    const auto& shed = item.as_object();
    auto line = fmt::format("{:<10} ", std::string_view{shed.at("datacenter").as_string()});
    line += shed.at("drained").as_bool()
                ? std::string{"drained"}
                : fmt::format("sheds {:.4g}%", shed.at("share").to_number<double>() * 100);
    line += fmt::format(" since {}", std::string_view{shed.at("since").as_string()});
    if (const auto* const left = shed.if_contains("left_s"))
      line += fmt::format(" · {} s more", left->to_number<std::int64_t>());
    const auto reason = std::string_view{shed.at("reason").as_string()};
    if (!reason.empty()) line += fmt::format(" · {}", reason);
    lines.push_back(std::move(line));
  }
  return lines;
}

void add_drain(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("drain", "Send no more clients to a datacenter, a pool or an endpoint");
  const auto wish = std::make_shared<Wish>();
  wish->kind = "drain";
  add_times(*command, *wish);
  command->add_option("target", wish->target, kTargetHelp)->required();
  command->callback([&options, wish] { options.exit_code = set(options, *wish); });
}

void add_undrain(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("undrain", "End what drain or shed began; the clients return");
  const auto wish = std::make_shared<Wish>();
  add_reason(*command, *wish);
  command->add_option("target", wish->target, "As drain or shed had it")->required();
  command->callback([&options, wish] { options.exit_code = end(options, *wish, "clients"); });
}

void add_shed(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand(
      "shed", "Take a share of a datacenter's or a pool's health away, so that clients leave it");
  const auto wish = std::make_shared<Wish>();
  wish->kind = "shed";
  add_times(*command, *wish);
  command->add_option("share", wish->share, "30% or 0.3; 0% ends it. It may stand behind the target")
      ->required();
  command->add_option("target", wish->target, kTargetHelp)->required();
  command->callback([&options, wish] {
    const auto may_be_share = [](const std::string& word) {
      return !word.empty() &&
             (word.ends_with('%') || word.find_first_not_of("0123456789.") == std::string::npos);
    };
    // Which of two words is the share shows.
    if (!may_be_share(wish->share) && may_be_share(wish->target)) std::swap(wish->share, wish->target);
    options.exit_code = set(options, *wish);
  });
}

void add_force(CLI::App& app, Options& options) {
  auto* command =
      app.add_subcommand("force", "Say that endpoints are up or down, whatever their checks find");
  const auto wish = std::make_shared<Wish>();
  const auto state = std::make_shared<std::string>();
  add_times(*command, *wish);
  command->add_option("state", *state, "up, down, or auto: as the checks say again")
      ->required()
      ->check(CLI::IsMember({"up", "down", "auto"}));
  command->add_option("target", wish->target, kTargetHelp)->required();
  command->callback([&options, wish, state] {
    wish->kind = "force_" + *state;
    options.exit_code = *state == "auto" ? end(options, *wish, "force") : set(options, *wish);
  });
}

void add_overrides(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("overrides", "What operators override: drained, shed and forced");
  const auto as_json = std::make_shared<bool>(false);
  const auto ended = std::make_shared<std::int64_t>(0);
  command->add_flag("--json", *as_json, "The server's answer as it is");
  command->add_option("--end", *ended, "End the one with this number")->check(CLI::PositiveNumber);
  command->callback(
      [&options, as_json, ended] { options.exit_code = run_overrides(options, *as_json, *ended); });
}

}  // namespace meridian::meridianctl
