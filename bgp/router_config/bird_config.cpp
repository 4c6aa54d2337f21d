#include "bgp/router_config/bird_config.hpp"

#include <fmt/format.h>

namespace meridian::bgp {
namespace {

/// 0.3 s to find that the other end is gone. Slower is of little use, faster ends sessions for a busy host.
constexpr const char* kBfd = "  bfd { interval 100 ms; multiplier 3; };\n";

std::string password_line(const Session& session) {
  return session.password.empty() ? std::string() : fmt::format("  password \"{}\";\n", session.password);
}

const char* distance_word(const Session& session) { return session.is_multihop ? "multihop" : "direct"; }

std::string number_list(const base::Community& community) {
  return fmt::format("({}, {})", community.high, community.low);
}

std::string number_list(const base::LargeCommunity& community) {
  return fmt::format("({}, {}, {})", community.administrator, community.data1, community.data2);
}

std::string session_name(const Session& session) {
  return fmt::format("exabgp-{}", family_word(session.address));
}

/// From ExaBGP. A next hop of this very host is nowhere to go to for BIRD; it says itself when it tells
/// others.
std::string from_exabgp(const Settings& settings, const Session& session) {
  const auto name = session_name(session);
  return fmt::format(R"(
filter '{0}-in' {{
  if net !~ [ {1} ] then reject;
  accept;
}}

protocol bgp '{0}' {{
  description "what meridian-agent wants";
  local {2} as {3};
  neighbor {4} as {3};
  multihop;
  passive;
  hold time 9;
  {5} {{
    gateway recursive;
    import filter '{0}-in';
    import limit {6} action block;
    export none;
  }};
}}
)",
                     name, joined(session.prefixes, ", "), base::to_string(session.local), settings.as,
                     base::to_string(loopback_address(session.address.family)), family_word(session.address),
                     session.prefixes.size());
}

/// The agent says only 65535:0 of a site to avoid, since it speaks to one router; what each network wants to
/// hear instead is added here.
std::string avoidance(const Settings& settings, const Session& session) {
  std::string text;
  for (std::uint32_t i = 0; i < settings.prepend; ++i)
    text += fmt::format("    bgp_path.prepend({});\n", settings.as);
  for (const auto& community : session.drain_communities)
    text += fmt::format("    bgp_community.add({});\n", number_list(community));
  for (const auto& community : session.drain_large_communities)
    text += fmt::format("    bgp_large_community.add({});\n", number_list(community));
  if (text.empty()) return text;
  return fmt::format("  if {} ~ bgp_community then {{\n{}  }}\n", number_list(base::kGracefulShutdown), text);
}

std::string to_neighbor(const Settings& settings, const Session& session) {
  return fmt::format(R"(
filter 'to-{0}-out' {{
  if proto != "{1}" then reject;
{2}  accept;
}}

protocol bgp 'to-{0}' {{
  local {3} as {4};
  neighbor {5} as {6};
  {7};
  hold time {8};
  connect delay time 1;
  connect retry time 5;
  error wait time 1, 30;
{9}{10}  {11} {{
    import none;
    export filter 'to-{0}-out';
    next hop self;
  }};
}}
)",
                     session.name, session_name(session), avoidance(settings, session),
                     base::to_string(session.local), settings.as, base::to_string(session.address),
                     session.as, distance_word(session), session.hold_s, password_line(session), kBfd,
                     family_word(session.address));
}

}  // namespace

std::string bird_router_config(const Settings& settings, const Session& session) {
  const auto origin = session.as == settings.as
                          ? std::string()
                          : fmt::format("  if bgp_path.last != {} then reject;\n", settings.as);
  return fmt::format(
      R"(# For the router '{1}': its session with {0}. Made by `meridianctl anycast config bird`.
# Include it in bird.conf{2}.

filter '{0}-{1}-in' {{
  # These prefixes, nothing longer and nothing wider.
  if net !~ [ {3} ] then reject;
{4}  # RFC 8326: a site that wants to be avoided is the last choice.
  if {5} ~ bgp_community then bgp_local_pref = 0;
  accept;
}}

protocol bgp '{0}-{1}' {{
  local {6} as {7};
  neighbor {8} as {9};
  {10};
  passive;
  hold time {11};
  # Else a site that was cut off waits for a minute, and longer each time.
  error wait time 1, 30;
{12}{13}  {14} {{
    import filter '{0}-{1}-in';
    import limit {15} action block;
    export none;
  }};
}}
)",
      settings.site, session.name, settings.has_local_router ? ", beside a `protocol bfd { }`" : "",
      joined(session.prefixes, ", "), origin, number_list(base::kGracefulShutdown),
      base::to_string(session.address), session.as, base::to_string(session.local), settings.as,
      distance_word(session), session.hold_s, password_line(session), settings.has_local_router ? kBfd : "",
      family_word(session.address), session.prefixes.size());
}

std::string bird_site_config(const Settings& settings) {
  auto text = fmt::format(
      R"(# BIRD at {}, between ExaBGP and the neighbours. Made by `meridianctl anycast config bird --for site`.
# It puts nothing into the kernel: that takes a `protocol kernel`, and there is none.
log syslog all;
router id {};

protocol device {{ }}
protocol bfd {{ }}
)",
      settings.site, base::to_string(settings.router_id));
  for (const auto* const session : first_of_each_family(settings)) text += from_exabgp(settings, *session);
  for (const auto& session : settings.sessions) text += to_neighbor(settings, session);
  return text;
}

}  // namespace meridian::bgp
