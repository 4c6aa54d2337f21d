// What one page for Prometheus costs the control thread, with as many endpoints as may have series of their
// own: all of them watched and each service's answers counted.
#include "base/limits.hpp"
#include "control/metrics_page.hpp"
#include "support/map_fixture.hpp"
#include "support/no_upgrade.hpp"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

using namespace meridian;

constexpr std::size_t kPerPool = 50;

/// `count` endpoints, 50 in each pool of two datacenters.
std::string services_of(std::size_t count) {
  std::string text = "checks:\n  front: {type: http}\nservices:\n";
  for (std::size_t service = 0; service < count / (2 * kPerPool); ++service) {
    text += "  s" + std::to_string(service) + ".example.com: {map: web, check: front, pools: {";
    for (const int datacenter : {0, 1}) {
      text += datacenter == 0 ? "ams: [" : ", iad: [";
      for (std::size_t i = 0; i < kPerPool; ++i) {
        text += (i == 0 ? "10." : ", 10.") + std::to_string(datacenter) + "." + std::to_string(service) +
                "." + std::to_string(i);
      }
      text += "]";
    }
    text += "}}\n";
  }
  return text;
}

struct Server {
  explicit Server(std::size_t endpoints) {
    map.write_standard();
    map.write("regions.yaml", "regions: {}\n");
    map.write("maps.yaml", "maps: {web: {}}\n");
    map.write("services.yaml", services_of(endpoints));
    map.folder().write("meridian.yaml", "map: map\nsite: ams1\ngeoip: {test: [test.mmdb]}\n");
    reloader.set_overrides(overrides);
    reloader.set_health(keeper);
    reloader.set_answers(answers, 1);
    if (const auto loaded = reloader.load_first(); !loaded) {
      std::fputs(loaded.error().to_text().c_str(), stderr);
      std::abort();
    }
    health::ProbeResult result;
    result.is_ok = true;
    result.took = std::chrono::milliseconds{3};
    const auto target = keeper.targets().front();
    keeper.on_result(*target.check, target.address, result);
    const auto serving = reloader.serving().get();
    auto& tally = *serving->tables->tally_of(0);
    query::Summary summary;
    summary.kind = query::AnswerKind::Steered;
    for (const auto& service : serving->snapshot->services) {
      summary.service = service.id;
      for (const auto pool : service.pools) {
        summary.pool = pool;
        tally.add(tally.cells_of(summary, false), 24);
      }
    }
  }

  test::MapFixture map{MERIDIAN_BINARY_DIR "/share/meridian"};
  base::SystemClock clock;
  stats::CounterRegistry counters;
  journal::Journal journal{"", clock, counters.register_block()};
  control::Overrides overrides{clock, counters.register_block()};
  control::HealthKeeper keeper{clock, counters.register_block()};
  control::AnswerTotals answers;
  stats::LatencyRegistry latency;
  control::Reloader reloader{control::read_site_from(map.folder().path() + "/meridian.yaml"),
                             MERIDIAN_BINARY_DIR "/share/meridian", clock, counters.register_block()};
  control::Upgrader upgrader{test::no_upgrade(reloader), counters, counters.register_block()};
  control::MetricsSources sources{.reloader = reloader,
                                  .overrides = overrides,
                                  .journal = journal,
                                  .upgrader = upgrader,
                                  .health = keeper,
                                  .answers = answers,
                                  .latency = latency,
                                  .queries_by_address = [] { return std::vector<net::AddressQueries>{}; },
                                  .clock = clock,
                                  .version = "0",
                                  .started_at = clock.monotonic()};
};

void metrics_page(benchmark::State& state) {
  const auto server = std::make_unique<Server>(static_cast<std::size_t>(state.range(0)));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto page = control::metrics_page(server->sources);
    bytes = page.size();
    benchmark::DoNotOptimize(page.data());
  }
  state.counters["page_bytes"] = static_cast<double>(bytes);
}
BENCHMARK(metrics_page)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
