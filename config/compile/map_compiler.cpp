#include "config/compile/map_compiler.hpp"

#include "base/fact_memo.hpp"
#include "config/compile/decider.hpp"
#include "geo/lock_step.hpp"

#include <algorithm>
#include <deque>
#include <future>
#include <map>
#include <optional>
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

/// What clients of a block get, as far as walking needs to know it.
struct Outcome {
  std::uint32_t value = 0;  ///< a TiersId, or a class of clients
  bool is_named = false;    ///< by a network rule or a database record
};

/// The trees of one family in which clients differ: the databases', that of the rules' networks, and the
/// space with rules of its own.
struct Facts {
  Facts(base::Family family, const geo::GeoDatabase& database, const geo::PrefixTree* networks)
      : special(special_tree(family)), no_networks(family, 0), trees(database.sources(family)) {
    record_count = trees.size();
    trees.emplace_back(networks != nullptr ? networks : &no_networks);
    trees.emplace_back(&special);
  }
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;

  geo::PrefixTree special;
  geo::PrefixTree no_networks;
  std::vector<geo::TreeView> trees;
  std::size_t record_count = 0;
};

/// Compiles one family with `decide(records, chain)` → Outcome. Private space that nobody named melts into
/// its surroundings and is listed in `unnamed_private`; only the networks in `split` keep a leaf of their
/// own, because a rule names a part of them and that part's scope must not reach beyond it.
template <typename Decide>
geo::PrefixTree compile_family(const Facts& facts, Decide& decide, std::span<const base::IpPrefix> split,
                               std::vector<base::IpPrefix>& unnamed_private) {
  const std::size_t count = facts.record_count;
  return geo::combine(facts.trees, [&](std::span<const std::uint32_t> values, const geo::TreeBlock& block) {
    const std::uint32_t kind = values[count + 1];
    if (kind == kCarrier) return geo::kMelts;
    const Outcome outcome = decide(values.first(count), values[count]);
    if (kind == kPublic || outcome.is_named) return outcome.value;
    const base::IpPrefix prefix = block;
    unnamed_private.push_back(prefix);
    const bool is_split = std::any_of(split.begin(), split.end(),
                                      [&](const auto& network) { return network.contains(prefix); });
    return is_split ? outcome.value : geo::kMelts;
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

template <typename Decide>
geo::PrefixTree compile_family(base::Family family, const geo::GeoDatabase& database,
                               const geo::PrefixTree* networks, Decide decide,
                               std::vector<base::IpPrefix>& unnamed_private) {
  const Facts facts(family, database, networks);
  std::vector<base::IpPrefix> unnamed;
  auto tree = compile_family(facts, decide, {}, unnamed);
  // Rarely, and only then, a second pass: which networks are split is known after the first.
  if (const auto split = find_split(family, unnamed); !split.empty()) {
    unnamed.clear();
    tree = compile_family(facts, decide, split, unnamed);
  }
  unnamed_private.insert(unnamed_private.end(), unnamed.begin(), unnamed.end());
  return tree;
}

/// The rules for resolvers: query::SteeringMap::resolvers_v4 and _v6. Nothing of them is ever a scope, so
/// nothing has to melt but the carriers, which nobody looks up.
geo::PrefixTree compile_resolvers(base::Family family, const MapParts& parts, Decider& decider) {
  const Facts facts(family, *parts.database, &parts.resolvers->network_tree(family));
  const std::size_t count = facts.record_count;
  return geo::combine(facts.trees, [&](std::span<const std::uint32_t> values, const geo::TreeBlock&) {
    if (values[count + 1] == kCarrier) return geo::kMelts;
    const auto decision = decider.decide(values.first(count), values[count]);
    return decision.is_implicit ? query::kNoResolverRule : decision.tiers + 1;
  });
}

/// Sorts clients into classes that no map of a group tells apart.
class Classes {
 public:
  explicit Classes(std::deque<Decider>& deciders) : deciders_(deciders) {}

  [[nodiscard]] std::uint32_t find(std::span<const std::uint32_t> records) {
    return class_of_.find(records, [&] {
      std::vector<std::uint32_t> tiers;
      for (auto& decider : deciders_) tiers.push_back(decider.decide(records, 0).tiers);
      const auto [known, is_new] = ids_.try_emplace(tiers, static_cast<std::uint32_t>(tiers_.size()));
      if (is_new) tiers_.push_back(std::move(tiers));
      return known->second;
    });
  }

  [[nodiscard]] std::uint32_t tiers(std::uint32_t id, std::size_t map) const { return tiers_[id][map]; }

 private:
  std::deque<Decider>& deciders_;
  base::FactMemo<std::uint32_t> class_of_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> ids_;
  std::vector<std::vector<std::uint32_t>> tiers_;
};

/// One family of the maps of a group. Tier lists have numbers of their own here, so that the families can be
/// compiled at the same time and yet always come out the same.
struct FamilyMaps {
  struct Own {
    geo::PrefixTree clients;
    std::optional<geo::PrefixTree> resolvers;
    std::vector<bool> rule_wins;
    std::vector<bool> resolver_rule_wins;
  };
  steering::TierTableBuilder tiers;
  std::vector<Own> maps;
  std::vector<base::IpPrefix> unnamed_private;
};

/// Maps with one list of databases and no networks in their rules: one walk for all of them to a tree of
/// classes, which is some times smaller than the databases', and from that each map's own.
std::vector<geo::PrefixTree> compile_together(base::Family family, const geo::GeoDatabase& database,
                                              std::deque<Decider>& deciders,
                                              std::vector<base::IpPrefix>& unnamed_private) {
  Classes classes(deciders);
  const auto decide = [&](std::span<const std::uint32_t> records, std::uint32_t) {
    const bool is_named = std::any_of(records.begin(), records.end(), [](auto id) { return id != 0; });
    return Outcome{classes.find(records), is_named};
  };
  const auto tree = compile_family(family, database, nullptr, decide, unnamed_private);
  const geo::TreeView trees[] = {&tree};
  std::vector<geo::PrefixTree> own;
  for (std::size_t i = 0; i < deciders.size(); ++i) {
    own.push_back(geo::combine(trees, [&](std::span<const std::uint32_t> values, const geo::TreeBlock&) {
      return classes.tiers(values[0], i);
    }));
  }
  return own;
}

geo::PrefixTree compile_alone(base::Family family, const MapParts& parts, Decider& decider,
                              std::vector<base::IpPrefix>& unnamed_private) {
  const auto decide = [&](std::span<const std::uint32_t> records, std::uint32_t chain) {
    const auto decision = decider.decide(records, chain);
    return Outcome{decision.tiers, decision.is_named};
  };
  return compile_family(family, *parts.database, &parts.rules->network_tree(family), decide, unnamed_private);
}

FamilyMaps compile_group(base::Family family, std::span<const MapParts* const> group) {
  FamilyMaps result;
  std::deque<Decider> deciders;
  for (const auto* parts : group)
    deciders.emplace_back(*parts->rules, *parts->order, *parts->database, result.tiers);
  std::vector<geo::PrefixTree> trees;
  if (group.size() == 1) {
    trees.push_back(compile_alone(family, *group[0], deciders[0], result.unnamed_private));
  } else {
    trees = compile_together(family, *group[0]->database, deciders, result.unnamed_private);
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    FamilyMaps::Own own{std::move(trees[i]), std::nullopt, deciders[i].rule_wins(), {}};
    if (group[i]->resolvers != nullptr) {
      Decider decider(*group[i]->resolvers, *group[i]->order, *group[i]->database, result.tiers);
      own.resolvers = compile_resolvers(family, *group[i], decider);
      own.resolver_rule_wins = decider.rule_wins();
    }
    result.maps.push_back(std::move(own));
  }
  return result;
}

bool looks_at_networks(const MapParts& parts) { return parts.rules->chains().count() > 1; }

/// Which maps can be walked together, by their indexes; each map in one group.
std::vector<std::vector<std::size_t>> find_groups(std::span<const MapParts> parts) {
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto fits = [&](const std::vector<std::size_t>& group) {
      const auto& first = parts[group.front()];
      return !looks_at_networks(parts[i]) && !looks_at_networks(first) &&
             parts[i].database->files() == first.database->files();
    };
    const auto found = std::find_if(groups.begin(), groups.end(), fits);
    if (found == groups.end()) {
      groups.push_back({i});
    } else {
      found->push_back(i);
    }
  }
  return groups;
}

/// By a family's number of a list, its number among all.
std::vector<std::uint32_t> absorb(const steering::TierTableBuilder& family, steering::TierTableBuilder& all) {
  std::vector<std::uint32_t> ids;
  for (std::size_t i = 0; i < family.size(); ++i) {
    const auto list = family.list(static_cast<base::TiersId>(i));
    const auto id = all.intern(std::vector<steering::TierEntry>(list.begin(), list.end()));
    ids.push_back(static_cast<std::uint32_t>(base::index_of(id)));
  }
  return ids;
}

void set_all(std::vector<bool>& wins, const std::vector<bool>& more) {
  for (std::size_t i = 0; i < more.size(); ++i) wins[i] = wins[i] || more[i];
}

/// The first lists that are taken in keep their numbers.
bool are_numbered_so(const std::vector<std::uint32_t>& ids) {
  std::uint32_t number = 0;
  return std::all_of(ids.begin(), ids.end(), [&](std::uint32_t id) { return id == number++; });
}

/// Adds what one family has of a map.
void add_family(CompiledMap& compiled, FamilyMaps::Own own, const std::vector<std::uint32_t>& ids) {
  auto& map = compiled.map;
  const bool is_v4 = own.clients.family() == base::Family::V4;
  if (!are_numbered_so(ids)) own.clients.renumber([&](std::uint32_t id) { return ids[id]; });
  (is_v4 ? map.v4 : map.v6) = std::move(own.clients);
  set_all(compiled.rule_wins, own.rule_wins);
  if (!own.resolvers) return;
  own.resolvers->renumber(
      [&](std::uint32_t value) { return value == query::kNoResolverRule ? value : ids[value - 1] + 1; });
  (is_v4 ? map.resolvers_v4 : map.resolvers_v6) = std::move(*own.resolvers);
  set_all(compiled.resolver_rule_wins, own.resolver_rule_wins);
}

CompiledMap begin_map(const MapParts& parts) {
  CompiledMap compiled;
  compiled.map.name = parts.rules->map().name.text;
  compiled.map.has_resolvers = parts.resolvers != nullptr;
  compiled.rule_wins.resize(parts.rules->rules().size());
  if (parts.resolvers != nullptr) compiled.resolver_rule_wins.resize(parts.resolvers->rules().size());
  return compiled;
}

/// What clients get of whom nothing is known.
void set_unknown(CompiledMap& compiled, const MapParts& parts, steering::TierTableBuilder& tiers) {
  const Win win = parts.rules->find({}, 0);
  if (win.rule != kImplicitRule) compiled.rule_wins[win.rule] = true;
  compiled.map.unknown = tiers.intern(tiers_of(*parts.rules, *parts.order, win, {}));
}

}  // namespace

std::vector<CompiledMap> compile_maps(std::span<const MapParts> parts, steering::TierTableBuilder& tiers) {
  const auto groups = find_groups(parts);
  const auto compile_all = [&](base::Family family) {
    std::vector<FamilyMaps> results;
    for (const auto& group : groups) {
      std::vector<const MapParts*> members;
      for (const auto i : group) members.push_back(&parts[i]);
      results.push_back(compile_group(family, members));
    }
    return results;
  };
  // The families share nothing that is written to.
  auto v6 = std::async(std::launch::async, compile_all, base::Family::V6);
  std::vector<FamilyMaps> families[] = {compile_all(base::Family::V4), v6.get()};

  std::vector<CompiledMap> compiled;
  for (const auto& part : parts) compiled.push_back(begin_map(part));
  for (auto& family : families) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const auto ids = absorb(family[i].tiers, tiers);
      for (std::size_t j = 0; j < groups[i].size(); ++j) {
        auto& map = compiled[groups[i][j]];
        add_family(map, std::move(family[i].maps[j]), ids);
        auto& unnamed = map.map.unnamed_private;
        unnamed.insert(unnamed.end(), family[i].unnamed_private.begin(), family[i].unnamed_private.end());
      }
    }
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    set_unknown(compiled[i], parts[i], tiers);
    std::sort(compiled[i].map.unnamed_private.begin(), compiled[i].map.unnamed_private.end());
  }
  return compiled;
}

}  // namespace meridian::compile
