// Rules that can never win because no database of their map knows what they ask for: ASes, cities, GeoNames
// ids. All of it can be served, so all of it is a warning.
//
// Off the hot path; one thread.
#pragma once

#include "base/diagnostics.hpp"
#include "config/compile/rule_index.hpp"
#include "geo/geo_database.hpp"

namespace meridian::compile {

void check_places(const RuleIndex& rules, const geo::GeoDatabase& database, base::Diagnostics& warnings);

}  // namespace meridian::compile
