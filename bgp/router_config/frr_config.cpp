#include "bgp/router_config/frr_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace meridian::bgp {
namespace {

/// 0.3 s to find that the other end is gone: three packets, each 100 ms.
constexpr std::string_view kBfd = "3 100 100";

const char* ip_word(const base::IpAddress& address) noexcept {
  return address.family == base::Family::V4 ? "ip" : "ipv6";
}

std::string prefix_list(const std::string& name, const Session& session) {
  std::string text;
  std::size_t number = 0;
  for (const auto& prefix : session.prefixes) {
    text += fmt::format("{} prefix-list {} seq {} permit {}\n", ip_word(session.address), name, ++number * 5,
                        base::to_string(prefix));
  }
  return text;
}

/// One end of a session: what stands in `router bgp`.
struct End {
  base::IpAddress peer;
  std::uint32_t peer_as = 0;
  std::uint32_t hold_s = 0;
  std::string description;
  bool is_passive = false;
  bool is_multihop = false;
  bool has_bfd = false;
  std::string password;
  std::string source;  ///< empty: as the routes say
};

std::string end_text(const End& end) {
  const auto peer = base::to_string(end.peer);
  std::string text = fmt::format(" neighbor {} remote-as {}\n", peer, end.peer_as);
  const auto add = [&](std::string_view words) { text += fmt::format(" neighbor {} {}\n", peer, words); };
  add("description " + end.description);
  // A keepalive each third of the hold time (RFC 4271 10).
  add(fmt::format("timers {} {}", std::max(end.hold_s / 3, 1u), end.hold_s));
  // By itself FRR waits for two minutes to call again.
  add(end.is_passive ? "passive" : "timers connect 5");
  if (end.is_multihop) add("ebgp-multihop");
  if (!end.source.empty()) add("update-source " + end.source);
  if (!end.password.empty()) add("password " + end.password);
  if (end.has_bfd) add(fmt::format("bfd {}", kBfd));
  return text;
}

/// The words about a session within the address family; by itself FRR would also speak IPv4 to an IPv6
/// neighbour.
std::string family_text(const base::IpAddress& peer, const std::vector<std::string>& words) {
  const auto name = base::to_string(peer);
  std::string text;
  if (peer.family == base::Family::V6)
    text +=
        fmt::format(" address-family ipv4 unicast\n  no neighbor {} activate\n exit-address-family\n", name);
  text += fmt::format(" address-family {} unicast\n  neighbor {} activate\n", family_word(peer), name);
  for (const auto& word : words) text += fmt::format("  neighbor {} {}\n", name, word);
  return text + " exit-address-family\n";
}

std::string route_map(const std::string& name, int number, const std::vector<std::string>& words) {
  auto text = fmt::format("route-map {} permit {}\n", name, number);
  for (const auto& word : words) text += " " + word + "\n";
  return text + "exit\n";
}

std::string match_prefixes(const std::string& list, const Session& session) {
  return fmt::format("match {} address prefix-list {}", ip_word(session.address), list);
}

const std::string kShutdownList =
    fmt::format("bgp community-list standard meridian-avoid permit {}\n", to_string(base::kGracefulShutdown));
constexpr const char* kMatchShutdown = "match community meridian-avoid";

template <typename Communities>
std::string additive(std::string_view word, const Communities& communities) {
  std::string text = fmt::format("set {}", word);
  for (const auto& community : communities) text += " " + to_string(community);
  return text + " additive";
}

/// The agent says only 65535:0 of a site to avoid, since it speaks to one router; what each network wants to
/// hear instead is added here.
std::string to_neighbor_map(const Settings& settings, const Session& session) {
  const auto name = fmt::format("to-{}-out", session.name);
  const auto prefixes = match_prefixes(fmt::format("to-{}", session.name), session);
  std::vector<std::string> words{prefixes, kMatchShutdown};
  if (settings.prepend > 0) {
    std::string path = "set as-path prepend";
    for (std::uint32_t i = 0; i < settings.prepend; ++i) path += fmt::format(" {}", settings.as);
    words.push_back(std::move(path));
  }
  if (!session.drain_communities.empty()) words.push_back(additive("community", session.drain_communities));
  if (!session.drain_large_communities.empty())
    words.push_back(additive("large-community", session.drain_large_communities));
  return route_map(name, 10, words) + route_map(name, 20, {prefixes});
}

/// FRR refuses a route whose next hop is one of its own addresses, so the neighbour's stands in for it; what
/// is announced has FRR's own again.
std::string from_exabgp_map(const Session& session) {
  const auto name = fmt::format("exabgp-{}", family_word(session.address));
  return prefix_list(name, session) +
         route_map(
             name + "-in", 10,
             {match_prefixes(name, session),
              fmt::format("set {} {}",
                          session.address.family == base::Family::V4 ? "ip next-hop" : "ipv6 next-hop global",
                          base::to_string(session.address))});
}

std::string exabgp_session(const Settings& settings, const Session& session) {
  const auto peer = loopback_address(session.address.family);
  const auto name = fmt::format("exabgp-{}", family_word(session.address));
  return end_text({.peer = peer,
                   .peer_as = settings.as,
                   .hold_s = 9,
                   .description = "exabgp, which says what meridian-agent wants",
                   .is_passive = true,
                   .password = {},
                   .source = base::to_string(session.local)}) +
         family_text(peer, {fmt::format("route-map {}-in in", name), "route-map meridian-none out",
                            fmt::format("maximum-prefix {} restart 1", session.prefixes.size())});
}

}  // namespace

std::string frr_router_config(const Settings& settings, const Session& session) {
  const auto name = fmt::format("{}-{}", settings.site, session.name);
  const auto prefixes = match_prefixes(name, session);
  std::vector<std::string> words{prefixes};
  auto text = fmt::format(
      "! For the router '{}': its session with {}. Made by `meridianctl anycast config frr`.\n"
      "! These prefixes, nothing longer and nothing wider.\n",
      session.name, settings.site);
  text += prefix_list(name, session);
  if (session.as != settings.as) {
    text += fmt::format("bgp as-path access-list {} seq 5 permit _{}$\n", name, settings.as);
    words.push_back("match as-path " + name);
  }
  text += kShutdownList + "! RFC 8326: a site that wants to be avoided is the last choice.\n";
  auto avoided = words;
  avoided.insert(avoided.end(), {kMatchShutdown, "set local-preference 0"});
  text += route_map(name + "-in", 10, avoided) + route_map(name + "-in", 20, words);
  text += fmt::format("route-map {}-out deny 10\nexit\n", name);
  text += fmt::format("router bgp {}\n", session.as);
  text += end_text({.peer = session.local,
                    .peer_as = settings.as,
                    .hold_s = session.hold_s,
                    .description = fmt::format("{}, anycast", settings.site),
                    .is_passive = true,
                    .is_multihop = session.is_multihop && session.as != settings.as,
                    .has_bfd = settings.has_local_router,
                    .password = session.password,
                    .source = {}});
  text += family_text(session.local,
                      {fmt::format("route-map {}-in in", name), fmt::format("route-map {}-out out", name),
                       fmt::format("maximum-prefix {} restart 1", session.prefixes.size())});
  return text + "exit\n";
}

std::string frr_site_config(const Settings& settings) {
  auto text = fmt::format(
      "! FRR at {}, between ExaBGP and the neighbours. Made by `meridianctl anycast config frr --for site`.\n"
      "! It needs zebra, bgpd and bfdd, and puts nothing into the kernel.\n",
      settings.site);
  text += kShutdownList + "route-map meridian-none deny 10\nexit\n";
  const auto local = first_of_each_family(settings);
  for (const auto* const session : local) text += from_exabgp_map(*session);
  for (const auto& session : settings.sessions)
    text += prefix_list(fmt::format("to-{}", session.name), session) + to_neighbor_map(settings, session);
  text += fmt::format("router bgp {}\n bgp router-id {}\n", settings.as, base::to_string(settings.router_id));
  for (const auto* const session : local) text += exabgp_session(settings, *session);
  for (const auto& session : settings.sessions) {
    text += end_text({.peer = session.address,
                      .peer_as = session.as,
                      .hold_s = session.hold_s,
                      .description = session.name,
                      .is_passive = false,
                      .is_multihop = session.is_multihop,
                      .has_bfd = true,
                      .password = session.password,
                      .source = base::to_string(session.local)});
    text +=
        family_text(session.address, {"route-map meridian-none in",
                                      fmt::format("route-map to-{}-out out", session.name), "next-hop-self"});
  }
  for (const auto* const session : local) {
    text += fmt::format(" address-family {} unicast\n  table-map meridian-none\n exit-address-family\n",
                        family_word(session->address));
  }
  return text + "exit\n";
}

}  // namespace meridian::bgp
