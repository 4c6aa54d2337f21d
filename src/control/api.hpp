// The control API: what operators may ask a running server (docs/control-api.md).
//
//   GET  /v1/status         what serves, since when, counters
//   GET  /v1/demand         where steered queries came from
//   POST /v1/demand/reset   the same, and start over
//   POST /v1/reload         read the map again; answers when it is done
//   GET  /v1/health         checks, services and their endpoints: ?name=SERVICE
//   POST /v1/report         an endpoint says how it is: ?check=…&address=…&ok=yes|no&cause=…&weight=PERCENT
//   …    /v1/overrides, /v1/shed, /v1/audit, /v1/history: override_api.hpp
//   POST /v1/upgrade        start the program again and hand over to it: ?timeout=SECONDS
//   GET  /v1/events         what happens, as it happens: server-sent events
//   GET  /metrics           for Prometheus: metrics_page.hpp
//   GET  /v1/explain        ?name=…&type=…&from=…&resolver=…&format=text|json
//
// handle() runs on the control thread; a reload answers from the builder thread, an upgrade
// from its own.
#pragma once

#include "base/clock.hpp"
#include "control/health_keeper.hpp"
#include "control/health_reports.hpp"
#include "control/override_api.hpp"
#include "control/overrides.hpp"
#include "control/reloader.hpp"
#include "control/upgrader.hpp"
#include "http/event_hub.hpp"
#include "http/http_server.hpp"
#include "journal/journal.hpp"
#include "querylog/demand_book.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::control {

/// What main knows and status tells.
struct ServerInfo {
  std::string version;
  std::function<std::vector<std::string>()> listening;  ///< "127.0.0.1:5353"; reloads change it
  std::string http;                                     ///< "127.0.0.1:8053"; empty: not over HTTP
  std::size_t workers = 0;
  base::MonotonicTime started_at;
};

/// What it asks; all outlive it.
struct ApiParts {
  Reloader& reloader;
  Overrides& overrides;
  journal::Journal& journal;
  Upgrader& upgrader;
  querylog::DemandBook& demand;
  const HealthKeeper& health;
  HealthReports& reports;
  const base::Clock& clock;
  http::EventHub& events;
  std::function<std::string()> metrics;  ///< the page for Prometheus
};

class Api;

/// What may be asked. GET only reads; POST changes something.
struct Route {
  std::string_view method;
  std::string_view path;
  void (*handle)(const Api& api, const http::Request& request, http::Respond respond);
};

class Api {
 public:
  [[nodiscard]] static std::span<const Route> routes();

  Api(ServerInfo info, const ApiParts& parts);

  void handle(const http::Request& request, http::Respond respond) const;

 private:
  [[nodiscard]] http::Response status() const;
  [[nodiscard]] http::Response explain(const std::string& query) const;
  [[nodiscard]] http::Response tell_demand(const std::optional<querylog::DemandReport>& report) const;
  [[nodiscard]] http::Response reset_demand(const http::Request& request) const;
  [[nodiscard]] http::Response epochs() const;
  [[nodiscard]] http::Response listen() const;
  [[nodiscard]] http::Response health(const std::string& query) const;
  [[nodiscard]] http::Response report(const std::string& query) const;
  /// What an operator does that changes what is served.
  struct Action {
    std::string who;
    std::string name;  ///< as the audit log has it: "reload"
    std::string details = {};
  };
  void load(const ReloadOrder& order, Action action, http::Respond respond) const;
  void reload(const http::Request& request, http::Respond respond) const;
  void rollback(const http::Request& request, http::Respond respond) const;
  /// From any thread.
  void write_down(const Action& action, std::string result) const;
  void upgrade(const http::Request& request, const http::Respond& respond) const;

  ServerInfo info_;
  Reloader& reloader_;
  Upgrader& upgrader_;
  querylog::DemandBook& demand_;
  const HealthKeeper& health_;
  HealthReports& reports_;
  const base::Clock& clock_;
  journal::Journal& journal_;
  OverrideApi overrides_;
  http::EventHub& events_;
  std::function<std::string()> metrics_;
};

}  // namespace meridian::control
