#include "control/reloader.hpp"

#include "support/manual_clock.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <future>

namespace meridian::control {
namespace {

std::string data_folder() { return MERIDIAN_BINARY_DIR "/share/meridian"; }

ReloadResult reload(Reloader& reloader) {
  std::promise<ReloadResult> promise;
  reloader.request([&](const ReloadResult& result) { promise.set_value(result); });
  return promise.get_future().get();
}

}  // namespace

TEST_SUITE("control/reloader") {
  TEST_CASE("a good map is swapped in whole, a bad one changes nothing") {
    const test::MapFixture fixture(data_folder());
    fixture.write_standard();
    const test::ManualClock clock;
    stats::Counters counters;
    Reloader reloader(fixture.sources(), clock, counters);
    REQUIRE(reloader.load_first().has_value());
    const auto first = reloader.serving().get();
    CHECK(first->snapshot->epoch == 1);
    reloader.start();

    fixture.write("services.yaml",
                  "services:\n  www.example.com: {map: nothing, pools: {ams: [192.0.2.1]}}\n");
    const auto failed = reload(reloader);
    CHECK_FALSE(failed.ok);
    CHECK(failed.epoch == 1);
    CHECK(failed.diagnostics.error_count() == 1);
    CHECK(reloader.serving().get() == first);
    CHECK(counters.value(stats::Counter::ReloadsFailed) == 1);
    CHECK_FALSE(reloader.last_result().ok);

    fixture.write_standard();
    const auto good = reload(reloader);
    CHECK(good.ok);
    CHECK(good.epoch == 2);
    CHECK(reloader.serving().get()->snapshot->epoch == 2);
    CHECK(counters.value(stats::Counter::ReloadsOk) == 1);
    reloader.stop();
  }

  TEST_CASE("the databases are read again only when they changed") {
    const test::MapFixture fixture(data_folder());
    fixture.write_standard();
    const test::ManualClock clock;
    stats::Counters counters;
    Reloader reloader(fixture.sources(), clock, counters);
    REQUIRE(reloader.load_first().has_value());
    reloader.start();
    const auto file_of = [&] { return reloader.serving().get()->rulebook->geography.databases[0].files[0]; };
    const auto before = file_of();
    CHECK(reload(reloader).ok);
    CHECK(file_of() == before);
    test::MmdbWriter writer;
    writer.insert("198.51.100.0/24", test::mmdb_map({{"country", test::mmdb_map({{"iso_code", "FR"}})}}));
    fixture.set_database(writer);
    CHECK(reload(reloader).ok);
    CHECK(file_of() != before);
    reloader.stop();
  }

  TEST_CASE("a replaced epoch is freed by the builder, not by the reader that lets go of it") {
    const test::MapFixture fixture(data_folder());
    fixture.write_standard();
    const test::ManualClock clock;
    stats::Counters counters;
    Reloader reloader(fixture.sources(), clock, counters);
    REQUIRE(reloader.load_first().has_value());
    base::Published<Serving>::Reader reader(reloader.serving());
    const std::weak_ptr<const Serving> first = reloader.serving().get();
    reloader.start();
    REQUIRE(reload(reloader).ok);
    CHECK(reader.current().snapshot->epoch == 2);
    // Nobody reads it any more, and yet it is there: whoever frees it, it is not the reader.
    CHECK_FALSE(first.expired());
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!first.expired() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    CHECK(first.expired());
    reloader.stop();
  }

  TEST_CASE("nothing is served when the first map is bad") {
    const test::MapFixture fixture(data_folder());
    fixture.write_standard();
    fixture.write("maps.yaml", "maps: 7\n");
    const test::ManualClock clock;
    stats::Counters counters;
    Reloader reloader(fixture.sources(), clock, counters);
    const auto loaded = reloader.load_first();
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().has_errors());
  }

  TEST_CASE("every caller is answered, also those that come while a build runs") {
    const test::MapFixture fixture(data_folder());
    fixture.write_standard();
    const test::ManualClock clock;
    stats::Counters counters;
    Reloader reloader(fixture.sources(), clock, counters);
    REQUIRE(reloader.load_first().has_value());
    reloader.start();
    std::vector<std::promise<std::uint64_t>> promises(20);
    for (auto& promise : promises) {
      reloader.request([&](const ReloadResult& result) { promise.set_value(result.epoch); });
    }
    for (auto& promise : promises) CHECK(promise.get_future().get() >= 2);
    reloader.stop();
  }
}

}  // namespace meridian::control
