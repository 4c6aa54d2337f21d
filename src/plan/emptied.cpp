#include "plan/emptied.hpp"

#include "dns/name.hpp"
#include "plan/odds.hpp"
#include "plan/shape.hpp"
#include "query/chain.hpp"
#include "zone/zone.hpp"

#include <algorithm>
#include <map>

namespace meridian::plan {
namespace {

/// Which tier lists some client of a map has.
std::vector<bool> lists_in_use(const query::Snapshot& snapshot, const query::SteeringMap& map) {
  std::vector<bool> is_used(snapshot.tiers.size());
  is_used[base::index_of(map.unknown)] = true;
  const auto add = [&](geo::PrefixTree::Link link, std::uint32_t first) {
    if (link.is_leaf() && link.value() >= first) is_used[link.value() - first] = true;
  };
  const auto add_tree = [&](const geo::PrefixTree& tree, std::uint32_t first) {
    add(tree.root(), first);
    for (const auto& node : tree.nodes()) {
      for (const auto link : node) add(link, first);
    }
  };
  add_tree(map.v4, 0);
  add_tree(map.v6, 0);
  if (!map.has_resolvers) return is_used;
  add_tree(map.resolvers_v4, query::kNoResolverRule + 1);
  add_tree(map.resolvers_v6, query::kNoResolverRule + 1);
  return is_used;
}

/// By name: whether it answers anybody.
std::map<std::string, bool> answering(const query::Snapshot& snapshot) {
  std::vector<std::vector<bool>> used;
  for (const auto& map : snapshot.maps) used.push_back(lists_in_use(snapshot, map));
  Ends ends;
  std::map<std::string, bool> answers;
  std::vector<std::pair<Shape, bool>> known;  // services have few shapes
  auto shapes = shapes_of(snapshot);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    auto found =
        std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.first == shapes[i]; });
    if (found == known.end()) {
      ShapeOdds odds(snapshot, shapes[i], ends);
      const auto& lists = used[base::index_of(shapes[i].map)];
      bool is_answered = false;
      for (std::size_t id = 0; id < lists.size() && !is_answered; ++id)
        is_answered = lists[id] && ShapeOdds::is_answer(odds.of(static_cast<base::TiersId>(id)), ends);
      known.emplace_back(shapes[i], is_answered);
      found = std::prev(known.end());
    }
    answers.emplace(snapshot.services[i].name, found->second);
  }
  return answers;
}

}  // namespace

bool answers_statically(const query::Snapshot& snapshot, std::string_view name_text) {
  const auto name = dns::Name::parse(name_text);
  if (!name) return false;
  for (const auto type : {dns::Rtype::A, dns::Rtype::Aaaa}) {
    query::Chain chain(snapshot.zones, name->view(), type);
    while (chain.is_at_alias()) {
      if (chain.follow() != query::ChainStop::None) break;
    }
    if (chain.zone() == nullptr) return chain.link_count() > 0;  // an alias that leads out of our zones
    const auto outcome = chain.found().outcome;
    if (outcome == zone::Outcome::Answer || outcome == zone::Outcome::Steered) return true;
  }
  return false;
}

std::vector<std::string> find_emptied(const query::Snapshot& old, const query::Snapshot& now) {
  const auto before = answering(old);
  const auto after = answering(now);
  std::vector<std::string> emptied;
  for (const auto& [name, answered] : before) {
    if (!answered) continue;
    const auto found = after.find(name);
    const bool answers = found == after.end() ? answers_statically(now, name) : found->second;
    if (!answers) emptied.push_back(name);
  }
  return emptied;
}

}  // namespace meridian::plan
