// The commands about epochs of the running server: reload, epochs, rollback and geoip accept.
#include "meridianctl/command.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <cstdint>
#include <memory>

namespace meridian::meridianctl {
namespace {

/// A hash is told as git tells one.
constexpr std::size_t kShortHash = 12;

int run_epochs(const Options& options, bool as_json) {
  const auto epochs = ask_object(options, "GET", "/v1/epochs");
  if (!epochs) return kUnusable;
  if (as_json) {
    fmt::print("{}\n", boost::json::serialize(*epochs));
    return kOk;
  }
  const auto& kept = epochs->at("kept").as_array();
  for (const auto& item : kept) {
    const auto& epoch = item.as_object();
    fmt::print("{} {:>5} · {} · {}\n", epoch.at("serves").as_bool() ? "serves" : "      ",
               text(epoch.at("epoch")), text(epoch.at("hash")).substr(0, kShortHash),
               text(epoch.at("loaded_at")));
  }
  if (kept.empty()) {
    complain(text(epochs->at("state")).empty()
                 ? "no epoch is kept: the site file has no 'state'"
                 : fmt::format("no epoch is kept in {}; see the server's log", text(epochs->at("state"))));
  }
  return kOk;
}

struct RollbackOptions {
  std::uint64_t epoch = 0;
  bool as_json = false;
};

int run_rollback(const Options& options, const RollbackOptions& rollback) {
  const auto target = rollback.epoch == 0 ? std::string{"/v1/rollback"}
                                          : fmt::format("/v1/rollback?epoch={}", rollback.epoch);
  return load_on_server(options, target, {.done = "rolled back", .failed = "not rolled back"},
                        rollback.as_json);
}

}  // namespace

void add_reload(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand(
      "reload", "Have the running server read its map again; waits, and tells what was wrong");
  struct Flags {
    bool force = false;
    bool as_json = false;
  };
  const auto flags = std::make_shared<Flags>();
  command->add_flag("--force", flags->force,
                    "Also a map that leaves a name without an answer, or that was gone back from");
  command->add_flag("--json", flags->as_json, "The server's answer as it is");
  command->callback([&options, flags] {
    options.exit_code =
        load_on_server(options, flags->force ? "/v1/reload?force=true" : "/v1/reload",
                       {.done = "reloaded", .failed = "not reloaded: the old map stays"}, flags->as_json);
  });
}

void add_epochs(CLI::App& app, Options& options) {
  auto* command =
      app.add_subcommand("epochs", "The last maps of the running server, which it can go back to");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "The server's answer as it is");
  command->callback([&options, as_json] { options.exit_code = run_epochs(options, *as_json); });
}

void add_rollback(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand(
      "rollback", "Have the running server go back to an earlier map, whatever the map directory says");
  const auto rollback = std::make_shared<RollbackOptions>();
  command
      ->add_option("epoch", rollback->epoch,
                   "Its number, as 'epochs' tells; else the one before that differs")
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", rollback->as_json, "The server's answer as it is");
  command->callback([&options, rollback] { options.exit_code = run_rollback(options, *rollback); });
}

void add_geoip(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("geoip", "GeoIP and networks files that the running server holds");
  command->require_subcommand(1);
  auto* accept =
      command->add_subcommand("accept", "Take the changed files, whatever they move; 'status' tells which");
  const auto as_json = std::make_shared<bool>(false);
  accept->add_flag("--json", *as_json, "The server's answer as it is");
  accept->callback([&options, as_json] {
    options.exit_code =
        load_on_server(options, "/v1/geoip/accept",
                       {.done = "accepted", .failed = "not accepted: the old files stay"}, *as_json);
  });
}

}  // namespace meridian::meridianctl
