#include "query/answer.hpp"

#include "unit/query/asker.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace meridian::query {
namespace {

using dns::Rcode;
using dns::Rtype;
using dns::Section;
using stats::Counter;
using test::scope_of;

std::vector<Rtype> types_of(const dns::Message& message, Section section) {
  std::vector<Rtype> types;
  for (const auto& record : message.section(section)) types.push_back(record.type);
  return types;
}

}  // namespace

TEST_SUITE("query/answer") {
  TEST_CASE("what is asked, what comes back, and which counter moves") {
    struct Row {
      const char* why;
      const char* name;
      Rtype type;
      Rcode rcode;
      bool authoritative;
      std::vector<Rtype> answer;
      std::vector<Rtype> authority;
      std::vector<Rtype> additional;
      Counter counter;
    };
    const Row rows[] = {
        {"a static name",
         "static.example.com",
         Rtype::A,
         Rcode::NoError,
         true,
         {Rtype::A},
         {},
         {},
         Counter::StaticAnswers},
        {"case does not matter",
         "STATIC.example.COM",
         Rtype::A,
         Rcode::NoError,
         true,
         {Rtype::A},
         {},
         {},
         Counter::StaticAnswers},
        {"a type that is not there",
         "static.example.com",
         Rtype::Mx,
         Rcode::NoError,
         true,
         {},
         {Rtype::Soa},
         {},
         Counter::NoData},
        {"a name that is not there",
         "none.example.com",
         Rtype::A,
         Rcode::NxDomain,
         true,
         {},
         {Rtype::Soa},
         {},
         Counter::NxDomain},
        {"an empty non-terminal",
         "b.ent.example.com",
         Rtype::A,
         Rcode::NoError,
         true,
         {},
         {Rtype::Soa},
         {},
         Counter::NoData},
        {"a wildcard",
         "x.y.wild.example.com",
         Rtype::Txt,
         Rcode::NoError,
         true,
         {Rtype::Txt},
         {},
         {},
         Counter::StaticAnswers},
        {"a CNAME to a steered name",
         "alias.example.com",
         Rtype::Aaaa,
         Rcode::NoError,
         true,
         {Rtype::Cname, Rtype::Aaaa},
         {},
         {},
         Counter::SteeredAnswers},
        {"two CNAMEs to a steered name",
         "deep.example.com",
         Rtype::Aaaa,
         Rcode::NoError,
         true,
         {Rtype::Cname, Rtype::Cname, Rtype::Aaaa},
         {},
         {},
         Counter::SteeredAnswers},
        {"a CNAME asked for itself",
         "alias.example.com",
         Rtype::Cname,
         Rcode::NoError,
         true,
         {Rtype::Cname},
         {},
         {},
         Counter::StaticAnswers},
        {"a CNAME that leaves our zones",
         "away.example.com",
         Rtype::A,
         Rcode::NoError,
         true,
         {Rtype::Cname},
         {},
         {},
         Counter::StaticAnswers},
        {"a delegation with glue for the server inside it",
         "host.sub.example.com",
         Rtype::A,
         Rcode::NoError,
         false,
         {},
         {Rtype::Ns, Rtype::Ns},
         {Rtype::A},
         Counter::Delegations},
        {"a DNAME",
         "x.old.example.com",
         Rtype::A,
         Rcode::NoError,
         true,
         {Rtype::Dname, Rtype::Cname, Rtype::A},
         {},
         {},
         Counter::StaticAnswers},
        {"a DNAME to a name that is not there",
         "y.old.example.com",
         Rtype::A,
         Rcode::NxDomain,
         true,
         {Rtype::Dname, Rtype::Cname},
         {Rtype::Soa},
         {},
         Counter::NxDomain},
        {"another type at a steered name",
         "www.example.com",
         Rtype::Txt,
         Rcode::NoError,
         true,
         {},
         {Rtype::Soa},
         {},
         Counter::NoData},
        {"a steered wildcard",
         "a.cdn.example.com",
         Rtype::A,
         Rcode::NoError,
         true,
         {Rtype::A},
         {},
         {},
         Counter::SteeredAnswers},
        {"a zone of somebody else",
         "www.example.org",
         Rtype::A,
         Rcode::Refused,
         false,
         {},
         {},
         {},
         Counter::Refused},
        {"a zone transfer", "example.com", Rtype::Axfr, Rcode::Refused, false, {}, {}, {}, Counter::Refused},
    };
    auto asker = test::standard_asker();
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto before = asker.counters().value(row.counter);
      const auto reply = asker.ask(row.name, row.type);
      CHECK(reply.rcode == row.rcode);
      CHECK(reply.is_authoritative() == row.authoritative);
      CHECK(types_of(reply, Section::Answer) == row.answer);
      CHECK(types_of(reply, Section::Authority) == row.authority);
      CHECK(types_of(reply, Section::Additional) == row.additional);
      CHECK(asker.counters().value(row.counter) == before + 1);
    }
  }

  TEST_CASE("the client subnet decides, and the scope is the leaf's depth") {
    struct Row {
      const char* why;
      const char* client;
      const char* address;
      int scope;
    };
    const Row rows[] = {
        {"Great Britain", "81.2.69.0/24", "192.0.2.1", 24},
        {"Germany, the same tiers", "82.1.0.0/16", "192.0.2.1", 8},
        {"the United States", "8.8.8.0/24", "198.51.100.10", 8},
        {"China, only Singapore", "59.1.2.0/24", "203.0.113.10", 8},
        {"Singapore is nearest to itself", "27.0.1.0/24", "203.0.113.10", 16},
        {"a source shorter than the leaf: its first address decides, the leaf's depth is told", "8.0.0.0/6",
         "198.51.100.10", 8},
        {"IPv6", "2600::/32", "198.51.100.10", 12},
        {"6to4 of a US address", "2002:808:808::/48", "198.51.100.10", 24},
        {"v4-mapped", "::ffff:8.8.8.0/120", "198.51.100.10", 104},
    };
    auto asker = test::standard_asker();
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto reply = asker.ask_from(row.client, "www.example.com", Rtype::A);
      CHECK(test::first_address(reply).starts_with(row.address));
      CHECK(scope_of(reply) == row.scope);
      REQUIRE(reply.edns->client_subnet.has_value());
      CHECK(reply.edns->client_subnet->source == *base::parse_ip_prefix(row.client));
    }
  }

  TEST_CASE("what does not vary by client says so with scope 0") {
    auto asker = test::standard_asker();
    for (const auto* name : {"static.example.com", "none.example.com", "host.sub.example.com", "example.org",
                             "one.example.com"}) {
      CAPTURE(name);
      CHECK(scope_of(asker.ask_from("81.2.69.0/24", name, Rtype::A)) == 0);
    }
    CHECK(scope_of(asker.ask("www.example.com", Rtype::A)) == -1);
    CHECK(scope_of(asker.ask_from("0.0.0.0/0", "www.example.com", Rtype::A)) == 0);
  }

  TEST_CASE("NODATA of a steered name carries the leaf's scope") {
    auto asker = test::standard_asker();
    const auto reply = asker.ask_from("8.8.8.0/24", "www.example.com", Rtype::Aaaa);  // iad has no IPv6
    CHECK(reply.rcode == Rcode::NoError);
    CHECK(types_of(reply, Section::Answer).empty());
    CHECK(types_of(reply, Section::Authority) == std::vector{Rtype::Soa});
    CHECK(scope_of(reply) == 8);
  }

  TEST_CASE("the TTL of a negative answer is the smaller of SOA TTL and minimum") {
    auto asker = test::standard_asker();
    const auto reply = asker.ask("none.example.com", Rtype::A);
    REQUIRE(reply.section(Section::Authority).size() == 1);
    CHECK(reply.section(Section::Authority)[0].ttl_s == 300);
  }

  TEST_CASE("a client with private space in its subnet is answered by its resolver's place") {
    auto asker = test::standard_asker();
    const auto reply =
        asker.ask("www.example.com", Rtype::A, {.client_subnet = *base::parse_ip_prefix("10.1.2.0/24")},
                  {*base::parse_ip_address("8.8.8.8"), false});
    CHECK(test::first_address(reply) == "198.51.100.10");
    CHECK(scope_of(reply) == 24);
    CHECK(asker.counters().value(Counter::ClientSubnetIgnored) == 1);
  }

  TEST_CASE("without a client subnet the resolver decides") {
    auto asker = test::standard_asker();
    const auto reply = asker.ask("www.example.com", Rtype::A, {.udp_size = 1232},
                                 {*base::parse_ip_address("8.8.8.8"), false});
    CHECK(test::first_address(reply) == "198.51.100.10");
  }

  TEST_CASE("addresses rotate, so that each comes first in turn") {
    auto asker = test::standard_asker();
    int first_is_10 = 0;
    for (int i = 0; i < 1'000; ++i) {
      const auto records =
          asker.ask_from("81.2.69.0/24", "www.example.com", Rtype::A).section(Section::Answer);
      REQUIRE(records.size() == 2);
      CHECK(records[0].rdata != records[1].rdata);
      first_is_10 += records[0].rdata.back() == 10 ? 1 : 0;
    }
    CHECK(first_is_10 > 400);
    CHECK(first_is_10 < 600);
  }

  TEST_CASE("the question comes back in the letters it was asked in") {
    auto asker = test::standard_asker();
    const auto packet = test::build_query("wWw.ExAmPlE.cOm", Rtype::A, {});
    const auto reply = asker.ask_bytes(packet, {*base::parse_ip_address("8.8.8.8"), false});
    REQUIRE(reply.size() > packet.size());
    CHECK(std::equal(packet.begin() + 12, packet.end(), reply.begin() + 12));
  }

  TEST_CASE("a response is never answered, and neither is half a header") {
    auto asker = test::standard_asker();
    auto packet = test::build_query("www.example.com", Rtype::A, {});
    packet[2] |= 0x80;
    CHECK(asker.ask_bytes(packet, {}).empty());
    CHECK(asker.counters().value(Counter::DroppedResponse) == 1);
    CHECK(asker.ask_bytes({1, 2, 3}, {}).empty());
    CHECK(asker.counters().value(Counter::DroppedShort) == 1);
  }

  TEST_CASE("a CNAME loop ends") {
    auto asker = test::standard_asker();
    const auto reply = asker.ask("loop1.loop.test", Rtype::A);
    CHECK(reply.rcode == Rcode::NoError);
    CHECK(asker.counters().value(Counter::CnameLoops) == 1);
  }

  TEST_CASE("the summary says what the answer was") {
    auto asker = test::standard_asker();
    const auto& summary = asker.worker().summary;
    static_cast<void>(asker.ask("static.example.com", Rtype::A));
    CHECK(summary.kind == query::AnswerKind::Static);
    CHECK(summary.zone != nullptr);
    static_cast<void>(asker.ask_from("192.0.2.0/24", "www.example.com", Rtype::A));
    CHECK(summary.kind == query::AnswerKind::Steered);
    CHECK(summary.pool != base::kNoPool);
    CHECK(summary.service != base::kNoService);
    static_cast<void>(asker.ask("absent.example.com", Rtype::A));
    CHECK(summary.kind == query::AnswerKind::NxDomain);
    CHECK(summary.rcode == Rcode::NxDomain);
    static_cast<void>(asker.ask("elsewhere.test", Rtype::A));
    CHECK(summary.kind == query::AnswerKind::Refused);
    CHECK(summary.zone == nullptr);
    static_cast<void>(asker.ask_bytes({1, 2, 3}, {}));
    CHECK(summary.kind == query::AnswerKind::Dropped);
  }

  TEST_CASE("NSID is told to those who ask") {
    auto asker = test::standard_asker();
    const std::vector<std::uint8_t> site{'a', 'm', 's', '1'};
    asker.settings().nsid = site;
    const auto told = asker.ask("static.example.com", Rtype::A, {.options = {{dns::EdnsOption::Nsid, {}}}});
    REQUIRE(told.edns->find_option(dns::EdnsOption::Nsid) != nullptr);
    CHECK(told.edns->find_option(dns::EdnsOption::Nsid)->payload == site);
    CHECK(asker.ask("static.example.com", Rtype::A).edns->find_option(dns::EdnsOption::Nsid) == nullptr);
  }
}

TEST_SUITE("query/answer") {
  TEST_CASE("UDP answers stay within what the client takes, and say when they are cut") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    std::string pool;
    for (int i = 0; i < 100; ++i)
      pool += (i == 0 ? "" : ", ") + ("\"2001:db8::" + std::to_string(i + 1) + "\"");
    fixture.write("services.yaml",
                  "services:\n  www.example.com:\n    map: web\n    answer: 32\n    pools: {ams: [" + pool +
                      "], sin: [203.0.113.10]}\n");
    test::Asker asker(fixture.must_compile());
    const auto sizes = [&](std::optional<std::uint16_t> udp_size, bool tcp) {
      return asker.ask_bytes(test::build_query("www.example.com", Rtype::Aaaa, {.udp_size = udp_size}),
                             {*base::parse_ip_address("81.2.69.1"), tcp});
    };
    const auto plain = sizes({}, false);
    CHECK(plain.size() <= 512);
    CHECK(dns::read_message(plain)->is_truncated());
    const auto large = sizes(4096, false);
    CHECK(large.size() <= 1232);
    CHECK_FALSE(dns::read_message(large)->is_truncated());  // 32 records of 28 bytes
    CHECK(dns::read_message(large)->section(Section::Answer).size() == 32);
    const auto tcp = sizes({}, true);
    CHECK(dns::read_message(tcp)->section(Section::Answer).size() == 32);
    CHECK(asker.counters().value(Counter::Truncated) == 1);
  }
}

}  // namespace meridian::query
