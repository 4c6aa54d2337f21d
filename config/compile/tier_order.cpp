#include "config/compile/tier_order.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

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
                     base::Diagnostics& diagnostics) {
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
  for (const auto id : universe_) {
    const auto& at = datacenters[base::index_of(id)].at;
    if (at) {
      sites_.push_back({id, geo::unit_vector(*at)});
    } else {
      nowhere_.push_back(id);
    }
  }
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

void TierOrder::nearest(const base::Coordinates& client, std::size_t count,
                        std::vector<base::DatacenterId>& ids) const {
  // The nearest so far in order: few are wanted, of not many more.
  struct Candidate {
    double distance;
    base::DatacenterId id;
  };
  std::array<Candidate, base::limits::kDatacentersMax> found;  // not cleared: 16 KiB, of which three are used
  count = std::min(count, found.size());
  const auto from = geo::unit_vector(client);
  std::size_t size = 0;
  for (const auto& site : sites_) {
    const double distance = geo::squared_chord(from, site.at);
    if (size == count && !(distance < found[size - 1].distance)) continue;
    std::size_t at = size < count ? size++ : size - 1;
    for (; at > 0 && distance < found[at - 1].distance; --at) found[at] = found[at - 1];
    found[at] = {distance, site.id};
  }
  ids.clear();
  for (std::size_t i = 0; i < size; ++i) ids.push_back(found[i].id);
  // A datacenter without a position is never nearest.
  for (std::size_t i = 0; i < nowhere_.size() && ids.size() < count; ++i) ids.push_back(nowhere_[i]);
}

TierOrder::Ids TierOrder::by_distance(const std::optional<base::Coordinates>& from) const {
  if (!from) return universe_;
  Ids ids;
  nearest(*from, universe_.size(), ids);
  return ids;
}

void TierOrder::append(std::vector<steering::TierEntry>& tiers, std::span<const base::DatacenterId> ids,
                       std::size_t most) {
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

void TierOrder::append_tail(std::vector<steering::TierEntry>& tiers) const {
  // The tail follows the first datacenter, not the client: it costs no leaf, keeps scopes wide, and a network
  // that is geolocated wrongly isn't sent far in its fallbacks either.
  const auto first_end =
      std::find_if(tiers.begin(), tiers.end(), [](const auto& entry) { return entry.tier != 0; });
  const auto heaviest = std::max_element(tiers.begin(), first_end, [](const auto& left, const auto& right) {
    return left.weight < right.weight;
  });
  append(tiers, by_distance_from_[base::index_of(heaviest->datacenter)], universe_.size());
}

std::vector<steering::TierEntry> TierOrder::tiers_by_nearest(
    const config::Rule& rule, std::span<const base::DatacenterId> nearest) const {
  std::vector<steering::TierEntry> tiers;
  append(tiers, nearest, rule.nearest_count);
  if (!tiers.empty()) append_tail(tiers);
  return tiers;
}

std::vector<steering::TierEntry> TierOrder::tiers(const config::Rule& rule,
                                                  const std::optional<base::Coordinates>& client,
                                                  std::span<const config::Word> listed) const {
  if (depends_on_client(rule) && client) {
    Ids ids;
    nearest(*client, rule.nearest_count, ids);
    return tiers_by_nearest(rule, ids);
  }
  const bool is_listed = rule.order == config::Rule::Order::AsListed;
  auto tiers = depends_on_client(rule)
                   ? std::vector<steering::TierEntry>{}
                   : named_tiers(rule, is_listed ? listed : std::span<const config::Word>{});
  if (rule.order == config::Rule::Order::Only) return tiers;
  if (tiers.empty()) {  // nothing known of the client: the order of the file
    append(tiers, universe_, universe_.size());
    return tiers;
  }
  append_tail(tiers);
  return tiers;
}

}  // namespace meridian::compile
