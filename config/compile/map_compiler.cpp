#include "config/compile/map_compiler.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <unordered_map>
#include <utility>

namespace meridian::compile {
namespace {

/// Values of the tree that marks space with rules of its own.
enum Special : std::uint32_t { kPublic = 0, kPrivate = 1, kCarrier = 2 };

geo::PrefixTree special_tree(base::Family family) {
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> networks;
  const auto add = [&](std::span<const base::IpPrefix> prefixes, Special special) {
    for (const auto& prefix : prefixes) {
      if (prefix.address.family == family) networks.emplace_back(prefix, special);
    }
  };
  add(base::carrier_networks(), kCarrier);
  add(base::private_networks(), kPrivate);  // ::1 lies inside ::/96 and is asked for as it is
  return geo::build_prefix_tree(family, networks, kPublic);
}

/// Decides each combination of (database records…, networks' chain) once.
class Decider {
 public:
  Decider(const RuleIndex& rules, const TierOrder& order, const geo::GeoDatabase& database,
          steering::TierTableBuilder& tiers)
      : rules_(rules), order_(order), database_(database), tiers_(tiers), rule_wins_(rules.rules().size()) {
    for (const auto& file : database.files()) by_record_.emplace_back(file->places.size());
  }

  struct Decision {
    std::uint32_t tiers = 0;
    bool is_made = false;
    bool is_named = false;     ///< by a network rule or a database record
    bool is_implicit = false;  ///< no rule wins
  };

  const Decision& decide(std::span<const std::uint32_t> places, std::uint32_t chain) {
    // Most blocks are in one file alone and in no network of a rule: a city database has millions of them.
    if (chain == 0) {
      if (const auto only = only_record(places)) {
        auto& decision = by_record_[*only][places[*only]];
        if (!decision.is_made) decision = make(places, chain);
        return decision;
      }
    }
    // A feed's networks are all alike, so that a million of them are one decision for each record.
    std::uint64_t key = rules_.chains().chain(chain).kind();
    for (const auto place : places) key = intern(key, place);
    const auto [found, is_new] = decisions_.try_emplace(key);
    if (is_new) found->second = make(places, chain);
    return found->second;
  }

  [[nodiscard]] const std::vector<bool>& rule_wins() const noexcept { return rule_wins_; }

  std::uint32_t intern_tiers(const Win& win, const geo::Place& place) {
    if (win.rule != kImplicitRule) rule_wins_[win.rule] = true;
    const auto& rules = rules_.rules();
    const bool by_client = win.rule == kImplicitRule || TierOrder::depends_on_client(rules[win.rule]);
    const bool has_place = by_client && place.at.has_value();
    const auto at = has_place ? *place.at : base::Coordinates{};
    const TiersKey key{.rule = win.rule, .has_place = has_place, .list = list_of(win), .at = at};
    const auto [found, is_new] = tiers_memo_.try_emplace(key, 0);
    if (is_new) {
      found->second =
          static_cast<std::uint32_t>(base::index_of(tiers_.intern(tiers_of(rules_, order_, win, place))));
    }
    return found->second;
  }

 private:
  /// What a rule's tiers for a place depend on.
  struct TiersKey {
    std::uint32_t rule = 0;
    bool has_place = false;
    std::uint64_t list = 0;  ///< of a networks file
    base::Coordinates at;    ///< with has_place

    friend bool operator==(const TiersKey&, const TiersKey&) = default;
  };
  struct TiersKeyHash {
    std::size_t operator()(const TiersKey& key) const noexcept {
      const auto at = base::mix(std::bit_cast<std::uint64_t>(key.at.latitude)) +
                      std::bit_cast<std::uint64_t>(key.at.longitude);
      return base::mix(at + base::mix(key.list * 2 + (key.has_place ? 1 : 0)) + key.rule);
    }
  };

  /// The file whose record it is, when no other file has one; the first file when none has.
  [[nodiscard]] static std::optional<std::size_t> only_record(std::span<const std::uint32_t> places) {
    std::size_t only = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (places[i] == 0) continue;
      if (places[only] != 0 && only != i) return std::nullopt;
      only = i;
    }
    if (places.empty()) return std::nullopt;
    return only;
  }

  /// What of a networks file's line the tiers depend on.
  [[nodiscard]] std::uint64_t list_of(const Win& win) const {
    if (win.rule == kImplicitRule || rules_.rules()[win.rule].order != config::Rule::Order::AsListed)
      return 0;
    return std::uint64_t{win.line.file} << 32 | rules_.entry_of(win).list;
  }

  /// Folds one more fact into a key: pairs get numbers in the order they are met.
  std::uint64_t intern(std::uint64_t left, std::uint32_t right) {
    if (right == 0 && left < (1u << 31)) return left;
    const auto next = (std::uint64_t{1} << 31) + pairs_.size();
    return pairs_.try_emplace(left << 32 | right, next).first->second;
  }

  Decision make(std::span<const std::uint32_t> places, std::uint32_t chain) {
    const geo::Place place = database_.merge(places).place;
    const Win win = rules_.find(place, chain);
    const bool by_network =
        win.atom != nullptr && (win.atom->place.kind == config::PlaceRef::Kind::Network ||
                                win.atom->place.kind == config::PlaceRef::Kind::NetworksFile);
    const bool by_record =
        std::any_of(places.begin(), places.end(), [](std::uint32_t id) { return id != 0; });
    return {.tiers = intern_tiers(win, place),
            .is_made = true,
            .is_named = by_network || by_record,
            .is_implicit = win.rule == kImplicitRule};
  }

  const RuleIndex& rules_;
  const TierOrder& order_;
  const geo::GeoDatabase& database_;
  steering::TierTableBuilder& tiers_;
  std::vector<bool> rule_wins_;
  std::vector<std::vector<Decision>> by_record_;  ///< by file and record, where nothing else matters
  std::unordered_map<std::uint64_t, Decision> decisions_;
  std::unordered_map<std::uint64_t, std::uint64_t> pairs_;
  std::unordered_map<TiersKey, std::uint32_t, TiersKeyHash> tiers_memo_;
};

/// Compiles one family. Private space that nobody named melts into its surroundings and is listed in
/// `unnamed_private`; only the networks in `split` keep a leaf of their own, because a rule names a part of
/// them and that part's scope must not reach beyond it.
geo::PrefixTree compile_family(base::Family family, const RuleIndex& rules, const geo::GeoDatabase& database,
                               Decider& decider, std::span<const base::IpPrefix> split,
                               std::vector<base::IpPrefix>& unnamed_private) {
  const auto special = special_tree(family);
  auto trees = database.sources(family);
  const std::size_t source_count = trees.size();
  trees.push_back(&rules.network_tree(family));
  trees.push_back(&special);
  return geo::combine(trees, [&](std::span<const std::uint32_t> values, const base::IpPrefix& block) {
    const std::uint32_t kind = values[source_count + 1];
    if (kind == kCarrier) return geo::kMelts;
    const auto& decision = decider.decide(values.first(source_count), values[source_count]);
    if (kind == kPublic || decision.is_named) return decision.tiers;
    unnamed_private.push_back(block);
    const bool is_split =
        std::any_of(split.begin(), split.end(), [&](const auto& network) { return network.contains(block); });
    return is_split ? decision.tiers : geo::kMelts;
  });
}

/// The private networks of which only a part is in `unnamed`.
std::vector<base::IpPrefix> find_split(base::Family family, const std::vector<base::IpPrefix>& unnamed) {
  std::vector<base::IpPrefix> split;
  for (const auto& network : base::private_networks()) {
    if (network.address.family != family) continue;
    const bool has_part = std::any_of(unnamed.begin(), unnamed.end(), [&](const auto& block) {
      return network.contains(block) && block != network;
    });
    if (has_part) split.push_back(network);
  }
  return split;
}

geo::PrefixTree compile_family(base::Family family, const RuleIndex& rules, const geo::GeoDatabase& database,
                               Decider& decider, std::vector<base::IpPrefix>& unnamed_private) {
  std::vector<base::IpPrefix> unnamed;
  auto tree = compile_family(family, rules, database, decider, {}, unnamed);
  // Rarely, and only then, a second pass: which networks are split is known after the first.
  if (const auto split = find_split(family, unnamed); !split.empty()) {
    unnamed.clear();
    tree = compile_family(family, rules, database, decider, split, unnamed);
  }
  unnamed_private.insert(unnamed_private.end(), unnamed.begin(), unnamed.end());
  return tree;
}

/// The rules for resolvers: query::SteeringMap::resolvers_v4 and _v6. Nothing of them is ever a scope, so
/// nothing has to melt but the carriers, which nobody looks up.
geo::PrefixTree compile_resolvers(base::Family family, const RuleIndex& rules,
                                  const geo::GeoDatabase& database, Decider& decider) {
  const auto special = special_tree(family);
  auto trees = database.sources(family);
  const std::size_t source_count = trees.size();
  trees.push_back(&rules.network_tree(family));
  trees.push_back(&special);
  return geo::combine(trees, [&](std::span<const std::uint32_t> values, const base::IpPrefix&) {
    if (values[source_count + 1] == kCarrier) return geo::kMelts;
    const auto& decision = decider.decide(values.first(source_count), values[source_count]);
    return decision.is_implicit ? query::kNoResolverRule : decision.tiers + 1;
  });
}

}  // namespace

std::vector<steering::TierEntry> tiers_of(const RuleIndex& rules, const TierOrder& order, const Win& win,
                                          const geo::Place& place) {
  if (win.rule == kImplicitRule) return order.tiers(config::Rule{}, place.at);
  return order.tiers(rules.rules()[win.rule], place.at, rules.listed(win));
}

CompiledMap compile_map(const RuleIndex& rules, const RuleIndex* resolvers, const TierOrder& order,
                        const geo::GeoDatabase& database, steering::TierTableBuilder& tiers) {
  query::SteeringMap map;
  map.name = rules.map().name.text;
  Decider decider(rules, order, database, tiers);
  map.v4 = compile_family(base::Family::V4, rules, database, decider, map.unnamed_private);
  map.v6 = compile_family(base::Family::V6, rules, database, decider, map.unnamed_private);
  std::sort(map.unnamed_private.begin(), map.unnamed_private.end());
  map.unknown = static_cast<base::TiersId>(decider.intern_tiers(rules.find({}, 0), {}));
  if (resolvers == nullptr) return {std::move(map), decider.rule_wins(), {}};
  map.has_resolvers = true;
  Decider resolver_decider(*resolvers, order, database, tiers);
  map.resolvers_v4 = compile_resolvers(base::Family::V4, *resolvers, database, resolver_decider);
  map.resolvers_v6 = compile_resolvers(base::Family::V6, *resolvers, database, resolver_decider);
  return {std::move(map), decider.rule_wins(), resolver_decider.rule_wins()};
}

}  // namespace meridian::compile
