// The commands that ask a running meridian-agent: what it announces and why, what operators want of it.
#include "base/limits.hpp"
#include "config/load.hpp"
#include "config/yaml_reader.hpp"
#include "meridianctl/anycast.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace meridian::meridianctl {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookAgain{500};

/// How to find the agent, and how its answer is shown.
struct AgentOptions {
  std::string socket = config::AnycastAgent{}.control;
  std::string site;  ///< whose `anycast: {agent: {control: …}}` it is instead
  bool as_json = false;
};

struct Wish {
  AgentOptions agent;
  std::string kind;
  std::string vip;  ///< empty: all
  std::string reason;
  std::string lasts;
  std::string until;
  bool waits = false;
  std::string timeout = "10m";
};

void add_agent_options(CLI::App& command, AgentOptions& agent) {
  auto* socket = command.add_option("--agent", agent.socket, "Control socket of meridian-agent")
                     ->envname("MERIDIAN_AGENT")
                     ->capture_default_str();
  command.add_option("--site", agent.site, "Site file that says where that socket is")->excludes(socket);
  command.add_flag("--json", agent.as_json, "The agent's answer as it is");
}

/// The options that make ask_server() speak to the agent; nothing (and a complaint): the site file is of no
/// use.
std::optional<Options> find_agent(const Options& options, const AgentOptions& agent) {
  auto found = options;
  found.program = "meridian-agent";
  found.control = agent.socket;
  if (agent.site.empty()) return found;
  const auto loaded = config::load_site_file(agent.site, config::SecretFiles::Skip);
  if (loaded.diagnostics.has_errors() || !loaded.site.anycast) {
    std::fputs(loaded.diagnostics.to_text().c_str(), stderr);
    complain(loaded.site.anycast ? fmt::format("the site file {} has errors", agent.site)
                                 : fmt::format("the site file {} has no 'anycast'", agent.site));
    return std::nullopt;
  }
  found.control = loaded.site.anycast->agent.control;
  return found;
}

std::string describe(const json::object& wish) {
  auto line =
      fmt::format("{} by {} since {}", text(wish.at("kind")), text(wish.at("who")), text(wish.at("since")));
  if (!wish.at("until").is_null()) line += fmt::format(" until {}", text(wish.at("until")));
  line += fmt::format(" · {}", text(wish.at("reason")));
  if (wish.at("vip").is_null()) line += " · of all VIPs";
  if (!wish.at("written").as_bool()) line += " · NOT WRITTEN, ends with the agent";
  return line;
}

/// Of a VIP, or of the server.
std::string describe_rate(const json::object& of) {
  const auto& rate = of.at("queries_per_s");
  return rate.is_null() ? "" : fmt::format(" · {:.1f} queries/s of clients", rate.to_number<double>());
}

void print_vip(const json::object& vip) {
  auto line =
      fmt::format("{:<10} {} · {}", text(vip.at("name")), text(vip.at("level")), text(vip.at("reason")));
  if (text(vip.at("brake")) != "none")
    line += fmt::format(" · {} keeps it from {}", text(vip.at("brake")), text(vip.at("wanted")));
  fmt::print("{} · since {} · {} in {} · route {}{}\n", line, text(vip.at("since")), text(vip.at("address")),
             text(vip.at("prefix")), text(vip.at("route")), describe_rate(vip));
  if (text(vip.at("presence")) == "missing") fmt::print("           no interface has the address\n");
  for (const auto& fault : vip.at("faults").as_array()) fmt::print("           {}\n", text(fault));
  if (!vip.at("wish").is_object()) return;
  const auto& wish = vip.at("wish").as_object();
  const bool is_quiet = text(wish.at("kind")) == "drain" && vip.at("quiet").as_bool();
  fmt::print("           {}{}\n", describe(wish), is_quiet ? " · quiet" : "");
}

void print_server(const json::object& server) {
  auto line = "server     " + text(server.at("state"));
  if (!server.at("epoch").is_null()) line += fmt::format(" · epoch {}", text(server.at("epoch")));
  line += describe_rate(server);
  if (server.at("overloaded").as_bool()) line += " · OVERLOADED";
  if (!text(server.at("fault")).empty()) line += " · " + text(server.at("fault"));
  fmt::print("{}\n", line);
}

void print_status(const json::object& status) {
  fmt::print("site       {} · meridian-agent {} · up {} s{}\n", text(status.at("site")),
             text(status.at("version")), text(status.at("uptime_s")),
             status.at("decided").as_bool() ? "" : " · knows too little yet to say anything");
  print_server(status.at("server").as_object());
  const auto& bridge = status.at("bridge").as_object();
  fmt::print("bridge     {}{}\n", bridge.at("connected").as_bool() ? "connected" : "NOT CONNECTED",
             bridge.at("exabgp").is_null() ? std::string{} : " · ExaBGP " + text(bridge.at("exabgp")));
  for (const auto& item : status.at("neighbors").as_array()) {
    const auto& neighbor = item.as_object();
    const auto& up = neighbor.at("up");
    const auto reason = text(neighbor.at("reason"));
    fmt::print("neighbor   {} · {} · {}{}\n", text(neighbor.at("name")), text(neighbor.at("address")),
               up.is_null()   ? "not known"
               : up.as_bool() ? "up"
                              : "DOWN",
               reason.empty() ? reason : " · " + reason);
  }
  for (const auto& vip : status.at("vips").as_array()) print_vip(vip.as_object());
  for (const auto& item : status.at("checks").as_array()) {
    const auto& check = item.as_object();
    if (check.at("fails").as_bool())
      fmt::print("check      {} FAILS · {}\n", text(check.at("name")), text(check.at("fault")));
  }
}

int run_status(const Options& options, const AgentOptions& agent) {
  const auto found = find_agent(options, agent);
  const auto status = found ? ask_object(*found, "GET", "/v1/anycast") : std::nullopt;
  if (!status) return kUnusable;
  if (const auto* const error = status->if_contains("error")) {
    complain(text(*error));
    return kUnusable;
  }
  if (agent.as_json) {
    fmt::print("{}\n", json::serialize(*status));
  } else {
    print_status(*status);
  }
  return kOk;
}

/// Of those that the wish is about.
std::vector<const json::object*> vips_of(const json::object& status, const Wish& wish) {
  std::vector<const json::object*> vips;
  for (const auto& vip : status.at("vips").as_array()) {
    if (wish.vip.empty() || text(vip.as_object().at("name")) == wish.vip) vips.push_back(&vip.as_object());
  }
  return vips;
}

bool is_withdrawn(const json::object& vip) {
  return text(vip.at("level")) == "withdraw" && text(vip.at("route")) == "settled";
}

bool is_still_wanted(const json::object& vip, const Wish& wish) {
  const auto& standing = vip.at("wish");
  return standing.is_object() && text(standing.as_object().at("kind")) == wish.kind;
}

/// Until the routes are withdrawn, and ExaBGP has said so.
int wait_for_withdrawal(const Options& agent, const Wish& wish, std::uint32_t timeout_s) {
  const auto begin = Clock::now();
  for (;;) {
    const auto status = ask_object(agent, "GET", "/v1/anycast");
    if (!status) return kUnusable;
    if (const auto* const error = status->if_contains("error")) {
      complain(text(*error));
      return kUnusable;
    }
    const auto vips = vips_of(*status, wish);
    const auto took = std::chrono::floor<std::chrono::seconds>(Clock::now() - begin);
    if (std::ranges::all_of(vips, [](const auto* vip) { return is_withdrawn(*vip); })) {
      fmt::print("{}\n", wish.agent.as_json ? json::serialize(*status)
                                            : fmt::format("withdrawn after {} s", took.count()));
      return kOk;
    }
    for (const auto* vip : vips) {
      if (is_still_wanted(*vip, wish)) continue;
      complain(fmt::format("the {} of '{}' was ended meanwhile; 'meridianctl anycast audit' says by whom",
                           wish.kind, text(vip->at("name"))));
      return kProblems;
    }
    if (took >= std::chrono::seconds{timeout_s}) {
      for (const auto* vip : vips) {
        if (!is_withdrawn(*vip)) print_vip(*vip);
      }
      complain(fmt::format("not withdrawn within {} s; the {} goes on", timeout_s, wish.kind));
      return kProblems;
    }
    std::this_thread::sleep_for(kLookAgain);
  }
}

std::optional<std::uint32_t> read_time(const std::string& written) {
  const auto seconds = config::parse_seconds(written, base::limits::kShedSecondsMax);
  if (seconds && *seconds != 0) return *seconds;
  complain(fmt::format("'{}' is no time up to {} days; write 90s, 30m, 1h or 1d", written,
                       base::limits::kShedSecondsMax / 86'400));
  return std::nullopt;
}

/// The request, or nothing (and a complaint).
std::optional<std::string> target_of(const Wish& wish) {
  auto target = fmt::format("/v1/anycast/{}?reason={}", wish.kind, url_encode(wish.reason));
  if (!wish.vip.empty()) target += "&vip=" + url_encode(wish.vip);
  if (!wish.until.empty()) target += "&until=" + url_encode(wish.until);
  if (!wish.lasts.empty()) {
    const auto seconds = read_time(wish.lasts);
    if (!seconds) return std::nullopt;
    target += fmt::format("&for={}", *seconds);
  }
  return target;
}

int run_wish(const Options& options, const Wish& wish) {
  const auto target = target_of(wish);
  const auto timeout_s = read_time(wish.timeout);
  const auto agent = target && timeout_s ? find_agent(options, wish.agent) : std::nullopt;
  const auto reply = agent ? ask_object(*agent, "POST", *target) : std::nullopt;
  if (!reply) return kUnusable;
  if (const auto* const error = reply->if_contains("error")) {
    complain(text(*error));
    return kProblems;
  }
  const auto not_written = text(reply->at("not_written"));
  if (!not_written.empty()) {
    complain(fmt::format("done, but a restart of the agent forgets it: {}; repeat it once that is mended",
                         not_written));
  }
  if (wish.kind == "undrain" && reply->at("ended").to_number<std::uint64_t>() == 0)
    complain("nothing was to end: no operator wanted anything of it");
  if (wish.waits) return wait_for_withdrawal(*agent, wish, *timeout_s);
  if (wish.agent.as_json) {
    fmt::print("{}\n", json::serialize(*reply));
    return kOk;
  }
  for (const auto* vip : vips_of(reply->at("anycast").as_object(), wish)) print_vip(*vip);
  return kOk;
}

void add_wish(CLI::App& anycast, Options& options, const std::string& kind, const std::string& help) {
  auto* command = anycast.add_subcommand(kind, help);
  const auto wish = std::make_shared<Wish>();
  wish->kind = kind;
  add_agent_options(*command, wish->agent);
  command->add_option("vip", wish->vip, "A VIP by its name in the site file; all of them unless given");
  auto* reason =
      command->add_option("--reason", wish->reason, "Shown in status, in the log and in the audit log");
  if (kind != "undrain") {
    reason->required();
    auto* lasts = command->add_option("--for", wish->lasts, "Ends by itself after this: 90s, 30m, 1h, 1d");
    command->add_option("--until", wish->until, "Ends by itself then: 2026-11-27T03:00Z")->excludes(lasts);
  }
  if (kind == "drain" || kind == "withdraw") {
    auto* waits = command->add_flag("--wait", wish->waits, "Return when the route is withdrawn");
    command->add_option("--timeout", wish->timeout, "Wait no longer than this; what was asked for goes on")
        ->needs(waits)
        ->capture_default_str();
  }
  command->callback([&options, wish] { options.exit_code = run_wish(options, *wish); });
}

int run_audit(const Options& options, const AgentOptions& agent, std::uint32_t limit) {
  const auto found = find_agent(options, agent);
  const auto reply =
      found ? ask_object(*found, "GET", fmt::format("/v1/audit?limit={}", limit)) : std::nullopt;
  if (!reply) return kUnusable;
  if (const auto* const error = reply->if_contains("error")) {
    complain(text(*error));
    return kProblems;
  }
  if (agent.as_json) {
    fmt::print("{}\n", json::serialize(*reply));
    return kOk;
  }
  for (const auto& item : reply->at("audit").as_array()) {
    const auto& line = item.as_object();
    const auto details = text(line.at("details"));
    fmt::print("{} {:<8} {} · {}{}{}\n", text(line.at("at")), text(line.at("action")),
               text(line.at("target")) == "*" ? "all VIPs" : text(line.at("target")), text(line.at("who")),
               details.empty() ? details : " · " + details,
               text(line.at("reason")).empty() ? std::string{} : " · " + text(line.at("reason")));
  }
  return kOk;
}

}  // namespace

void add_anycast_status(CLI::App& anycast, Options& options) {
  auto* command = anycast.add_subcommand("status", "What is announced of each VIP, why, and since when");
  const auto agent = std::make_shared<AgentOptions>();
  add_agent_options(*command, *agent);
  command->callback([&options, agent] { options.exit_code = run_status(options, *agent); });
}

void add_anycast_wishes(CLI::App& anycast, Options& options) {
  add_wish(anycast, options, "drain", "Have clients go to other sites, and withdraw once few are left");
  add_wish(anycast, options, "undrain",
           "End what drain, withdraw or announce began: the agent decides again");
  add_wish(anycast, options, "withdraw", "Take the route away at once");
  add_wish(anycast, options, "announce",
           "Announce although answers, data or checks are suspect; never while the server is gone");
}

void add_anycast_audit(CLI::App& anycast, Options& options) {
  auto* command = anycast.add_subcommand("audit", "Who drained, withdrew and announced, newest first");
  const auto agent = std::make_shared<AgentOptions>();
  const auto limit = std::make_shared<std::uint32_t>(20);
  add_agent_options(*command, *agent);
  command->add_option("--limit", *limit, "So many lines at most")
      ->check(CLI::Range(1u, 10'000u))
      ->capture_default_str();
  command->callback([&options, agent, limit] { options.exit_code = run_audit(options, *agent, *limit); });
}

}  // namespace meridian::meridianctl
