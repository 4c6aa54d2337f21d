// The commands that take clients away from a datacenter of the running server: drain, undrain and shed.
#include "base/limits.hpp"
#include "config/yaml_reader.hpp"
#include "meridianctl/command.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <memory>
#include <string>
#include <vector>

namespace meridian::meridianctl {
namespace {

namespace json = boost::json;

struct Wish {
  std::string datacenter;
  std::string share;  ///< `30%` or `0.3`
  std::string reason;
  std::string lasts;  ///< `90`, `30m`, `1h`, `1d`; empty: until further notice
};

void print_shedding(const json::object& reply) {
  const auto lines = shedding_lines(reply);
  if (lines.empty()) fmt::print("every datacenter keeps its clients\n");
  for (const auto& line : lines) fmt::print("{}\n", line);
}

int send(const Options& options, const Wish& wish) {
  const auto share = config::parse_share(wish.share);
  if (!share) {
    complain(fmt::format("'{}' is no share; write 30% or 0.3", wish.share));
    return kUnusable;
  }
  auto target = fmt::format("/v1/shed?datacenter={}&share={}", url_encode(wish.datacenter), *share);
  if (!wish.reason.empty()) target += "&reason=" + url_encode(wish.reason);
  if (!wish.lasts.empty()) {
    const auto seconds = config::parse_seconds(wish.lasts, base::limits::kShedSecondsMax);
    if (!seconds || *seconds == 0) {
      complain(fmt::format("'{}' is no time up to {} days; write 90s, 30m, 1h or 1d", wish.lasts,
                           base::limits::kShedSecondsMax / 86'400));
      return kUnusable;
    }
    target += fmt::format("&for={}", *seconds);
  }
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
  print_shedding(value.as_object());
  return kOk;
}

void finish(CLI::App& command, Options& options, const std::shared_ptr<Wish>& wish) {
  command.add_option("datacenter", wish->datacenter, "Its name in datacenters.yaml")->required();
  command.callback([&options, wish] { options.exit_code = send(options, *wish); });
}

void add_reason(CLI::App& command, Wish& wish) {
  command.add_option("--reason", wish.reason, "Shown in status and in the log");
  command.add_option("--for", wish.lasts, "Ends by itself after this: 90s, 30m, 1h, 1d");
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
  auto* command = app.add_subcommand("drain", "Send no more clients to a datacenter");
  const auto wish = std::make_shared<Wish>();
  wish->share = "100%";
  add_reason(*command, *wish);
  finish(*command, options, wish);
}

void add_undrain(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("undrain", "End what drain or shed began; the clients return");
  const auto wish = std::make_shared<Wish>();
  wish->share = "0%";
  finish(*command, options, wish);
}

void add_shed(CLI::App& app, Options& options) {
  auto* command =
      app.add_subcommand("shed", "Take a share of a datacenter's health away, so that clients leave it");
  const auto wish = std::make_shared<Wish>();
  add_reason(*command, *wish);
  finish(*command, options, wish);
  command->add_option("share", wish->share, "30% or 0.3; 0% ends it")->required();
}

}  // namespace meridian::meridianctl
