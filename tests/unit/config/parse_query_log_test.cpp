#include "config/parse.hpp"

#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

namespace meridian::config {
namespace {

using test::messages;
using test::Row;

LoadedSite parse(const std::string& keys) {
  return parse_site_text("map: m\n" + keys, "/etc/meridian/meridian.yaml");
}

TEST_SUITE_BEGIN("config/parse_query_log");

TEST_CASE("demand is off, on, or on with a sample of its own") {
  struct Switch {
    const char* keys;
    std::uint32_t sample;
  };
  const Switch switches[] = {
      {"", 0},
      {"demand: off", 0},
      {"demand: false", 0},
      {"demand: on", 16},
      {"demand: {}", 16},
      {"demand: true", 16},
      {"demand: {sample: 1}", 1},
      {"demand: {sample: 1000000000}", 1'000'000'000},
  };
  for (const auto& row : switches) {
    CAPTURE(row.keys);
    const auto loaded = parse(row.keys);
    CHECK_FALSE(loaded.diagnostics.has_errors());
    CHECK(loaded.site.demand_sample == row.sample);
  }
}

TEST_CASE("without the keys nothing is logged") {
  const auto loaded = parse("");
  CHECK_FALSE(loaded.site.query_log);
  CHECK_FALSE(loaded.site.dnstap);
}

TEST_CASE("paths are relative to the site file, and stderr is no path") {
  auto loaded = parse("query_log: {file: logs/q.log, sample: 1000}\ndnstap: {unix: ../tap.sock, sample: 1}");
  CHECK(messages(loaded.diagnostics) == "");
  REQUIRE(loaded.site.query_log);
  CHECK(loaded.site.query_log->file == "/etc/meridian/logs/q.log");
  CHECK(loaded.site.query_log->sample == 1'000);
  REQUIRE(loaded.site.dnstap);
  CHECK(loaded.site.dnstap->unix_socket.text == "/etc/tap.sock");
  CHECK(loaded.site.dnstap->sample == 1);

  loaded = parse("query_log: {file: stderr, sample: 1000000000}");
  REQUIRE(loaded.site.query_log);
  CHECK(loaded.site.query_log->file == QueryLog::kStandardError);
  CHECK(loaded.site.query_log->sample == 1'000'000'000);
  CHECK(parse("query_log: {file: ./stderr, sample: 1}").site.query_log->file == "/etc/meridian/stderr");
}

TEST_CASE("what is wrong is told where it stands") {
  const std::string long_path(120, 'x');
  const Row rows[] = {
      {"no sample", "query_log: {file: q.log}", "2:12: 'query_log': the key 'sample' is missing"},
      {"no file", "query_log: {sample: 1}", "2:12: 'query_log': the key 'file' is missing"},
      {"no collector", "dnstap: {sample: 1}", "2:9: 'dnstap': the key 'unix' is missing"},
      {"sample 0", "query_log: {file: q.log, sample: 0}",
       "2:34: 'sample': expected a whole number from 1 to 1000000000, found '0'"},
      {"sample too large", "dnstap: {unix: t, sample: 1000000001}",
       "2:27: 'sample': expected a whole number from 1 to 1000000000, found '1000000001'"},
      {"a path alone", "query_log: q.log", "2:12: 'query_log': expected a mapping, found 'q.log'"},
      {"a key of dnstap's", "query_log: {unix: t, file: f, sample: 1}",
       "2:13: unknown key 'unix'; the keys here are file, sample"},
      {"demand as a number", "demand: 16", "2:9: 'demand': expected off or on or false or true, found '16'"},
      {"demand of sample 0", "demand: {sample: 0}",
       "2:18: 'sample': expected a whole number from 1 to 1000000000, found '0'"},
      {"another key of demand", "demand: {samples: 2}",
       "2:10: unknown key 'samples'; did you mean 'sample'?"},
      {"a path no socket can have", "dnstap: {unix: /" + long_path + ", sample: 1}",
       "2:16: the collector's path has 121 bytes; a Unix socket's path has at most 107"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(messages(parse(row.text).diagnostics) == row.message);
  }
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config
