#include "meridiand/site_changes.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace meridian::meridiand {
namespace {

void warn_of_fixed(const config::Site& started, const config::Site& next, base::Diagnostics& warnings) {
  if (next.control_unix != started.control_unix) {
    warnings.warning({next.path, 0, 0},
                     fmt::format("the control socket stays at {}; 'meridianctl upgrade' takes the new path",
                                 started.control_unix));
  }
  if (next.workers != started.workers) {
    warnings.warning({next.path, 0, 0},
                     "the number of workers stays as it is until the server is stopped and started: queries "
                     "that wait at a worker's socket would be lost");
  }
  if (next.state != started.state)
    warnings.warning({next.path, 0, 0}, "'state' stays as it is until the server is stopped and started");
}

void warn_of_liveness(const config::Site& started, const config::Site& next, base::Diagnostics& warnings) {
  const auto path = [](const config::Site& site) {
    return site.anycast ? site.anycast->agent.liveness : std::string{};
  };
  if (path(started) == path(next)) return;
  const auto stays = started.anycast ? "the liveness socket stays at " + path(started)
                                     : std::string{"there is still no liveness socket"};
  warnings.warning({next.path, 0, 0},
                   fmt::format("{}; 'meridianctl upgrade' takes what 'anycast' says now", stays));
}

base::Diagnostics error_in(const config::Site& site, std::string what) {
  base::Diagnostics errors;
  errors.error({site.path, 0, 0}, std::move(what));
  return errors;
}

}  // namespace

std::vector<net::ListenAddress> listen_addresses(const config::Site& site) {
  std::vector<net::ListenAddress> addresses;
  for (const auto& listen : site.listen) addresses.push_back({listen.address, listen.port});
  return addresses;
}

std::vector<net::ProxyListen> proxy_listens(const config::Site& site) {
  std::vector<net::ProxyListen> all;
  for (const auto& one : site.proxy_listen) {
    all.push_back({.address = {one.address.address, one.address.port}, .proxies = one.from});
  }
  return all;
}

net::TcpLimits tcp_limits(const config::Site& site) {
  net::TcpLimits limits;
  limits.idle = std::chrono::seconds{site.tcp.idle_s};
  limits.transfer = std::chrono::seconds{site.tcp.transfer_s};
  limits.lifetime = std::chrono::seconds{site.tcp.lifetime_s};
  limits.connections_max = site.tcp.connections;
  limits.connections_per_client_max = site.tcp.per_client;
  return limits;
}

control::Prepare site_changes(const config::Site& started, net::Server& server,
                              std::function<bool()> is_upgrading, std::function<void()> committed) {
  return [started, &server, is_upgrading = std::move(is_upgrading), committed = std::move(committed)](
             const config::Site& next,
             base::Diagnostics& warnings) -> base::Expected<control::Commit, base::Diagnostics> {
    auto change = server.prepare(listen_addresses(next), proxy_listens(next));
    if (!change) return base::unexpected(error_in(next, change.error()));
    // The new server has its list of sockets already and could not bind what we bound after it.
    if (!change->added.empty() && is_upgrading()) {
      return base::unexpected(error_in(
          next, "an upgrade is under way; reload again when it is done, for the new listen addresses"));
    }
    warn_of_fixed(started, next, warnings);
    warn_of_liveness(started, next, warnings);
    // A std::function must be copyable, and sockets are not.
    const auto shared = std::make_shared<net::Server::Change>(std::move(*change));
    return control::Commit([&server, shared, limits = tcp_limits(next), committed] {
      server.apply(std::move(*shared));
      server.set_tcp_limits(limits);
      server.refresh();
      committed();
    });
  };
}

}  // namespace meridian::meridiand
