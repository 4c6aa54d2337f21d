// Networks files: feeds of networks that regions and rules name with `file:`. One network a line, with
// datacenters behind it where a rule says `as_listed`; `#` starts a comment.
//
//   198.51.100.0/24
//   2001:db8:77::/48   ams,fra    # in this order
//
// Forms only, as in the rest of config/: whether a datacenter exists is known to config/compile.
#pragma once

#include "base/diagnostics.hpp"
#include "config/model.hpp"

#include <string_view>

namespace meridian::config {

/// Adds the lines of `text` to `file`, whose names must be set. At most `entries_max` are taken.
void parse_networks(std::string_view text, std::size_t entries_max, NetworksFile& file,
                    base::Diagnostics& diagnostics);

/// Reads each networks file that the map names, once. A path must stay inside the map directory, links
/// resolved; what is wrong with the file as a whole is told where it is named first.
void load_networks_files(MapDirectory& map, base::Diagnostics& diagnostics);

}  // namespace meridian::config
