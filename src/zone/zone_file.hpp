// Zone files (RFC 1035 5 master files, with RFC 2308 $TTL and RFC 3597 unknown types) into a ZoneBuilder.
//
// Off the hot path; one thread. Not supported: $GENERATE, and any class but IN. Every problem is collected
// with file:line:column; a file with errors makes its builder fail.
#pragma once

#include "base/diagnostics.hpp"
#include "zone/zone_builder.hpp"

#include <filesystem>
#include <string_view>

namespace meridian::zone {

/// Adds the records of `path` to `builder`; its apex is the first origin. $INCLUDE is relative to the
/// including file and must stay, links resolved, inside `include_root`.
[[nodiscard]] base::Diagnostics load_zone_file(const std::filesystem::path& path, ZoneBuilder& builder,
                                               const std::filesystem::path& include_root);

/// The same from memory; `file` is for messages only. $INCLUDE is an error.
[[nodiscard]] base::Diagnostics parse_zone_text(std::string_view text, std::string_view file,
                                                ZoneBuilder& builder);

}  // namespace meridian::zone
