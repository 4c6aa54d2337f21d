// The journal's tables, and how those of an older version become them.
#pragma once

#include "journal/database.hpp"

#include <cstdint>

namespace meridian::journal {

/// In the file as PRAGMA user_version.
inline constexpr std::int64_t kSchemaVersion = 1;

/// Brings the tables of a new or an older file up to date, each step whole or not at all. A file of a newer
/// version is an error and stays as it is.
[[nodiscard]] Result<void> migrate(Database& database);

}  // namespace meridian::journal
