#include "bgp/agent/liveness_report.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::agent {
namespace {

const std::string kWhole =
    R"({"version":1,"ready":true,"epoch":7,"site":"ams1","zones":["example.com.","example.org."],)"
    R"("oldest_input_s":123,"queries":1000,)"
    R"("queries_by_address":{"192.0.2.53:53":700,"[2001:db8::53]:53":42},"drops":5})";

std::string with(const std::string& what, const std::string& instead) {
  auto text = kWhole;
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), instead);
}

std::string fault_of(const std::string& text) {
  const auto report = parse_liveness(text);
  return report ? "" : report.error();
}

}  // namespace

TEST_SUITE("agent/liveness_report") {
  TEST_CASE("a whole report is understood") {
    const auto report = parse_liveness(kWhole);
    REQUIRE(report);
    CHECK(report->is_ready);
    CHECK(report->epoch == 7);
    CHECK(report->site == "ams1");
    REQUIRE(report->zones.size() == 2);
    CHECK(dns::to_string(report->zones[1]) == "example.org");
    CHECK(report->oldest_input == std::chrono::seconds(123));
    CHECK(report->queries == 1000);
    REQUIRE(report->queries_by_address.size() == 2);
    CHECK(report->queries_by_address.at("192.0.2.53:53") == 700);
    CHECK(report->queries_by_address.at("[2001:db8::53]:53") == 42);
    CHECK(report->drops == 5);
  }

  TEST_CASE("an age that is null is not known") {
    const auto report = parse_liveness(with("123", "null"));
    REQUIRE(report);
    CHECK(!report->oldest_input);
  }

  TEST_CASE("an older server does not tell of addresses") {
    const auto report =
        parse_liveness(with(R"("queries_by_address":{"192.0.2.53:53":700,"[2001:db8::53]:53":42},)", ""));
    REQUIRE(report);
    CHECK(report->queries == 1000);
    CHECK(report->queries_by_address.empty());
  }

  TEST_CASE("keys of a newer server are left alone") {
    CHECK(parse_liveness(with(R"("version":1)", R"("version":1,"weather":{"wind":[3]})")));
  }

  TEST_CASE("what is no report says what is wrong with it") {
    CHECK(fault_of("").starts_with("no JSON: "));
    CHECK(fault_of("{\"version\":1,").starts_with("no JSON: "));
    CHECK(fault_of("[1]") == "no JSON object");
    CHECK(fault_of(with(R"("version":1)", R"("version":2)")) == "'version' is not 1");
    CHECK(fault_of(with(R"("version":1,)", "")) == "'version' is missing");
    CHECK(fault_of(with("true", "1")) == "'ready' is neither true nor false");
    CHECK(fault_of(with("7", "-7")) == "'epoch' is no number");
    CHECK(fault_of(with(R"("ams1")", "1")) == "'site' is no text");
    CHECK(fault_of(with(R"(["example.com.","example.org."])", "{}")) == "'zones' is no list");
    CHECK(fault_of(with(R"("example.com.")", "1")) == "'zones' lists what is no text");
    CHECK(fault_of(with("example.com.", "a..b")) == "'a..b' has an empty label");
    CHECK(fault_of(with("123", R"("old")")) == "'oldest_input_s' is no number");
    CHECK(fault_of(with("1000", "1e30")) == "'queries' is no number");
    CHECK(fault_of(with("700", "-1")) == "'192.0.2.53:53' is no number");
    CHECK(fault_of(with(R"({"192.0.2.53:53":700,"[2001:db8::53]:53":42})", "[]")) ==
          "'queries_by_address' is no object");
  }
}

}  // namespace meridian::agent
