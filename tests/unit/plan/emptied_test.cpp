#include "plan/emptied.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

namespace meridian::plan {
namespace {

using Names = std::vector<std::string>;

struct Fixture : test::MapFixture {
  Fixture() : MapFixture(MERIDIAN_BINARY_DIR "/share/meridian") {
    write_standard();
    write("maps.yaml", "maps: {web: {}}\n");
    write_services("www.example.com: {map: web, pools: {ams: [192.0.2.1], iad: [198.51.100.1]}}",
                   "api.example.com: {map: web, pools: {ams: [192.0.2.2]}}");
  }
  void write_services(const std::string& first, const std::string& second = "") const {
    write("services.yaml", "services:\n  " + first + "\n  " + second + "\n");
  }
};

}  // namespace

TEST_SUITE("plan/emptied") {
  TEST_CASE("names that lose their last answer are found, and no others") {
    struct Row {
      const char* why;
      std::function<void(const Fixture&)> change;
      Names emptied;
    };
    const char* const kWww = "www.example.com: {map: web, pools: {ams: [192.0.2.1]}}";
    const Row rows[] = {
        {"nothing changes", [](const Fixture&) {}, {}},
        {"a pool less",
         [&](const Fixture& f) {
           f.write_services(kWww, "api.example.com: {map: web, pools: {ams: [192.0.2.2]}}");
         },
         {}},
        {"a service is gone", [&](const Fixture& f) { f.write_services(kWww); }, {"api.example.com"}},
        {"a service has become a record",
         [&](const Fixture& f) {
           f.write_services(kWww);
           f.write("zones/example.com.zone",
                   "$ORIGIN example.com.\n$TTL 60\n@ SOA ns1 host 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.53\n"
                   "api A 192.0.2.2\n");
         },
         {}},
        {"its only pool is not in use",
         [&](const Fixture& f) {
           f.write_services(
               kWww, "api.example.com: {map: web, pools: {ams: {addresses: [192.0.2.2], force: down}}}");
         },
         {"api.example.com"}},
        {"no rule leads anywhere",
         [](const Fixture& f) {
           f.write("maps.yaml", "maps: {web: {rules: [{for: everyone, only: []}]}}\n");
         },
         {"api.example.com", "www.example.com"}},
        {"some have no way any more",
         [](const Fixture& f) {
           f.write("maps.yaml",
                   "maps: {web: {rules: [{for: GB, only: []}, {for: everyone, prefer: [ams]}]}}\n");
         },
         {}},
        {"another name",
         [&](const Fixture& f) {
           f.write_services(kWww, "new.example.com: {map: web, pools: {ams: [192.0.2.2]}}");
         },
         {"api.example.com"}},
    };
    const Fixture before;
    const auto old = before.must_compile().snapshot;
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const Fixture after;
      row.change(after);
      CHECK(find_emptied(*old, *after.must_compile().snapshot) == row.emptied);
    }
  }

  TEST_CASE("what had no answer before loses none") {
    const Fixture before;
    before.write("maps.yaml", "maps: {web: {rules: [{for: everyone, only: []}]}}\n");
    const Fixture after;
    after.write_services("www.example.com: {map: web, pools: {ams: [192.0.2.1]}}");
    CHECK(find_emptied(*before.must_compile().snapshot, *after.must_compile().snapshot).empty());
  }
}

}  // namespace meridian::plan
