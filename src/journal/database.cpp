#include "journal/database.hpp"

#include "base/limits.hpp"

#include <sqlite3.h>

namespace meridian::journal {
namespace {

DatabaseError error_of(sqlite3* database, int code) {
  const int primary = code & 0xff;
  return {database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database),
          primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB};
}

}  // namespace

Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::begin() {
  // What the last run came to was told by step().
  static_cast<void>(sqlite3_reset(statement_.get()));
  static_cast<void>(sqlite3_clear_bindings(statement_.get()));
  bound_ = 0;
}

void Statement::put(std::string_view value) {
  sqlite3_bind_text(statement_.get(), ++bound_, value.data(), static_cast<int>(value.size()),
                    SQLITE_TRANSIENT);  // NOLINT(performance-no-int-to-ptr): SQLite's own word for "copy it"
}

void Statement::put(std::int64_t value) { sqlite3_bind_int64(statement_.get(), ++bound_, value); }

void Statement::put(double value) { sqlite3_bind_double(statement_.get(), ++bound_, value); }

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  auto* const database = sqlite3_db_handle(statement_.get());
  if (code == SQLITE_DONE) {
    static_cast<void>(sqlite3_reset(statement_.get()));  // lets go of its locks
    return false;
  }
  auto error = error_of(database, sqlite3_extended_errcode(database));
  static_cast<void>(sqlite3_reset(statement_.get()));
  return base::unexpected(std::move(error));
}

Result<void> Statement::run() {
  const auto stepped = step();
  if (!stepped) return base::unexpected(stepped.error());
  static_cast<void>(sqlite3_reset(statement_.get()));
  return {};
}

std::string Statement::text(int column) const {
  const auto* const bytes = sqlite3_column_blob(statement_.get(), column);
  const auto size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<Database> Database::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return base::unexpected(error_of(raw, code));
  sqlite3_busy_timeout(raw, static_cast<int>(base::limits::kJournalLockMs));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return base::unexpected(error_of(database_.get(), code));
  return Statement(raw);
}

Result<void> Database::run(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return base::unexpected(error_of(database_.get(), code));
  return {};
}

Result<std::int64_t> Database::number(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return base::unexpected(std::move(statement.error()));
  const auto row = statement->step();
  if (!row) return base::unexpected(row.error());
  return *row ? statement->integer(0) : 0;
}

Result<std::string> Database::word(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return base::unexpected(std::move(statement.error()));
  const auto row = statement->step();
  if (!row) return base::unexpected(row.error());
  return *row ? statement->text(0) : std::string{};
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(database_.get()); }

}  // namespace meridian::journal
