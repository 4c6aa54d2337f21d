#include "bgp/router_config/exabgp_config.hpp"

#include <fmt/format.h>

namespace meridian::bgp {
namespace {

/// What a `neighbor` block is made of.
struct Block {
  std::string description;
  base::IpAddress address;
  base::IpAddress local;
  std::string router_id;
  std::uint32_t as = 0;
  std::uint32_t hold_s = 0;
  std::string password;
};

/// On this host, where nothing is lost on the way.
constexpr std::uint32_t kLocalHoldS = 9;
/// Two speakers of one system need different ids; this one leaves the host in no message.
constexpr const char* kLocalRouterId = "127.0.0.2";

// `md5-base64 false`: by default ExaBGP takes a password of hexadecimal digits for Base64.
std::string block_text(const Settings& settings, const Block& block) {
  const auto password = block.password.empty()
                            ? std::string()
                            : fmt::format("  md5-password \"{}\";\n  md5-base64 false;\n", block.password);
  return fmt::format(R"(
# {}
neighbor {} {{
  router-id {};
  local-address {};
  local-as {};
  peer-as {};
  hold-time {};
  adj-rib-in false;
{}  capability {{
    graceful-restart disable;
  }}
  family {{
    {} unicast;
  }}
  api {{
    processes [ meridian-bgp ];
    neighbor-changes;
  }}
}}
)",
                     block.description, base::to_string(block.address), block.router_id,
                     base::to_string(block.local), settings.as, block.as, block.hold_s, password,
                     family_word(block.address));
}

std::string process_text(const Settings& settings) {
  return fmt::format(R"(process meridian-bgp {{
  run {} --agent {} --state {};
  encoder text;
}}
)",
                     settings.bridge.program, settings.bridge_socket, settings.bridge.state);
}

}  // namespace

std::string exabgp_config(const Settings& settings) {
  auto text =
      fmt::format(
          "# ExaBGP at {}. Made by `meridianctl anycast config exabgp`; make it anew rather than edit it.\n",
          settings.site) +
      process_text(settings);
  if (settings.has_local_router) {
    for (const auto* const session : first_of_each_family(settings)) {
      text += block_text(settings, {.description = "The router on this host.",
                                    .address = session->local,
                                    .local = loopback_address(session->address.family),
                                    .router_id = kLocalRouterId,
                                    .as = settings.as,
                                    .hold_s = kLocalHoldS,
                                    .password = {}});
    }
    return text;
  }
  for (const auto& session : settings.sessions) {
    text += block_text(settings, {.description = session.name,
                                  .address = session.address,
                                  .local = session.local,
                                  .router_id = base::to_string(settings.router_id),
                                  .as = session.as,
                                  .hold_s = session.hold_s,
                                  .password = session.password});
  }
  return text;
}

}  // namespace meridian::bgp
