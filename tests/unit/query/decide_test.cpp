#include "query/decide.hpp"

#include "unit/query/asker.hpp"

#include <doctest/doctest.h>

#include <map>

namespace meridian::query {
namespace {

using dns::Rtype;
using health::EndpointState;

/// A service at ams alone, with what the test wants to vary.
test::Asker asker_with(const std::string& service) {
  const test::MapFixture fixture(test::data_folder());
  fixture.write_standard();
  fixture.write("services.yaml", "services:\n  www.example.com:\n    map: web\n" + service);
  return test::Asker(fixture.must_compile());
}

}  // namespace

TEST_SUITE("query/decide") {
  TEST_CASE("a pool that is down hands its clients to the next tier, and takes them back") {
    auto asker = test::standard_asker();
    const auto where = [&] {
      return test::first_address(asker.ask_from("8.8.8.0/24", "www.example.com", Rtype::A));
    };
    CHECK(where() == "198.51.100.10");
    asker.set_health("198.51.100.10", EndpointState::Down);
    CHECK(where().starts_with("192.0.2.1"));
    asker.set_health("198.51.100.10", EndpointState::Unknown);
    CHECK(where() == "198.51.100.10");
  }

  TEST_CASE("only healthy addresses are named") {
    auto asker = test::standard_asker();
    asker.set_health("192.0.2.10", EndpointState::Down);
    asker.set_health("198.51.100.10", EndpointState::Down);
    for (int i = 0; i < 50; ++i) {
      const auto reply = asker.ask_from("81.2.69.0/24", "www.example.com", Rtype::A);
      CHECK(reply.section(dns::Section::Answer).size() == 1);
      CHECK(test::first_address(reply) != "192.0.2.10");
    }
  }

  TEST_CASE("what happens when nothing is healthy is the service's choice") {
    struct Row {
      const char* why;
      const char* on_all_down;
      dns::Rcode rcode;
      const char* address;
    };
    const Row rows[] = {
        {"the default answers as if all were up", "", dns::Rcode::NoError, "192.0.2.10"},
        {"said aloud", "    on_all_down: answer_anyway\n", dns::Rcode::NoError, "192.0.2.10"},
        {"nothing", "    on_all_down: nodata\n", dns::Rcode::NoError, ""},
        {"an error", "    on_all_down: servfail\n", dns::Rcode::ServFail, ""},
        {"a sorry page", "    on_all_down: {addresses: [192.0.2.99]}\n", dns::Rcode::NoError, "192.0.2.99"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      auto asker =
          asker_with(std::string{row.on_all_down} + "    pools: {ams: [192.0.2.10], sin: [203.0.113.10]}\n");
      asker.set_health("192.0.2.10", EndpointState::Down);
      asker.set_health("203.0.113.10", EndpointState::Down);
      const auto reply = asker.ask_from("81.2.69.0/24", "www.example.com", Rtype::A);
      CHECK(reply.rcode == row.rcode);
      CHECK(test::first_address(reply) == row.address);
      CHECK(asker.counters().value(stats::Counter::AllDownAnswers) == 1);
    }
  }

  TEST_CASE("a pool below at_least counts as down") {
    auto asker = asker_with(
        "    pools: {ams: {addresses: [192.0.2.10, 192.0.2.11, 192.0.2.12], at_least: 50%}, sin: "
        "[203.0.113.10]}\n");
    const auto where = [&] {
      return test::first_address(asker.ask_from("81.2.69.0/24", "www.example.com", Rtype::A));
    };
    asker.set_health("192.0.2.10", EndpointState::Down);
    CHECK(where().starts_with("192.0.2.1"));
    asker.set_health("192.0.2.11", EndpointState::Down);
    CHECK(where() == "203.0.113.10");
  }

  TEST_CASE("at most `answer` addresses, and each comes about") {
    auto asker = asker_with(
        "    answer: 2\n    pools: {ams: [192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4], sin: "
        "[203.0.113.10]}\n");
    std::map<std::string, int> seen;
    for (int i = 0; i < 2'000; ++i) {
      const auto reply = asker.ask_from("81.2.69.0/24", "www.example.com", Rtype::A);
      REQUIRE(reply.section(dns::Section::Answer).size() == 2);
      ++seen[test::first_address(reply)];
    }
    CHECK(seen.size() == 4);
    for (const auto& [address, count] : seen) CHECK(count > 400);
  }

  TEST_CASE("weights of endpoints say how often each comes first") {
    auto asker = asker_with(
        "    answer: 1\n    pools: {ams: {addresses: {192.0.2.1: 3, 192.0.2.2: 1}}, sin: [203.0.113.10]}\n");
    int heavy = 0;
    for (int i = 0; i < 4'000; ++i) {
      heavy += test::first_address(asker.ask_from("81.2.69.0/24", "www.example.com", Rtype::A)) == "192.0.2.1"
                   ? 1
                   : 0;
    }
    CHECK(heavy > 2'860);  // 3 000 within five standard deviations
    CHECK(heavy < 3'140);
  }

  TEST_CASE("a weighted tier is sticky for a client's /24, and its scope says /24") {
    auto asker = test::standard_asker();
    std::map<std::string, int> seen;
    for (int i = 0; i < 256; ++i) {
      const auto client = "58.1." + std::to_string(i) + ".0/24";
      const auto reply = asker.ask_from(client, "www.example.com", Rtype::A);
      CHECK(test::scope_of(reply) == 24);
      const auto address = test::first_address(reply);
      ++seen[address];
      const auto narrower = "58.1." + std::to_string(i) + ".77/32";
      CHECK(test::first_address(asker.ask_from(narrower, "www.example.com", Rtype::A)) == address);
    }
    CHECK(seen.size() == 2);
    for (const auto& [address, count] : seen) CHECK(count > 80);
  }

  TEST_CASE("random spread draws for each query and keeps the leaf's scope") {
    auto asker = asker_with(
        "    spread: random\n    pools: {ams: [192.0.2.1], iad: [198.51.100.1], sin: [203.0.113.1]}\n");
    std::map<std::string, int> seen;
    for (int i = 0; i < 200; ++i) {
      const auto reply = asker.ask_from("58.1.2.0/24", "www.example.com", Rtype::A);
      CHECK(test::scope_of(reply) == 8);
      ++seen[test::first_address(reply)];
    }
    CHECK(seen.size() == 2);
  }

  TEST_CASE("A and AAAA of one client come from one datacenter") {
    auto asker = asker_with(
        "    pools: {iad: [198.51.100.1, \"2001:db8:1::1\"], sin: [203.0.113.1, \"2001:db8:2::1\"], ams: "
        "[192.0.2.1]}\n");
    for (int i = 0; i < 200; ++i) {
      const auto client = "58." + std::to_string(i) + ".3.0/24";
      const bool a_in_iad =
          test::first_address(asker.ask_from(client, "www.example.com", Rtype::A)) == "198.51.100.1";
      const bool aaaa_in_iad =
          test::first_address(asker.ask_from(client, "www.example.com", Rtype::Aaaa)) == "2001:db8:1::1";
      REQUIRE(a_in_iad == aaaa_in_iad);
    }
  }

  TEST_CASE("in every state of health A and AAAA agree, and no two clients of one scope differ") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    fixture.write("maps.yaml",
                  "maps:\n  web:\n    rules:\n      - {for: US, prefer: [{ams: 3, iad: 2}]}\n"
                  "      - {for: 8.8.0.0/16, prefer: [sin, {ams: 1, iad: 1}]}\n"
                  "      - {for: everyone, prefer: [iad]}\n");
    fixture.write("services.yaml",
                  "services:\n  www.example.com:\n    map: web\n    answer: 1\n    pools:\n"
                  "      ams: [192.0.2.10, 192.0.2.11, \"2001:db8:a::10\", \"2001:db8:a::11\"]\n"
                  "      iad: [198.51.100.10, 198.51.100.11, \"2001:db8:b::10\", \"2001:db8:b::11\"]\n"
                  "      sin: {cname: {a.test: 2, b.test: 1}}\n");
    test::Asker asker(fixture.must_compile());
    const auto& snapshot = asker.snapshot();
    const Service& service = snapshot.services[0];
    base::Random random(9);
    for (int round = 0; round < 60; ++round) {
      for (std::uint32_t i = 0; i < snapshot.endpoints.size(); ++i) {
        asker.tables().health.set_state(base::EndpointId{i}, random.below(3) == 0
                                                                 ? health::EndpointState::Down
                                                                 : health::EndpointState::Up);
      }
      for (std::uint16_t i = 0; i < snapshot.datacenters.size(); ++i) {
        const auto shed = random.below(3) == 0 ? random.below(health::kKeepsAll + 1) : 0;
        asker.tables().health.set_kept(base::DatacenterId{i}, health::kKeepsAll - shed);
      }
      const auto decide_for = [&](const base::IpAddress& client) {
        return decide(snapshot, asker.tables(), service, *base::parse_ip_address("192.0.2.1"),
                      base::IpPrefix{client, 32}, random);
      };
      for (int i = 0; i < 60; ++i) {
        const auto client = base::IpAddress::v4(0x0808'0000 | random.below(1u << 18));
        const auto first = decide_for(client);
        // Anyone in the block the answer is good for: the same pool, and the same name where it is one.
        const std::uint64_t rest = (std::uint64_t{1} << (32 - first.scope_bits)) - 1;
        const auto other = (client.v4_word() & ~rest) | (random.next() & rest);
        const auto second = decide_for(base::IpAddress::v4(static_cast<std::uint32_t>(other)));
        CAPTURE(base::to_string(client));
        REQUIRE(second.pool == first.pool);
        REQUIRE(second.target == first.target);
        REQUIRE(second.scope_bits == first.scope_bits);
      }
      const auto network = base::masked(base::IpAddress::v4(0x0808'0000 | random.below(1u << 18)), 24);
      const auto from = base::to_string(base::IpPrefix{network, 24});
      const auto v4 = asker.ask_from(from, "www.example.com", dns::Rtype::A);
      const auto v6 = asker.ask_from(from, "www.example.com", dns::Rtype::Aaaa);
      REQUIRE(test::scope_of(v4) == test::scope_of(v6));
      const auto& one = v4.section(dns::Section::Answer);
      const auto& other = v6.section(dns::Section::Answer);
      if (one.empty() || other.empty()) continue;
      const auto datacenter_of = [](const std::string& address) {
        return address.starts_with("192.0.2.") || address.starts_with("2001:db8:a::") ? "ams" : "iad";
      };
      if (one.back().type == dns::Rtype::Cname) {
        REQUIRE(other.back().type == dns::Rtype::Cname);
        REQUIRE(one.back().rdata == other.back().rdata);
      } else {
        REQUIRE(datacenter_of(test::first_address(v4)) ==
                std::string{datacenter_of(test::first_address(v6))});
      }
    }
  }

  TEST_CASE("a service that ignores client subnets says scope 0") {
    auto asker = asker_with(
        "    client_subnet: ignore\n    pools: {ams: [192.0.2.1], iad: [198.51.100.1], sin: "
        "[203.0.113.1]}\n");
    const auto reply =
        asker.ask("www.example.com", Rtype::A, {.client_subnet = *base::parse_ip_prefix("81.2.69.0/24")},
                  {*base::parse_ip_address("8.8.8.8"), false});
    CHECK(test::first_address(reply) == "198.51.100.1");
    CHECK(test::scope_of(reply) == 0);
  }

  TEST_CASE("a view of one datacenter is the same for everyone, up or down") {
    auto asker = test::standard_asker();
    CHECK(test::first_address(asker.ask_from("8.8.8.0/24", "one.example.com", Rtype::A))
              .starts_with("192.0.2.1"));
    for (const auto* address : {"192.0.2.10", "192.0.2.11", "2001:db8:a::10"})
      asker.set_health(address, EndpointState::Down);
    CHECK(asker.ask_from("8.8.8.0/24", "one.example.com", Rtype::A).section(dns::Section::Answer).size() ==
          2);
  }

  TEST_CASE("operators moved a client exactly when it would have another datacenter without them") {
    const test::MapFixture fixture(test::data_folder());
    fixture.write_standard();
    fixture.write("maps.yaml", "maps: {web: {rules: [{for: everyone, only: [{ams: 1, iad: 2}, sin]}]}}\n");
    fixture.write("services.yaml",
                  "services:\n  www.example.com:\n    map: web\n    pools: {ams: [192.0.2.10, 192.0.2.11], "
                  "iad: [198.51.100.10, 198.51.100.11], sin: [203.0.113.10]}\n");
    test::Asker asker(fixture.must_compile());
    const auto& snapshot = asker.snapshot();
    Tables left_alone(snapshot);
    base::Random random(4);
    std::map<MovedBy, int> seen;
    for (int round = 0; round < 100; ++round) {
      for (std::uint32_t i = 0; i < snapshot.endpoints.size(); ++i) {
        const auto state = random.below(3) == 0 ? EndpointState::Down : EndpointState::Up;
        asker.tables().health.set_state(base::EndpointId{i}, state);
        left_alone.health.set_state(base::EndpointId{i}, state);
      }
      for (std::uint16_t i = 0; i < snapshot.datacenters.size(); ++i) {
        const std::uint32_t kept[] = {0, health::kKeepsAll / 2, health::kKeepsAll};
        asker.tables().health.set_kept(base::DatacenterId{i}, kept[random.below(3)]);
      }
      const bool fails_open = random.below(4) == 0;
      for (auto* const tables : {&asker.tables(), &left_alone})
        tables->health.set_fails_open(base::ServiceId{0}, fails_open);
      for (int i = 0; i < 40; ++i) {
        const base::IpPrefix client{base::IpAddress::v4(0x0808'0000 | random.below(1u << 18)), 32};
        const auto ask = [&](const Tables& tables) {
          return decide(snapshot, tables, snapshot.services[0], client.address, client, random);
        };
        const auto decision = ask(asker.tables());
        const auto would = ask(left_alone);
        auto expected = MovedBy::Nothing;
        if (decision.choice.reason != steering::Reason::AllDown &&
            decision.choice.datacenter != would.choice.datacenter) {
          expected =
              asker.tables().health.kept(would.choice.datacenter) == 0 ? MovedBy::Drain : MovedBy::Shed;
        }
        REQUIRE(decision.moved_by == expected);
        ++seen[expected];
      }
    }
    CHECK(seen[MovedBy::Nothing] > 100);
    CHECK(seen[MovedBy::Drain] > 100);
    CHECK(seen[MovedBy::Shed] > 100);
  }
}

}  // namespace meridian::query
