// The commands that ask the running server and print its answer: status, reload and upgrade.
#include "base/limits.hpp"
#include "meridianctl/command.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <cstdio>
#include <memory>
#include <optional>

namespace meridian::meridianctl {
namespace {

namespace json = boost::json;

/// The JSON object in a reply; nullopt (and a complaint) when there is none.
std::optional<json::object> ask(const Options& options, const std::string& method, const std::string& target,
                                long timeout_s = kReplyTimeoutS) {
  const auto reply = ask_server(options, method, target, timeout_s);
  if (!reply) {
    complain(reply.error());
    return std::nullopt;
  }
  boost::system::error_code error;
  auto value = json::parse(reply->body, error);
  if (error || !value.is_object()) {
    complain(fmt::format("the server's answer is no JSON object: {}", reply->body));
    return std::nullopt;
  }
  return std::move(value.as_object());
}

std::string text(const json::value& value) {
  return value.is_string() ? std::string{value.as_string()} : json::serialize(value);
}

void print_problems(const json::object& reload) {
  for (const auto& item : reload.at("problems").as_array()) {
    const auto& problem = item.as_object();
    base::Diagnostic diagnostic;
    diagnostic.severity =
        problem.at("severity").as_string() == "warning" ? base::Severity::Warning : base::Severity::Error;
    diagnostic.where = {text(problem.at("file")), static_cast<int>(problem.at("line").as_int64()),
                        static_cast<int>(problem.at("column").as_int64())};
    diagnostic.message = text(problem.at("message"));
    fmt::print(stderr, "{}\n", base::to_string(diagnostic));
  }
}

void print_demand(const json::object& status) {
  const auto* const demand = status.if_contains("demand");
  if (demand == nullptr || !demand->is_object()) return;  // off
  const auto& totals = demand->as_object();
  fmt::print("demand     {} queries of {} since {} · one in {} is counted\n", text(totals.at("queries")),
             counted(totals.at("networks_counted").to_number<std::size_t>(), "network"),
             text(totals.at("since")), text(totals.at("sample")));
}

void print_status(const json::object& status) {
  std::string listening;
  for (const auto& address : status.at("listening").as_array()) listening += " " + text(address);
  fmt::print("site       {} · meridiand {} · up {} s\n", text(status.at("site")), text(status.at("version")),
             text(status.at("uptime_s")));
  fmt::print("listening {} · {} UDP workers\n", listening, text(status.at("workers")));
  const auto count = [&](std::string_view key, const std::string& word) {
    return counted(status.at(key).to_number<std::size_t>(), word);
  };
  fmt::print("epoch      {} of {} · {}, {}, {}\n", text(status.at("epoch")),
             text(status.at("epoch_built_at")), count("zones", "zone"), count("services", "service"),
             count("endpoints", "endpoint"));
  for (const auto& map : status.at("maps").as_array()) {
    const auto& object = map.as_object();
    fmt::print("map        {} · {} IPv4 and {} IPv6 leaves, {} bytes\n", text(object.at("name")),
               text(object.at("leaves_v4")), text(object.at("leaves_v6")), text(object.at("bytes")));
  }
  for (const auto& database : status.at("databases").as_array()) {
    const auto& object = database.as_object();
    fmt::print("database   {} · {} · {} of {}\n", text(object.at("name")), text(object.at("file")),
               text(object.at("type")), text(object.at("built_at")));
  }
  for (const auto& line : shedding_lines(status)) fmt::print("shedding   {}\n", line);
  print_demand(status);
  const auto& reload = status.at("last_reload").as_object();
  fmt::print("reload     {} · {} ms · {}\n",
             reload.at("ok").as_bool() ? "good" : "FAILED, the old map serves", text(reload.at("took_ms")),
             counted(reload.at("problems").as_array().size(), "problem"));
  print_problems(reload);
  for (const auto& [name, value] : status.at("counters").as_object()) {
    if (value.to_number<std::uint64_t>() != 0) fmt::print("{:<42} {}\n", std::string_view{name}, text(value));
  }
}

int run_status(const Options& options, bool as_json) {
  const auto status = ask(options, "GET", "/v1/status");
  if (!status) return kUnusable;
  if (as_json) {
    fmt::print("{}\n", json::serialize(*status));
  } else {
    print_status(*status);
  }
  return kOk;
}

int run_reload(const Options& options, bool as_json) {
  const auto reload = ask(options, "POST", "/v1/reload");
  if (!reload) return kUnusable;
  const auto* is_ok = reload->if_contains("ok");
  if (is_ok == nullptr) {
    complain(json::serialize(*reload));
    return kUnusable;
  }
  if (as_json) {
    fmt::print("{}\n", json::serialize(*reload));
  } else {
    print_problems(*reload);
    fmt::print("{} · epoch {} serves · {} ms\n",
               is_ok->as_bool() ? "reloaded" : "not reloaded: the old map stays", text(reload->at("epoch")),
               text(reload->at("took_ms")));
  }
  return is_ok->as_bool() ? kOk : kProblems;
}

struct UpgradeOptions {
  std::uint32_t timeout_s = base::limits::kUpgradeTimeoutS;
  bool as_json = false;
};

int run_upgrade(const Options& options, const UpgradeOptions& upgrade) {
  // The server counts the seconds; it may need a moment more to say that they are over.
  constexpr long kGraceS = 30;
  const auto told = ask(options, "POST", fmt::format("/v1/upgrade?timeout={}", upgrade.timeout_s),
                        static_cast<long>(upgrade.timeout_s) + kGraceS);
  if (!told) return kUnusable;
  const auto* is_ok = told->if_contains("ok");
  const bool is_done = is_ok != nullptr && is_ok->is_bool() && is_ok->as_bool();
  if (upgrade.as_json) {
    fmt::print("{}\n", json::serialize(*told));
  } else if (is_done) {
    fmt::print("upgraded · pid {} serves · {} ms\n", text(told->at("pid")), text(told->at("took_ms")));
  } else {
    const auto* error = told->if_contains("error");
    complain(fmt::format("not upgraded: the old server goes on: {}",
                         error != nullptr ? text(*error) : json::serialize(*told)));
  }
  return is_done ? kOk : kProblems;
}

void add(CLI::App& app, Options& options, const std::string& name, const std::string& help,
         int (*run)(const Options&, bool)) {
  auto* command = app.add_subcommand(name, help);
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "The server's answer as it is");
  command->callback([&options, as_json, run] { options.exit_code = run(options, *as_json); });
}

}  // namespace

void add_status(CLI::App& app, Options& options) {
  add(app, options, "status", "What the running server serves, since when, and its counters", &run_status);
}

void add_reload(CLI::App& app, Options& options) {
  add(app, options, "reload", "Have the running server read its map again; waits, and tells what was wrong",
      &run_reload);
}

void add_upgrade(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand(
      "upgrade", "Have the running server start its program again and hand over to it without a lost query");
  const auto upgrade = std::make_shared<UpgradeOptions>();
  command
      ->add_option("--timeout", upgrade->timeout_s,
                   "Seconds the new server has until it must be ready to serve")
      ->check(CLI::Range(1u, base::limits::kUpgradeTimeoutMaxS))
      ->capture_default_str();
  command->add_flag("--json", upgrade->as_json, "The server's answer as it is");
  command->callback([&options, upgrade] { options.exit_code = run_upgrade(options, *upgrade); });
}

}  // namespace meridian::meridianctl
