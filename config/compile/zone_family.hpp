// What is odd between the zones of one map: children that their parents do not delegate, and records that
// lead into another zone where nothing is. All of it can be served, so all of it is a warning.
//
// Off the hot path; one thread. Records that lead nowhere in their own zone are zone/zone_targets' business.
#pragma once

#include "base/diagnostics.hpp"
#include "config/model.hpp"
#include "zone/zone.hpp"

#include <vector>

namespace meridian::compile {

/// `files` are the zones' files, in any order. A zone's problems are told at its file, without a line: a
/// compiled zone has none.
void check_zone_family(const zone::ZoneSet& zones, const std::vector<config::ZoneFile>& files,
                       base::Diagnostics& warnings);

}  // namespace meridian::compile
