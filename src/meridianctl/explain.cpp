#include "explain/explain.hpp"

#include "meridianctl/command.hpp"
#include "plan/assume.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <chrono>
#include <iostream>
#include <memory>

namespace meridian::meridianctl {
namespace {

struct Arguments {
  std::string name;
  std::string type = "A";
  std::string from;
  std::string resolver;
  std::vector<std::string> assume;
  bool json = false;

  [[nodiscard]] std::string assumed() const { return fmt::format("{}", fmt::join(assume, ",")); }
};

/// The value of `key` in a JSON object, or the text itself where it is not one.
std::string member(const std::string& body, std::string_view key) {
  boost::system::error_code error;
  const auto value = boost::json::parse(body, error);
  if (error || !value.is_object()) return body;
  const auto* found = value.as_object().if_contains(key);
  return found != nullptr && found->is_string() ? std::string{found->as_string()} : body;
}

int explain_live(const Options& options, const Arguments& arguments) {
  if (arguments.from == "-") {
    complain("a list of clients (--from -) needs --map or --site");
    return kUnusable;
  }
  const auto target = fmt::format("/v1/explain?name={}&type={}&from={}&resolver={}&assume={}&format={}",
                                  url_encode(arguments.name), url_encode(arguments.type),
                                  url_encode(arguments.from), url_encode(arguments.resolver),
                                  url_encode(arguments.assumed()), arguments.json ? "json" : "text");
  const auto reply = ask_server(options, "GET", target);
  if (!reply) {
    complain(reply.error() + " (--map DIR or --site FILE explains without a server)");
    return kUnusable;
  }
  if (reply->status != 200) {
    complain(member(reply->body, "error"));
    return kUnusable;
  }
  fmt::print("{}", arguments.json ? reply->body : member(reply->body, "text"));
  return kOk;
}

/// Explains one client, or with `--from -` one a line of standard input, as JSON a line.
int explain_offline(const Options& options, const Arguments& arguments) {
  const auto sources = find_sources(options);
  if (!sources) {
    std::cerr << sources.error().to_text();
    return kProblems;
  }
  const auto compiled = compile::load_and_compile(*sources, 0, std::chrono::system_clock::now());
  if (!compiled) {
    std::cerr << compiled.error().to_text();
    return kProblems;
  }
  const auto assumptions = plan::parse_assumptions(arguments.assumed());
  const auto tables = assumptions ? plan::assumed_tables(*compiled->snapshot,
                                                         query::Tables(*compiled->snapshot), *assumptions)
                                  : base::unexpected(assumptions.error());
  if (!tables) {
    complain("--assume: " + tables.error());
    return kUnusable;
  }
  const auto explain_one = [&](const std::string& from, bool json) {
    const auto question = explain::parse_question(arguments.name, arguments.type, from, arguments.resolver);
    if (!question) {
      complain(question.error());
      return kUnusable;
    }
    auto explanation = explain::explain(*question, *compiled->snapshot, **tables, *compiled->rulebook);
    explanation.assumed = arguments.assumed();
    std::cout << (json ? explain::to_json(explanation) + "\n" : explain::to_text(explanation));
    return kOk;
  };
  if (arguments.from != "-") {
    if (!arguments.json) {
      for (const auto& database : compiled->rulebook->geography.databases) {
        for (const auto& file : database.files)
          fmt::print("{:<9} {} ({})\n", "database", file->path, file->database_type);
      }
    }
    return explain_one(arguments.from, arguments.json);
  }
  int worst = kOk;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty()) worst = std::max(worst, explain_one(line, true));
  }
  return worst;
}

}  // namespace

void add_explain(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("explain",
                                     "Tell step by step why a client gets its answer: from the running "
                                     "server, or with --map or --site from files");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("name", arguments->name, "Name asked for")->required();
  command->add_option("type", arguments->type, "Record type")->capture_default_str();
  command->add_option("--from", arguments->from,
                      "Client: an address (its /24 or /56 is sent, as resolvers do) or a network; - reads a "
                      "list (with --map or --site)");
  command->add_option("--resolver", arguments->resolver, "Address the packet comes from (default 127.0.0.1)");
  command
      ->add_option("--assume", arguments->assume,
                   "State of a datacenter to play through: 'ams down', 'ams 50%', 'ams drained', 'ams shed "
                   "30%'; may be repeated")
      ->expected(1)
      ->take_all();
  command->add_flag("--json", arguments->json, "One JSON object on one line");
  add_source_options(*command, options);
  command->callback([&options, arguments] {
    const bool offline = !options.map.empty() || !options.site.empty();
    options.exit_code = offline ? explain_offline(options, *arguments) : explain_live(options, *arguments);
  });
}

}  // namespace meridian::meridianctl
