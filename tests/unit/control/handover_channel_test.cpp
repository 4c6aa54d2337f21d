#include "control/handover_channel.hpp"

#include "net/descriptor_message.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::control {
namespace {

using namespace std::chrono_literals;
using stats::Counter;

base::MonotonicTime soon() { return std::chrono::steady_clock::now() + 20s; }

}  // namespace

TEST_SUITE("control/handover_channel") {
  TEST_CASE("what is said arrives with its type, its body and its descriptors") {
    auto ends = net::make_message_pair();
    REQUIRE(ends);
    HandoverChannel one(std::move(ends->first));
    HandoverChannel other(std::move(ends->second));
    const int lent = one.descriptor();
    REQUIRE(one.send("control", {{"path", "/run/x"}}, {&lent, 1}, soon()));
    const auto message = other.receive(soon());
    REQUIRE(message);
    CHECK(message->type == "control");
    CHECK(message->body.at("path").as_string() == "/run/x");
    CHECK(message->descriptors.size() == 1);
  }

  TEST_CASE("a shut channel, silence and nonsense are told apart") {
    auto ends = net::make_message_pair();
    REQUIRE(ends);
    HandoverChannel one(std::move(ends->first));
    CHECK(one.receive(std::chrono::steady_clock::now()).error() == HandoverChannel::kLate);
    for (const auto* const nonsense : {"[1]", "{", R"({"type":3})", R"({"pid":3})"}) {
      CAPTURE(nonsense);
      REQUIRE(net::send_message(ends->second, nonsense, {}, soon()));
      CHECK(one.receive(soon()).error() == "it said something that is no message of a hand-over");
    }
    one.shut_down();
    CHECK(one.receive(soon()).error() == HandoverChannel::kClosed);
    CHECK(one.send("end", {}, {}, soon()).error() == HandoverChannel::kClosed);
  }

  TEST_CASE("a cookie secret comes through whole, and no complaint shows what came instead") {
    const dns::CookieSecret secret{0xfe, 0xdc, 0xba, 0x98, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const auto again = secret_from_json(secret_to_json(secret));
    REQUIRE(again);
    CHECK(*again == secret);
    auto later = secret_to_json(secret);
    later["version"] = 2;
    const auto unknown = secret_from_json(later);
    REQUIRE(unknown);
    CHECK_FALSE(*unknown);  // a server of the future signs cookies in another way
    struct Row {
      const char* why;
      boost::json::object body;
    };
    const std::string digits = "fedcba980102030405060708090a0b0c";
    const Row rows[] = {
        {"no version", {{"secret", digits}}},
        {"a version in words", {{"version", "1"}, {"secret", digits}}},
        {"no secret", {{"version", 1}}},
        {"a secret that is a number", {{"version", 1}, {"secret", 17}}},
        {"too short", {{"version", 1}, {"secret", digits.substr(2)}}},
        {"too long", {{"version", 1}, {"secret", digits + "00"}}},
        {"no digits", {{"version", 1}, {"secret", "fedcba98zz02030405060708090a0b0c"}}},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto bad = secret_from_json(row.body);
      REQUIRE_FALSE(bad);
      CHECK(bad.error().find("fedc") == std::string::npos);
    }
  }

  TEST_CASE("counts of another process go on, never back, and only where both know the name") {
    stats::CounterRegistry old;
    old.register_block().add(Counter::UdpQueries, 7);
    stats::CounterRegistry fresh;
    fresh.register_block().add(Counter::UdpQueries, 2);
    CarriedCounters carried(fresh.register_block());
    carried.take(counters_to_json(old));
    CHECK(fresh.total(Counter::UdpQueries) == 9);
    carried.take({{"udp_queries_total", 10}, {"tcp_queries_total", -1}, {"of_the_future_total", 5}});
    CHECK(fresh.total(Counter::UdpQueries) == 12);
    CHECK(fresh.total(Counter::TcpQueries) == 0);
    carried.take({{"udp_queries_total", 3}});
    CHECK(fresh.total(Counter::UdpQueries) == 12);
  }
}

}  // namespace meridian::control
