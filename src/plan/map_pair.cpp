#include "plan/map_pair.hpp"

#include <algorithm>
#include <future>
#include <optional>

namespace meridian::plan {
namespace {

// The trees of a walk, in this order; then the databases' files.
enum Layer : std::size_t { kOldMap, kNewMap, kOverlay, kDemand, kFiles };

/// The files of both maps, each once: most often they are the same.
Trees database_trees(base::Family family, const MapView& old, const MapView& now) {
  Trees files = now.rules->database.sources(family);
  for (const auto& tree : old.rules->database.sources(family)) {
    if (std::find(files.begin(), files.end(), tree) == files.end()) files.push_back(tree);
  }
  return files;
}

std::uint64_t pair_key(base::TiersId old, base::TiersId now) noexcept {
  return std::uint64_t{base::index_of(old)} << 32 | base::index_of(now);
}

bool is_carrier(std::span<const std::uint32_t> values) noexcept { return (values[kOverlay] & kCarrier) != 0; }

bool is_known(std::span<const std::uint32_t> values, std::size_t file_count) noexcept {
  if ((values[kOverlay] & kNamed) != 0) return true;
  const auto files = values.subspan(kFiles, file_count);
  return std::any_of(files.begin(), files.end(), [](std::uint32_t place) { return place != 0; });
}

}  // namespace

/// What is walked for one family.
struct MapPair::Layers {
  Layers(base::Family family, const MapView& old, const MapView& now, const Demand* demand,
         const Trees& further = {})
      : overlay(mark_overlay(family, old, now)), no_demand(family, 0) {
    const auto tiers_of = [family](const MapView& view, std::optional<geo::PrefixTree>& resolvers) {
      if (!view.as_resolvers) return &view.map->tree(family);
      resolvers = resolver_tiers(family, *view.map);
      return static_cast<const geo::PrefixTree*>(&*resolvers);
    };
    trees = {tiers_of(old, old_resolvers), tiers_of(now, new_resolvers), &overlay,
             demand != nullptr ? &demand->tree(family) : &no_demand};
    const auto files = database_trees(family, old, now);
    trees.insert(trees.end(), files.begin(), files.end());
    further_at = trees.size();
    trees.insert(trees.end(), further.begin(), further.end());
  }

  std::optional<geo::PrefixTree> old_resolvers;
  std::optional<geo::PrefixTree> new_resolvers;
  geo::PrefixTree overlay;
  geo::PrefixTree no_demand;
  Trees trees;
  std::size_t further_at = 0;  ///< the databases' files end and the further trees begin
};

MapPair::MapPair(const MapView& old, const MapView& now, const Demand* demand)
    : old_(old), now_(now), demand_(demand) {
  auto v6 = std::async(std::launch::async, [this] { return sum(base::Family::V6); });
  sums_ = sum(base::Family::V4);
  sums_.add(v6.get());
}

std::uint32_t MapPair::Sums::find_or_add(std::uint64_t key) {
  const auto [found, is_new] = index.try_emplace(key, static_cast<std::uint32_t>(pairs.size()));
  if (is_new)
    pairs.push_back({static_cast<base::TiersId>(key >> 32), static_cast<base::TiersId>(key), {}, {}});
  return found->second;
}

void MapPair::Sums::add(const Sums& other) {
  for (const auto& pair : other.pairs) {
    auto& own = pairs[find_or_add(pair_key(pair.old, pair.now))];
    own.known += pair.known;
    own.unknown += pair.unknown;
  }
}

std::uint64_t MapPair::key_of(std::span<const std::uint32_t> values) const noexcept {
  // Private space that nobody named has its neighbours' leaves, and its clients the tiers of unknown ones.
  const bool old_private = (values[kOverlay] & kOldPrivate) != 0;
  const bool new_private = (values[kOverlay] & kNewPrivate) != 0;
  return pair_key(old_private ? old_.map->unknown : static_cast<base::TiersId>(values[kOldMap]),
                  new_private ? now_.map->unknown : static_cast<base::TiersId>(values[kNewMap]));
}

Amount MapPair::amount_of_block(std::span<const std::uint32_t> values,
                                const geo::TreeBlock& block) const noexcept {
  Amount amount = amount_of(block.family, block.bits);
  if (values[kDemand] != 0)
    amount.demand = demand_->density(values[kDemand]) * size_of(block.family, block.bits);
  return amount;
}

MapPair::Sums MapPair::sum(base::Family family) const {
  const Layers layers(family, old_, now_, demand_);
  const std::size_t file_count = layers.further_at - kFiles;
  Sums sums;
  std::uint64_t last_key = ~std::uint64_t{0};
  std::size_t at = 0;
  walk(layers.trees, [&](std::span<const std::uint32_t> values, const geo::TreeBlock& block) {
    if (is_carrier(values)) return;
    const auto key = key_of(values);
    if (key != last_key) {  // neighbours are often alike
      at = sums.find_or_add(key);
      last_key = key;
    }
    auto amount = amount_of_block(values, block);
    auto& pair = sums.pairs[at];
    if (is_known(values, file_count)) {
      pair.known += amount;
    } else {
      pair.known.demand += amount.demand;
      amount.demand = 0;
      pair.unknown += amount;
    }
  });
  return sums;
}

void MapPair::visit(base::Family family, const std::function<bool(std::size_t)>& is_wanted,
                    const Trees& further, const std::function<void(const Block&)>& visit_block) const {
  const Layers layers(family, old_, now_, demand_, further);
  const std::size_t file_count = layers.further_at - kFiles;
  const std::size_t new_files = now_.rules->database.files().size();
  std::vector<bool> wanted(sums_.pairs.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = is_wanted(i);
  const auto wanted_pair = [&](std::span<const std::uint32_t> values) -> std::optional<std::size_t> {
    const auto found = sums_.index.find(key_of(values));
    return found == sums_.index.end() || !wanted[found->second] ? std::nullopt : std::optional{found->second};
  };
  const auto visit_values = [&](std::span<const std::uint32_t> values, const geo::TreeBlock& block) {
    if (is_carrier(values)) return;
    const auto pair = wanted_pair(values);
    if (!pair) return;
    auto amount = amount_of_block(values, block);
    if (!is_known(values, file_count)) amount.v4 = amount.v6 = 0;
    if (amount.is_zero()) return;
    visit_block({*pair, values.subspan(kFiles, new_files), values.subspan(layers.further_at), amount});
  };
  // Where the maps and the overlay end, all below is one pair: not worth a walk when nobody asks for it.
  const auto skip = [&](const geo::TreeStates& at) {
    if (!at.is_leaf(kOldMap) || !at.is_leaf(kNewMap) || !at.is_leaf(kOverlay)) return false;
    const std::uint32_t values[] = {at.value(kOldMap), at.value(kNewMap), at.value(kOverlay)};
    return is_carrier(values) || !wanted_pair(values);
  };
  walk(layers.trees, visit_values, skip);
}

void MapPair::tally(base::Family family, std::span<const double> parts, PlaceTally& places) const {
  visit(
      family, [&](std::size_t pair) { return parts[pair] > 0; }, {},
      [&](const Block& block) { places.add(block.records, block.amount * parts[block.pair]); });
}

}  // namespace meridian::plan
