// The journal's file: opened, mended, written and read. No thread of its own; Journal has that.
#pragma once

#include "journal/database.hpp"
#include "journal/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::journal {

/// Which changes: newest first.
struct HistoryQuery {
  std::string name = {};                     ///< a service, `service@datacenter`, or an address; empty: all
  std::optional<base::WallTime> since = {};  ///< absent: as far back as it goes
  std::size_t limit = 100;                   ///< at most limits::kJournalRowsRead
};

class Store {
 public:
  /// What was done to a file that was damaged.
  struct Opened;

  /// Opens `path`, or makes it; ":memory:" is one that ends with the process. A damaged file is moved aside,
  /// as `path`.damaged-TIME, and a new one begun; it is never deleted.
  [[nodiscard]] static Result<Opened> open(const std::string& path, base::WallTime now);

  /// The changes, and what they led to, in one transaction. Written to the disk soon: what a power cut takes
  /// is probed again within seconds.
  [[nodiscard]] Result<void> write_changes(std::span<const ChangeRow> changes, base::WallTime now);

  /// Ends overrides, begins one, and writes why into the audit log: all or nothing, and on the disk when it
  /// returns. The new one's id, or 0. `may_commit` is asked last; when it says no, nothing happened.
  [[nodiscard]] Result<std::int64_t> change_overrides(std::span<const std::int64_t> ended,
                                                      const std::optional<OverrideRow>& begun,
                                                      const AuditRow& audit,
                                                      const std::function<bool()>& may_commit);

  [[nodiscard]] Result<std::vector<StateRow>> states();
  [[nodiscard]] Result<std::vector<OverrideRow>> overrides();
  [[nodiscard]] Result<std::vector<ChangeRow>> history(const HistoryQuery& query);
  /// Newest first.
  [[nodiscard]] Result<std::vector<AuditRow>> audit(std::size_t limit);

  /// Rows written since the start.
  [[nodiscard]] std::uint64_t rows_written() const noexcept { return rows_written_; }

 private:
  struct Statements;

  Store(Database database, std::shared_ptr<Statements> statements);
  [[nodiscard]] static Result<Store> open_sound(const std::string& path);
  [[nodiscard]] Result<void> write_change(const ChangeRow& change);
  [[nodiscard]] Result<void> cut_history(base::WallTime now);
  [[nodiscard]] Result<std::int64_t> write_override_change(std::span<const std::int64_t> ended,
                                                           const std::optional<OverrideRow>& begun,
                                                           const AuditRow& audit);

  // In this order: statements end before their database.
  Database database_;
  std::shared_ptr<Statements> statements_;
  std::uint64_t rows_written_ = 0;
  std::size_t rows_since_cut_ = 0;
};

struct Store::Opened {
  Store store;
  std::string moved_to;  ///< where the damaged file lies; empty: it was sound
  std::string damage;    ///< what was wrong with it
};

}  // namespace meridian::journal
