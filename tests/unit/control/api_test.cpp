#include "control/api.hpp"

#include "site_fixture.hpp"
#include "support/no_upgrade.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <unistd.h>

#include <future>

namespace meridian::control {
namespace {

/// Takes reports of one endpoint.
struct Reports : HealthReports {
  std::optional<HealthReport> last;

  base::Expected<void, std::string> report(const HealthReport& report) override {
    if (base::to_string(report.address) != "192.0.2.1")
      return base::unexpected(std::string{"no such endpoint"});
    last = report;
    return {};
  }
};

struct Fixture : test::SiteFixture {
  Fixture() {
    keeps_health = true;
    start();
  }

  http::Response ask(const std::string& method, const std::string& path, const std::string& query = "") {
    std::promise<http::Response> promise;
    api.handle({.method = method, .path = path, .query = query, .body = "", .who = "alice (uid 7)"},
               [&](http::Response response) { promise.set_value(std::move(response)); });
    return promise.get_future().get();
  }

  /// What it starts ends at once.
  Upgrader upgrader{test::no_upgrade(reloader), counters, counters.register_block()};
  querylog::DemandBook demand{clock};
  http::EventHub events{counters.register_block()};
  Reports reports;
  Api api{{.version = "1.2.3",
           .listening = [] { return std::vector<std::string>{"127.0.0.1:5353"}; },
           .http = "",
           .workers = 2,
           .started_at = clock.monotonic()},
          ApiParts{.reloader = reloader,
                   .overrides = overrides,
                   .journal = journal,
                   .upgrader = upgrader,
                   .demand = demand,
                   .health = keeper,
                   .reports = reports,
                   .clock = clock,
                   .events = events,
                   .metrics = [] { return std::string{"meridian_up 1\n"}; }}};
};

boost::json::object object_of(const http::Response& response) {
  return boost::json::parse(response.body).as_object();
}

}  // namespace

TEST_SUITE("control/api") {
  TEST_CASE("health tells of all services, or of one") {
    Fixture fixture;
    const auto all = fixture.ask("GET", "/v1/health");
    CHECK(all.status == 200);
    CHECK(object_of(all).at("services").as_array().size() > 1);
    CHECK(object_of(all).at("checks").as_array().empty());
    const auto one = fixture.ask("GET", "/v1/health", "name=www.example.com");
    CHECK(one.status == 200);
    CHECK(object_of(one).at("services").as_array().size() == 1);
    CHECK(object_of(one).at("services").at(0).at("name").as_string() == "www.example.com");
    const auto none = fixture.ask("GET", "/v1/health", "name=nobody.example.com");
    CHECK(none.status == 404);
    CHECK(object_of(none).at("error").as_string() == "the map has no service 'nobody.example.com'");
    CHECK(fixture.ask("GET", "/v1/health", "nam=www").status == 400);
  }

  TEST_CASE("a report is read whole, or refused with what is wrong") {
    Fixture fixture;
    const std::string sound = "check=lease&address=192.0.2.1&ok=no&cause=disk%20full&weight=30";
    CHECK(fixture.ask("POST", "/v1/report", sound).status == 200);
    REQUIRE(fixture.reports.last.has_value());
    CHECK(fixture.reports.last->check == "lease");
    CHECK_FALSE(fixture.reports.last->is_ok);
    CHECK(fixture.reports.last->cause == "disk full");
    CHECK(fixture.reports.last->weight_percent == 30);
    struct Row {
      const char* query;
      unsigned status;
      const char* error;
    };
    const Row rows[] = {
        {"check=lease&address=here&ok=yes", 400, "address is an IP address, not 'here'"},
        {"check=lease&address=192.0.2.1&ok=maybe", 400, "ok is yes or no, not 'maybe'"},
        {"check=lease&address=192.0.2.1&ok=yes&weight=101", 400, "weight is 0 to 100 percent, not '101'"},
        {"check=lease&address=192.0.2.1&ok=yes&weight=x", 400, "weight is 0 to 100 percent, not 'x'"},
        {"check=lease&address=192.0.2.9&ok=yes", 404, "no such endpoint"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.query);
      const auto response = fixture.ask("POST", "/v1/report", row.query);
      CHECK(response.status == row.status);
      CHECK(object_of(response).at("error").as_string() == row.error);
    }
  }

  TEST_CASE("status tells what serves") {
    Fixture fixture;
    fixture.clock.pass(std::chrono::seconds(90));
    const auto response = fixture.ask("GET", "/v1/status");
    CHECK(response.status == 200);
    const auto status = object_of(response);
    CHECK(status.at("version").as_string() == "1.2.3");
    CHECK(status.at("site").as_string() == "ams1");
    CHECK(status.at("uptime_s").as_int64() == 90);
    CHECK(status.at("epoch").as_int64() == 1);
    CHECK(status.at("zones").as_int64() == 1);
    CHECK(status.at("last_reload").at("ok").as_bool());
    CHECK(status.at("counters").as_object().size() == stats::kCounterCount);
    CHECK(status.at("databases").as_array().size() == 1);
  }

  TEST_CASE("an upgrade whose program ends is told, and counted") {
    Fixture fixture;
    const auto response = fixture.ask("POST", "/v1/upgrade", "timeout=20");
    CHECK(response.status == 422);
    const auto told = object_of(response);
    CHECK_FALSE(told.at("ok").as_bool());
    CHECK(told.at("error").as_string() ==
          "the new server did not take over: it closed the connection (it ended with exit code 1)");
    CHECK(fixture.counters.total(stats::Counter::UpgradesFailed) == 1);
    CHECK_FALSE(fixture.upgrader.is_under_way());
  }

  TEST_CASE("demand tells who asked how often, and a reset tells it for the last time") {
    Fixture fixture;
    fixture.demand.set_sample(16);
    CHECK_FALSE(fixture.demand.add(*base::parse_ip_address("81.2.69.7"), 16));
    CHECK_FALSE(fixture.demand.add(*base::parse_ip_address("2001:db8:7::1"), 32));
    fixture.clock.pass(std::chrono::milliseconds(1'500));
    const auto status = object_of(fixture.ask("GET", "/v1/status")).at("demand").as_object();
    CHECK(status.at("queries").as_int64() == 48);
    CHECK_FALSE(status.contains("networks"));
    const auto read = fixture.ask("GET", "/v1/demand");
    CHECK(read.status == 200);
    CHECK(fixture.ask("POST", "/v1/demand/reset").body == read.body);
    const auto told = object_of(read);
    CHECK(told.at("site").as_string() == "ams1");
    CHECK(told.at("since").as_string() == "2026-01-01T01:00:00Z");
    CHECK(told.at("until").as_string() == "2026-01-01T01:00:01Z");
    CHECK(told.at("seconds").as_double() == 1.5);
    CHECK(told.at("sample").as_int64() == 16);
    CHECK(told.at("queries").as_int64() == 48);
    CHECK(told.at("networks_counted").as_int64() == 2);
    CHECK(told.at("networks_evicted").as_int64() == 0);
    CHECK(told.at("missing_max").as_int64() == 0);
    CHECK(
        boost::json::serialize(told.at("networks")) ==
        R"([{"network":"2001:db8:7::/48","queries":32,"error":0},{"network":"81.2.69.0/24","queries":16,"error":0}])");
    const auto after = object_of(fixture.ask("GET", "/v1/demand"));
    CHECK(after.at("networks").as_array().empty());
    CHECK(after.at("since").as_string() == "2026-01-01T01:00:01Z");
    CHECK(fixture.ask("POST", "/v1/demand").status == 405);
    CHECK(fixture.ask("GET", "/v1/demand/reset").status == 405);
  }

  TEST_CASE("demand that is off is told, and how to switch it on") {
    Fixture fixture;
    CHECK(object_of(fixture.ask("GET", "/v1/status")).at("demand").is_null());
    for (const auto& response : {fixture.ask("GET", "/v1/demand"), fixture.ask("POST", "/v1/demand/reset")}) {
      CHECK(response.status == 422);
      CHECK(object_of(response).at("error").as_string() ==
            "demand is off, so nothing is counted; write 'demand: on' into the site file and reload");
    }
  }

  TEST_CASE("a datacenter is drained, sheds and returns, and status tells") {
    Fixture fixture;
    const auto drained = fixture.ask("POST", "/v1/shed", "datacenter=ams&share=1&reason=CHG%207&for=60");
    CHECK(drained.status == 200);
    const auto listed = object_of(drained).at("shedding").as_array();
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].at("datacenter").as_string() == "ams");
    CHECK(listed[0].at("drained").as_bool());
    CHECK(listed[0].at("reason").as_string() == "CHG 7");
    CHECK(listed[0].at("left_s").as_int64() == 60);
    CHECK(object_of(fixture.ask("GET", "/v1/status")).at("shedding").as_array() == listed);
    const auto told = fixture.ask("GET", "/v1/explain", "name=www.example.com&from=81.2.69.1");
    CHECK(object_of(told).at("datacenter").as_string() == "iad");
    CHECK(object_of(told).at("tiers").at(0).at("members").at(0).at("shed").as_double() == 1);

    const auto sheds = object_of(fixture.ask("POST", "/v1/shed", "datacenter=ams&share=0.25"));
    CHECK(sheds.at("shedding").at(0).at("share").as_double() == 0.25);
    CHECK_FALSE(sheds.at("shedding").at(0).at("drained").as_bool());
    CHECK(object_of(fixture.ask("POST", "/v1/shed", "datacenter=ams&share=0"))
              .at("shedding")
              .as_array()
              .empty());
  }

  TEST_CASE("what can't be shed is told") {
    Fixture fixture;
    struct Row {
      const char* query;
      unsigned status;
      const char* error;
    };
    const Row rows[] = {
        {"datacenter=amz&share=1", 422, "the map has no datacenter 'amz'; did you mean 'ams'?"},
        {"datacenter=ams", 400, "shed takes share=, from 0 to 1"},
        {"datacenter=ams&share=1.1", 400, "shed takes share=, from 0 to 1"},
        {"datacenter=ams&share=nan", 400, "shed takes share=, from 0 to 1"},
        {"datacenter=ams&share=1x", 400, "shed takes share=, from 0 to 1"},
        {"datacenter=ams&share=1&for=0", 400, "shed takes for=SECONDS, 1 to 2592000"},
        {"datacenter=ams&share=1&for=2592001", 400, "shed takes for=SECONDS, 1 to 2592000"},
        {"datacenter=ams&share=1&why=7", 400, "unknown parameter 'why'"},
        {"share=1", 422, "the map has no datacenter ''"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.query);
      const auto response = fixture.ask("POST", "/v1/shed", row.query);
      CHECK(response.status == row.status);
      CHECK(object_of(response).at("error").as_string() == row.error);
    }
    CHECK(fixture.ask("GET", "/v1/shed", "datacenter=ams&share=1").status == 405);
    CHECK(object_of(fixture.ask("GET", "/v1/status")).at("shedding").as_array().empty());
  }

  TEST_CASE("the time of an upgrade is a number of seconds in its limits") {
    Fixture fixture;
    for (const auto* const query :
         {"timeout=0", "timeout=3601", "timeout=", "timeout=5s", "in=5", "timeout=-1"}) {
      CAPTURE(query);
      CHECK(fixture.ask("POST", "/v1/upgrade", query).status == 400);
    }
    CHECK(fixture.ask("GET", "/v1/upgrade").status == 405);
  }

  TEST_CASE("reload answers with what was wrong") {
    Fixture fixture;
    CHECK(fixture.ask("POST", "/v1/reload").status == 200);
    fixture.map.write("regions.yaml", "regions:\n  europe: [continent:EU, XX]\n");
    const auto response = fixture.ask("POST", "/v1/reload");
    CHECK(response.status == 422);
    const auto result = object_of(response);
    CHECK_FALSE(result.at("ok").as_bool());
    CHECK(result.at("epoch").as_int64() == 2);
    REQUIRE(result.at("problems").as_array().size() == 1);
    CHECK(result.at("problems").as_array()[0].at("line").as_int64() == 2);
  }

  TEST_CASE("explain takes its question from the query string") {
    Fixture fixture;
    const auto response = fixture.ask("GET", "/v1/explain", "name=www.example.com&type=A&from=8.8.8.8");
    CHECK(response.status == 200);
    CHECK(object_of(response).at("datacenter").as_string() == "iad");
    const auto text =
        object_of(fixture.ask("GET", "/v1/explain", "name=www.example.com&from=8.8.8.0%2F24&format=text"));
    CHECK(std::string{text.at("text").as_string()}.find("choice    iad") != std::string::npos);
  }

  TEST_CASE("what cannot be asked is refused with a reason") {
    Fixture fixture;
    struct Row {
      const char* method;
      const char* path;
      const char* query;
      unsigned status;
      const char* error;
    };
    const Row rows[] = {
        {"GET", "/v1/nothing", "", 404, "no such path '/v1/nothing'"},
        {"POST", "/v1/status", "", 405, "/v1/status takes GET"},
        {"GET", "/v1/reload", "", 405, "/v1/reload takes POST"},
        {"GET", "/v1/explain", "name=a..b", 400, "empty label"},
        {"GET", "/v1/explain", "", 400, "explain needs at least name="},
        {"GET", "/v1/explain", "type=A", 400, "the name is empty"},
        {"GET", "/v1/explain", "name=a.b&colour=red", 400, "unknown parameter 'colour'"},
        {"GET", "/v1/explain", "name=a.b&format=xml", 400, "format is text or json, not 'xml'"},
        {"GET", "/v1/explain", "name=%zz", 400, "malformed"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.path);
      CAPTURE(row.query);
      const auto response = fixture.ask(row.method, row.path, row.query);
      CHECK(response.status == row.status);
      CHECK(std::string{object_of(response).at("error").as_string()}.find(row.error) != std::string::npos);
    }
  }
}

}  // namespace meridian::control
