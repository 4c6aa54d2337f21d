#include "bgp/agent/agent_metrics.hpp"

#include "http/prometheus_page.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace meridian::agent {
namespace {

using http::PrometheusPage;
using policy::Brake;
using policy::Level;
using policy::Reason;
using policy::WishKind;
using prometheus::MetricType;
using stats::Counter;
using Seconds = std::chrono::duration<double>;

constexpr std::array kReasons{Reason::Starting,       Reason::Serving,          Reason::ServerGone,
                              Reason::ServerSilent,   Reason::ForeignAnswer,    Reason::VipMissing,
                              Reason::NotReady,       Reason::WrongAnswers,     Reason::SilentTransport,
                              Reason::StaleInput,     Reason::Overloaded,       Reason::LocalCheck,
                              Reason::OperatorDrains, Reason::OperatorWithdrew, Reason::OperatorAnnounces};
constexpr std::array kBrakes{Brake::HoldDown, Brake::Probation, Brake::MinimumUp, Brake::ChangeLimit,
                             Brake::MayNotWithdraw};
constexpr std::array kServers{policy::Server::Unknown, policy::Server::Gone, policy::Server::NotReady,
                              policy::Server::Ready};
constexpr std::array kWishes{WishKind::Drain, WishKind::Withdraw, WishKind::Announce};

double flag(bool value) { return value ? 1 : 0; }
double count(std::uint64_t value) { return static_cast<double>(value); }

http::Labels of(const VipStatus& vip) { return {{"vip", vip.name}}; }

http::Labels of(const VipStatus& vip, std::string_view label, std::string_view value) {
  return {{"vip", vip.name}, {std::string{label}, std::string{value}}};
}

void add_agent(const AgentPicture& picture, PrometheusPage& page) {
  const auto& status = picture.status;
  page.gauge("agent_build_info", "1; what runs, in its labels.", 1,
             {{"version", picture.version}, {"site", status.site}});
  page.gauge("agent_uptime_seconds", "Time since this agent started.",
             Seconds(picture.now - picture.started_at).count());
  page.gauge("agent_decided", "1: the agent says to the bridge what it wants; 0: it does not know yet.",
             flag(status.is_decided));
  page.gauge("agent_adopted", "1: it went on with the levels of an agent that ended seconds before.",
             flag(status.has_adopted));
}

void add_server(const ServerStatus& server, PrometheusPage& page) {
  auto& states = page.add(MetricType::Gauge, "agent_server_state",
                          "1 for what is known of meridiand: unknown, gone, not_ready or ready.");
  for (const auto state : kServers)
    PrometheusPage::put(states, flag(state == server.state), {{"state", std::string{to_string(state)}}});
  page.gauge("agent_server_overloaded", "1: meridiand drops more than a fifth of its queries.",
             flag(server.is_overloaded));
  if (server.queries_per_s) {
    page.gauge("agent_client_queries_per_second",
               "Queries of clients that meridiand answers, the agent's own left out.", *server.queries_per_s);
  }
  if (!server.report) return;
  page.gauge("agent_server_epoch", "Number of the map that meridiand says it serves.",
             count(server.report->epoch));
  if (server.report->oldest_input) {
    page.gauge("agent_server_oldest_input_seconds",
               "How long ago the oldest of map, GeoIP data and health went out of date; 0: none has.",
               Seconds(*server.report->oldest_input).count());
  }
}

void add_levels(const AgentPicture& picture, PrometheusPage& page) {
  const auto& vips = picture.status.vips;
  auto& levels = page.add(MetricType::Gauge, "vip_level",
                          "What the agent wants of a VIP's route: 0 withdraw, 1 de-preference, 2 announce.");
  for (const auto& vip : vips) {
    PrometheusPage::put(levels, static_cast<double>(vip.decision.level),
                        of(vip, "prefix", base::to_string(vip.prefix)));
  }
  auto& since =
      page.add(MetricType::Gauge, "vip_level_since_timestamp_seconds", "When the level became what it is.");
  for (const auto& vip : vips) {
    PrometheusPage::put(since, Seconds(level_since(picture, vip).time_since_epoch()).count(), of(vip));
  }
  auto& changes = page.add(MetricType::Counter, "vip_level_changes_total",
                           "Changes of a VIP's level since the agent started.");
  for (const auto& vip : vips) PrometheusPage::put(changes, count(vip.level_changes), of(vip));
  auto& reasons = page.add(MetricType::Gauge, "vip_reason", "1 for why a VIP's level is what it is.");
  for (const auto& vip : vips) {
    for (const auto reason : kReasons) {
      PrometheusPage::put(reasons, flag(reason == vip.decision.reason), of(vip, "reason", to_string(reason)));
    }
  }
  auto& brakes = page.add(MetricType::Gauge, "vip_brake",
                          "1 for what keeps a VIP's level from what its reason asks for.");
  for (const auto& vip : vips) {
    for (const auto brake : kBrakes)
      PrometheusPage::put(brakes, flag(brake == vip.decision.brake), of(vip, "brake", to_string(brake)));
  }
}

void add_rounds(const AgentPicture& picture, PrometheusPage& page) {
  const auto& vips = picture.status.vips;
  auto& present =
      page.add(MetricType::Gauge, "vip_present", "Whether this host has the VIP: 0 no, 1 yes, 2 unknown.");
  for (const auto& vip : vips) {
    const bool is_known = vip.presence != policy::Vip::Unknown;
    PrometheusPage::put(present, is_known ? flag(vip.presence == policy::Vip::Present) : 2, of(vip));
  }
  auto& rounds =
      page.add(MetricType::Counter, "vip_rounds_total", "Rounds of self-queries, by what came of them.");
  for (const auto& vip : vips) {
    PrometheusPage::put(rounds, count(vip.rounds - vip.rounds_with_faults), of(vip, "result", "clean"));
    PrometheusPage::put(rounds, count(vip.rounds_with_faults), of(vip, "result", "faulty"));
  }
  auto& answers =
      page.add(MetricType::Gauge, "vip_round_answers", "Self-queries of the last round, by their answers.");
  for (const auto& vip : vips) {
    PrometheusPage::put(answers, vip.last_round.right, of(vip, "answer", "right"));
    PrometheusPage::put(answers, vip.last_round.wrong, of(vip, "answer", "wrong"));
    PrometheusPage::put(answers, vip.last_round.silent, of(vip, "answer", "none"));
    PrometheusPage::put(answers, vip.last_round.foreign, of(vip, "answer", "foreign"));
  }
  auto& rates = page.add(MetricType::Gauge, "vip_client_queries_per_second",
                         "Queries of clients that come to a VIP, the agent's own left out.");
  for (const auto& vip : vips) {
    if (vip.queries_per_s) PrometheusPage::put(rates, *vip.queries_per_s, of(vip));
  }
  auto& checks =
      page.add(MetricType::Gauge, "agent_local_check_failing", "1: a local check of the site file fails.");
  for (const auto& check : picture.status.checks)
    PrometheusPage::put(checks, flag(check.fails), {{"check", check.name}});
}

void add_wishes(const AgentPicture& picture, const WishBook& wishes, PrometheusPage& page) {
  auto& standing = page.add(MetricType::Gauge, "vip_wish", "1 for what an operator wants of a VIP.");
  for (const auto& vip : picture.status.vips) {
    const auto* const wish = wishes.find(vip.name);
    for (const auto kind : kWishes) {
      PrometheusPage::put(standing, flag(wish != nullptr && wish->kind == kind),
                          of(vip, "wish", to_string(kind)));
    }
  }
  const auto& all = wishes.all();
  page.gauge("agent_wishes_not_written", "Wishes that would not outlive the agent, because the disk failed.",
             count(static_cast<std::uint64_t>(std::ranges::count(all, 0, &StandingWish::id))));
  auto& quiet = page.add(MetricType::Gauge, "vip_quiet",
                         "1: a drain has left the VIP less than a hundredth of its queries.");
  for (const auto& vip : picture.status.vips) PrometheusPage::put(quiet, flag(vip.is_quiet), of(vip));
}

void add_bridge(const AgentPicture& picture, PrometheusPage& page) {
  const auto& bridge = picture.status.bridge;
  page.gauge("agent_bridge_connected", "1: meridian-bgp is connected; 0: nobody tells ExaBGP anything.",
             flag(bridge.is_connected));
  auto& sessions = page.add(MetricType::Gauge, "bgp_session_up",
                            "1: the BGP session with a neighbor of the site file is up.");
  for (const auto& neighbor : picture.neighbors) {
    const auto* const session = find_session(picture.status, neighbor);
    PrometheusPage::put(sessions, flag(session != nullptr && session->up),
                        {{"neighbor", neighbor.name}, {"address", base::to_string(neighbor.address)}});
  }
  auto& settled = page.add(MetricType::Gauge, "vip_route_settled",
                           "1: ExaBGP has acknowledged what is wanted of the VIP's route.");
  for (const auto& vip : picture.status.vips)
    PrometheusPage::put(settled, flag(find_in_force(picture.status, vip) == InForce::Settled), of(vip));
  if (!bridge.last) return;
  page.gauge("agent_bridge_heard_age_seconds", "Time since the bridge said something.",
             Seconds(picture.now - bridge.heard_at).count());
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    PrometheusPage::put(page.add(MetricType::Counter, name, help), count(value), {});
  };
  counter("bridge_acks_total", "Commands that ExaBGP acknowledged, since the bridge started.",
          bridge.last->acks);
  counter("bridge_ack_timeouts_total",
          "Commands that ExaBGP did not answer within 2 s, since the bridge started.",
          bridge.last->ack_timeouts);
  counter("bridge_errors_total", "Commands that ExaBGP refused, since the bridge started.",
          bridge.last->errors);
  counter("bridge_refused_messages_total",
          "Messages of agents that the bridge did not understand, since it started.", bridge.last->refused);
  auto& ages = page.add(MetricType::Gauge, "bgp_route_ack_age_seconds",
                        "Time since ExaBGP last acknowledged a route.");
  for (const auto& route : bridge.last->routes) {
    if (!route.acked_ms_ago) continue;
    PrometheusPage::put(ages, count(*route.acked_ms_ago) / 1'000,
                        {{"neighbor", route.key.neighbor ? base::to_string(*route.key.neighbor) : "*"},
                         {"prefix", base::to_string(route.key.prefix)}});
  }
}

void add_control(const ControlFigures& figures, PrometheusPage& page) {
  auto& reloads = page.add(MetricType::Counter, "agent_reloads_total",
                           "Times the site file was read again, by what came of it.");
  PrometheusPage::put(reloads, count(figures.reloads_ok), {{"result", "ok"}});
  PrometheusPage::put(reloads, count(figures.reloads_refused), {{"result", "refused"}});
  page.gauge("journal_up", "1: the journal is written; 0: it is off, or its last write failed.",
             flag(figures.is_journal_up));
  for (const auto counter : {Counter::ControlRequests, Counter::ControlErrors, Counter::ControlDenied,
                             Counter::JournalRows, Counter::JournalErrors, Counter::JournalCorrupt}) {
    const auto& info = stats::info(counter);
    PrometheusPage::put(page.add(MetricType::Counter, info.name, info.help),
                        count(figures.counters.total(counter)), {});
  }
}

}  // namespace

std::string metrics_page(const AgentPicture& picture, const WishBook& wishes, const ControlFigures& figures) {
  PrometheusPage page;
  add_agent(picture, page);
  add_server(picture.status.server, page);
  add_levels(picture, page);
  add_rounds(picture, page);
  add_wishes(picture, wishes, page);
  add_bridge(picture, page);
  add_control(figures, page);
  return page.text();
}

}  // namespace meridian::agent
