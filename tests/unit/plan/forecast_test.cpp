#include "plan/forecast.hpp"

#include "geo/mmdb_reader.hpp"
#include "support/mmdb_writer.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace meridian::plan {
namespace {

using test::mmdb_map;

/// Networks of two German systems, one of them in France as well, a Spanish one without a system, and Japan.
struct World {
  World() : places(*geo::load_places(MERIDIAN_BINARY_DIR "/share/meridian/places.json")) {
    test::MmdbWriter writer;
    const auto insert = [&](const char* network, const char* country, const char* continent,
                            std::uint32_t system) {
      test::MmdbValue::Map record{{"country", mmdb_map({{"iso_code", country}})},
                                  {"continent", mmdb_map({{"code", continent}})}};
      if (system != 0) record.emplace_back("autonomous_system_number", system);
      writer.insert(network, mmdb_map(std::move(record)));
    };
    insert("5.1.0.0/16", "DE", "EU", 64'500);
    insert("5.2.0.0/16", "DE", "EU", 64'500);
    insert("5.3.0.0/16", "FR", "EU", 64'500);
    insert("5.4.0.0/16", "DE", "EU", 64'501);
    insert("5.5.0.0/16", "ES", "EU", 0);
    insert("5.6.0.0/16", "JP", "AS", 0);
    insert("2a00:1::/32", "DE", "EU", 64'500);
    const test::MemoryFile file(writer.bytes());
    files.push_back(std::make_shared<const geo::GeoFile>(*geo::load_geo_file(file.path(), places)));
  }

  geo::Places places;
  geo::GeoDatabase::Files files;
};

SiteDemand site(std::string name, const std::string& text, bool is_withdrawn = false,
                std::optional<double> capacity = {}) {
  auto demand = parse_demand(text, name);
  REQUIRE(demand);
  return {std::move(name), std::move(*demand), capacity, is_withdrawn};
}

Forecast run(const std::vector<SiteDemand>& sites) {
  static const World world;
  const geo::GeoDatabase database(world.files, world.places);
  const auto result = forecast(sites, database, world.places);
  // Nothing gets lost on the way.
  double gained = 0;
  double now = 0;
  for (const auto& one : result.sites) {
    gained += std::accumulate(one.gained.begin(), one.gained.end(), 0.0);
    now += one.now;
    CHECK(one.then() <= doctest::Approx(one.at_most()));
  }
  CHECK(gained == doctest::Approx(result.moved));
  CHECK(now == doctest::Approx(result.total));
  CHECK(std::accumulate(result.by_evidence.begin(), result.by_evidence.end(), 0.0) ==
        doctest::Approx(result.moved));
  return result;
}

double amount(const ByEvidence& amounts, Evidence evidence) {
  return amounts[static_cast<std::size_t>(evidence)];
}

}  // namespace

TEST_SUITE("plan/forecast") {
  TEST_CASE("the nearest kin of a network decides, and the next best where there is none") {
    struct Row {
      const char* leaving;
      const char* at_fra;
      const char* at_iad;
      Evidence evidence;
      double to_fra;  ///< of 100
    };
    // What stands farther off in the other file would pull the other way, were it asked.
    const Row rows[] = {
        {"5.1.7.0/24", "5.1.7.0/24 30\n5.1.8.0/24 7", "5.1.7.0/24 10\n5.1.9.0/24 900", Evidence::Network, 75},
        {"5.1.7.0/24", "5.1.8.0/24 20\n", "5.1.9.0/24 80\n5.2.0.0/24 900", Evidence::Surroundings, 20},
        {"5.1.7.0/24", "5.2.8.0/24 50", "5.3.9.0/24 900\n5.4.0.0/24 900", Evidence::SystemInCountry, 100},
        {"5.1.7.0/24", "5.3.8.0/24 1", "5.4.9.0/24 900", Evidence::System, 100},
        {"5.1.7.0/24", "5.4.8.0/24 3", "5.5.9.0/24 900\n5.4.9.0/24 1", Evidence::Country, 75},
        {"5.1.7.0/24", "5.5.8.0/24 3", "5.6.9.0/24 900", Evidence::Continent, 100},
        {"5.1.7.0/24", "5.6.8.0/24 30", "8.8.8.0/24 10", Evidence::None, 75},
        {"8.8.8.0/24", "8.8.4.0/24 1", "5.6.9.0/24 900", Evidence::Surroundings, 100},
        {"9.9.9.0/24", "8.8.4.0/24 10", "5.6.9.0/24 30", Evidence::None, 25},
        // A system is one in both families, surroundings are not.
        {"2a00:1:5::/48", "5.1.8.0/24 1", "5.5.9.0/24 900", Evidence::SystemInCountry, 100},
        {"2a00:1:5::/48", "2a00:1:6::/48 1", "5.1.8.0/24 900", Evidence::Surroundings, 100},
        // Wider than what surroundings are of.
        {"5.0.0.0/15", "5.4.0.0/24 1", "5.1.9.0/24 1", Evidence::Surroundings, 0},
    };
    for (const auto& row : rows) {
      CAPTURE(row.leaving);
      CAPTURE(row.at_fra);
      CAPTURE(row.at_iad);
      const auto result = run({site("ams", std::string(row.leaving) + " 100\n", true),
                               site("fra", row.at_fra), site("iad", row.at_iad)});
      if (std::string_view(row.leaving) == "5.0.0.0/15") {
        // Half of it is in 5.1.0.0/16, of which 5.1.9.0/24 lies in that very network; of 5.0.0.0/16 nothing
        // is known.
        CHECK(amount(result.by_evidence, Evidence::Surroundings) == doctest::Approx(50).epsilon(0.01));
        CHECK(amount(result.by_evidence, Evidence::None) == doctest::Approx(50));
        continue;
      }
      CHECK(result.moved == 100);
      CHECK(amount(result.by_evidence, row.evidence) == doctest::Approx(100));
      CHECK(amount(result.sites[1].gained, row.evidence) == doctest::Approx(row.to_fra));
      CHECK(result.sites[1].then() == doctest::Approx(result.sites[1].now + row.to_fra));
      CHECK(result.sites[0].then() == 0);
    }
  }

  TEST_CASE("at most all come that have kin there at all") {
    // 300 have Germans at fra and iad, one to three; 100 are known at fra alone.
    const auto result = run({site("ams", "5.1.7.0/24 300\n5.6.1.0/24 100\n", true),
                             site("fra", "5.1.8.0/24 10\n5.6.2.0/24 50\n"), site("iad", "5.1.9.0/24 30\n")});
    CHECK(result.sites[1].now == 60);
    CHECK(result.sites[1].then() == doctest::Approx(60 + 75 + 100));
    CHECK(result.sites[1].at_most() == doctest::Approx(60 + 400));
    CHECK(result.sites[2].then() == doctest::Approx(30 + 225));
    CHECK(result.sites[2].at_most() == doctest::Approx(30 + 300));
  }

  TEST_CASE("a capacity holds for all that may come, for what is expected, or not") {
    using Verdict = SiteForecast::Verdict;
    struct Row {
      std::optional<double> capacity;
      Verdict verdict;
    };
    // Expected at fra: 10 + 75, at most 10 + 300.
    for (const auto& row :
         {Row{{}, Verdict::Unknown}, Row{310, Verdict::Holds}, Row{309, Verdict::MayHold},
          Row{85, Verdict::MayHold}, Row{84, Verdict::TooLittle}, Row{0, Verdict::TooLittle}}) {
      CAPTURE(row.capacity.value_or(-1));
      const auto result =
          run({site("ams", "5.1.7.0/24 300\n", true, 1), site("fra", "5.1.8.0/24 10\n", false, row.capacity),
               site("iad", "5.1.9.0/24 30\n")});
      CHECK(result.sites[1].verdict() == row.verdict);
      CHECK(result.sites[0].verdict() == Verdict::Unknown);
    }
  }

  TEST_CASE("where several sites withdraw, what one saw tells nothing of where the other's clients go") {
    const auto result = run({site("ams", "5.1.7.0/24 100\n", true), site("fra", "5.1.8.0/24 900\n", true),
                             site("iad", "5.6.2.0/24 1\n"), site("sin", "5.4.2.0/24 1\n")});
    CHECK(result.moved == doctest::Approx(1'000));
    CHECK(amount(result.by_evidence, Evidence::Country) == doctest::Approx(1'000));
    CHECK(result.sites[3].then() == doctest::Approx(1'001));
  }

  TEST_CASE("countries tell from where to which site, most first") {
    const auto result =
        run({site("ams", "5.6.1.0/24 50\n5.1.7.0/24 200\n5.4.7.0/24 100\n8.8.8.0/24 1\n", true),
             site("fra", "5.1.8.0/24 10\n"), site("sin", "5.6.2.0/24 30\n5.1.9.0/24 10\n")});
    REQUIRE(result.countries.size() == 3);
    CHECK(result.countries[0].code == "DE");
    CHECK(result.countries[0].name == "Germany");
    CHECK(result.countries[0].moved == doctest::Approx(300));
    CHECK(result.countries[0].to[1] == doctest::Approx(150));
    CHECK(result.countries[1].code == "JP");
    CHECK(result.countries[1].to == std::vector<double>{0, 0, 50});
    CHECK(result.countries[2].code.empty());
  }

  TEST_CASE("where nobody was counted one site is as good as another") {
    const auto result = run({site("ams", "5.1.7.0/24 100\n", true), site("fra", ""), site("iad", "")});
    CHECK(result.sites[1].then() == doctest::Approx(50));
    CHECK(result.sites[2].then() == doctest::Approx(50));
  }

  TEST_CASE("a site that nobody asked moves nobody") {
    const auto result = run({site("ams", "", true), site("fra", "5.1.8.0/24 10\n", false, 10)});
    CHECK(result.moved == 0);
    CHECK(result.countries.empty());
    CHECK(result.sites[1].verdict() == SiteForecast::Verdict::Holds);
  }
}

}  // namespace meridian::plan
