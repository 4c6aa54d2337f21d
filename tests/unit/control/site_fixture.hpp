// A map with a site file, and the reloader of both: what the tests of control/ share.
#pragma once

#include "control/reloader.hpp"
#include "support/manual_clock.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <future>
#include <string>

namespace meridian::test {

struct SiteFixture {
  SiteFixture() {
    map.write_standard();
    write_site("");
  }
  ~SiteFixture() { reloader.stop(); }
  SiteFixture(const SiteFixture&) = delete;
  SiteFixture& operator=(const SiteFixture&) = delete;

  /// Replaces the site file; `more` are further keys.
  void write_site(const std::string& more) const {
    map.folder().write("meridian.yaml", "map: map\nsite: ams1\ngeoip: {test: [test.mmdb]}\n" + more);
  }
  [[nodiscard]] std::string site_path() const { return map.folder().path() + "/meridian.yaml"; }

  void start() {
    reloader.set_overrides(overrides);
    if (keeps_health) reloader.set_health(keeper);
    REQUIRE(reloader.load_first().has_value());
    reloader.start();
  }

  control::ReloadResult reload(const control::ReloadOrder& order = {}) {
    std::promise<control::ReloadResult> promise;
    reloader.request(order, [&](const control::ReloadResult& result) { promise.set_value(result); });
    return promise.get_future().get();
  }

  static std::string data_folder() { return MERIDIAN_BINARY_DIR "/share/meridian"; }

  MapFixture map{data_folder()};
  ManualClock clock;
  stats::CounterRegistry counters;
  stats::Counters& block = counters.register_block();
  journal::Journal journal{"", clock, counters.register_block()};
  control::Overrides overrides{clock, counters.register_block()};
  control::AnswerTotals answers;
  bool keeps_health = false;  ///< before start()
  control::HealthKeeper keeper{clock, counters.register_block()};
  control::Reloader reloader{control::read_site_from(site_path()), data_folder(), clock, block};
};

}  // namespace meridian::test
