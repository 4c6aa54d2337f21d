#include "journal/store.hpp"

#include "base/limits.hpp"
#include "journal/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace meridian::journal {
namespace {

namespace limits = base::limits;

constexpr std::string_view kMemory = ":memory:";

base::WallTime time_of(const std::string& text) {
  // A hand may have written it; the epoch stands for what is no time.
  return base::parse_utc(text).value_or(base::WallTime{});
}

/// The first complaint of SQLite about the file, or nothing. The quick check leaves out whether each index
/// has its rows: that takes a full history ten times as long (1.5 s), and a start waits for it.
Result<void> check_soundness(Database& database) {
  auto verdict = database.word("PRAGMA quick_check(1)");
  if (!verdict) return base::unexpected(std::move(verdict.error()));
  if (*verdict == "ok") return {};
  std::replace_if(
      verdict->begin(), verdict->end(), [](char c) { return c < ' '; }, ' ');
  return base::unexpected(DatabaseError{*verdict, true});
}

/// The file and what belongs to it, under another name that nothing has.
Result<std::string> move_aside(const std::string& path, base::WallTime now) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto base_name = path + ".damaged-" + base::to_utc(now);
  auto name = base_name;
  for (int i = 2; fs::exists(name, error); ++i) name = fmt::format("{}-{}", base_name, i);
  fs::rename(path, name, error);
  if (error) return base::unexpected(DatabaseError{"cannot move it aside: " + error.message(), false});
  for (const char* const part : {"-wal", "-shm"}) {
    // Left there, the new file would take them for its own.
    if (!fs::exists(path + part, error)) continue;
    fs::rename(path + part, name + part, error);
    if (error) return base::unexpected(DatabaseError{"cannot move it aside: " + error.message(), false});
  }
  return name;
}

}  // namespace

struct Store::Statements {
  Statement put_state;
  Statement put_change;
  Statement put_override;
  Statement end_override;
  Statement put_audit;
  Statement cut_audit;
  Statement cut_by_age;
  Statement cut_by_rows;
};

Store::Store(Database database, std::shared_ptr<Statements> statements)
    : database_(std::move(database)), statements_(std::move(statements)) {}

Result<Store> Store::open_sound(const std::string& path) {
  auto database = Database::open(path);
  if (!database) return base::unexpected(std::move(database.error()));
  if (auto sound = check_soundness(*database); !sound) return base::unexpected(std::move(sound.error()));
  if (path != kMemory) {
    const auto mode = database->word("PRAGMA journal_mode = WAL");
    if (!mode) return base::unexpected(mode.error());
    if (*mode != "wal") return base::unexpected(DatabaseError{"its filesystem cannot share memory", false});
  }
  auto set = database->run(fmt::format("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = {}",
                                       limits::kJournalWalBytesMax));
  if (!set) return base::unexpected(std::move(set.error()));
  if (auto migrated = migrate(*database); !migrated) return base::unexpected(std::move(migrated.error()));
  if (auto cut =
          database->run(fmt::format("DELETE FROM states WHERE (service, datacenter, address) IN (SELECT "
                                    "service, datacenter, address FROM states ORDER BY since DESC LIMIT "
                                    "-1 OFFSET {})",
                                    limits::kJournalStatesMax));
      !cut)
    return base::unexpected(std::move(cut.error()));

  std::vector<Statement> prepared;
  for (const std::string_view sql :
       {R"(INSERT INTO states (service, datacenter, address, check_name, state, cause, since)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET check_name = excluded.check_name, state = excluded.state,
                                     cause = excluded.cause, since = excluded.since)",
        R"(INSERT INTO history (service, datacenter, address, check_name, old_state, new_state, cause, at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?))",
        R"(INSERT INTO overrides (kind, target, share_percent, reason, author, created_at, begins_at, ends_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?))",
        "DELETE FROM overrides WHERE id = ?",
        R"(INSERT INTO audit (at, who, action, target, details, reason, result)
           VALUES (?, ?, ?, ?, ?, ?, ?))",
        "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", "DELETE FROM history WHERE at < ?",
        "DELETE FROM history WHERE id <= (SELECT max(id) FROM history) - ?"}) {
    auto statement = database->prepare(sql);
    if (!statement) return base::unexpected(std::move(statement.error()));
    prepared.push_back(std::move(*statement));
  }
  auto statements = std::make_shared<Statements>(Statements{
      std::move(prepared[0]), std::move(prepared[1]), std::move(prepared[2]), std::move(prepared[3]),
      std::move(prepared[4]), std::move(prepared[5]), std::move(prepared[6]), std::move(prepared[7])});
  return Store(std::move(*database), std::move(statements));
}

Result<Store::Opened> Store::open(const std::string& path, base::WallTime now) {
  auto store = open_sound(path);
  std::string moved_to;
  std::string damage;
  if (!store && store.error().is_damaged && path != kMemory) {
    damage = store.error().message;
    auto moved = move_aside(path, now);
    if (!moved) return base::unexpected(std::move(moved.error()));
    moved_to = std::move(*moved);
    store = open_sound(path);
  }
  if (!store) return base::unexpected(std::move(store.error()));
  if (auto cut = store->cut_history(now); !cut) return base::unexpected(std::move(cut.error()));
  return Opened{std::move(*store), std::move(moved_to), std::move(damage)};
}

Result<void> Store::write_changes(std::span<const ChangeRow> changes, base::WallTime now) {
  if (auto begun = database_.run("BEGIN IMMEDIATE"); !begun) return begun;
  Result<void> written;
  for (const auto& change : changes) {
    written = write_change(change);
    if (!written) break;
  }
  rows_since_cut_ += changes.size();
  if (written && rows_since_cut_ >= limits::kJournalCutRows) written = cut_history(now);
  if (written) written = database_.run("COMMIT");
  if (!written) {
    static_cast<void>(database_.run("ROLLBACK"));
    return written;
  }
  rows_written_ += 2 * changes.size();
  return {};
}

Result<void> Store::write_change(const ChangeRow& change) {
  const auto& [service, datacenter, address] = change.endpoint;
  const auto at = base::to_utc_ms(change.at);
  auto put =
      statements_->put_state.bind(service, datacenter, address, change.check, change.to, change.cause, at)
          .run();
  if (!put) return put;
  return statements_->put_change
      .bind(service, datacenter, address, change.check, change.from, change.to, change.cause, at)
      .run();
}

Result<void> Store::cut_history(base::WallTime now) {
  rows_since_cut_ = 0;
  const auto oldest = now - std::chrono::days{limits::kJournalHistoryDays};
  auto cut = statements_->cut_by_age.bind(base::to_utc_ms(oldest)).run();
  if (!cut) return cut;
  return statements_->cut_by_rows.bind(std::int64_t{limits::kJournalHistoryRowsMax}).run();
}

Result<std::int64_t> Store::change_overrides(std::span<const std::int64_t> ended,
                                             const std::optional<OverrideRow>& begun, const AuditRow& audit,
                                             const std::function<bool()>& may_commit) {
  // What an operator was told is done must outlive a power cut, so its commit waits for the disk (FULL). A
  // state need not: NORMAL waits only at checkpoints, and spares the disk a wait for every flapping endpoint.
  if (auto full = database_.run("PRAGMA synchronous = FULL; BEGIN IMMEDIATE"); !full)
    return base::unexpected(std::move(full.error()));
  auto id = write_override_change(ended, begun, audit);
  if (id && !may_commit()) id = base::unexpected(DatabaseError{"nobody waits for it any more", false});
  if (id) {
    if (auto committed = database_.run("COMMIT"); !committed)
      id = base::unexpected(std::move(committed.error()));
  }
  if (!id) static_cast<void>(database_.run("ROLLBACK"));
  static_cast<void>(database_.run("PRAGMA synchronous = NORMAL"));
  if (id) rows_written_ += ended.size() + (begun ? 1 : 0) + 1;
  return id;
}

Result<std::int64_t> Store::write_override_change(std::span<const std::int64_t> ended,
                                                  const std::optional<OverrideRow>& begun,
                                                  const AuditRow& audit) {
  for (const auto id : ended) {
    if (auto done = statements_->end_override.bind(id).run(); !done) return base::unexpected(done.error());
  }
  std::int64_t id = 0;
  if (begun) {
    const auto put = statements_->put_override
                         .bind(begun->kind, begun->target, begun->share_percent, begun->reason, begun->author,
                               base::to_utc(begun->created_at), base::to_utc(begun->begins_at),
                               begun->ends_at ? base::to_utc(*begun->ends_at) : std::string{})
                         .run();
    if (!put) return base::unexpected(put.error());
    id = database_.last_id();
  }
  const auto told = statements_->put_audit
                        .bind(base::to_utc_ms(audit.at), audit.who, audit.action, audit.target, audit.details,
                              audit.reason, audit.result)
                        .run();
  if (!told) return base::unexpected(told.error());
  const auto cut = statements_->cut_audit.bind(std::int64_t{limits::kJournalAuditRowsMax}).run();
  if (!cut) return base::unexpected(cut.error());
  return id;
}

Result<std::vector<StateRow>> Store::states() {
  auto statement =
      database_.prepare("SELECT service, datacenter, address, check_name, state, cause, since FROM states");
  if (!statement) return base::unexpected(std::move(statement.error()));
  std::vector<StateRow> rows;
  for (;;) {
    const auto row = statement->step();
    if (!row) return base::unexpected(row.error());
    if (!*row) return rows;
    rows.push_back({{statement->text(0), statement->text(1), statement->text(2)},
                    statement->text(3),
                    statement->text(4),
                    statement->text(5),
                    time_of(statement->text(6))});
  }
}

Result<std::vector<OverrideRow>> Store::overrides() {
  auto statement = database_.prepare(
      R"(SELECT id, kind, target, share_percent, reason, author, created_at, begins_at, ends_at
         FROM overrides ORDER BY id)");
  if (!statement) return base::unexpected(std::move(statement.error()));
  std::vector<OverrideRow> rows;
  for (;;) {
    const auto row = statement->step();
    if (!row) return base::unexpected(row.error());
    if (!*row) return rows;
    rows.push_back({statement->integer(0), statement->text(1), statement->text(2), statement->real(3),
                    statement->text(4), statement->text(5), time_of(statement->text(6)),
                    time_of(statement->text(7)), base::parse_utc(statement->text(8))});
  }
}

Result<std::vector<ChangeRow>> Store::history(const HistoryQuery& query) {
  const auto at_sign = query.name.rfind('@');
  const auto name = query.name.substr(0, at_sign);
  const auto datacenter = at_sign == std::string::npos ? std::string{} : query.name.substr(at_sign + 1);
  auto statement = database_.prepare(
      R"(SELECT service, datacenter, address, check_name, old_state, new_state, cause, at FROM history
         WHERE (?1 = '' OR ((service = ?1 OR (address = ?1 AND ?2 = '')) AND (?2 = '' OR datacenter = ?2)))
           AND at >= ?3
         ORDER BY id DESC LIMIT ?4)");
  if (!statement) return base::unexpected(std::move(statement.error()));
  const auto limit = std::min(query.limit, limits::kJournalRowsRead);
  statement->bind(name, datacenter, query.since ? base::to_utc_ms(*query.since) : std::string{},
                  static_cast<std::int64_t>(limit));
  std::vector<ChangeRow> rows;
  for (;;) {
    const auto row = statement->step();
    if (!row) return base::unexpected(row.error());
    if (!*row) return rows;
    rows.push_back({{statement->text(0), statement->text(1), statement->text(2)},
                    statement->text(3),
                    statement->text(4),
                    statement->text(5),
                    statement->text(6),
                    time_of(statement->text(7))});
  }
}

Result<std::vector<AuditRow>> Store::audit(std::size_t limit) {
  auto statement = database_.prepare(
      "SELECT id, at, who, action, target, details, reason, result FROM audit ORDER BY id DESC LIMIT ?");
  if (!statement) return base::unexpected(std::move(statement.error()));
  statement->bind(static_cast<std::int64_t>(std::min(limit, limits::kJournalRowsRead)));
  std::vector<AuditRow> rows;
  for (;;) {
    const auto row = statement->step();
    if (!row) return base::unexpected(row.error());
    if (!*row) return rows;
    rows.push_back({statement->integer(0), time_of(statement->text(1)), statement->text(2),
                    statement->text(3), statement->text(4), statement->text(5), statement->text(6),
                    statement->text(7)});
  }
}

}  // namespace meridian::journal
