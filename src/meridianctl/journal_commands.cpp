// The commands that read the running server's journal: history and audit.
#include "meridianctl/command.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <memory>
#include <optional>
#include <string>

namespace meridian::meridianctl {
namespace {

namespace json = boost::json;

struct Question {
  std::string name;
  std::string since;
  std::size_t limit = 100;
  bool as_json = false;
};

/// The reply, once printed as JSON or found to be an error nothing.
std::optional<json::object> ask(Options& options, const std::string& target, bool as_json) {
  auto reply = ask_and_judge(options, "GET", target);
  if (!reply || !as_json) return reply;
  fmt::print("{}\n", json::serialize(*reply));
  return std::nullopt;
}

void run_history(Options& options, const Question& question) {
  auto target = fmt::format("/v1/history?limit={}", question.limit);
  if (!question.name.empty()) target += "&name=" + url_encode(question.name);
  if (!question.since.empty()) target += "&since=" + url_encode(question.since);
  const auto reply = ask(options, target, question.as_json);
  if (!reply) return;
  const auto& changes = reply->at("history").as_array();
  if (changes.empty()) fmt::print("no change is known\n");
  for (const auto& item : changes) {
    const auto& change = item.as_object();
    const auto cause = text(change.at("cause"));
    fmt::print("{} {}@{}/{} {} → {}{}\n", text(change.at("at")), text(change.at("service")),
               text(change.at("datacenter")), text(change.at("address")), text(change.at("from")),
               text(change.at("to")), cause.empty() ? cause : " · " + cause);
  }
}

void run_audit(Options& options, const Question& question) {
  const auto reply = ask(options, fmt::format("/v1/audit?limit={}", question.limit), question.as_json);
  if (!reply) return;
  const auto& lines = reply->at("audit").as_array();
  if (lines.empty()) fmt::print("nobody did anything yet\n");
  for (const auto& item : lines) {
    const auto& line = item.as_object();
    fmt::print("{} {} · {} {}", text(line.at("at")), text(line.at("who")), text(line.at("action")),
               text(line.at("target")));
    for (const auto* const key : {"details", "reason", "result"}) {
      const auto word = text(line.at(key));
      if (!word.empty()) fmt::print(" · {}", word);
    }
    fmt::print("\n");
  }
}

}  // namespace

void add_history(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("history", "How the endpoints of a service came and went, newest first");
  const auto question = std::make_shared<Question>();
  command->add_option("name", question->name,
                      "A service, SERVICE@DATACENTER or an address; all unless given");
  command->add_option("--since", question->since, "Not what is older: 2026-11-27T03:00Z");
  command->add_option("--limit", question->limit, "So many at most")->capture_default_str();
  command->add_flag("--json", question->as_json, "The server's answer as it is");
  command->callback([&options, question] { run_history(options, *question); });
}

void add_audit(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("audit", "Who overrode what and why, newest first");
  const auto question = std::make_shared<Question>();
  command->add_option("--limit", question->limit, "So many at most")->capture_default_str();
  command->add_flag("--json", question->as_json, "The server's answer as it is");
  command->callback([&options, question] { run_audit(options, *question); });
}

}  // namespace meridian::meridianctl
