#include "plan/survey.hpp"

#include "base/diagnostics.hpp"
#include "config/place_ref.hpp"
#include "plan/country_tally.hpp"
#include "plan/map_pair.hpp"
#include "plan/odds.hpp"
#include "plan/rule_tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace meridian::plan {
namespace {

class Surveyor {
 public:
  Surveyor(const compile::Compiled& compiled, const Subject& subject, std::span<const AssumedState> states,
           const Demand* demand)
      : snapshot_(*compiled.snapshot),
        rulebook_(*compiled.rulebook),
        map_(snapshot_.maps[base::index_of(subject.map)]),
        rules_(rulebook_.maps[base::index_of(subject.map)]),
        demand_(demand),
        odds_(snapshot_, shape_of(subject, states), ends_) {
    result_.map = map_.name;
    if (subject.service != nullptr) result_.service = subject.service->name;
    result_.as_resolvers = !odds_.shape().use_client_subnet;
    result_.has_demand = demand != nullptr;
    if (rules_.resolvers && !result_.as_resolvers) result_.resolver_rules = rules_.resolvers->rules().size();
  }

  Survey run() {
    const MapView view{&map_, &rules_, result_.as_resolvers && map_.has_resolvers};
    const MapPair walked(view, view, demand_);
    sum(walked.pairs());
    tally(walked, view.as_resolvers);
    return std::move(result_);
  }

 private:
  Shape shape_of(const Subject& subject, std::span<const AssumedState> states) const {
    if (subject.service == nullptr) return shape_everywhere(snapshot_, subject.map, states);
    auto shapes = shapes_of(snapshot_, states);
    return std::move(shapes[static_cast<std::size_t>(subject.service - snapshot_.services.data())]);
  }

  /// What clients with these tiers have, as an index into Survey::orders.
  std::size_t order_of(base::TiersId tiers) {
    Order order;
    std::set<std::string> first;
    for (const auto& share : odds_.of(tiers)) {
      order.first.push_back({ends_.name(share.end), share.share});
      first.insert(ends_.name(share.end));
    }
    std::stable_sort(
        order.first.begin(), order.first.end(),
        [](const FirstShare& left, const FirstShare& right) { return left.share > right.share; });
    for (const auto id : standing_ready(odds_.shape(), snapshot_.tiers.list(tiers))) {
      const auto& name = snapshot_.datacenters[base::index_of(id)].name;
      if (first.insert(name).second) order.then.push_back(name);
    }
    const auto [known, is_new] = order_index_.try_emplace(order, result_.orders.size());
    if (is_new) {
      result_.orders.push_back(std::move(order));
      result_.order_amounts.emplace_back();
    }
    return known->second;
  }

  void sum(std::span<const TiersPair> pairs) {
    std::map<std::size_t, Amount> unknown;
    std::map<std::string, Amount> by_end;
    for (const auto& pair : pairs) {
      const auto order = order_of(pair.now);
      order_of_pair_.push_back(order);
      result_.known += pair.known;
      result_.unknown += pair.unknown;
      result_.order_amounts[order] += pair.known;
      unknown[order] += pair.unknown;
      for (const auto& share : odds_.of(pair.now)) by_end[ends_.name(share.end)] += pair.known * share.share;
    }
    result_.unknown_parts = sorted_parts(unknown, result_.unknown);
    for (const auto& datacenter : rulebook_.model->datacenters) {
      const auto amount = by_end.extract(datacenter.name.text);
      result_.datacenters.push_back(
          {datacenter.name.text, amount.empty() ? Amount{} : amount.mapped(), datacenter.capacity});
    }
    for (const auto& [end, amount] : by_end) result_.datacenters.push_back({end, amount, {}});
  }

  static std::vector<OrderPart> sorted_parts(const std::map<std::size_t, Amount>& by_order,
                                             const Amount& total) {
    std::vector<OrderPart> parts;
    for (const auto& [order, amount] : by_order) {
      if (!amount.is_zero()) parts.push_back({order, amount});
    }
    std::stable_sort(parts.begin(), parts.end(), [&](const OrderPart& left, const OrderPart& right) {
      return weight_of(left.amount, total) > weight_of(right.amount, total);
    });
    return parts;
  }

  void tally(const MapPair& walked, bool as_resolvers) {
    CountryTally countries(rules_.database, *rulebook_.geography.places);
    RuleTally rules(rules_, as_resolvers);
    for (const auto family : {base::Family::V4, base::Family::V6}) {
      walked.visit(
          family, [](std::size_t) { return true; }, rules.trees(family),
          [&](const MapPair::Block& block) {
            countries.add(block.records, block.pair, block.amount);
            rules.add(block.records, block.further, block.amount);
          });
    }
    list_countries(countries);
    if (as_resolvers && rules_.resolvers) list_rules(*rules_.resolvers, rules.of_resolvers(), true);
    list_rules(rules_.rules, rules.of_rules(), false);
    if (!rules.of_no_rule().is_zero()) result_.rules.push_back({{}, {}, {}, false, rules.of_no_rule()});
  }

  void list_countries(const CountryTally& countries) {
    for (const auto& row : countries.rows()) {
      std::map<std::size_t, Amount> by_order;
      CountryOrders country{row.code, row.name, {}, {}};
      for (const auto& [pair, amount] : row.by_pair) {
        by_order[order_of_pair_[pair]] += amount;
        country.amount += amount;
      }
      country.parts = sorted_parts(by_order, country.amount);
      result_.countries.push_back(std::move(country));
    }
    std::stable_sort(result_.countries.begin(), result_.countries.end(),
                     [&](const CountryOrders& left, const CountryOrders& right) {
                       return weight_of(left.amount, result_.known) > weight_of(right.amount, result_.known);
                     });
  }

  void list_rules(const compile::RuleIndex& index, const std::vector<Amount>& amounts, bool for_resolvers) {
    const auto& rules = index.rules();
    for (std::size_t i = 0; i < rules.size(); ++i) {
      result_.rules.push_back(
          {config::to_string(rules[i].place), rules[i].where, rules[i].note, for_resolvers, amounts[i]});
    }
  }

  const query::Snapshot& snapshot_;
  const compile::Rulebook& rulebook_;
  const query::SteeringMap& map_;
  const compile::MapRules& rules_;
  const Demand* demand_;
  Ends ends_;
  ShapeOdds odds_;
  std::map<Order, std::size_t> order_index_;
  std::vector<std::size_t> order_of_pair_;
  Survey result_;
};

template <typename Item>
std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  for (const auto& item : items) names.push_back(item.name);
  return names;
}

template <typename Item>
const Item* find_name(const std::vector<Item>& items, const std::string& name) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

base::Expected<std::vector<Subject>, std::string> find_subjects(const query::Snapshot& snapshot,
                                                                const std::string& map,
                                                                const std::string& service) {
  const auto id_of = [&](const query::SteeringMap& found) {
    return static_cast<base::MapId>(&found - snapshot.maps.data());
  };
  if (!service.empty()) {
    const auto* found = find_name(snapshot.services, service);
    if (found == nullptr) {
      return base::unexpected(fmt::format("the map has no service '{}'{}", service,
                                          base::suggestion(service, names_of(snapshot.services))));
    }
    if (!map.empty() && snapshot.maps[base::index_of(found->map)].name != map) {
      return base::unexpected(fmt::format("'{}' is on map {}, not on '{}'", service,
                                          snapshot.maps[base::index_of(found->map)].name, map));
    }
    return std::vector{Subject{found->map, found}};
  }
  if (!map.empty()) {
    const auto* found = find_name(snapshot.maps, map);
    if (found == nullptr) {
      return base::unexpected(
          fmt::format("there is no map '{}'{}", map, base::suggestion(map, names_of(snapshot.maps))));
    }
    return std::vector{Subject{id_of(*found), nullptr}};
  }
  std::vector<Subject> all;
  for (const auto& each : snapshot.maps) all.push_back({id_of(each), nullptr});
  return all;
}

Survey survey(const compile::Compiled& compiled, const Subject& subject, std::span<const AssumedState> states,
              const Demand* demand) {
  return Surveyor(compiled, subject, states, demand).run();
}

}  // namespace meridian::plan
