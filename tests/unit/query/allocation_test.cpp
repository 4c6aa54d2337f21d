// The life of a query allocates nothing: this binary's operator new counts, and neither answer_query nor the
// query log's tap behind it may move it.
#include "query/answer.hpp"

#include "query/identity.hpp"
#include "querylog/tap.hpp"
#include "unit/query/asker.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocation_count{0};

void* counted_allocate(std::size_t size, std::size_t alignment) noexcept {
  ++allocation_count;
  // aligned_alloc wants a multiple of the alignment.
  return std::aligned_alloc(alignment, (size / alignment + 1) * alignment);
}

void* counted_or_throw(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  void* memory = counted_allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The whole family: the library uses the nothrow and aligned ones too, and sanitizers check that pairs match.
void* operator new(std::size_t size) { return counted_or_throw(size); }
void* operator new[](std::size_t size) { return counted_or_throw(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return counted_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted_allocate(size, alignof(std::max_align_t));
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return counted_allocate(size, alignof(std::max_align_t));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace meridian::query {
namespace {

/// As a worker does with a batch of one.
void answer_and_note(test::Asker& asker, const Source& source, const test::Bytes& packet, test::Bytes& reply,
                     querylog::Tap& tap) {
  const bool is_noted = tap.begin_batch(1);
  net::Exchange exchange{
      .peer = {.address = source.address, .port = 53, .tcp = source.is_tcp}, .query = packet, .reply = reply};
  exchange.reply_bytes =
      answer_query(asker.snapshot(), asker.tables(), source, packet, reply, asker.worker());
  if (is_noted) tap.note(exchange, asker.snapshot(), asker.worker().summary);
}

}  // namespace

TEST_SUITE("query/allocation") {
  TEST_CASE("the counter of this test sees allocations") {
    const auto before = allocation_count.load();
    const auto held = std::make_unique<int>(1);
    CHECK(*held == 1);
    CHECK(allocation_count.load() == before + 1);
  }

  TEST_CASE("neither do rules for resolvers, cname pools and tiers that share clients") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    fixture.write("maps.yaml",
                  "maps:\n  web:\n    rules:\n      - {for: everyone, prefer: [{ams: 2, iad: 1, sin: 1}]}\n"
                  "    resolvers:\n      - {for: 192.0.2.0/24, prefer: [sin]}\n");
    fixture.write(
        "services.yaml",
        "services:\n  www.example.com: {map: web, pools: {ams: [192.0.2.10, 192.0.2.11], iad: {cname: "
        "{static.example.com: 1, a.test: 1}}, sin: {cname: deep.example.com}}}\n"
        "  deeper.example.com: {map: web, pools: {sin: {cname: www.example.com}}}\n");
    test::Asker asker(fixture.must_compile());
    asker.set_health("192.0.2.11", health::EndpointState::Down);
    asker.tables().health.set_kept(base::DatacenterId{1}, health::kKeepsAll / 3);
    asker.tables().health.set_kept(base::DatacenterId{2}, health::kKeepsAll / 9);
    std::vector<std::uint8_t> reply(base::limits::kUdpAnswerBytesMax);
    std::vector<test::Bytes> packets;
    for (unsigned i = 0; i < 40; ++i) {
      const auto client = base::IpPrefix{base::IpAddress::v4(0x0800'0000 | i << 8), 24};
      for (const auto type : {dns::Rtype::A, dns::Rtype::Txt, dns::Rtype::Any})
        packets.push_back(test::build_query("www.example.com", type, {.client_subnet = client}));
      packets.push_back(test::build_query("deeper.example.com", dns::Rtype::A, {}));
    }
    const Source source{*base::parse_ip_address("192.0.2.1"), false};
    for (const auto& packet : packets) {
      const auto before = allocation_count.load();
      const auto size = answer_query(asker.snapshot(), asker.tables(), source, packet, reply, asker.worker());
      const auto after = allocation_count.load();
      REQUIRE(size > 0);
      REQUIRE(after == before);
    }
    CHECK(asker.counters().value(stats::Counter::SteeredAnswers) > 60);
  }

  TEST_CASE("no query allocates, whatever its answer") {
    auto asker = test::standard_asker();
    asker.settings().identity_version = identity_record("test");
    using dns::Rtype;
    const test::QuerySpec plain{};
    const test::QuerySpec gb{.client_subnet = *base::parse_ip_prefix("81.2.69.0/24")};
    asker.settings().cookie_secrets.add({1, 2, 3});
    const test::QuerySpec first_cookie{.options = {{dns::EdnsOption::Cookie, test::Bytes(8, 1)}}};
    const test::QuerySpec bad_cookie{.options = {{dns::EdnsOption::Cookie, test::Bytes(24, 1)}}};
    const test::QuerySpec nsid{.options = {{dns::EdnsOption::Nsid, {}}}};
    std::vector<test::Bytes> packets{
        test::build_query("www.example.com", Rtype::A, gb),
        test::build_query("www.example.com", Rtype::Aaaa, gb),
        test::build_query("x.cdn.example.com", Rtype::A, gb),
        test::build_query("one.example.com", Rtype::A, gb),
        test::build_query("static.example.com", Rtype::A, nsid),
        test::build_query("static.example.com", Rtype::A, first_cookie),
        test::build_query("static.example.com", Rtype::A, bad_cookie),
        test::build_query("elsewhere.test", Rtype::A, first_cookie),
        test::build_query("deep.example.com", Rtype::A, gb),
        test::build_query("loop1.loop.test", Rtype::A, plain),
        test::build_query("a.old.example.com", Rtype::A, plain),
        test::build_query("x.old.example.com", Rtype::A, plain),
        test::build_query("host.sub.example.com", Rtype::A, plain),
        test::build_query("nothing.example.com", Rtype::A, gb),
        test::build_query("x.wild.example.com", Rtype::Txt, plain),
        test::build_query("example.com", Rtype::Any, plain),
        test::build_query("example.com", Rtype::Ns, plain),
        test::build_query("version.bind", Rtype::Txt, {.rclass = dns::Rclass::Ch}),   // is told
        test::build_query("hostname.bind", Rtype::Txt, {.rclass = dns::Rclass::Ch}),  // is refused
        test::build_query("example.com", Rtype::Ds, plain),
        test::build_query("example.org", Rtype::A, gb),
        test::build_query("example.com", Rtype::Axfr, plain),
        test::Bytes{1, 2, 3},
    };
    packets.push_back(packets[0]);
    packets.back().pop_back();  // malformed
    std::vector<std::uint8_t> reply(base::limits::kUdpAnswerBytesMax);
    const Source source{*base::parse_ip_address("192.0.2.1"), false};
    auto& limits = asker.settings().rate_limits;
    limits.enabled = true;
    limits.entries = 1'024;
    for (auto& rate : limits.classes) rate = rate::make_rate(5, 15);
    asker.tables().rates = rate_table_for(limits, nullptr);
    const base::SystemClock clock;
    querylog::Tap tap(clock, asker.counters(), 1);
    // Nobody empties the rings, so this notes into them and past their end.
    const auto rings = {tap.set_sample(querylog::Lane::QueryLog, 1),
                        tap.set_sample(querylog::Lane::Dnstap, 2), tap.set_sample(querylog::Lane::Demand, 3)};
    for (const auto state : {health::EndpointState::Up, health::EndpointState::Down}) {
      asker.set_health("192.0.2.10", state);
      for (const auto& packet : packets) {
        const auto before = allocation_count.load();
        for (int i = 0; i < 20; ++i) answer_and_note(asker, source, packet, reply, tap);
        REQUIRE(allocation_count.load() == before);
      }
    }
    CHECK(asker.counters().value(stats::Counter::IdentityAnswers) > 0);
    for (const auto& ring : rings) CHECK_FALSE(ring->front().empty());
    while (asker.counters().value(stats::Counter::QueryLogDropped) == 0) {
      const auto before = allocation_count.load();
      answer_and_note(asker, source, packets[0], reply, tap);
      REQUIRE(allocation_count.load() == before);
    }
  }
}

}  // namespace meridian::query
