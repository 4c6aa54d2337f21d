// The commands about probed endpoints: health shows them, report lets one say how it is.
#include "meridianctl/command.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace meridian::meridianctl {
namespace {

namespace json = boost::json;

std::string optional_text(const json::object& object, std::string_view key) {
  const auto* const value = object.if_contains(key);
  return value == nullptr ? std::string{} : text(*value);
}

void print_endpoint(const json::object& endpoint) {
  std::string line =
      fmt::format("  {:<8} {} {} for {} s", text(endpoint.at("state")), text(endpoint.at("datacenter")),
                  text(endpoint.at("address")), text(endpoint.at("for_s")));
  if (const auto cause = optional_text(endpoint, "cause"); !cause.empty()) line += " · " + cause;
  if (const auto by = optional_text(endpoint, "kept_by"); !by.empty()) line += " · kept by " + by;
  if (const auto warning = optional_text(endpoint, "warning"); !warning.empty()) line += " · " + warning;
  if (const auto percent = text(endpoint.at("weight_percent")); percent != "100")
    line += fmt::format(" · wants {} % of its weight", percent);
  fmt::print("{}\n", line);
}

void print_health(const json::object& told) {
  for (const auto& item : told.at("checks").as_array()) {
    const auto& check = item.as_object();
    fmt::print("check {} · {} · {} of {} failing{}\n", text(check.at("name")), text(check.at("type")),
               text(check.at("failing")), counted(check.at("addresses").to_number<std::size_t>(), "endpoint"),
               check.contains("suspect_left_s")
                   ? fmt::format(" · SUSPECT, not believed for {} s", text(check.at("suspect_left_s")))
                   : std::string{});
  }
  for (const auto& item : told.at("services").as_array()) {
    const auto& service = item.as_object();
    fmt::print(
        "{} · {:.1f} % of its capacity{}{}\n", text(service.at("name")),
        service.at("capacity_percent").to_number<double>(),
        service.at("fails_open").as_bool() ? " · too little: FAILS OPEN" : "",
        service.contains("panic_next_release_s")
            ? fmt::format(" · PANIC, states are kept for {} s", text(service.at("panic_next_release_s")))
            : std::string{});
    for (const auto& endpoint : service.at("endpoints").as_array()) print_endpoint(endpoint.as_object());
  }
}

struct Report {
  std::string check;
  std::string address;
  std::string state;
  std::string cause;
  std::optional<std::uint32_t> weight;
};

void run_report(Options& options, const Report& report) {
  auto target = fmt::format("/v1/report?check={}&address={}&ok={}", url_encode(report.check),
                            url_encode(report.address), report.state == "up" ? "yes" : "no");
  if (!report.cause.empty()) target += "&cause=" + url_encode(report.cause);
  if (report.weight) target += fmt::format("&weight={}", *report.weight);
  static_cast<void>(ask_and_judge(options, "POST", target));
}

}  // namespace

void add_health(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand(
      "health", "Checks, and the probed endpoints of each service: state, since when, why");
  struct Question {
    std::string name;
    bool as_json = false;
  };
  const auto question = std::make_shared<Question>();
  command->add_option("SERVICE", question->name, "Only this service");
  command->add_flag("--json", question->as_json, "The server's answer as it is");
  command->callback([&options, question] {
    const auto target =
        question->name.empty() ? std::string{"/v1/health"} : "/v1/health?name=" + url_encode(question->name);
    const auto told = ask_and_judge(options, "GET", target);
    if (!told) return;
    if (question->as_json) {
      fmt::print("{}\n", json::serialize(*told));
    } else {
      print_health(*told);
    }
  });
}

void add_report(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand(
      "report", "Say how an endpoint is, for a check of type push; holds for the check's lease");
  const auto report = std::make_shared<Report>();
  command->add_option("CHECK", report->check, "The check's name")->required();
  command->add_option("ADDRESS", report->address, "The endpoint's address")->required();
  command->add_option("STATE", report->state, "up or down")->required()->check(CLI::IsMember({"up", "down"}));
  command->add_option("--cause", report->cause, "Why it is down");
  command->add_option("--weight", report->weight, "The share of its weight that it wants, 0 to 100")
      ->check(CLI::Range(0u, 100u));
  command->callback([&options, report] { run_report(options, *report); });
}

}  // namespace meridian::meridianctl
