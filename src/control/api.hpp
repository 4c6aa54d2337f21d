// The control API: what operators may ask a running server (docs/control-api.md).
//
//   GET  /v1/status         what serves, since when, counters
//   GET  /v1/demand         where steered queries came from
//   POST /v1/demand/reset   the same, and start over
//   POST /v1/reload         read the map again; answers when it is done
//   POST /v1/shed           take clients away from a datacenter: ?datacenter=…&share=0.3&reason=…&for=SECONDS
//   POST /v1/upgrade        start the program again and hand over to it: ?timeout=SECONDS
//   GET  /v1/explain        ?name=…&type=…&from=…&resolver=…&format=text|json
//
// handle() runs on the control thread; a reload answers from the builder thread, an upgrade
// from its own.
#pragma once

#include "base/clock.hpp"
#include "control/http_server.hpp"
#include "control/reloader.hpp"
#include "control/shedding.hpp"
#include "control/upgrader.hpp"
#include "querylog/demand_book.hpp"

#include <boost/json/array.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace meridian::control {

/// What main knows and status tells.
struct ServerInfo {
  std::string version;
  std::function<std::vector<std::string>()> listening;  ///< "127.0.0.1:5353"; reloads change it
  std::size_t workers = 0;
  base::MonotonicTime started_at;
};

class Api {
 public:
  /// All but `info` outlive it.
  Api(ServerInfo info, Reloader& reloader, Shedding& shedding, Upgrader& upgrader,
      querylog::DemandBook& demand, const base::Clock& clock);

  void handle(const Request& request, Respond respond) const;

 private:
  [[nodiscard]] Response status() const;
  [[nodiscard]] Response explain(const std::string& query) const;
  [[nodiscard]] Response tell_demand(const std::optional<querylog::DemandReport>& report) const;
  [[nodiscard]] Response shed(const std::string& query) const;
  [[nodiscard]] boost::json::array shedding_json() const;
  [[nodiscard]] Response epochs() const;
  void load(const ReloadOrder& order, Respond respond) const;
  void reload(const std::string& query, Respond respond) const;
  void rollback(const std::string& query, Respond respond) const;
  void upgrade(const std::string& query, const Respond& respond) const;

  ServerInfo info_;
  Reloader& reloader_;
  Shedding& shedding_;
  Upgrader& upgrader_;
  querylog::DemandBook& demand_;
  const base::Clock& clock_;
};

}  // namespace meridian::control
