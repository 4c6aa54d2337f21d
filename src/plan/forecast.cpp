#include "plan/forecast.hpp"

#include "base/assert.hpp"
#include "base/fact_memo.hpp"
#include "plan/amount.hpp"
#include "plan/lock_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace meridian::plan {
namespace {

/// What registries give to one network operator, more or less.
constexpr std::uint8_t kSurroundingV4Bits = 16;
constexpr std::uint8_t kSurroundingV6Bits = 32;

constexpr std::uint32_t kNoGroup = 0xffff'ffff;

constexpr std::size_t index_of(Evidence evidence) noexcept { return static_cast<std::size_t>(evidence); }

/// What a GeoIP record makes a block a member of.
struct Kin {
  std::uint32_t system_in_country = kNoGroup;
  std::uint32_t system = kNoGroup;
  std::uint32_t country = kNoGroup;
  std::uint32_t continent = kNoGroup;
  std::uint32_t row = 0;  ///< of its country in the result
};

/// A block whose queries have to go elsewhere.
struct Leaving {
  double amount = 0;
  std::vector<double> elsewhere;  ///< its queries at the other sites; empty: none
  std::uint32_t surroundings = kNoGroup;
  Kin kin;
};

class Forecaster {
 public:
  Forecaster(std::span<const SiteDemand> sites, const geo::GeoDatabase& database, const geo::Places& places)
      : sites_(sites), database_(database), places_(places), everyone_(sites.size(), 0.0) {}

  Forecast run() {
    for (const auto& site : sites_) {
      result_.sites.push_back({.name = site.name,
                               .is_withdrawn = site.is_withdrawn,
                               .now = site.demand.total(),
                               .gained = {},
                               .gained_at_most = 0,
                               .capacity = site.capacity});
      result_.total += site.demand.total();
    }
    for (const auto family : {base::Family::V4, base::Family::V6}) collect(family);
    fill_everyone();
    for (const auto& leaving : leaving_) land(leaving);
    std::erase_if(result_.countries, [](const CountryForecast& country) { return country.moved == 0; });
    std::stable_sort(
        result_.countries.begin(), result_.countries.end(),
        [](const CountryForecast& left, const CountryForecast& right) { return left.moved > right.moved; });
    return std::move(result_);
  }

 private:
  using Weights = std::vector<double>;  ///< by site; 0 for those that are withdrawn

  void collect(base::Family family) {
    Trees trees;
    for (const auto& site : sites_) trees.emplace_back(&site.demand.tree(family));
    const auto carriers = carrier_tree(family);
    trees.emplace_back(&carriers);
    for (const auto& source : database_.sources(family)) trees.push_back(source);
    base::FactMemo<Kin> kin_of;
    const auto visit = [&](std::span<const std::uint32_t> values, const geo::TreeBlock& block) {
      if (values[sites_.size()] != 0) return;
      const auto records = values.subspan(sites_.size() + 1);
      add(values.first(sites_.size()), block, kin_of.find(records, [&] { return find_kin(records); }));
    };
    const auto nobody_asks = [&](const geo::TreeStates& at) {
      for (std::size_t i = 0; i < sites_.size(); ++i) {
        if (!at.is_leaf(i) || at.value(i) != 0) return false;
      }
      return true;
    };
    walk(trees, visit, nobody_asks);
  }

  void add(std::span<const std::uint32_t> values, const base::IpPrefix& block, const Kin& kin) {
    const double size = size_of(block.address.family, block.bits);
    Weights staying(sites_.size(), 0.0);
    double leaving = 0;
    for (std::size_t i = 0; i < sites_.size(); ++i) {
      const double amount = sites_[i].demand.density(values[i]) * size;
      (sites_[i].is_withdrawn ? leaving : staying[i]) += amount;
    }
    const bool has_staying = std::any_of(staying.begin(), staying.end(), [](double w) { return w > 0; });
    if (!has_staying && leaving == 0) return;
    const auto surroundings = group(fmt::format("net {}", base::to_string(surroundings_of(block))));
    if (has_staying) {
      for (const auto id : {surroundings, kin.system_in_country, kin.system, kin.country, kin.continent}) {
        if (id == kNoGroup) continue;
        for (std::size_t i = 0; i < staying.size(); ++i) groups_[id][i] += staying[i];
      }
    }
    if (leaving == 0) return;
    leaving_.push_back({leaving, has_staying ? std::move(staying) : Weights{}, surroundings, kin});
  }

  static base::IpPrefix surroundings_of(const base::IpPrefix& block) {
    const auto bits = block.address.family == base::Family::V4 ? kSurroundingV4Bits : kSurroundingV6Bits;
    const auto kept = std::min(block.bits, bits);
    return {base::masked(block.address, kept), kept};
  }

  std::uint32_t group(std::string name) {
    const auto [at, is_new] =
        group_ids_.try_emplace(std::move(name), static_cast<std::uint32_t>(groups_.size()));
    if (is_new) groups_.emplace_back(sites_.size(), 0.0);
    return at->second;
  }

  Kin find_kin(std::span<const std::uint32_t> records) {
    const auto place = database_.merge(records).place;
    Kin kin;
    if (place.as_number != 0) {
      kin.system = group(fmt::format("AS{}", place.as_number));
      if (!place.country.empty())
        kin.system_in_country = group(fmt::format("AS{} {}", place.as_number, place.country));
    }
    if (!place.country.empty()) kin.country = group("country " + place.country);
    if (!place.continent.empty()) kin.continent = group("continent " + place.continent);
    const auto [row, is_new] =
        rows_.try_emplace(place.country, static_cast<std::uint32_t>(result_.countries.size()));
    if (is_new) {
      const auto* const country = places_.find_country(place.country);
      result_.countries.push_back({.code = place.country,
                                   .name = country == nullptr ? std::string{} : country->name,
                                   .moved = 0,
                                   .to = Weights(sites_.size(), 0.0)});
    }
    kin.row = row->second;
    return kin;
  }

  /// Where nobody was counted at all, one site is as good as another.
  void fill_everyone() {
    for (std::size_t i = 0; i < sites_.size(); ++i)
      if (!sites_[i].is_withdrawn) everyone_[i] = sites_[i].demand.total();
    if (sum(everyone_) > 0) return;
    for (std::size_t i = 0; i < sites_.size(); ++i) everyone_[i] = sites_[i].is_withdrawn ? 0 : 1;
  }

  static double sum(const Weights& weights) { return std::accumulate(weights.begin(), weights.end(), 0.0); }

  std::pair<Evidence, const Weights*> best_evidence(const Leaving& leaving) const {
    if (!leaving.elsewhere.empty()) return {Evidence::Network, &leaving.elsewhere};
    const std::pair<Evidence, std::uint32_t> candidates[] = {
        {Evidence::Surroundings, leaving.surroundings},
        {Evidence::SystemInCountry, leaving.kin.system_in_country},
        {Evidence::System, leaving.kin.system},
        {Evidence::Country, leaving.kin.country},
        {Evidence::Continent, leaving.kin.continent}};
    for (const auto& [evidence, id] : candidates) {
      if (id != kNoGroup && sum(groups_[id]) > 0) return {evidence, &groups_[id]};
    }
    return {Evidence::None, &everyone_};
  }

  void land(const Leaving& leaving) {
    const auto [evidence, weights] = best_evidence(leaving);
    const double all = sum(*weights);
    auto& country = result_.countries[leaving.kin.row];
    for (std::size_t i = 0; i < weights->size(); ++i) {
      if ((*weights)[i] == 0) continue;
      const double part = leaving.amount * (*weights)[i] / all;
      result_.sites[i].gained[index_of(evidence)] += part;
      result_.sites[i].gained_at_most += leaving.amount;
      country.to[i] += part;
    }
    country.moved += leaving.amount;
    result_.by_evidence[index_of(evidence)] += leaving.amount;
    result_.moved += leaving.amount;
  }

  std::span<const SiteDemand> sites_;
  const geo::GeoDatabase& database_;
  const geo::Places& places_;
  Weights everyone_;
  std::map<std::string, std::uint32_t> group_ids_;
  std::vector<Weights> groups_;
  std::map<std::string, std::uint32_t> rows_;
  std::vector<Leaving> leaving_;
  Forecast result_;
};

}  // namespace

const char* to_string(Evidence evidence) noexcept {
  static constexpr const char* kNames[kEvidenceCount] = {
      "network", "surroundings", "system_in_country", "system", "country", "continent", "none"};
  return kNames[index_of(evidence)];
}

double SiteForecast::then() const noexcept {
  return is_withdrawn ? 0 : std::accumulate(gained.begin(), gained.end(), now);
}

SiteForecast::Verdict SiteForecast::verdict() const noexcept {
  if (!capacity || is_withdrawn) return Verdict::Unknown;
  if (then() > *capacity) return Verdict::TooLittle;
  return at_most() > *capacity ? Verdict::MayHold : Verdict::Holds;
}

Forecast forecast(std::span<const SiteDemand> sites, const geo::GeoDatabase& database,
                  const geo::Places& places) {
  const auto withdrawn =
      std::count_if(sites.begin(), sites.end(), [](const SiteDemand& site) { return site.is_withdrawn; });
  MERIDIAN_ASSERT(withdrawn > 0 && static_cast<std::size_t>(withdrawn) < sites.size());
  return Forecaster(sites, database, places).run();
}

}  // namespace meridian::plan
