#include "querylog/log_file.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "config/model.hpp"
#include "querylog/line.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace meridian::querylog {
namespace {

using stats::Counter;

/// The group may read it (logrotate's `create 0640`); names that clients ask for are nobody else's business.
constexpr mode_t kFileMode = 0640;

/// The longest line: two names of 255 bytes, every one of them an escape of four letters, and the rest.
constexpr std::size_t kLineBytesMax = 4'096;

std::uint64_t count_lines(std::string_view text) noexcept {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

LogFile::LogFile(std::string path, const base::Clock& clock, stats::Counters& counters)
    : path_(std::move(path)), clock_(clock), counters_(counters) {
  lines_.reserve(base::limits::kQueryLogWriteBytes + kLineBytesMax);
}

void LogFile::open() { try_open(); }

int LogFile::target() const noexcept {
  return path_ == config::QueryLog::kStandardError ? STDERR_FILENO : file_.get();
}

void LogFile::try_open() {
  if (target() >= 0 || !retry_.is_due(clock_.monotonic())) return;
  // O_NONBLOCK: a path that is a pipe without a reader is an error and not a wait. Files do not care.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  net::FileDescriptor file(::open(path_.c_str(), kFlags, kFileMode));
  if (!file) {
    tell(errno);
    retry_.failed(clock_.monotonic());
    return;
  }
  file_ = std::move(file);
  retry_.succeeded();
}

void LogFile::put(const Record& record) {
  append_line(lines_, record);
  ++line_count_;
  if (lines_.size() >= base::limits::kQueryLogWriteBytes) flush();
}

void LogFile::flush() {
  if (lines_.empty()) return;
  try_open();
  std::size_t written = 0;
  int error = 0;
  if (target() >= 0) {
    if (ends_within_line_) lines_.insert(lines_.begin(), '\n');
    written = write_some(lines_, error);
    if (written > 0) ends_within_line_ = lines_[written - 1] != '\n';
    tell(error);
  }
  const auto lost = std::min(line_count_, count_lines(std::string_view{lines_}.substr(written)));
  counters_.add(Counter::QueryLogFailed, lost);
  counters_.add(Counter::QueryLogLines, line_count_ - lost);
  lines_.clear();
  line_count_ = 0;
}

/// How many bytes were taken; `error` says why not all.
std::size_t LogFile::write_some(std::string_view bytes, int& error) noexcept {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const auto taken = ::write(target(), bytes.data() + written, bytes.size() - written);
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) {
      error = taken < 0 ? errno : ENOSPC;
      break;
    }
    written += static_cast<std::size_t>(taken);
  }
  return written;
}

/// One event a change of state.
void LogFile::tell(int error) {
  if ((error != 0) == is_failing_) return;
  is_failing_ = error != 0;
  if (is_failing_) {
    base::log_event(base::LogLevel::Warning, "query_log_failing",
                    {{"file", path_}, {"error", std::generic_category().message(error)}});
  } else {
    base::log_event(base::LogLevel::Info, "query_log_resumed", {{"file", path_}});
  }
}

}  // namespace meridian::querylog
