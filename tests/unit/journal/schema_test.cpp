#include "journal/schema.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <doctest/doctest.h>

#include <string>

namespace meridian::journal {
namespace {

Database memory() { return Database::open(":memory:").value(); }

const std::string kLine =
    "INSERT INTO audit (at, who, action, target, details, reason, result) VALUES ('2026-11-27T03:00:00Z', "
    "'alice', 'drain', 'ams', '', 'CHG-7', 'done')";

}  // namespace

TEST_SUITE("journal/schema") {
  TEST_CASE("a new file gets the tables, and an up-to-date one stays as it is") {
    auto database = memory();
    REQUIRE(migrate(database).has_value());
    CHECK(database.number("PRAGMA user_version").value() == kSchemaVersion);
    REQUIRE(database.run(kLine).has_value());
    REQUIRE(migrate(database).has_value());
    CHECK(database.number("SELECT count(*) FROM audit").value() == 1);
  }

  TEST_CASE("a file of a newer version is refused and stays as it is") {
    auto database = memory();
    REQUIRE(database.run("PRAGMA user_version = 99").has_value());
    const auto refused = migrate(database);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message ==
          fmt::format("it has format 99, and this version writes {}", kSchemaVersion));
    CHECK_FALSE(refused.error().is_damaged);
    CHECK(database.number("SELECT count(*) FROM sqlite_master").value() == 0);
  }

  TEST_CASE("the audit log is append only, but for what is past its limit") {
    auto database = memory();
    REQUIRE(migrate(database).has_value());
    REQUIRE(database.run(kLine).has_value());
    CHECK(database.run("UPDATE audit SET who = 'bob'").error().message == "the audit log is append only");
    CHECK(database.run("DELETE FROM audit").error().message == "the audit log is append only");
    CHECK(database.number("SELECT count(*) FROM audit WHERE who = 'alice'").value() == 1);
    REQUIRE(
        database
            .run(fmt::format(
                "INSERT INTO audit SELECT {}, at, who, action, target, details, reason, result FROM audit",
                base::limits::kJournalAuditRowsMax + 1))
            .has_value());
    CHECK(database.run("DELETE FROM audit WHERE id = 1").has_value());
  }
}

}  // namespace meridian::journal
