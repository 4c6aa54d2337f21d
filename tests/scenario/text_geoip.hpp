// GeoIP databases written as text, for scenarios.
#pragma once

#include "support/mmdb_writer.hpp"

#include <string>

namespace meridian::test {

/// Reads `NETWORK key=value…` lines (README.md) into the bytes of a GeoIP2-City-like file. Throws
/// std::runtime_error with file and line.
[[nodiscard]] std::string text_to_mmdb(const std::string& path);

/// A database that knows one documentation network and nothing else.
[[nodiscard]] std::string empty_mmdb();

}  // namespace meridian::test
