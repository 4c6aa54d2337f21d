#include "journal/schema.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

namespace meridian::journal {
namespace {

/// Times are UTC as text, ISO 8601: they sort, and people read them.
std::string first_tables() {
  return fmt::format(R"sql(
CREATE TABLE states (
  service TEXT NOT NULL, datacenter TEXT NOT NULL, address TEXT NOT NULL,
  check_name TEXT NOT NULL,      -- by which it is known
  state TEXT NOT NULL,           -- up, down, unknown
  cause TEXT NOT NULL,
  since TEXT NOT NULL,           -- UTC
  PRIMARY KEY (service, datacenter, address)
) WITHOUT ROWID;

CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,              -- UTC
  service TEXT NOT NULL, datacenter TEXT NOT NULL, address TEXT NOT NULL,
  check_name TEXT NOT NULL,
  old_state TEXT NOT NULL, new_state TEXT NOT NULL,
  cause TEXT NOT NULL
);
CREATE INDEX history_by_service ON history (service, datacenter, address, id);
CREATE INDEX history_by_time ON history (at);

CREATE TABLE overrides (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,            -- drain, shed, force_up, force_down
  target TEXT NOT NULL,          -- ams, www.example.com@ams, 192.0.2.10, or a pattern
  share_percent REAL NOT NULL,   -- of its health that is taken away
  reason TEXT NOT NULL,
  author TEXT NOT NULL,
  created_at TEXT NOT NULL,      -- UTC
  begins_at TEXT NOT NULL,       -- UTC
  ends_at TEXT NOT NULL          -- UTC; empty: until it is ended
);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,              -- UTC
  who TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  details TEXT NOT NULL,
  reason TEXT NOT NULL,
  result TEXT NOT NULL
);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
  WHEN old.id > (SELECT max(id) FROM audit) - {}
  BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END;
)sql",
                     base::limits::kJournalAuditRowsMax);
}

/// The step at i leads from version i to i + 1. Steps that were released are never changed.
using Step = std::string (*)();
constexpr std::array<Step, kSchemaVersion> kSteps{&first_tables};

}  // namespace

Result<void> migrate(Database& database) {
  // Two servers may open a new file at once: the second waits here, and then finds the tables.
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun;
  const auto version = database.number("PRAGMA user_version");
  auto done = version ? Result<void>{} : base::unexpected(version.error());
  if (version && *version > kSchemaVersion) {
    done = base::unexpected(DatabaseError{
        fmt::format("it has format {}, and this version writes {}", *version, kSchemaVersion), false});
  }
  for (auto i = version.value_or(0); done && i < kSchemaVersion; ++i) {
    done = database.run(kSteps[static_cast<std::size_t>(i)]());
    if (done) done = database.run(fmt::format("PRAGMA user_version = {}", i + 1));
  }
  if (done) return database.run("COMMIT");
  static_cast<void>(database.run("ROLLBACK"));
  return done;
}

}  // namespace meridian::journal
