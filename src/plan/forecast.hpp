// Who would land where if sites withdrew their anycast addresses, from what each site counted of its clients.
//
// Nobody but the Internet's routers knows. What is assumed is that the clients of a network go where its
// nearest kin go already: those of the same network, of its surroundings, of its autonomous system, of its
// country. docs/anycast.md tells how far that holds. Immutable results; slow and off line.
#pragma once

#include "geo/geo_database.hpp"
#include "geo/places.hpp"
#include "plan/demand.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meridian::plan {

struct SiteDemand {
  std::string name;
  Demand demand;
  std::optional<double> capacity;  ///< in the unit of the demand
  bool is_withdrawn = false;
};

/// What a prediction rests on: whose kin of the network were seen at the other sites. The best first.
enum class Evidence : std::uint8_t {
  Network,          ///< the network itself
  Surroundings,     ///< its IPv4 /16, its IPv6 /32
  SystemInCountry,  ///< its autonomous system, in its country
  System,
  Country,
  Continent,
  None,  ///< everyone
};
inline constexpr std::size_t kEvidenceCount = 7;

/// Amounts by Evidence.
using ByEvidence = std::array<double, kEvidenceCount>;

/// "network", "surroundings", …: as JSON has it.
[[nodiscard]] const char* to_string(Evidence evidence) noexcept;

struct SiteForecast {
  /// What its capacity is worth: enough even for all that may come; enough for what is expected; not enough.
  enum class Verdict : std::uint8_t { Unknown, Holds, MayHold, TooLittle };

  std::string name;
  bool is_withdrawn = false;
  double now = 0;
  ByEvidence gained{};        ///< expected
  double gained_at_most = 0;  ///< were all to come that have kin here
  std::optional<double> capacity;

  [[nodiscard]] double then() const noexcept;
  [[nodiscard]] double at_most() const noexcept { return is_withdrawn ? 0 : now + gained_at_most; }
  [[nodiscard]] Verdict verdict() const noexcept;
};

struct CountryForecast {
  std::string code;  ///< "DE"; empty: not known
  std::string name;
  double moved = 0;
  std::vector<double> to;  ///< by the index of the site; they sum to `moved`
};

struct Forecast {
  std::vector<SiteForecast> sites;  ///< as given
  double total = 0;
  double moved = 0;
  ByEvidence by_evidence{};                ///< sum to `moved`
  std::vector<CountryForecast> countries;  ///< most moved first
};

/// At least one site is withdrawn and one is not. `places` and `database` know where networks are.
[[nodiscard]] Forecast forecast(std::span<const SiteDemand> sites, const geo::GeoDatabase& database,
                                const geo::Places& places);

}  // namespace meridian::plan
