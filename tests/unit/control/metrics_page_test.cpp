#include "control/metrics_page.hpp"

#include "site_fixture.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <string>

namespace meridian::control {
namespace {

struct Fixture : test::SiteFixture {
  Fixture() {
    reloader.set_answers(answers, 1);
    start();
  }
  [[nodiscard]] std::string page() const { return metrics_page(sources); }
  [[nodiscard]] bool has(const std::string& line) const {
    return ("\n" + page()).find("\n" + line + "\n") != std::string::npos;
  }

  Upgrader upgrader{{.command = {"/bin/false"},
                     .control_path = "/nowhere",
                     .sockets = [] { return std::vector<net::ListenSockets>{}; },
                     .control_listener = [] { return net::FileDescriptor(::dup(2)); },
                     .serving = [this] { return reloader.serving().get(); },
                     .overrides = [] { return std::vector<boost::json::array>{}; },
                     .pause_control = [](bool) {},
                     .hand_over = [] {},
                     .leave = [] {}},
                    counters,
                    counters.register_block()};
  stats::LatencyRegistry latency;
  MetricsSources sources{.reloader = reloader,
                         .overrides = overrides,
                         .journal = journal,
                         .upgrader = upgrader,
                         .answers = answers,
                         .latency = latency,
                         .clock = clock,
                         .version = "1.2.3",
                         .started_at = clock.monotonic(),
                         .checks = {}};
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
    CHECK(fixture.has(R"(meridian_client_subnet_scope_bits_bucket{le="18"} 0)"));
    CHECK(fixture.has(R"(meridian_client_subnet_scope_bits_bucket{le="20"} 1)"));
    CHECK(fixture.has("meridian_client_subnet_scope_bits_sum 20"));
    // It outlives the epoch.
    CHECK(fixture.reload().ok);
    CHECK(fixture.has(
        R"(meridian_service_answers_total{service="www.example.com",datacenter="ams",reason="fallback"} 1)"));
  }

  TEST_CASE("overrides show, and what they do") {
    Fixture fixture;
    REQUIRE(fixture.overrides.set({.kind = OverrideKind::Drain, .target = "ams", .reason = "x"}).has_value());
    REQUIRE(fixture.overrides.set({.kind = OverrideKind::ForceDown, .target = "198.51.100.20", .reason = "x"})
                .has_value());
    CHECK(fixture.has(R"(meridian_overrides{kind="drain"} 1)"));
    CHECK(fixture.has(R"(meridian_datacenter_shed_ratio{datacenter="ams"} 1)"));
    CHECK(fixture.has(
        R"(meridian_endpoint_forced{service="*.cdn.example.com",datacenter="iad",address="198.51.100.20"} 0)"));
  }

  TEST_CASE("probes of checks are told as whoever runs them says") {
    Fixture fixture;
    fixture.sources.checks = [] {
      return std::vector<CheckMetric>{
          {.check = "web", .ok = 5, .failed = 2, .bounds_s = {0.1, 1}, .buckets = {3, 2, 2}, .sum_s = 6.5}};
    };
    CHECK(fixture.has(R"(meridian_probes_total{check="web",result="failed"} 2)"));
    CHECK(fixture.has(R"(meridian_probe_duration_seconds_bucket{check="web",le="1"} 5)"));
    CHECK(fixture.has(R"(meridian_probe_duration_seconds_bucket{check="web",le="+Inf"} 7)"));
    CHECK(fixture.has(R"(meridian_probe_duration_seconds_sum{check="web"} 6.5)"));
  }
}

}  // namespace meridian::control
