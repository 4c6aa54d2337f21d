// What the sub-commands share: options, exit codes, and the way to a running server.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "config/compile/compile.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace meridian::meridianctl {

/// Exit codes: 0 done; 1 what was asked about is wrong (a map with errors); 2 could not be asked (bad usage,
/// no server).
inline constexpr int kOk = 0;
inline constexpr int kProblems = 1;
inline constexpr int kUnusable = 2;

/// Options of every command.
struct Options {
  std::string control = "/run/meridian/control.sock";
  std::string program = "meridiand";  ///< that listens there
  std::string site;                   ///< --site: meridian.yaml
  std::string map;                    ///< --map: a map directory, instead of the site file's
  std::vector<std::string> geoip;     ///< --geoip: database files, instead of the site file's
  std::string data;                   ///< --data: folder of the shipped files
  int exit_code = kOk;                ///< set by the command that ran
};

/// Each registers one sub-command; its callback sets `options.exit_code`.
void add_anycast(CLI::App& app, Options& options);
void add_audit(CLI::App& app, Options& options);
void add_check(CLI::App& app, Options& options);
void add_completion(CLI::App& app, Options& options);
void add_cookie_secret(CLI::App& app, Options& options);
void add_demand(CLI::App& app, Options& options);
void add_drain(CLI::App& app, Options& options);
void add_epochs(CLI::App& app, Options& options);
void add_explain(CLI::App& app, Options& options);
void add_force(CLI::App& app, Options& options);
void add_geoip(CLI::App& app, Options& options);
void add_health(CLI::App& app, Options& options);
void add_history(CLI::App& app, Options& options);
void add_import(CLI::App& app, Options& options);
void add_map(CLI::App& app, Options& options);
void add_overrides(CLI::App& app, Options& options);
void add_plan(CLI::App& app, Options& options);
void add_reload(CLI::App& app, Options& options);
void add_report(CLI::App& app, Options& options);
void add_rollback(CLI::App& app, Options& options);
void add_schema(CLI::App& app, Options& options);
void add_shed(CLI::App& app, Options& options);
void add_status(CLI::App& app, Options& options);
void add_undrain(CLI::App& app, Options& options);
void add_upgrade(CLI::App& app, Options& options);
void add_version(CLI::App& app, Options& options);

/// --site, --map, --geoip and --data for commands that read a map themselves.
void add_source_options(CLI::App& command, Options& options);

/// Where to read from, by the options: --map and --geoip over the site file. Errors are printed by the
/// caller, warnings are printed here.
[[nodiscard]] base::Expected<compile::Sources, base::Diagnostics> find_sources(
    const Options& options, config::SecretFiles secrets = config::SecretFiles::Skip);

/// A reload of the largest maps takes seconds; a server that is silent for a minute is stuck.
inline constexpr long kReplyTimeoutS = 60;

struct ControlReply {
  unsigned status = 0;
  std::string body;
};

/// Asks the running server. The error is one line for the operator, e.g. that no server listens there.
[[nodiscard]] base::Expected<ControlReply, std::string> ask_server(const Options& options,
                                                                   const std::string& method,
                                                                   const std::string& target,
                                                                   long timeout_s = kReplyTimeoutS);

/// The JSON object in a reply; nullopt (and a complaint) when there is none.
[[nodiscard]] std::optional<boost::json::object> ask_object(const Options& options, const std::string& method,
                                                            const std::string& target,
                                                            long timeout_s = kReplyTimeoutS);

/// The same, and sets `options.exit_code`: nullopt (and a complaint) also when the reply is an error.
[[nodiscard]] std::optional<boost::json::object> ask_and_judge(Options& options, const std::string& method,
                                                               const std::string& target);

/// A value as people read it: strings without quotes.
[[nodiscard]] std::string text(const boost::json::value& value);

/// Prints the `problems` of a reply about a reload to standard error.
void print_problems(const boost::json::object& reload);

/// What is printed of a load that was asked for.
struct LoadWords {
  const char* done;
  const char* failed;
};

/// Has the server load an epoch, waits, prints what came of it and returns the exit code.
[[nodiscard]] int load_on_server(const Options& options, const std::string& target, const LoadWords& words,
                                 bool as_json);

/// Percent-encodes one query parameter value.
[[nodiscard]] std::string url_encode(const std::string& value);

/// A line for each datacenter that is drained or sheds clients, of a reply with the key `shedding`.
[[nodiscard]] std::vector<std::string> shedding_lines(const boost::json::object& reply);

/// "1 zone", "2 zones".
[[nodiscard]] std::string counted(std::size_t count, const std::string& word);

/// Prints one line to standard error: "meridianctl: …".
void complain(const std::string& message);

}  // namespace meridian::meridianctl
