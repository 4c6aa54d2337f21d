#include "geo/place_table.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace meridian::geo {
namespace {

Place place(const char* country, const char* city, std::optional<base::Coordinates> at) {
  Place made;
  made.country = country;
  made.city = city;
  made.at = at;
  return made;
}

}  // namespace

TEST_SUITE("geo/place_table") {
  TEST_CASE("equal places are one, and places that differ in coordinates alone share their area") {
    PlaceTable table;
    const base::Coordinates here{52.5, 13.4};
    const base::Coordinates there{52.4, 13.4};
    const auto first = table.intern(place("DE", "Berlin", here));
    const auto second = table.intern(place("DE", "Berlin", there));
    const auto unplaced = table.intern(place("DE", "Berlin", std::nullopt));
    const auto other = table.intern(place("DE", "Bonn", here));
    CHECK(table.intern(place("DE", "Berlin", here)) == first);
    CHECK(table.intern(Place{}) == 0);
    CHECK(table.size() == 5);
    CHECK(table.known() == KnownFields{.country = true,
                                       .subdivision = false,
                                       .city = true,
                                       .geoname_id = false,
                                       .coordinates = true,
                                       .as_number = false});

    const auto list = std::move(table).take_places();
    CHECK(list.areas().size() == 3);
    CHECK(list.area_index(first) == list.area_index(second));
    CHECK(list.area_index(first) == list.area_index(unplaced));
    CHECK(list.area_index(first) != list.area_index(other));
    CHECK(list[first] == place("DE", "Berlin", here));
    CHECK(list[second] == place("DE", "Berlin", there));
    CHECK(list[unplaced] == place("DE", "Berlin", std::nullopt));
    CHECK(list.area(other) == place("DE", "Bonn", std::nullopt));
    CHECK(list[0] == Place{});
  }

  TEST_CASE("every field makes a place different") {
    PlaceTable table;
    Place base = place("DE", "Berlin", base::Coordinates{52.5, 13.4});
    static_cast<void>(table.intern(base));
    const auto expect_new = [&](const Place& changed) {
      const auto before = table.size();
      CHECK(table.intern(changed) == before);
      CHECK(table.intern(base) == 1);
    };
    const auto change = [&](auto field, auto value) {
      Place changed = base;
      changed.*field = value;
      expect_new(changed);
    };
    change(&Place::continent, "EU");
    change(&Place::country, "AT");
    change(&Place::outer_subdivision, "DE-BE");
    change(&Place::inner_subdivision, "DE-X");
    change(&Place::city, "Bonn");
    change(&Place::geoname_id, 5u);
    change(&Place::at, base::Coordinates{52.5, 13.5});
    change(&Place::as_number, 64'500u);
    change(&Place::as_name, "Example");
  }

  TEST_CASE("records are numbered as they come, and their places are the same as when taken in one by one") {
    PlaceTable table;
    PlaceTable one_by_one;
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < 5'000; ++i) {
      const auto said = i % 7 == 0 ? Place{}
                                   : place("DE", std::to_string(i % 30).c_str(),
                                           base::Coordinates{static_cast<double>(i % 1'100) / 100, 7});
      REQUIRE(table.add_record(said) == i);
      expected.push_back(one_by_one.intern(said));
    }
    CHECK(table.size() == 1);
    CHECK(table.known().coordinates);
    CHECK(table.settle() == expected);
    CHECK(table.size() == one_by_one.size());
    CHECK(table.settle().empty());
  }

  TEST_CASE("places of another table are found among those that are there, and added where they are not") {
    PlaceTable table;
    PlaceTable other;
    const auto berlin = place("DE", "Berlin", base::Coordinates{52.5, 13.4});
    const auto nowhere = place("DE", "Berlin", std::nullopt);
    const auto paris = place("FR", "Paris", base::Coordinates{48.9, 2.4});
    static_cast<void>(table.intern(place("AT", "Wien", std::nullopt)));
    const auto known = table.intern(berlin);
    for (const auto& each : {paris, berlin, nowhere}) static_cast<void>(other.intern(each));
    const auto ids = table.absorb(std::move(other).take_places());
    CHECK(ids == std::vector<std::uint32_t>{0, 3, known, 4});
    const auto list = std::move(table).take_places();
    CHECK(list[3] == paris);
    CHECK(list[4] == nowhere);
    CHECK(list.areas().size() == 4);
  }

  TEST_CASE("thousands of places and offsets keep their numbers while the tables grow") {
    PlaceTable table;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      const auto index = table.intern(
          place("DE", std::to_string(i / 10).c_str(), base::Coordinates{static_cast<double>(i) / 1'000, 0}));
      REQUIRE(index == i + 1);
      table.at_offset(i * 16) = index;
    }
    CHECK(table.record_count() == 20'000);
    for (std::uint32_t i = 0; i < 20'000; i += 7) REQUIRE(table.at_offset(i * 16) == i + 1);
    CHECK(table.at_offset(3) == PlaceTable::kUnread);
    const auto list = std::move(table).take_places();
    CHECK(list.areas().size() == 2'001);
  }
}

}  // namespace meridian::geo
