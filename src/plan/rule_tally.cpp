#include "plan/rule_tally.hpp"

namespace meridian::plan {

RuleTally::RuleTally(const compile::MapRules& map, bool as_resolvers)
    : map_(map), of_rules_(map.rules.rules().size()) {
  if (as_resolvers && map.resolvers) {
    indexes_.push_back(&*map.resolvers);
    of_resolvers_.resize(map.resolvers->rules().size());
  }
  indexes_.push_back(&map.rules);
}

Trees RuleTally::trees(base::Family family) const {
  Trees trees;
  for (const auto* index : indexes_) trees.push_back(&index->network_tree(family));
  return trees;
}

void RuleTally::add(std::span<const std::uint32_t> records, std::span<const std::uint32_t> chains,
                    const Amount& amount) {
  facts_.clear();
  // The lines of a feed are all alike, a million of them.
  for (std::size_t i = 0; i < chains.size(); ++i)
    facts_.push_back(indexes_[i]->chains().chain(chains[i]).kind());
  facts_.insert(facts_.end(), records.begin(), records.end());
  *sum_of_.find(facts_, [&] { return &find_sum(records, chains); }) += amount;
}

Amount& RuleTally::find_sum(std::span<const std::uint32_t> records, std::span<const std::uint32_t> chains) {
  const auto place = map_.database.merge(records).place;
  for (std::size_t i = 0; i < indexes_.size(); ++i) {
    const auto win = indexes_[i]->find(place, chains[i]);
    if (win.rule == compile::kImplicitRule) continue;
    return indexes_[i] == &map_.rules ? of_rules_[win.rule] : of_resolvers_[win.rule];
  }
  return of_no_rule_;
}

}  // namespace meridian::plan
