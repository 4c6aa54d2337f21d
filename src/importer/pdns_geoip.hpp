// The zones file of PowerDNS's geoip backend as a map: what maps to what is in docs/import.md.
//
// Off the hot path; one thread.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "geo/places.hpp"
#include "importer/map_writer.hpp"
#include "importer/report.hpp"

#include <string>

namespace meridian::importer {

/// What cannot be carried over goes to `report`; the errors are what the backend itself would refuse, or what
/// cannot be read.
[[nodiscard]] base::Expected<ImportedMap, base::Diagnostics> import_pdns_geoip(const std::string& path,
                                                                               const geo::Places& places,
                                                                               Report& report);

}  // namespace meridian::importer
