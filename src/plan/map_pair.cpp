#include "plan/map_pair.hpp"

#include <algorithm>
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
  for (const auto family : {base::Family::V4, base::Family::V6}) sum(family);
}

std::uint64_t MapPair::key_of(std::span<const std::uint32_t> values) const noexcept {
  // Private space that nobody named has its neighbours' leaves, and its clients the tiers of unknown ones.
  const bool old_private = (values[kOverlay] & kOldPrivate) != 0;
  const bool new_private = (values[kOverlay] & kNewPrivate) != 0;
  const std::uint64_t old = old_private ? base::index_of(old_.map->unknown) : values[kOldMap];
  const std::uint64_t now = new_private ? base::index_of(now_.map->unknown) : values[kNewMap];
  return old << 32 | now;
}

Amount MapPair::amount_of_block(std::span<const std::uint32_t> values,
                                const geo::TreeBlock& block) const noexcept {
  Amount amount = amount_of(block.family, block.bits);
  if (values[kDemand] != 0)
    amount.demand = demand_->density(values[kDemand]) * size_of(block.family, block.bits);
  return amount;
}

void MapPair::sum(base::Family family) {
  const Layers layers(family, old_, now_, demand_);
  const std::size_t file_count = layers.further_at - kFiles;
  std::uint64_t last_key = ~std::uint64_t{0};
  std::size_t at = 0;
  walk(layers.trees, [&](std::span<const std::uint32_t> values, const geo::TreeBlock& block) {
    if (is_carrier(values)) return;
    const auto key = key_of(values);
    if (key != last_key) {  // neighbours are often alike
      const auto [found, is_new] = index_.try_emplace(key, static_cast<std::uint32_t>(pairs_.size()));
      if (is_new)
        pairs_.push_back({static_cast<base::TiersId>(key >> 32), static_cast<base::TiersId>(key), {}, {}});
      at = found->second;
      last_key = key;
    }
    auto amount = amount_of_block(values, block);
    if (is_known(values, file_count)) {
      pairs_[at].known += amount;
    } else {
      pairs_[at].known.demand += amount.demand;
      amount.demand = 0;
      pairs_[at].unknown += amount;
    }
  });
}

void MapPair::visit(const std::function<bool(std::size_t)>& is_wanted, const FurtherTrees& further,
                    const std::function<void(const Block&)>& visit_block) const {
  visit(base::Family::V4, is_wanted, further.v4, visit_block);
  visit(base::Family::V6, is_wanted, further.v6, visit_block);
}

void MapPair::visit(base::Family family, const std::function<bool(std::size_t)>& is_wanted,
                    const Trees& further, const std::function<void(const Block&)>& visit_block) const {
  const Layers layers(family, old_, now_, demand_, further);
  const std::size_t file_count = layers.further_at - kFiles;
  const std::size_t new_files = now_.rules->database.files().size();
  std::vector<bool> wanted(pairs_.size());
  for (std::size_t i = 0; i < pairs_.size(); ++i) wanted[i] = is_wanted(i);
  const auto wanted_pair = [&](std::span<const std::uint32_t> values) -> std::optional<std::size_t> {
    const auto found = index_.find(key_of(values));
    return found == index_.end() || !wanted[found->second] ? std::nullopt : std::optional{found->second};
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
  const auto skip = [&](std::span<const geo::TreeState> at) {
    if (!at[kOldMap].is_leaf || !at[kNewMap].is_leaf || !at[kOverlay].is_leaf) return false;
    const std::uint32_t values[] = {at[kOldMap].value, at[kNewMap].value, at[kOverlay].value};
    return is_carrier(values) || !wanted_pair(values);
  };
  walk(layers.trees, visit_values, skip);
}

void MapPair::tally(std::span<const double> parts, PlaceTally& places) const {
  visit([&](std::size_t pair) { return parts[pair] > 0; }, {},
        [&](const Block& block) { places.add(block.records, block.amount * parts[block.pair]); });
}

}  // namespace meridian::plan
