#include "querylog/log_file.hpp"

#include "querylog/line.hpp"
#include "support/manual_clock.hpp"
#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string>

namespace meridian::querylog {
namespace {

using stats::Counter;

struct Fixture {
  test::Folder folder;
  test::ManualClock clock;
  stats::Counters counters;
  test::Bytes bytes = test::record_of(test::some_facts(), test::steered_summary(),
                                      test::build_query("www.example.com", dns::Rtype::A), {});
  std::string line = [this] {
    std::string text;
    append_line(text, read_record(bytes));
    return text;
  }();

  void put(LogFile& log, int lines) const {
    for (int i = 0; i < lines; ++i) log.put(read_record(bytes));
  }
  std::uint64_t written() const { return counters.value(Counter::QueryLogLines); }
  std::uint64_t failed() const { return counters.value(Counter::QueryLogFailed); }
};

std::string times(const std::string& line, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line;
  return text;
}

TEST_SUITE_BEGIN("querylog/log_file");

TEST_CASE_FIXTURE(Fixture, "lines are appended, and the file is the owner's and the group's") {
  const auto path = folder.file("q.log");
  for (int round = 1; round <= 2; ++round) {
    LogFile log(path, clock, counters);
    log.open();
    put(log, 3);
    log.flush();
    CHECK(test::read_text(path) == times(line, 3 * round));
  }
  CHECK(written() == 6);
  CHECK(failed() == 0);
  struct stat file {};
  REQUIRE(::stat(path.c_str(), &file) == 0);
  CHECK((file.st_mode & 07) == 0);
}

TEST_CASE_FIXTURE(Fixture, "many lines are written before anybody asks for it") {
  const auto path = folder.file("q.log");
  LogFile log(path, clock, counters);
  log.open();
  put(log, 1'000);
  CHECK(written() > 700);
  log.flush();
  CHECK(written() == 1'000);
  CHECK(test::read_text(path) == times(line, 1'000));
}

TEST_CASE_FIXTURE(Fixture, "a full disk costs the lines and is counted") {
  LogFile log("/dev/full", clock, counters);
  log.open();
  put(log, 2'000);
  log.flush();
  CHECK(written() == 0);
  CHECK(failed() == 2'000);
}

TEST_CASE_FIXTURE(Fixture, "a file that can't be opened is tried again, with pauses") {
  const auto path = folder.file("later/q.log");
  LogFile log(path, clock, counters);
  log.open();
  put(log, 2);
  log.flush();
  CHECK(failed() == 2);
  std::filesystem::create_directory(folder.file("later"));
  put(log, 1);
  log.flush();
  CHECK(failed() == 3);  // too soon
  clock.pass(std::chrono::milliseconds{base::limits::kRecordRetryMinMs});
  put(log, 1);
  log.flush();
  CHECK(failed() == 3);
  CHECK(test::read_text(path) == line);
}

TEST_CASE_FIXTURE(Fixture, "after a write that ended within a line the next line stands alone") {
  const auto path = folder.file("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const net::FileDescriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  REQUIRE(reader);
  LogFile log(path, clock, counters);
  log.open();
  put(log, 2'000);  // more than the pipe takes
  log.flush();
  CHECK(failed() > 0);
  CHECK(written() > 0);
  CHECK(written() + failed() == 2'000);
  const auto read_all = [&] {
    std::string text;
    std::array<char, 4'096> piece{};
    for (ssize_t size = 0; (size = ::read(reader.get(), piece.data(), piece.size())) > 0;)
      text.append(piece.data(), static_cast<std::size_t>(size));
    return text;
  };
  std::string text = read_all();
  const auto before = written();
  put(log, 1);
  log.flush();
  CHECK(written() == before + 1);
  text += read_all();
  // Whole lines, at most one piece of a line, and the last line.
  std::uint64_t whole = 0;
  std::uint64_t pieces = 0;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = text.find('\n', start) + 1;
    REQUIRE(end > start);
    if (text.substr(start, end - start) == line) {
      ++whole;
    } else {
      ++pieces;
    }
    start = end;
  }
  CHECK(whole == written());
  CHECK(pieces <= 1);
  CHECK(text.ends_with(line));
}

TEST_CASE_FIXTURE(Fixture, "a pipe that nobody reads does not hold the writer") {
  const auto path = folder.file("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  LogFile log(path, clock, counters);
  log.open();
  put(log, 1);
  log.flush();
  CHECK(failed() == 1);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog
