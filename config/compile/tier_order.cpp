#include "config/compile/tier_order.hpp"

#include "geo/distance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace meridian::compile {

namespace {

/// Every datacenter that a rule names, in tiers or on the lines of its networks file.
std::vector<config::Word> words_of(const config::Rule& rule, const config::MapDirectory& model) {
  std::vector<config::Word> words;
  for (const auto& tier : rule.tiers) {
    for (const auto& member : tier) words.push_back(member.name);
  }
  if (rule.order != config::Rule::Order::AsListed) return words;
  for (const auto& file : model.networks_files) {
    if (file.path != rule.place.code) continue;
    for (const auto& list : file.lists) words.insert(words.end(), list.begin(), list.end());
  }
  return words;
}

}  // namespace

TierOrder::TierOrder(const config::MapDirectory& model, const config::Map& map, bool complete,
                     base::Diagnostics& diagnostics)
    : datacenters_(&model.datacenters) {
  const auto& datacenters = model.datacenters;
  std::map<std::string, base::DatacenterId, std::less<>> all;
  for (std::size_t i = 0; i < datacenters.size(); ++i) {
    all.emplace(datacenters[i].name.text, static_cast<base::DatacenterId>(i));
  }
  if (map.datacenters.empty()) {
    for (std::size_t i = 0; i < datacenters.size(); ++i)
      universe_.push_back(static_cast<base::DatacenterId>(i));
  }
  ids_ = all;
  if (complete) check_names(model, map, diagnostics);
  for (const auto& word : map.datacenters) {
    if (const auto id = find(word.text)) universe_.push_back(*id);
  }
  if (!map.datacenters.empty()) {
    std::erase_if(ids_, [&](const auto& entry) {
      return std::find(universe_.begin(), universe_.end(), entry.second) == universe_.end();
    });
  }
  std::erase_if(universe_, [&](base::DatacenterId id) { return datacenters[base::index_of(id)].named_only; });
  for (const auto& datacenter : datacenters) by_distance_from_.push_back(by_distance(datacenter.at));
}

void TierOrder::check_names(const config::MapDirectory& model, const config::Map& map,
                            base::Diagnostics& diagnostics) const {
  std::vector<std::string> names;
  for (const auto& [name, id] : ids_) names.push_back(name);
  const auto check = [&](const config::Word& word) {
    if (ids_.contains(word.text)) return true;
    diagnostics.error(word.where, fmt::format("datacenter '{}' is not defined{}", word.text,
                                              base::suggestion(word.text, names)));
    return false;
  };
  for (const auto& word : map.datacenters) check(word);
  const auto is_listed = [&](const std::string& name) {
    return map.datacenters.empty() ||
           std::any_of(map.datacenters.begin(), map.datacenters.end(),
                       [&](const config::Word& word) { return word.text == name; });
  };
  for (const auto* rules : {&map.rules, &map.resolvers}) {
    for (const auto& rule : *rules) {
      for (const auto& word : words_of(rule, model)) {
        if (!check(word) || is_listed(word.text)) continue;
        diagnostics.error(
            word.where,
            fmt::format(
                "datacenter '{}' is not in the 'datacenters' list of map '{}' (line {}); add it there",
                word.text, map.name.text, map.datacenters.front().where.line));
      }
    }
  }
}

std::optional<base::DatacenterId> TierOrder::find(const std::string& name) const {
  const auto found = ids_.find(name);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::vector<steering::TierEntry> TierOrder::named_tiers(const config::Rule& rule,
                                                        std::span<const config::Word> listed) const {
  std::vector<steering::TierEntry> tiers;
  std::uint16_t number = 0;
  for (const auto& word : listed) {
    if (const auto id = find(word.text)) tiers.push_back({*id, number++, 1});
  }
  for (const auto& tier : rule.tiers) {
    bool is_empty = true;
    for (const auto& member : tier) {
      const auto id = find(member.name.text);
      if (!id) continue;  // told by check_names
      tiers.push_back({*id, number, static_cast<std::uint16_t>(member.weight)});
      is_empty = false;
    }
    if (!is_empty) ++number;
  }
  return tiers;
}

TierOrder::Ids TierOrder::by_distance(const std::optional<base::Coordinates>& from) const {
  if (!from) return universe_;
  // By their place in the universe where the distances are equal.
  std::vector<std::pair<double, std::size_t>> order;
  order.reserve(universe_.size());
  for (std::size_t i = 0; i < universe_.size(); ++i) {
    const auto& at = (*datacenters_)[base::index_of(universe_[i])].at;
    // A datacenter without a position is never nearest.
    order.emplace_back(at ? geo::distance_km(*from, *at) : std::numeric_limits<double>::infinity(), i);
  }
  std::sort(order.begin(), order.end());
  Ids ids;
  ids.reserve(order.size());
  for (const auto& [distance, i] : order) ids.push_back(universe_[i]);
  return ids;
}

void TierOrder::append(std::vector<steering::TierEntry>& tiers, const Ids& ids, std::size_t most) {
  for (const auto id : ids) {
    if (most == 0) return;
    const bool is_there = std::any_of(
        tiers.begin(), tiers.end(), [&](const steering::TierEntry& entry) { return entry.datacenter == id; });
    if (is_there) continue;
    const auto tier = static_cast<std::uint16_t>(tiers.empty() ? 0 : tiers.back().tier + 1);
    tiers.push_back({id, tier, 1});
    --most;
  }
}

std::vector<steering::TierEntry> TierOrder::tiers(const config::Rule& rule,
                                                  const std::optional<base::Coordinates>& client,
                                                  std::span<const config::Word> listed) const {
  const bool is_listed = rule.order == config::Rule::Order::AsListed;
  auto tiers = named_tiers(rule, is_listed ? listed : std::span<const config::Word>{});
  if (rule.order == config::Rule::Order::Only) return tiers;
  if (rule.order == config::Rule::Order::Nearest) append(tiers, by_distance(client), rule.nearest_count);
  if (rule.order == config::Rule::Order::Nearest && !client) tiers.clear();
  if (tiers.empty()) {  // nothing known of the client: the order of the file
    append(tiers, universe_, universe_.size());
    return tiers;
  }
  // The tail follows the first datacenter, not the client: it costs no leaf, keeps scopes wide, and a network
  // that is geolocated wrongly isn't sent far in its fallbacks either.
  const auto first_end =
      std::find_if(tiers.begin(), tiers.end(), [](const auto& entry) { return entry.tier != 0; });
  const auto heaviest = std::max_element(tiers.begin(), first_end, [](const auto& left, const auto& right) {
    return left.weight < right.weight;
  });
  append(tiers, by_distance_from_[base::index_of(heaviest->datacenter)], universe_.size());
  return tiers;
}

}  // namespace meridian::compile
