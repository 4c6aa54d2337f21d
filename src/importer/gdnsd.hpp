// gdnsd's configuration and zones as a map: what maps to what is in docs/import.md.
//
// Off the hot path; one thread.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "geo/places.hpp"
#include "importer/map_writer.hpp"
#include "importer/report.hpp"

#include <string>
#include <vector>

namespace meridian::importer {

/// `config_path` is gdnsd's file `config`; geoip/ and zones/ lie beside it. What cannot be carried over goes
/// to `report`; the errors are what gdnsd itself would refuse, or what cannot be read.
[[nodiscard]] base::Expected<ImportedMap, base::Diagnostics> import_gdnsd(const std::string& config_path,
                                                                          const geo::Places& places,
                                                                          Report& report);

}  // namespace meridian::importer
