// What every import works on: what it knows, what it tells, what it makes, and the names it gives.
//
// Off the hot path; one thread.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "config/model.hpp"
#include "geo/places.hpp"
#include "importer/map_writer.hpp"
#include "importer/name_table.hpp"
#include "importer/report.hpp"

#include <string>
#include <string_view>

namespace meridian::importer {

struct ImportContext {
  ImportContext(const geo::Places& known_places, Report& to, base::Diagnostics& problems,
                ImportedMap& imported)
      : places(known_places), report(to), errors(problems), out(imported) {}

  const geo::Places& places;
  Report& report;
  base::Diagnostics& errors;
  ImportedMap& out;
  NameTable datacenters{"dc-"};
  NameTable maps{"map-"};

  struct NamedDatacenter {
    const std::string& ours;
    bool is_new = false;
  };
  /// Our datacenter for a name of theirs, defined on the way.
  NamedDatacenter define_datacenter(std::string_view theirs, const base::Location& where);
};

/// A rule for a place as our map language writes it, without tiers. The error says why it is no place.
[[nodiscard]] base::Expected<config::Rule, std::string> rule_for(std::string_view place,
                                                                 const base::Location& where);

}  // namespace meridian::importer
