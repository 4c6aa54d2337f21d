// The query log's sink: lines, gathered and appended to a file or to standard error.
//
// While the file can't be opened or written, lines are counted as failed and the file is tried again with
// pauses that grow; the trouble is told once, and its end too.
#pragma once

#include "base/clock.hpp"
#include "net/sockets.hpp"
#include "querylog/retry.hpp"
#include "querylog/sink.hpp"
#include "stats/counters.hpp"

#include <string>
#include <string_view>

namespace meridian::querylog {

class LogFile final : public Sink {
 public:
  /// `path`: config::QueryLog::file. `clock` and `counters`, the writer thread's block, outlive the sink.
  LogFile(std::string path, const base::Clock& clock, stats::Counters& counters);

  void open() override;
  void put(const Record& record) override;
  void flush() override;

 private:
  [[nodiscard]] int target() const noexcept;
  [[nodiscard]] std::size_t write_some(std::string_view bytes, int& error) noexcept;
  void try_open();
  void tell(int error);

  const std::string path_;
  const base::Clock& clock_;
  stats::Counters& counters_;
  Retry retry_;
  net::FileDescriptor file_;
  std::string lines_;              ///< Whole lines not yet written.
  std::uint64_t line_count_ = 0;   ///< How many.
  bool ends_within_line_ = false;  ///< The last write stopped there; the next one must not go on behind it.
  bool is_failing_ = false;
};

}  // namespace meridian::querylog
