// The part of the control API that is about overrides and the journal.
//
//   GET  /v1/overrides       what operators override, and since when
//   POST /v1/overrides       ?kind=drain|shed|force_up|force_down&target=…&reason=…
//   POST /v1/overrides/end   ?target=…&what=clients|force, or ?id=…
//   POST /v1/shed            a datacenter alone: ?datacenter=…&share=…
//   GET  /v1/audit           who did what
//   GET  /v1/history         ?name=…: how endpoints changed
//
// On the control thread; a change waits for the disk.
#pragma once

#include "base/clock.hpp"
#include "control/overrides.hpp"
#include "http/http_server.hpp"
#include "journal/journal.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace meridian::control {

class OverrideApi {
 public:
  /// All outlive it.
  OverrideApi(Overrides& overrides, journal::Journal& journal, const base::Clock& clock)
      : overrides_(overrides), journal_(journal), clock_(clock) {}

  [[nodiscard]] http::Response list() const;
  [[nodiscard]] http::Response set(const http::Request& request) const;
  [[nodiscard]] http::Response end(const http::Request& request) const;
  [[nodiscard]] http::Response shed(const http::Request& request) const;
  [[nodiscard]] http::Response audit(const http::Request& request) const;
  [[nodiscard]] http::Response history(const http::Request& request) const;

  /// For status: datacenters that are drained or shed clients; the journal.
  [[nodiscard]] boost::json::array shedding_json() const;
  [[nodiscard]] boost::json::object journal_json() const;

 private:
  [[nodiscard]] boost::json::array overrides_json() const;

  Overrides& overrides_;
  journal::Journal& journal_;
  const base::Clock& clock_;
};

}  // namespace meridian::control
