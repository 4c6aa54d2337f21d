#include "control/reloader.hpp"

#include "site_fixture.hpp"

#include <doctest/doctest.h>

#include <future>
#include <thread>
#include <vector>

namespace meridian::control {
namespace {

using test::SiteFixture;

std::string nsid_of(const Reloader& reloader) {
  const auto serving = reloader.serving().get();
  const auto& nsid = serving->snapshot->settings.nsid;
  return {nsid.begin(), nsid.end()};
}

}  // namespace

TEST_SUITE("control/reloader") {
  TEST_CASE("a good map is swapped in whole, a bad one changes nothing") {
    SiteFixture fixture;
    auto& reloader = fixture.reloader;
    fixture.start();
    const auto first = reloader.serving().get();
    CHECK(first->snapshot->epoch == 1);

    fixture.map.write("services.yaml",
                      "services:\n  www.example.com: {map: nothing, pools: {ams: [192.0.2.1]}}\n");
    const auto failed = fixture.reload();
    CHECK_FALSE(failed.ok);
    CHECK(failed.epoch == 1);
    CHECK(failed.diagnostics.error_count() == 1);
    CHECK(reloader.serving().get() == first);
    CHECK(fixture.block.value(stats::Counter::ReloadsFailed) == 1);
    CHECK_FALSE(reloader.last_result().ok);

    fixture.map.write_standard();
    const auto good = fixture.reload();
    CHECK(good.ok);
    CHECK(good.epoch == 2);
    CHECK(reloader.serving().get()->snapshot->epoch == 2);
    CHECK(fixture.block.value(stats::Counter::ReloadsOk) == 1);
  }

  TEST_CASE("a map that breaks one of its expectations is refused, at the start too") {
    SiteFixture fixture;
    fixture.map.write("expect.yaml", "expect: [{from: GB, map: web, first: iad}]\n");
    const auto refused = fixture.reloader.load_first();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().to_text().find("clients from GB must get iad first") != std::string::npos);

    fixture.map.write("expect.yaml", "expect: [{from: GB, map: web, first: ams}]\n");
    fixture.start();
    const auto first = fixture.reloader.serving().get();
    fixture.map.write("expect.yaml", "expect: [{from: GB, map: web, never: [ams]}]\n");
    const auto failed = fixture.reload();
    CHECK_FALSE(failed.ok);
    CHECK(failed.diagnostics.error_count() == 1);
    CHECK(fixture.reloader.serving().get() == first);
    CHECK(fixture.block.value(stats::Counter::ReloadsFailed) == 1);
    CHECK(fixture.block.value(stats::Counter::ReloadsExpectationBroken) == 1);

    fixture.map.write("expect.yaml", "expect: []\n");
    CHECK(fixture.reload().ok);
    CHECK(fixture.block.value(stats::Counter::ReloadsExpectationBroken) == 1);
  }

  TEST_CASE("the site file is read with every reload, and one with errors changes nothing") {
    SiteFixture fixture;
    fixture.start();
    CHECK(nsid_of(fixture.reloader) == "ams1");
    fixture.map.folder().write("meridian.yaml", "map: map\nsite: fra1\n");
    CHECK(fixture.reload().ok);
    CHECK(nsid_of(fixture.reloader) == "fra1");
    CHECK(fixture.reloader.serving().get()->site->site == "fra1");
    CHECK(fixture.reloader.serving().get()->rulebook->geography.databases[0].name == "country");

    fixture.map.folder().write("meridian.yaml", "map: map\nsite: iad1\nworkers: none\n");
    const auto failed = fixture.reload();
    CHECK_FALSE(failed.ok);
    CHECK(failed.diagnostics.to_text().starts_with(fixture.site_path() + ":3:10: 'workers'"));
    CHECK(nsid_of(fixture.reloader) == "fra1");
  }

  TEST_CASE("another map folder is read from the next reload on") {
    SiteFixture fixture;
    fixture.start();
    fixture.map.folder().write("meridian.yaml", "map: nowhere\n");
    CHECK_FALSE(fixture.reload().ok);
    CHECK(fixture.reloader.serving().get()->site->map == fixture.map.map_folder());
  }

  TEST_CASE("what a reload prepares is committed after the epoch was published, or not at all") {
    SiteFixture fixture;
    REQUIRE(fixture.reloader.load_first().has_value());
    std::vector<std::string> seen;
    bool is_refused = false;
    fixture.reloader.set_prepare([&](const config::Site& next, base::Diagnostics& warnings)
                                     -> base::Expected<Commit, base::Diagnostics> {
      if (is_refused) {
        base::Diagnostics errors;
        errors.error({next.path, 0, 0}, "the address is taken");
        return base::unexpected(std::move(errors));
      }
      warnings.warning({next.path, 0, 0}, "the path stays");
      const auto epoch = fixture.reloader.serving().get()->snapshot->epoch;
      seen.push_back("prepared at " + std::to_string(epoch));
      return Commit([&] {
        seen.push_back("committed at " + std::to_string(fixture.reloader.serving().get()->snapshot->epoch));
      });
    });
    fixture.reloader.start();
    const auto good = fixture.reload();
    CHECK(good.ok);
    CHECK(good.diagnostics.warning_count() == 1);
    CHECK(seen == std::vector<std::string>{"prepared at 1", "committed at 2"});

    fixture.map.write("maps.yaml", "maps: 7\n");
    CHECK_FALSE(fixture.reload().ok);
    CHECK_MESSAGE(seen.size() == 2, "a map with errors prepares nothing");

    fixture.map.write_standard();
    is_refused = true;
    const auto refused = fixture.reload();
    CHECK_FALSE(refused.ok);
    CHECK(refused.diagnostics.to_text() == fixture.site_path() + ": the address is taken\n");
    CHECK(fixture.reloader.serving().get()->snapshot->epoch == 2);
  }

  TEST_CASE("the databases are read again only when they changed") {
    SiteFixture fixture;
    fixture.write_site("geoip_gate: off\n");
    fixture.start();
    const auto file_of = [&] {
      return fixture.reloader.serving().get()->rulebook->geography.databases[0].files[0];
    };
    const auto before = file_of();
    CHECK(fixture.reload().ok);
    CHECK(file_of() == before);
    test::MmdbWriter writer;
    writer.insert("198.51.100.0/24", test::mmdb_map({{"country", test::mmdb_map({{"iso_code", "FR"}})}}));
    fixture.map.set_database(writer);
    CHECK(fixture.reload().ok);
    CHECK(file_of() != before);
  }

  TEST_CASE("what was known of an endpoint outlives the reload") {
    SiteFixture fixture;
    fixture.start();
    const auto first = fixture.reloader.serving().get();
    const auto down = static_cast<base::EndpointId>(0);
    const auto address = first->snapshot->endpoints[0].address;
    first->tables->health.set_state(down, health::EndpointState::Down);
    CHECK(fixture.reload().ok);
    const auto second = fixture.reloader.serving().get();
    REQUIRE(second != first);
    for (std::size_t i = 0; i < second->snapshot->endpoints.size(); ++i) {
      CAPTURE(i);
      const bool is_same = second->snapshot->endpoints[i].address == address;
      CHECK(second->tables->health.state(static_cast<base::EndpointId>(i)) ==
            (is_same ? health::EndpointState::Down : health::EndpointState::Unknown));
    }
  }

  TEST_CASE("when the day of a rule is over a new epoch is built by itself") {
    SiteFixture fixture;
    // The manual clock stands on 2026-01-01, an hour past midnight.
    fixture.map.write("maps.yaml",
                      "maps:\n  web:\n    rules:\n      - {for: europe, prefer: [sin], until: 2026-01-01}\n"
                      "      - {for: everyone, prefer: [iad]}\n");
    fixture.start();
    CHECK(fixture.reloader.last_result().diagnostics.warning_count() == 1);
    fixture.clock.pass(std::chrono::hours(23));
    const auto epoch = [&] { return fixture.reloader.serving().get()->snapshot->epoch; };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (epoch() == 1 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    REQUIRE(epoch() == 2);
    CHECK(fixture.reloader.serving().get()->rulebook->model->maps[0].rules.size() == 1);
    fixture.reloader.stop();  // counted after it is published
    CHECK(fixture.counters.total(stats::Counter::ReloadsOk) == 1);
  }

  TEST_CASE("a rule that ends while the map is broken is tried again later, and not over and over") {
    SiteFixture fixture;
    fixture.map.write("maps.yaml",
                      "maps:\n  web:\n    rules:\n      - {for: europe, prefer: [sin], until: 2026-01-01}\n");
    fixture.start();
    fixture.map.write("maps.yaml", "maps: {web: {rules: [broken]}}\n");
    fixture.clock.pass(std::chrono::hours(23));
    const auto failed = [&] { return fixture.counters.total(stats::Counter::ReloadsFailed); };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (failed() == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    CHECK(failed() == 1);
    // Whoever mends it and asks is served at once, and what was asked for before was the only try.
    fixture.map.write("maps.yaml", "maps: {web: {}}\n");
    CHECK(fixture.reload().ok);
    CHECK(failed() == 1);
  }

  TEST_CASE("networks that two files send elsewhere are counted with every load") {
    SiteFixture fixture;
    fixture.map.write("a.nets", "198.51.100.0/24\n192.0.2.0/24\n");
    fixture.map.write("b.nets", "198.51.100.0/24\n192.0.2.0/24\n");
    fixture.map.write("maps.yaml",
                      "maps:\n  web:\n    rules:\n      - {for: \"file:a.nets\", prefer: [sin]}\n"
                      "      - {for: \"file:b.nets\", prefer: [iad]}\n");
    fixture.start();
    CHECK(fixture.counters.total(stats::Counter::NetworksFileConflicts) == 2);
    CHECK(fixture.reload().ok);
    CHECK(fixture.counters.total(stats::Counter::NetworksFileConflicts) == 4);
  }

  TEST_CASE("a replaced epoch is freed by the builder, not by the reader that lets go of it") {
    SiteFixture fixture;
    REQUIRE(fixture.reloader.load_first().has_value());
    base::Published<Serving>::Reader reader(fixture.reloader.serving());
    const std::weak_ptr<const Serving> first = fixture.reloader.serving().get();
    fixture.reloader.start();
    REQUIRE(fixture.reload().ok);
    CHECK(reader.current().snapshot->epoch == 2);
    // Nobody reads it any more, and yet it is there: whoever frees it, it is not the reader.
    CHECK_FALSE(first.expired());
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!first.expired() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    CHECK(first.expired());
  }

  TEST_CASE("nothing is served when the first map is bad") {
    SiteFixture fixture;
    fixture.map.write("maps.yaml", "maps: 7\n");
    const auto loaded = fixture.reloader.load_first();
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().has_errors());
  }

  TEST_CASE("every caller is answered, also those that come while a build runs") {
    SiteFixture fixture;
    fixture.start();
    std::vector<std::promise<std::uint64_t>> promises(20);
    for (auto& promise : promises) {
      fixture.reloader.request([&](const ReloadResult& result) { promise.set_value(result.epoch); });
    }
    for (auto& promise : promises) CHECK(promise.get_future().get() >= 2);
  }

  TEST_CASE("who asks after the end is told at once that nothing was read") {
    SiteFixture fixture;
    fixture.start();
    fixture.reloader.stop();
    const auto result = fixture.reload();
    CHECK_FALSE(result.ok);
    CHECK(result.epoch == 1);
    CHECK(result.diagnostics.to_text().find("not read again: the server is stopping") != std::string::npos);
  }

  TEST_CASE("the own cookie secret stays from reload to reload, and may be that of the server before") {
    const auto secret_of = [](const SiteFixture& fixture) {
      const auto snapshot = fixture.reloader.serving().get()->snapshot;
      REQUIRE(snapshot->settings.cookie_secrets.all().size() == 1);
      return snapshot->settings.cookie_secrets.all().front();
    };
    SiteFixture first;
    first.start();
    CHECK(secret_of(first) == first.reloader.own_secret());
    REQUIRE(first.reload().ok);
    CHECK(secret_of(first) == first.reloader.own_secret());
    SiteFixture second;
    CHECK(second.reloader.own_secret() != first.reloader.own_secret());
    second.reloader.set_own_secret(first.reloader.own_secret());
    second.start();
    CHECK(secret_of(second) == secret_of(first));
  }
}

}  // namespace meridian::control
