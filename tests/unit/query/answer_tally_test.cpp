#include "query/answer_tally.hpp"

#include "query/answerer.hpp"
#include "support/map_fixture.hpp"
#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <array>

namespace meridian::query {
namespace {

std::uint64_t all_rcodes(const AnswerTally& tally) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 2 * kRcodeCells; ++i) sum += tally.by_rcode(i);
  return sum;
}

}  // namespace

TEST_SUITE("query/answer_tally") {
  TEST_CASE("an answer counts by transport and rcode, and a steered one by its pool, reason and scope") {
    AnswerTally tally(2);
    Summary summary;
    summary.kind = AnswerKind::NxDomain;
    summary.rcode = dns::Rcode::NxDomain;
    tally.add(tally.cells_of(summary, true), 0);
    summary.kind = AnswerKind::Steered;
    summary.rcode = dns::Rcode::NoError;
    summary.service = base::ServiceId{0};
    summary.pool = base::PoolId{1};
    summary.reason = steering::Reason::Fallback;
    summary.by_client_subnet = true;
    tally.add(tally.cells_of(summary, false), 20);
    summary.by_client_subnet = false;
    tally.add(tally.cells_of(summary, false), 24);
    CHECK(tally.by_rcode(AnswerTally::rcode_cell(dns::Rcode::NxDomain, true)) == 1);
    CHECK(tally.by_rcode(AnswerTally::rcode_cell(dns::Rcode::NxDomain, false)) == 0);
    CHECK(tally.by_rcode(AnswerTally::rcode_cell(dns::Rcode::NoError, false)) == 2);
    CHECK(all_rcodes(tally) == 3);
    CHECK(tally.by_pool(1, TallyReason::Fallback) == 2);
    CHECK(tally.by_pool(0, TallyReason::Fallback) == 0);
    CHECK(tally.by_scope(20) == 1);
    CHECK(tally.by_scope(24) == 0);
  }

  TEST_CASE("an answer has the reason that an operator asks for") {
    struct Row {
      const char* why;
      steering::Reason reason;
      MovedBy moved_by;
      TallyReason expected;
    };
    using steering::Reason;
    const Row rows[] = {
        {"first tier", Reason::Preferred, MovedBy::Nothing, TallyReason::Preferred},
        {"a later tier", Reason::Fallback, MovedBy::Nothing, TallyReason::Fallback},
        {"a later tier for a drain", Reason::Fallback, MovedBy::Drain, TallyReason::Drained},
        {"another of the same tier for a drain", Reason::Preferred, MovedBy::Drain, TallyReason::Drained},
        {"shed", Reason::Preferred, MovedBy::Shed, TallyReason::Shed},
        {"nothing is healthy", Reason::AllDown, MovedBy::Nothing, TallyReason::Open},
        {"too little is healthy", Reason::LowCapacity, MovedBy::Nothing, TallyReason::Open},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Summary summary;
      summary.reason = row.reason;
      summary.moved_by = row.moved_by;
      CHECK(tally_reason(summary) == row.expected);
    }
  }

  TEST_CASE("what was not answered counts nowhere, and an RCODE of no cell in the last one") {
    AnswerTally tally(1);
    Summary summary;
    tally.add(tally.cells_of(summary, false), 0);
    CHECK(all_rcodes(tally) == 0);
    CHECK(AnswerTally::rcode_cell(static_cast<dns::Rcode>(9), false) == kRcodeCells - 1);
    CHECK(AnswerTally::rcode_cell(static_cast<dns::Rcode>(9), true) == 2 * kRcodeCells - 1);
  }

  TEST_CASE("pools past the limit count together") {
    AnswerTally tally(base::limits::kTalliedPoolsMax + 10);
    Summary summary;
    summary.kind = AnswerKind::Steered;
    summary.service = base::ServiceId{0};
    for (const std::size_t pool : {base::limits::kTalliedPoolsMax - 1, base::limits::kTalliedPoolsMax,
                                   base::limits::kTalliedPoolsMax + 9}) {
      summary.pool = static_cast<base::PoolId>(pool);
      tally.add(tally.cells_of(summary, false), 0);
    }
    const auto preferred = TallyReason::Preferred;
    CHECK(tally.pool_count() == base::limits::kTalliedPoolsMax + 1);
    CHECK(tally.by_pool(base::limits::kTalliedPoolsMax - 1, preferred) == 1);
    CHECK(tally.by_pool(base::limits::kTalliedPoolsMax, preferred) == 2);
  }

  TEST_CASE("a kept answer counts as the composed one did, with the scope of its own client") {
    test::MapFixture map(MERIDIAN_BINARY_DIR "/share/meridian");
    map.write_standard();
    const auto compiled = map.must_compile();
    Tables tables(*compiled.snapshot, nullptr, 1);
    stats::CounterRegistry counters;
    auto& block = counters.register_block();
    Answerer answerer(block, 1);
    std::array<std::uint8_t, base::limits::kUdpAnswerBytesMax> reply{};
    const Source resolver{*base::parse_ip_address("192.0.2.53"), false};
    const auto ask = [&](const test::Bytes& packet) {
      answerer.begin_batch(*compiled.snapshot, tables, 1, {}, false);
      answerer.look(0, resolver, packet);
      answerer.find(1);
      if (answerer.answer_kept(0, reply)) return;
      answerer.read(0);
      answerer.fetch_ahead(0);
      CHECK(answerer.answer_anew(0, reply) != 0);
    };
    const auto www = test::build_query("www.example.com", dns::Rtype::A,
                                       {.client_subnet = *base::parse_ip_prefix("81.2.69.0/24")});
    const auto nothing = test::build_query("nothing.example.com", dns::Rtype::A);
    for (int i = 0; i < 8; ++i) ask(www);
    for (int i = 0; i < 4; ++i) ask(nothing);
    REQUIRE(block.value(stats::Counter::KeptAnswers) > 0);
    const auto& tally = *tables.tally_of(0);
    CHECK(tally.by_rcode(AnswerTally::rcode_cell(dns::Rcode::NoError, false)) == 8);
    CHECK(tally.by_rcode(AnswerTally::rcode_cell(dns::Rcode::NxDomain, false)) == 4);
    std::uint64_t scopes = 0;
    for (std::size_t bits = 1; bits < kScopeCells; ++bits) scopes += tally.by_scope(bits);
    CHECK(scopes == 8);
    CHECK(tally.by_scope(0) == 0);
    std::uint64_t preferred = 0;
    for (std::size_t pool = 0; pool < tally.pool_count(); ++pool)
      preferred += tally.by_pool(pool, TallyReason::Preferred);
    CHECK(preferred == 8);
    CHECK(tables.tally_of(1) == nullptr);
  }
}

}  // namespace meridian::query
