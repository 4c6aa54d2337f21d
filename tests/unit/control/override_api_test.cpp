#include "control/override_api.hpp"

#include "site_fixture.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <string>

namespace meridian::control {
namespace {

struct Fixture : test::SiteFixture {
  Fixture() {
    overrides.set_journal(journal);
    start();
  }
  static http::Request request(const std::string& query) { return {.query = query, .who = "alice (uid 7)"}; }

  OverrideApi api{overrides, journal, clock};
};

boost::json::object object_of(const http::Response& response) {
  return boost::json::parse(response.body).as_object();
}

}  // namespace

TEST_SUITE("control/override_api") {
  TEST_CASE("an override is set, listed, audited and ended") {
    Fixture fixture;
    const auto set =
        fixture.api.set(Fixture::request("kind=force_down&target=192.0.2.10&reason=CHG%207&for=7200"));
    REQUIRE(set.status == 200);
    const auto listed = object_of(fixture.api.list()).at("overrides").as_array();
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].at("id") == object_of(set).at("id"));
    CHECK(listed[0].at("kind").as_string() == "force_down");
    CHECK(listed[0].at("reason").as_string() == "CHG 7");
    CHECK(listed[0].at("author").as_string() == "alice (uid 7)");
    CHECK(listed[0].at("from").as_string() == "2026-01-01T01:00:00Z");
    CHECK(listed[0].at("until").as_string() == "2026-01-01T03:00:00Z");
    CHECK(listed[0].at("left_s").as_int64() == 7'200);
    CHECK(listed[0].at("active").as_bool());
    const auto ended = fixture.api.end(Fixture::request("target=192.0.2.10&what=force&reason=fine"));
    CHECK(object_of(ended).at("ended").as_int64() == 1);
    const auto audit = object_of(fixture.api.audit(Fixture::request(""))).at("audit").as_array();
    REQUIRE(audit.size() == 2);
    CHECK(audit[0].at("action").as_string() == "end");
    CHECK(audit[1].at("who").as_string() == "alice (uid 7)");
    CHECK(audit[1].at("details").as_string() == "until 2026-01-01T03:00:00Z");
    CHECK(object_of(fixture.api.audit(Fixture::request("limit=1"))).at("audit").as_array().size() == 1);
  }

  TEST_CASE("a window is scheduled, and says that it does not hold yet") {
    Fixture fixture;
    const auto set = fixture.api.set(
        Fixture::request("kind=shed&share=0.25&target=ams&reason=CHG&from=2026-01-02T03:00Z&for=3600"));
    REQUIRE(set.status == 200);
    const auto listed = object_of(set).at("overrides").as_array();
    CHECK_FALSE(listed[0].at("active").as_bool());
    CHECK(listed[0].at("share").as_double() == 0.25);
    CHECK(listed[0].at("until").as_string() == "2026-01-02T04:00:00Z");
    CHECK(fixture.api.shedding_json().empty());
  }

  TEST_CASE("what makes no sense is told") {
    Fixture fixture;
    struct Row {
      const char* query;
      unsigned status;
      const char* error;
    };
    const Row rows[] = {
        {"kind=stop&target=ams&reason=x", 400, "kind is drain, shed, force_up or force_down, not 'stop'"},
        {"kind=drain&target=ams", 422, "it needs a reason; whoever is called at night will look for one"},
        {"kind=drain&target=ams&reason=x&share=0.5", 400, "only shed takes share="},
        {"kind=shed&target=ams&reason=x", 400, "shed takes share=, above 0 and up to 1"},
        {"kind=shed&target=ams&reason=x&share=0", 400, "shed takes share=, above 0 and up to 1"},
        {"kind=drain&target=ams&reason=x&for=0", 400, "for=SECONDS is 1 to 2592000"},
        {"kind=drain&target=ams&reason=x&for=1&until=2026-01-02T03:00Z", 400,
         "give for= or until=, not both"},
        {"kind=drain&target=ams&reason=x&until=noon", 400,
         "until is a time in UTC, as 2026-11-27T03:00Z, not 'noon'"},
        {"kind=drain&target=ams&reason=x&from=noon", 400,
         "from is a time in UTC, as 2026-11-27T03:00Z, not 'noon'"},
        {"kind=drain&target=ams&reason=x&force=yes", 400, "force is true, or left out"},
        {"kind=drain&target=ams&colour=red", 400, "unknown parameter 'colour'"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.query);
      const auto response = fixture.api.set(Fixture::request(row.query));
      CHECK(response.status == row.status);
      CHECK(object_of(response).at("error").as_string() == row.error);
    }
    for (const auto* const query :
         {"", "target=ams&id=1", "target=ams&what=all", "id=x", "id=0", "colour=red"}) {
      CAPTURE(query);
      CHECK(fixture.api.end(Fixture::request(query)).status == 400);
    }
    for (const auto* const query : {"limit=0", "limit=10001", "limit=x", "colour=red", "since=noon"}) {
      CAPTURE(query);
      CHECK(fixture.api.history(Fixture::request(query)).status == 400);
      CHECK(fixture.api.audit(Fixture::request(query)).status == 400);
    }
  }

  TEST_CASE("the history of a name is told, newest first") {
    Fixture fixture;
    const journal::EndpointName endpoint{"www.example.com", "ams", "192.0.2.10"};
    fixture.journal.record({endpoint, "http", "unknown", "up", "", fixture.clock.wall()});
    fixture.clock.pass(std::chrono::milliseconds{1'500});
    fixture.journal.record({endpoint, "http", "up", "down", "connect: refused", fixture.clock.wall()});
    fixture.journal.flush();
    const auto told =
        object_of(fixture.api.history(Fixture::request("name=www.example.com@ams"))).at("history").as_array();
    REQUIRE(told.size() == 2);
    CHECK(told[0].at("at").as_string() == "2026-01-01T01:00:01.500Z");
    CHECK(told[0].at("to").as_string() == "down");
    CHECK(told[0].at("cause").as_string() == "connect: refused");
    CHECK(object_of(fixture.api.history(Fixture::request("name=other"))).at("history").as_array().empty());
  }

  TEST_CASE("status says where the journal is") {
    Fixture fixture;
    CHECK(fixture.api.journal_json().at("place").as_string() == "memory");
  }
}

}  // namespace meridian::control
