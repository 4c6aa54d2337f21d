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

void print_demand(const json::object& status) {
  const auto* const demand = status.if_contains("demand");
  if (demand == nullptr || !demand->is_object()) return;  // off
  const auto& totals = demand->as_object();
  fmt::print("demand     {} queries of {} since {} · one in {} is counted\n", text(totals.at("queries")),
             counted(totals.at("networks_counted").to_number<std::size_t>(), "network"),
             text(totals.at("since")), text(totals.at("sample")));
}

void print_journal(const json::object& status) {
  const auto* const journal = status.if_contains("journal");
  if (journal == nullptr || !journal->is_object()) return;  // a server of before
  const auto& object = journal->as_object();
  const auto place = text(object.at("place"));
  const auto error = text(object.at("error"));
  fmt::print("journal    {}{}{}\n",
             place == "memory" ? "in memory; it ends with the server, since the site file has no 'state'"
             : place == "off"  ? "OFF · "
                               : "",
             text(object.at("file")), error.empty() ? error : " · " + error);
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
  if (const auto& held = status.at("geoip_held"); held.is_object()) {
    for (const auto& file : held.at("files").as_array()) fmt::print("held       {}\n", text(file));
    for (const auto& reason : held.at("reasons").as_array()) fmt::print("           {}\n", text(reason));
  }
  for (const auto& line : shedding_lines(status)) fmt::print("shedding   {}\n", line);
  print_journal(status);
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
  const auto status = ask_object(options, "GET", "/v1/status");
  if (!status) return kUnusable;
  if (as_json) {
    fmt::print("{}\n", json::serialize(*status));
  } else {
    print_status(*status);
  }
  return kOk;
}

struct UpgradeOptions {
  std::uint32_t timeout_s = base::limits::kUpgradeTimeoutS;
  bool as_json = false;
};

int run_upgrade(const Options& options, const UpgradeOptions& upgrade) {
  // The server counts the seconds; it may need a moment more to say that they are over.
  constexpr long kGraceS = 30;
  const auto told = ask_object(options, "POST", fmt::format("/v1/upgrade?timeout={}", upgrade.timeout_s),
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
