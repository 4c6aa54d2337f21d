// What must outlive the process: the last state of every endpoint and how it came to it, what operators
// override, and who did what. One SQLite file, which sqlite3 reads.
//
// A thread of its own writes. State changes are handed to it and forgotten; a bounded number waits. Overrides
// and the audit log are written before the call returns. Thread-safe. A journal that cannot be opened is off:
// the server goes on without one and says so.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "journal/rows.hpp"
#include "journal/store.hpp"
#include "stats/counters.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace meridian::journal {

enum class Place : std::uint8_t {
  File,
  Memory,  ///< no folder was given: everything works, and ends with the process
  Off,     ///< the file could not be used
};

struct Status {
  Place place = Place::Off;
  std::string path;         ///< with File and Off
  std::string error;        ///< the last one; empty: none since the last success
  std::size_t waiting = 0;  ///< state changes
};

class Journal {
 public:
  /// Opens `state_folder`/journal.sqlite; an empty folder is Place::Memory. `counters` is the journal
  /// thread's block. Both outlive this.
  Journal(const std::string& state_folder, const base::Clock& clock, stats::Counters& counters);
  /// Writes what waits.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  [[nodiscard]] Status status() const;

  /// Never waits. False: left out and counted, because the journal is off or too much waits already.
  bool record(ChangeRow change);
  /// Returns when everything recorded before is written, or could not be.
  void flush();

  /// Ends overrides and begins one, with its line in the audit log: all or nothing. The new one's id, or 0.
  /// The error is one line for the operator.
  [[nodiscard]] base::Expected<std::int64_t, std::string> change_overrides(std::vector<std::int64_t> ended,
                                                                           std::optional<OverrideRow> begun,
                                                                           AuditRow audit);
  /// A line of the audit log alone.
  [[nodiscard]] base::Expected<void, std::string> add_audit(AuditRow audit);

  [[nodiscard]] base::Expected<std::vector<StateRow>, std::string> states();
  [[nodiscard]] base::Expected<std::vector<OverrideRow>, std::string> overrides();
  [[nodiscard]] base::Expected<std::vector<ChangeRow>, std::string> history(HistoryQuery query);
  [[nodiscard]] base::Expected<std::vector<AuditRow>, std::string> audit(std::size_t limit);

 private:
  class Patience;
  using Work = std::function<void(Store&)>;

  void open(const std::string& state_folder);
  void run();
  void write(const std::vector<ChangeRow>& changes);
  void note(const Result<void>& result);
  /// Has the journal thread do `work`, and waits for what it returns as long as limits::kJournalWaitMs.
  template <typename T>
  [[nodiscard]] base::Expected<T, std::string> ask(std::function<Result<T>(Store&, Patience&)> work);

  const base::Clock& clock_;
  stats::Counters& counters_;
  std::optional<Store> store_;  ///< the journal thread's once it runs; absent: off
  std::uint64_t rows_counted_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable written_;
  Status status_;
  std::deque<ChangeRow> changes_;
  std::deque<Work> works_;
  std::uint64_t dropped_ = 0;  ///< and not counted yet
  std::uint64_t recorded_ = 0;
  std::uint64_t finished_ = 0;  ///< of those recorded
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace meridian::journal
