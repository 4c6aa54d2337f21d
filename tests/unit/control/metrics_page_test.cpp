#include "control/metrics_page.hpp"

#include "base/limits.hpp"
#include "site_fixture.hpp"
#include "support/no_upgrade.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <string>

namespace meridian::control {
namespace {

struct Fixture : test::SiteFixture {
  Fixture() {
    keeps_health = true;
    map.write("regions.yaml", "regions: {}\n");
    map.write("maps.yaml", "maps: {web: {}}\n");
    map.write(
        "services.yaml",
        "checks:\n  front: {type: http, jitter: 0}\n  self: {type: push}\nservices:\n"
        "  www.example.com: {map: web, check: front, pools: {ams: [192.0.2.10, 192.0.2.11], iad: "
        "[198.51.100.20]}}\n  own.example.com: {map: web, check: self, pools: {sin: [203.0.113.20]}}\n");
    reloader.set_answers(answers, 1);
    start();
  }
  void probe(const std::string& address, bool is_ok, std::chrono::microseconds took) {
    health::ProbeResult result;
    result.is_ok = is_ok;
    result.took = took;
    for (const auto& target : keeper.targets()) {
      if (base::to_string(target.address) == address) keeper.on_result(*target.check, target.address, result);
    }
  }
  [[nodiscard]] std::string page() const { return metrics_page(sources); }
  [[nodiscard]] bool has(const std::string& line) const {
    return ("\n" + page()).find("\n" + line + "\n") != std::string::npos;
  }

  Upgrader upgrader{test::no_upgrade(reloader), counters, counters.register_block()};
  stats::LatencyRegistry latency;
  std::vector<net::AddressQueries> listeners;
  MetricsSources sources{.reloader = reloader,
                         .overrides = overrides,
                         .journal = journal,
                         .upgrader = upgrader,
                         .health = keeper,
                         .answers = answers,
                         .latency = latency,
                         .queries_by_address = [this] { return listeners; },
                         .clock = clock,
                         .version = "1.2.3",
                         .started_at = clock.monotonic()};
};

}  // namespace

TEST_SUITE("control/metrics_page") {
  TEST_CASE("the page tells what serves, what is counted and what is known") {
    Fixture fixture;
    fixture.block.add(stats::Counter::UdpQueries, 7);
    fixture.latency.register_block().add(std::chrono::nanoseconds{400}, 2);
    CHECK(fixture.has(R"(meridian_build_info{version="1.2.3",site="ams1"} 1)"));
    CHECK(fixture.has("meridian_epoch 1"));
    CHECK(fixture.has("meridian_udp_queries_total 7"));
    CHECK(fixture.has("# TYPE meridian_udp_queries_total counter"));
    CHECK(fixture.has(R"(meridian_answer_duration_seconds_bucket{le="2.5e-07"} 2)"));
    CHECK(fixture.has("meridian_answer_duration_seconds_count 2"));
    CHECK(fixture.has("meridian_last_reload_success 1"));
    CHECK(fixture.has(
        R"(meridian_endpoint_state{service="www.example.com",datacenter="ams",address="192.0.2.10"} 2)"));
    for (const auto& info : stats::kCounterTable)
      CHECK(fixture.page().find("meridian_" + std::string{info.name} + " ") != std::string::npos);
  }

  TEST_CASE("what answers named is told by service, datacenter and reason") {
    Fixture fixture;
    const auto serving = fixture.reloader.serving().get();
    query::Summary summary;
    summary.kind = query::AnswerKind::Steered;
    summary.service = base::ServiceId{0};
    summary.pool = serving->snapshot->services[0].pools[0];
    summary.reason = steering::Reason::Fallback;
    summary.by_client_subnet = true;
    auto& tally = *serving->tables->tally_of(0);
    tally.add(tally.cells_of(summary, true), 20);
    CHECK(fixture.has(
        R"(meridian_service_answers_total{service="www.example.com",datacenter="ams",reason="fallback"} 1)"));
    CHECK(fixture.has(R"(meridian_answers_by_rcode_total{transport="tcp",rcode="NOERROR"} 1)"));
    CHECK(fixture.has(R"(meridian_answers_by_rcode_total{transport="udp",rcode="NOERROR"} 0)"));
    CHECK(fixture.has(R"(meridian_client_subnet_scope_length_bucket{le="18"} 0)"));
    CHECK(fixture.has(R"(meridian_client_subnet_scope_length_bucket{le="20"} 1)"));
    CHECK(fixture.has("meridian_client_subnet_scope_length_sum 20"));
    // It outlives the epoch.
    CHECK(fixture.reload().ok);
    CHECK(fixture.has(
        R"(meridian_service_answers_total{service="www.example.com",datacenter="ams",reason="fallback"} 1)"));
  }

  TEST_CASE("queries are told by address and transport") {
    Fixture fixture;
    CHECK(fixture.page().find("meridian_listener_queries_total{") == std::string::npos);
    fixture.listeners = {{.listen = {*base::parse_ip_address("192.0.2.53"), 53}, .udp = 7, .tcp = 2},
                         {.listen = {*base::parse_ip_address("2001:db8::53"), 5353}, .udp = 1, .tcp = 0}};
    CHECK(fixture.has(R"(meridian_listener_queries_total{address="192.0.2.53:53",transport="udp"} 7)"));
    CHECK(fixture.has(R"(meridian_listener_queries_total{address="192.0.2.53:53",transport="tcp"} 2)"));
    CHECK(fixture.has(R"(meridian_listener_queries_total{address="[2001:db8::53]:5353",transport="udp"} 1)"));
    CHECK(fixture.has("# TYPE meridian_listener_queries_total counter"));
  }

  TEST_CASE("overrides show, and what they do") {
    Fixture fixture;
    REQUIRE(fixture.overrides.set({.kind = OverrideKind::Drain, .target = "ams", .reason = "x"}).has_value());
    REQUIRE(fixture.overrides.set({.kind = OverrideKind::ForceDown, .target = "192.0.2.11", .reason = "x"})
                .has_value());
    CHECK(fixture.has(R"(meridian_overrides{kind="drain"} 1)"));
    CHECK(fixture.has(R"(meridian_datacenter_shed_ratio{datacenter="ams"} 1)"));
    CHECK(fixture.has(
        R"(meridian_endpoint_forced{service="www.example.com",datacenter="ams",address="192.0.2.11"} 0)"));
  }

  TEST_CASE("probes are told by check and type, and what was reported has no duration") {
    Fixture fixture;
    fixture.probe("192.0.2.10", true, std::chrono::milliseconds{3});
    fixture.probe("192.0.2.11", false, std::chrono::seconds{2});
    fixture.probe("203.0.113.20", true, {});
    CHECK(fixture.has(R"(meridian_check_results_total{check="front",type="http",result="ok"} 1)"));
    CHECK(fixture.has(R"(meridian_check_results_total{check="front",type="http",result="failed"} 1)"));
    CHECK(fixture.has(R"(meridian_check_results_total{check="self",type="push",result="ok"} 1)"));
    CHECK(fixture.has(R"(meridian_probe_duration_seconds_bucket{check="front",type="http",le="0.005"} 1)"));
    CHECK(fixture.has(R"(meridian_probe_duration_seconds_bucket{check="front",type="http",le="+Inf"} 2)"));
    CHECK(fixture.has(R"(meridian_probe_duration_seconds_sum{check="front",type="http"} 2.003)"));
    CHECK(fixture.page().find(R"(meridian_probe_duration_seconds_count{check="self")") == std::string::npos);
    CHECK(fixture.has(R"(meridian_check_suspect{check="front"} 0)"));
    CHECK(fixture.has(R"(meridian_service_panicking{service="www.example.com"} 0)"));
  }

  TEST_CASE("what endpoints are, and how much of a service is well, is told") {
    Fixture fixture;
    const auto serving = fixture.reloader.serving().get();
    auto& health = serving->tables->health;
    health.set_state(base::EndpointId{0}, health::EndpointState::Down);
    health.set_state(base::EndpointId{1}, health::EndpointState::Up);
    health.set_fails_open(base::ServiceId{0}, true);
    const auto state_of = [&](std::uint32_t id) {
      const auto address = base::to_string(serving->snapshot->endpoints[id].address);
      const auto page = fixture.page();
      const auto at = page.find("address=\"" + address + "\"} ");
      REQUIRE(at != std::string::npos);
      return page[page.find("} ", at) + 2];
    };
    CHECK(state_of(0) == '0');
    CHECK(state_of(1) == '1');
    CHECK(state_of(2) == '2');
    const auto& name = serving->snapshot->services[0].name;
    CHECK(fixture.has("meridian_service_fails_open{service=\"" + name + "\"} 1"));
    CHECK(fixture.page().find("meridian_service_capacity_ratio{service=\"" + name + "\"} 1\n") ==
          std::string::npos);
    CHECK(fixture.has("meridian_endpoints_left_out 0"));
  }

  TEST_CASE("endpoints past the limit have no series and are counted") {
    Fixture fixture;
    std::string services = "services:\n";
    const std::size_t pools = base::limits::kMetricEndpointsMax / 200 + 1;
    for (std::size_t i = 0; i < pools; ++i) {
      services += "  s" + std::to_string(i) + ".example.com: {map: web, pools: {ams: [";
      for (int j = 0; j < 200; ++j)
        services += (j == 0 ? "10." : ", 10.") + std::to_string(i) + ".0." + std::to_string(j);
      services += "]}}\n";
    }
    fixture.map.write("services.yaml", services);
    REQUIRE(fixture.reload({.force = true}).ok);
    CHECK(fixture.has("meridian_endpoints_left_out 200"));
    CHECK(fixture.has(
        R"(meridian_endpoint_state{service="s0.example.com",datacenter="ams",address="10.0.0.1"} 2)"));
  }
}

}  // namespace meridian::control
