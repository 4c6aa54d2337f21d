// `meridianctl demand`: where the running server's queries come from, as the file that `plan --demand` reads.
#include "meridianctl/command.hpp"
#include "meridianctl/out_file.hpp"
#include "plan/demand_text.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

namespace meridian::meridianctl {
namespace {

namespace json = boost::json;

struct Arguments {
  std::string out;
  std::string unit = "per-second";
  std::uint64_t min = 1;
  bool json = false;
  bool reset = false;
};

plan::CountedDemand read_counts(const json::object& told) {
  const auto word = [&](std::string_view key) { return std::string{told.at(key).as_string()}; };
  const auto number = [](const json::value& value) { return value.to_number<std::uint64_t>(); };
  plan::CountedDemand counted{.site = word("site"),
                              .since = word("since"),
                              .until = word("until"),
                              .seconds = told.at("seconds").to_number<double>(),
                              .sample = told.at("sample").to_number<std::uint32_t>(),
                              .queries = number(told.at("queries")),
                              .networks_evicted = number(told.at("networks_evicted")),
                              .missing_max = number(told.at("missing_max")),
                              .networks = {}};
  for (const auto& item : told.at("networks").as_array()) {
    const auto& one = item.as_object();
    counted.networks.push_back({.network = std::string{one.at("network").as_string()},
                                .queries = number(one.at("queries")),
                                .error = number(one.at("error"))});
  }
  return counted;
}

/// The answer as text, whatever is to be done with it. `told` was checked to be an object.
std::string render(const json::object& told, const Arguments& arguments) {
  if (arguments.json) return json::serialize(told) + "\n";
  const auto unit = arguments.unit == "queries" ? plan::DemandUnit::Queries : plan::DemandUnit::PerSecond;
  return plan::demand_text(read_counts(told), unit, arguments.min);
}

/// Complains, and says how to exit.
int fail(int code, const std::string& message) {
  complain(message);
  return code;
}

int print(const std::string& text) {
  const bool is_written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return is_written ? kOk : fail(kProblems, "standard output can't be written");
}

int run_demand(const Options& options, const Arguments& arguments) {
  std::optional<OutFile> file;
  if (!arguments.out.empty()) {
    // First: a reset that has nowhere to write to would lose what was counted.
    auto opened = OutFile::open(arguments.out);
    if (!opened) return fail(kProblems, opened.error());
    file.emplace(std::move(*opened));
  }
  const auto reply = arguments.reset ? ask_server(options, "POST", "/v1/demand/reset")
                                     : ask_server(options, "GET", "/v1/demand");
  if (!reply) return fail(kUnusable, reply.error());
  boost::system::error_code error;
  const auto value = json::parse(reply->body, error);
  if (error || !value.is_object())
    return fail(kUnusable, fmt::format("the server's answer is no JSON object: {}", reply->body));
  const auto& told = value.as_object();
  if (const auto* const problem = told.if_contains("error"); problem != nullptr && problem->is_string())
    return fail(reply->status == 422 ? kProblems : kUnusable, std::string{problem->as_string()});
  const auto text = render(told, arguments);
  if (!file) return print(text);
  const auto kept = file->keep(text);
  return kept ? kOk : fail(kProblems, kept.error());
}

}  // namespace

void add_demand(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand(
      "demand", "Where the running server's steered queries come from, as the file that plan --demand reads");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--out", arguments->out, "File to write, whole or not at all, instead of printing");
  auto* unit = command->add_option("--unit", arguments->unit, "per-second or queries")
                   ->check(CLI::IsMember({"per-second", "queries"}))
                   ->capture_default_str();
  auto* min =
      command->add_option("--min", arguments->min, "Leave out networks with fewer queries (not per second)")
          ->capture_default_str();
  command->add_flag("--json", arguments->json, "The server's answer as it is")->excludes(unit)->excludes(min);
  command->add_flag("--reset", arguments->reset, "And start over: what is told is counted no more");
  command->callback([&options, arguments] { options.exit_code = run_demand(options, *arguments); });
}

}  // namespace meridian::meridianctl
