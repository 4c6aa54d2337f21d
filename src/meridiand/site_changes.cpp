#include "meridiand/site_changes.hpp"

#include <fmt/format.h>

#include <memory>
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
}

}  // namespace

std::vector<net::ListenAddress> listen_addresses(const config::Site& site) {
  std::vector<net::ListenAddress> addresses;
  for (const auto& listen : site.listen) addresses.push_back({listen.address, listen.port});
  return addresses;
}

control::Prepare site_changes(const config::Site& started, net::Server& server,
                              std::function<void()> committed) {
  return [started, &server, committed = std::move(committed)](
             const config::Site& next,
             base::Diagnostics& warnings) -> base::Expected<control::Commit, base::Diagnostics> {
    auto change = server.prepare(listen_addresses(next), {});
    if (!change) {
      base::Diagnostics errors;
      errors.error({next.path, 0, 0}, change.error());
      return base::unexpected(std::move(errors));
    }
    warn_of_fixed(started, next, warnings);
    // A std::function must be copyable, and sockets are not.
    const auto shared = std::make_shared<net::Server::Change>(std::move(*change));
    return control::Commit([&server, shared, committed] {
      server.apply(std::move(*shared));
      server.refresh();
      committed();
    });
  };
}

}  // namespace meridian::meridiand
