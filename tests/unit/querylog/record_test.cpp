#include "querylog/record.hpp"

#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::querylog {
namespace {

using test::Bytes;

TEST_SUITE_BEGIN("querylog/record");

TEST_CASE("what was written is read back") {
  const Bytes query{1, 2, 3, 4};
  const Bytes answer{9, 8, 7};
  const auto bytes = test::record_of(test::some_facts(), test::steered_summary(), query, answer);
  const auto record = read_record(bytes);
  CHECK(record.facts.received_ns == test::some_facts().received_ns);
  CHECK(record.facts.client == *base::parse_ip_address("198.51.100.7"));
  CHECK(record.facts.port == 4'711);
  CHECK(record.facts.kind == query::AnswerKind::Steered);
  CHECK(record.facts.reason == steering::Reason::Fallback);
  CHECK(record.facts.tier == 1);
  CHECK(record.facts.scope_bits == 18);
  CHECK(record.service == "www.example.com");
  CHECK(record.datacenter == "fra");
  CHECK(record.zone.empty());
  CHECK(Bytes(record.query.begin(), record.query.end()) == query);
  CHECK(Bytes(record.answer.begin(), record.answer.end()) == answer);
}

TEST_CASE("the largest query and answer fit a record") {
  const Bytes query(base::limits::kQueryBytesMax, 1);
  const Bytes answer(base::limits::kTcpMessageBytesMax, 2);
  const auto bytes = test::record_of(test::some_facts(), test::steered_summary(), query, answer);
  const auto record = read_record(bytes);
  CHECK(record.query.size() == query.size());
  CHECK(record.answer.size() == answer.size());
  CHECK(record.answer.back() == 2);
  CHECK(bytes.size() < base::limits::kQueryRecordRingBytes / 8);
}

TEST_CASE("names are there only when they mean something") {
  struct Row {
    const char* why;
    query::Summary summary;
    const char* service;
    const char* datacenter;
  };
  const Row rows[] = {
      {"the first pool", test::steered_summary(base::PoolId{0}), "www.example.com", "ams"},
      {"a sorry page is of no datacenter", test::steered_summary(base::PoolId{2}), "www.example.com", ""},
      {"no service was met", {.kind = query::AnswerKind::Static}, "", ""},
      {"a service without an answer of a pool",
       {.kind = query::AnswerKind::NoData, .service = base::ServiceId{0}},
       "www.example.com",
       ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto bytes = test::record_of(test::some_facts(), row.summary, {1}, {});
    const auto record = read_record(bytes);
    CHECK(record.service == row.service);
    CHECK(record.datacenter == row.datacenter);
  }
}

TEST_CASE("a name longer than a record takes is cut") {
  auto snapshot = test::small_snapshot();
  snapshot.services[0].name = std::string(400, 'x');
  const auto summary = test::steered_summary();
  const auto facts = test::some_facts();
  const RecordSource source{facts, snapshot, summary, {}, {}};
  Bytes bytes(record_bytes(source));
  write_record(source, bytes);
  CHECK(read_record(bytes).service == std::string(base::limits::kQueryRecordNameBytesMax, 'x'));
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog
