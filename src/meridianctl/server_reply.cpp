// What the commands that ask the running server make of its replies.
#include "meridianctl/command.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <cstdio>

namespace meridian::meridianctl {

namespace json = boost::json;

std::optional<json::object> ask_object(const Options& options, const std::string& method,
                                       const std::string& target, long timeout_s) {
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

std::optional<json::object> ask_and_judge(Options& options, const std::string& method,
                                          const std::string& target) {
  auto reply = ask_object(options, method, target);
  options.exit_code = reply ? kOk : kUnusable;
  if (!reply) return std::nullopt;
  if (const auto* const error = reply->if_contains("error")) {
    complain(text(*error));
    options.exit_code = kProblems;
    return std::nullopt;
  }
  return reply;
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

int load_on_server(const Options& options, const std::string& target, const LoadWords& words, bool as_json) {
  const auto reload = ask_object(options, "POST", target);
  if (!reload) return kUnusable;
  const auto* is_ok = reload->if_contains("ok");
  if (is_ok == nullptr) {
    const auto* error = reload->if_contains("error");
    complain(error != nullptr ? text(*error) : json::serialize(*reload));
    return error != nullptr ? kProblems : kUnusable;
  }
  if (as_json) {
    fmt::print("{}\n", json::serialize(*reload));
  } else {
    print_problems(*reload);
    fmt::print("{} · epoch {} serves · {} ms\n", is_ok->as_bool() ? words.done : words.failed,
               text(reload->at("epoch")), text(reload->at("took_ms")));
  }
  return is_ok->as_bool() ? kOk : kProblems;
}

}  // namespace meridian::meridianctl
