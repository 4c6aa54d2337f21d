// The cache through Answerer, beside answer_query, which keeps nothing: what both say must be the same bytes.
#include "query/answer_cache.hpp"

#include "base/random.hpp"
#include "query/answerer.hpp"
#include "unit/query/asker.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace meridian::query {
namespace {

using dns::Rtype;
using stats::Counter;

const Source kResolver{*base::parse_ip_address("192.0.2.1"), false};

/// The same map twice: once behind an Answerer, once without one.
class Pair {
 public:
  Pair() = default;
  explicit Pair(const test::MapFixture& fixture)
      : kept_(fixture.must_compile()), plain_(fixture.must_compile()) {}

  test::Bytes ask_kept(const test::Bytes& packet, const Source& source = kResolver) {
    return answer_batch({&packet, 1}, source).front();
  }

  /// Asks both; the bytes must be the same, and the summary too.
  test::Bytes ask(const test::Bytes& packet, const Source& source = kResolver) {
    auto reply = ask_kept(packet, source);
    CHECK(reply == plain_.ask_bytes(packet, source));
    const auto& ours = answerer_.summary();
    const auto& theirs = plain_.worker().summary;
    CHECK(ours.kind == theirs.kind);
    CHECK(ours.rcode == theirs.rcode);
    CHECK(ours.type == theirs.type);
    CHECK(ours.scope_bits == theirs.scope_bits);
    CHECK(ours.reason == theirs.reason);
    CHECK(ours.pool == theirs.pool);
    CHECK(ours.service == theirs.service);
    CHECK(std::string(dns::to_string(ours.owner)) == std::string(dns::to_string(theirs.owner)));
    return reply;
  }

  /// A batch at once; the bytes must be those that each gets alone.
  void ask_batch(const std::vector<test::Bytes>& packets) {
    const auto replies = answer_batch(packets, kResolver);
    for (std::size_t i = 0; i < packets.size(); ++i)
      CHECK(replies[i] == plain_.ask_bytes(packets[i], kResolver));
  }

  /// True when the next such query is served from the cache.
  bool is_kept(const test::Bytes& packet, const Source& source = kResolver) {
    const auto before = kept_count();
    static_cast<void>(ask_kept(packet, source));
    return kept_count() == before + 1;
  }

  std::uint64_t kept_count() const { return counters_.value(Counter::KeptAnswers); }
  stats::Counters& counters() { return counters_; }
  test::Asker& kept() { return kept_; }
  test::Asker& plain() { return plain_; }
  void publish_anew() { ++serving_; }
  void both(auto&& change) {
    change(kept_);
    change(plain_);
  }

 private:
  /// As a worker does.
  std::vector<test::Bytes> answer_batch(std::span<const test::Bytes> packets, const Source& source) {
    REQUIRE(packets.size() <= base::limits::kUdpBatch);
    const auto room = source.is_tcp ? base::limits::kTcpMessageBytesMax : base::limits::kUdpAnswerBytesMax;
    std::vector<test::Bytes> replies(packets.size(), test::Bytes(room));
    answerer_.begin_batch(kept_.snapshot(), kept_.tables(), serving_, now_, true);
    for (std::size_t i = 0; i < packets.size(); ++i) answerer_.look(i, source, packets[i]);
    answerer_.find(packets.size());
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      if (const auto size = answerer_.answer_kept(i, replies[i])) {
        replies[i].resize(*size);
      } else {
        left.push_back(i);
      }
    }
    for (const auto i : left) answerer_.read(i);
    for (const auto i : left) answerer_.fetch_ahead(i);
    for (const auto i : left) replies[i].resize(answerer_.answer_anew(i, replies[i]));
    return replies;
  }

  test::Asker kept_ = test::standard_asker();
  test::Asker plain_ = test::standard_asker();
  stats::Counters counters_;
  Answerer answerer_{counters_, 1};
  std::uint64_t serving_ = 1;
  base::CoarseTime now_{};
};

test::Bytes query(std::string_view name, Rtype type = Rtype::A) {
  return test::build_query(name, type, {.udp_size = 1232});
}
test::Bytes query_from(std::string_view subnet, std::string_view name = "www.example.com",
                       Rtype type = Rtype::A) {
  return test::build_query(name, type, {.client_subnet = *base::parse_ip_prefix(subnet)});
}

/// Kinds of answers that are always the same for the same client: pools of one address.
std::vector<test::Bytes> steady_packets() {
  std::vector<test::Bytes> made;
  for (const char* name :
       {"static.example.com", "alias.example.com", "none.example.com", "x.wild.example.com",
        "ent.example.com", "sub.example.com", "a.sub.example.com", "x.old.example.com", "away.example.com",
        "loop1.loop.test", "example.org", "a.cdn.example.com", "example.com"}) {
    for (const auto type : {Rtype::A, Rtype::Aaaa, Rtype::Txt, Rtype::Ns, Rtype::Any, Rtype::Ixfr}) {
      if (std::string_view{name} == "alias.example.com" && type == Rtype::A) continue;  // two addresses
      made.push_back(test::build_query(name, type));
      made.push_back(query(name, type));
      made.push_back(query_from("8.8.8.0/24", name, type));
      made.push_back(query_from("2600:1::/48", name, type));
      made.push_back(test::build_query(name, type, {.rclass = dns::Rclass::Ch}));
      made.push_back(test::build_query(name, type, {.recursion_desired = true, .udp_size = 512}));
    }
  }
  return made;
}

}  // namespace

TEST_SUITE("query/answer_cache") {
  TEST_CASE("what is asked for the third time is kept, whatever it is, and the same bytes") {
    Pair pair;
    for (const auto& packet : steady_packets()) {
      CAPTURE(packet.size());
      const auto before = pair.kept_count();
      for (int i = 0; i < 5; ++i) {
        const auto reply = pair.ask(packet);
        CHECK_FALSE(reply.empty());
      }
      CHECK(pair.kept_count() >= before + 2);
    }
  }

  TEST_CASE("every counter says what it would say without") {
    Pair pair;
    for (int i = 0; i < 4; ++i) {
      for (const auto& packet : steady_packets()) static_cast<void>(pair.ask(packet));
    }
    for (const auto& info : stats::kCounterTable) {
      CAPTURE(info.name);
      if (info.counter == Counter::KeptAnswers) continue;
      CHECK(pair.counters().value(info.counter) == pair.plain().counters().value(info.counter));
    }
    CHECK(pair.kept_count() > 500);
  }

  TEST_CASE("a kept answer has the id, the letters and the client subnet of its own query") {
    Pair pair;
    const auto spec = [](std::uint16_t id, const char* subnet) {
      return test::QuerySpec{.id = id, .client_subnet = *base::parse_ip_prefix(subnet)};
    };
    for (std::uint16_t id = 0; id < 4; ++id)
      static_cast<void>(pair.ask(test::build_query("a.cdn.example.com", Rtype::A, spec(id, "8.8.8.0/24"))));
    const auto odd = test::build_query("A.cDn.eXaMple.COM", Rtype::A, spec(0xbeef, "8.44.0.0/24"));
    REQUIRE(pair.is_kept(odd));
    const auto reply = pair.ask(odd);
    CHECK(std::equal(odd.begin(), odd.begin() + 2, reply.begin()));
    CHECK(std::equal(odd.begin() + 12, odd.begin() + 30, reply.begin() + 12));
    const auto message = dns::read_message(reply);
    REQUIRE(message);
    CHECK(base::to_string(message->edns->client_subnet->source) == "8.44.0.0/24");
    CHECK(test::scope_of(*message) == 8);
  }

  TEST_CASE("clients in other tiers, or found in another way, get their own answers") {
    Pair pair;
    const char* const subnets[] = {"8.8.8.0/24",         "82.1.0.0/24",    "59.0.0.0/16",
                                   "27.0.1.0/24",        "10.0.0.0/8",     "0.0.0.0/0",
                                   "2600:1::/48",        "2a00:1::/48",    "2002:808:808::/48",
                                   "::ffff:8.8.8.0/120", "203.0.113.0/24", "81.2.69.0/25"};
    const char* const resolvers[] = {"8.8.4.4", "82.0.0.1", "2600::1", "10.1.1.1"};
    for (int round = 0; round < 4; ++round) {
      for (const char* resolver : resolvers) {
        const Source source{*base::parse_ip_address(resolver), false};
        static_cast<void>(pair.ask(query("a.cdn.example.com"), source));
        for (const char* subnet : subnets)
          static_cast<void>(pair.ask(query_from(subnet, "a.cdn.example.com"), source));
      }
    }
    CHECK(pair.kept_count() > 2 * 4 * std::size(subnets) - 20);
  }

  TEST_CASE("random clients of every family get what they would get without") {
    Pair pair;
    base::Random random(3);
    const std::uint8_t firsts[] = {8, 27, 58, 59, 81, 82, 10, 192, 203, 100};
    for (int i = 0; i < 20'000; ++i) {
      base::IpPrefix subnet;
      if (random.below(3) == 0) {
        base::IpAddress address{.family = base::Family::V6, .bytes = {0x26, 0x00}};
        if (random.below(2) == 0) address.bytes = {0x2a, 0x00};
        if (random.below(4) == 0) address.bytes = {0x20, 0x02, firsts[random.below(10)]};
        for (std::size_t at = 3; at < 7; ++at) address.bytes[at] = static_cast<std::uint8_t>(random.next());
        subnet = {base::masked(address, 56), 56};
      } else {
        const auto word = std::uint32_t{firsts[random.below(10)]} << 24 | (random.next() & 0xff'ff00);
        const auto bits = static_cast<std::uint8_t>(16 + random.below(17));
        subnet = {base::masked(base::IpAddress::v4(static_cast<std::uint32_t>(word)), bits), bits};
      }
      const char* const names[] = {"a.cdn.example.com", "b.cdn.example.com", "static.example.com"};
      const auto packet =
          test::build_query(names[random.below(3)], Rtype::A,
                            {.id = static_cast<std::uint16_t>(random.next()), .client_subnet = subnet});
      static_cast<void>(pair.ask(packet));
    }
    CHECK(pair.kept_count() > 10'000);
    CHECK(pair.kept_count() < 20'000);  // Japan's clients are drawn
  }

  TEST_CASE("a service that ignores client subnets answers by the resolver from the cache, too") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    fixture.write(
        "services.yaml",
        "services:\n  www.example.com: {map: web, client_subnet: ignore, pools: {ams: [192.0.2.10], iad: "
        "[198.51.100.10], sin: [203.0.113.10]}}\n");
    Pair pair(fixture);
    for (int round = 0; round < 4; ++round) {
      for (const char* resolver : {"8.8.4.4", "82.0.0.1"}) {
        for (const char* subnet : {"8.8.8.0/24", "82.1.0.0/24"})
          static_cast<void>(pair.ask(query_from(subnet), {*base::parse_ip_address(resolver), false}));
      }
    }
    CHECK(pair.kept_count() >= 12);
  }

  TEST_CASE("drawn answers are not kept") {
    Pair pair;
    std::set<std::string> given;
    for (unsigned i = 0; i < 200; ++i) {
      const auto subnet = "58.0." + std::to_string(i) + ".0/24";
      const auto reply = pair.ask(query_from(subnet, "a.cdn.example.com"));
      given.insert(test::first_address(*dns::read_message(reply)));
    }
    CHECK(given == std::set<std::string>{"198.51.100.20", "203.0.113.20"});
    CHECK(pair.kept_count() == 0);
  }

  TEST_CASE("kept addresses take turns as new ones do") {
    Pair pair;
    const auto packet = query_from("82.1.0.0/24");
    std::set<std::string> first;
    for (int i = 0; i < 64; ++i) {
      const auto message = dns::read_message(pair.ask_kept(packet));
      REQUIRE(message);
      const auto records = message->section(dns::Section::Answer);
      REQUIRE(records.size() == 2);
      CHECK(records[0].rdata != records[1].rdata);
      first.insert(
          base::to_string(base::IpAddress::v4(std::span<const std::uint8_t, 4>{records[0].rdata.data(), 4})));
    }
    CHECK(first.size() == 2);
    CHECK(pair.kept_count() == 62);
  }

  TEST_CASE("health and drain show with the next batch") {
    Pair pair;
    const auto packet = query_from("8.8.8.0/24", "a.cdn.example.com");
    const auto answer = [&] { return test::first_address(*dns::read_message(pair.ask(packet))); };
    const auto warm = [&] {
      for (int i = 0; i < 3; ++i) static_cast<void>(pair.ask(packet));
      REQUIRE(pair.is_kept(packet));
    };
    warm();
    CHECK(answer() == "198.51.100.20");
    pair.both([](test::Asker& asker) { asker.set_health("198.51.100.20", health::EndpointState::Down); });
    CHECK(answer() != "198.51.100.20");
    warm();
    CHECK(answer() != "198.51.100.20");
    pair.both([](test::Asker& asker) { asker.set_health("198.51.100.20", health::EndpointState::Up); });
    CHECK(answer() == "198.51.100.20");
    warm();
    const auto iad =
        std::find_if(pair.kept().snapshot().datacenters.begin(), pair.kept().snapshot().datacenters.end(),
                     [](const Datacenter& datacenter) { return datacenter.name == "iad"; }) -
        pair.kept().snapshot().datacenters.begin();
    pair.both(
        [&](test::Asker& asker) { asker.tables().health.set_kept(static_cast<base::DatacenterId>(iad), 0); });
    CHECK(answer() != "198.51.100.20");
  }

  TEST_CASE("a health report that changes nothing forgets nothing") {
    Pair pair;
    const auto packet = query("static.example.com");
    for (int i = 0; i < 3; ++i) static_cast<void>(pair.ask(packet));
    pair.kept().set_health("198.51.100.20", health::EndpointState::Unknown);
    CHECK(pair.is_kept(packet));
  }

  TEST_CASE("a new snapshot begins with nothing") {
    Pair pair;
    const auto packet = query("static.example.com");
    for (int i = 0; i < 3; ++i) static_cast<void>(pair.ask(packet));
    REQUIRE(pair.is_kept(packet));
    pair.publish_anew();
    CHECK_FALSE(pair.is_kept(packet));
    CHECK(pair.is_kept(packet));  // at once: it was asked for before
  }

  TEST_CASE("switched off, nothing is kept") {
    Pair pair;
    pair.kept().settings().answer_cache = false;
    for (int i = 0; i < 5; ++i) static_cast<void>(pair.ask(query("static.example.com")));
    CHECK(pair.kept_count() == 0);
  }

  TEST_CASE("cookies are the client's own, and nobody gets another's") {
    Pair pair;
    pair.both([](test::Asker& asker) { asker.settings().cookie_secrets.add(dns::CookieSecret{1, 2, 3}); });
    const auto with_cookie = test::build_query("static.example.com", Rtype::A,
                                               {.options = {{dns::EdnsOption::Cookie, test::Bytes(8, 9)}}});
    for (int i = 0; i < 5; ++i) static_cast<void>(pair.ask(with_cookie));
    CHECK(pair.kept_count() == 0);
    for (int i = 0; i < 3; ++i) static_cast<void>(pair.ask(query("static.example.com")));
    CHECK(pair.kept_count() == 1);
    // Who must prove its address gets no kept answer either.
    pair.both([](test::Asker& asker) { asker.settings().cookies_required = true; });
    pair.publish_anew();
    for (int i = 0; i < 5; ++i) static_cast<void>(pair.ask(query("static.example.com")));
    CHECK(pair.kept_count() == 1);
  }

  TEST_CASE("TCP and UDP are apart") {
    Pair pair;
    const Source tcp{kResolver.address, true};
    for (int i = 0; i < 4; ++i) {
      static_cast<void>(pair.ask(query("static.example.com", Rtype::Any)));
      static_cast<void>(pair.ask(query("static.example.com", Rtype::Any), tcp));
    }
    CHECK(pair.kept_count() == 4);
  }

  TEST_CASE("rate limits count kept answers") {
    Pair pair;
    pair.both([](test::Asker& asker) {
      auto& limits = asker.settings().rate_limits;
      limits.enabled = true;
      limits.slip = 1;
      limits.entries = 1u << 16;
      for (auto& rate : limits.classes) rate = rate::make_rate(5, 15);
      asker.tables().rates = rate_table_for(limits, nullptr);
    });
    int truncated = 0;
    for (int i = 0; i < 10; ++i) {
      const auto reply = pair.ask(query_from("8.8.8.0/24", "a.cdn.example.com"));
      truncated += dns::read_message(reply)->is_truncated() ? 1 : 0;
    }
    CHECK(truncated == 5);
    CHECK(pair.kept_count() == 8);
    CHECK(pair.counters().value(Counter::RateLimitSlipped) == 5);
  }

  TEST_CASE("a flood of names that nobody asks for again pushes nothing out") {
    Pair pair;
    const auto hot = query_from("8.8.8.0/24", "a.cdn.example.com");
    for (int i = 0; i < 3; ++i) static_cast<void>(pair.ask_kept(hot));
    for (int i = 0; i < 200'000; ++i)
      static_cast<void>(pair.ask_kept(query("x" + std::to_string(i) + ".cdn.example.com")));
    REQUIRE(pair.kept_count() == 1);
    // By then only one query in 16 is looked for: the first of them finds its answer where it was, and soon
    // all are looked for again.
    for (int i = 0; i < 20; ++i) static_cast<void>(pair.ask(hot));
    CHECK(pair.kept_count() >= 4);
    for (int i = 0; i < 1'000; ++i) static_cast<void>(pair.ask(hot));
    CHECK(pair.kept_count() >= 1'000);
    CHECK(pair.is_kept(hot));
  }

  TEST_CASE("what is asked for stays, whoever else wants its place") {
    Pair pair;
    const auto hot = query_from("8.8.8.0/24", "a.cdn.example.com");
    for (int i = 0; i < 3; ++i) static_cast<void>(pair.ask_kept(hot));
    const auto before = pair.kept_count();
    constexpr int kOthers = 40'000;
    for (int i = 0; i < kOthers; ++i) {
      const auto other = query("x" + std::to_string(i) + ".cdn.example.com");
      for (int times = 0; times < 2; ++times) static_cast<void>(pair.ask_kept(other));
      for (int times = 0; times < 3; ++times) static_cast<void>(pair.ask_kept(hot));
    }
    CHECK(pair.kept_count() == before + 3 * kOthers);
  }

  TEST_CASE("in a batch, questions that take each other's place keep their own answers") {
    // All in one set of four, which only names with the same low bits of the hash are; the cache's seed is
    // that. Of two types, so that their answers differ.
    constexpr std::uint64_t kSet = base::limits::kKeptQuestionsMax / 4 - 1;
    const auto packet = [](int i, const char* subnet) {
      return test::build_query("x" + std::to_string(i) + ".cdn.example.com",
                               i % 2 == 0 ? Rtype::A : Rtype::Txt,
                               {.client_subnet = *base::parse_ip_prefix(subnet)});
    };
    std::vector<int> known;
    std::vector<int> others;
    for (int i = 0; known.size() < 4 || others.size() < 4; ++i) {
      if ((hash_form(packet(i, "8.8.8.0/24"), false, base::mix(1)) & kSet) != 7) continue;
      (i % 2 == 0 ? known : others).push_back(i);
    }
    Pair pair;
    for (const int other : others) {
      pair.publish_anew();
      for (std::size_t k = 0; k < 4; ++k) {
        for (int i = 0; i < 3; ++i) static_cast<void>(pair.ask(packet(known[k], "8.8.8.0/24")));
      }
      // The other is wanted before those are asked for, and put in the place of the first after that.
      std::vector<test::Bytes> batch(4, packet(other, "82.1.0.0/24"));
      for (std::size_t k = 0; k < 4; ++k) batch.push_back(packet(known[k], "82.1.0.0/24"));
      pair.ask_batch(batch);
      for (int i = 0; i < 3; ++i) static_cast<void>(pair.ask(packet(other, "82.1.0.0/24")));
      for (std::size_t k = 0; k < 4; ++k) {
        for (int i = 0; i < 3; ++i) static_cast<void>(pair.ask(packet(known[k], "82.1.0.0/24")));
      }
    }
    CHECK(pair.kept_count() > 50);
  }

  TEST_CASE("in a flood of misses one query in 16 is looked for, until hits return") {
    CacheWorth worth;
    const auto due_of_160 = [&] {
      int due = 0;
      for (int i = 0; i < 160; ++i) due += worth.is_due() ? 1 : 0;
      return due;
    };
    CHECK(due_of_160() == 160);
    for (std::size_t i = 0; i < 4 * base::limits::kKeptAnswersMax; ++i) worth.count(false);
    CHECK(due_of_160() == 10);
    worth.count(true);
    CHECK(due_of_160() == 160);
    for (int i = 0; i < 2; ++i) worth.count(false);
    CHECK(due_of_160() == 10);
  }

  TEST_CASE("more questions than there is room for are all answered well") {
    Pair pair;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 20'000; ++i) {
        const auto packet = query("x" + std::to_string(i) + ".cdn.example.com");
        CHECK(pair.ask_kept(packet) == pair.plain().ask_bytes(packet, kResolver));
      }
    }
  }

  TEST_CASE("an answer too long to be kept is composed each time") {
    Pair pair;
    const auto packet =
        test::build_query("deep.example.com", Rtype::A, {.udp_size = 1232, .dnssec_ok = true});
    for (int i = 0; i < 4; ++i) {
      const auto reply = pair.ask_kept(packet);
      CHECK(dns::read_message(reply)->section(dns::Section::Answer).size() == 4);
    }
    CHECK(pair.kept_count() == 0);  // two addresses behind two aliases: their turns are composed
  }
}

}  // namespace meridian::query
