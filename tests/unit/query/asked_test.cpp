#include "query/asked.hpp"

#include "unit/query/asker.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <vector>

namespace meridian::query {
namespace {

using dns::Rtype;

const Source kResolver{*base::parse_ip_address("192.0.2.1"), false};

std::vector<test::Bytes> packets() {
  const auto client = *base::parse_ip_prefix("198.51.100.0/24");
  std::vector<test::Bytes> made = {
      test::build_query("static.example.com", Rtype::A),
      test::build_query("www.example.com", Rtype::A, {.client_subnet = client}),
      test::build_query("WWW.Example.COM", Rtype::Aaaa, {.udp_size = 1232}),
      test::build_query("none.example.com", Rtype::A, {.udp_size = 1232}),
      test::build_query("a.very.long.way.below.none.example.com", Rtype::A),
      test::build_query("example.org", Rtype::A),
      test::build_query(".", Rtype::Ns),
      test::Bytes{},
      test::Bytes(11, 0),
  };
  made.push_back(made[1]);
  made.back().resize(made.back().size() - 1);  // cut short
  return made;
}

}  // namespace

TEST_SUITE("query/asked") {
  TEST_CASE(
      "a batch that is read before the first of it is answered gets the answers that each would get alone") {
    auto alone = test::standard_asker();
    auto batch = test::standard_asker();
    const auto asked_for = packets();
    std::array<std::optional<Asked>, 16> read;
    REQUIRE(asked_for.size() <= read.size());
    for (std::size_t i = 0; i < asked_for.size(); ++i)
      read[i].emplace(batch.snapshot(), kResolver, asked_for[i]);
    for (std::size_t i = 0; i < asked_for.size(); ++i) read[i]->fetch_records_ahead();
    for (std::size_t i = 0; i < asked_for.size(); ++i) {
      CAPTURE(i);
      test::Bytes reply(base::limits::kUdpAnswerBytesMax);
      reply.resize(answer_query(batch.snapshot(), batch.tables(), kResolver, *read[i], asked_for[i], reply,
                                batch.worker()));
      CHECK(reply == alone.ask_bytes(asked_for[i], kResolver));
    }
  }

  TEST_CASE("what was read says where to answer from") {
    auto asker = test::standard_asker();
    const auto ours = test::build_query("Static.example.com", Rtype::A);
    const Asked asked(asker.snapshot(), kResolver, ours);
    REQUIRE(asked.query());
    REQUIRE(asked.zone() != nullptr);
    CHECK(dns::to_string(asked.zone()->apex()) == "example.com");
    CHECK(dns::to_string(asked.name().name()) == "static.example.com");

    const auto foreign = test::build_query("example.org", Rtype::A);
    CHECK(Asked(asker.snapshot(), kResolver, foreign).zone() == nullptr);
    const Asked malformed(asker.snapshot(), kResolver, test::Bytes(12, 0xff));
    CHECK_FALSE(malformed.query());
    CHECK(malformed.zone() == nullptr);
  }
}

}  // namespace meridian::query
