#include "control/self_test.hpp"

#include "site_fixture.hpp"

#include <doctest/doctest.h>

namespace meridian::control {

TEST_SUITE("control/self_test") {
  TEST_CASE("a snapshot that serves all of its zones passes, whatever was served before") {
    test::SiteFixture fixture;
    fixture.start();
    const auto serving = fixture.reloader.serving().get();
    const auto names = zone_names(*serving->snapshot);
    CHECK(names == std::vector<std::string>{"example.com"});
    CHECK(self_test(*serving, names));
    CHECK_MESSAGE(self_test(*serving, {"example.com", "example.org"}), "the map no longer names example.org");
  }

  TEST_CASE("a zone that the map names and the snapshot lacks fails") {
    test::SiteFixture fixture;
    fixture.start();
    auto serving = *fixture.reloader.serving().get();
    auto snapshot = std::make_shared<query::Snapshot>();
    snapshot->settings = serving.snapshot->settings;
    serving.snapshot = snapshot;
    const auto tested = self_test(serving, {"example.com"});
    REQUIRE_FALSE(tested);
    CHECK(tested.error() == "self-test: zone example.com was served before and is not served now");
    CHECK(self_test(serving, {}));
  }
}

}  // namespace meridian::control
