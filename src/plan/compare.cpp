#include "plan/compare.hpp"

#include "plan/country_tally.hpp"
#include "plan/emptied.hpp"
#include "plan/expectations.hpp"
#include "plan/joint.hpp"
#include "plan/map_pair.hpp"
#include "plan/movement.hpp"
#include "plan/odds.hpp"
#include "plan/overloads.hpp"
#include "plan/place_tally.hpp"
#include "plan/shape.hpp"

#include <algorithm>
#include <future>
#include <map>
#include <memory>
#include <span>
#include <utility>

namespace meridian::plan {
namespace {

/// Which map, and who its clients are.
struct ViewKey {
  std::size_t map = 0;  ///< MapId
  bool as_resolvers = false;

  friend auto operator<=>(const ViewKey&, const ViewKey&) = default;
};

/// One map's services, with equal shapes put together.
class Side {
 public:
  Side(const compile::Compiled& compiled, std::span<const AssumedState> states, Ends& ends)
      : compiled_(compiled) {
    const auto& services = compiled.snapshot->services;
    auto shapes = shapes_of(*compiled.snapshot, states);
    for (std::size_t i = 0; i < services.size(); ++i) {
      const auto known = std::find_if(odds_.begin(), odds_.end(),
                                      [&](const ShapeOdds& odds) { return odds.shape() == shapes[i]; });
      services_.emplace(services[i].name, static_cast<std::size_t>(known - odds_.begin()));
      if (known == odds_.end()) odds_.emplace_back(*compiled.snapshot, std::move(shapes[i]), ends);
    }
  }

  /// Each service's name with the number of its shape.
  [[nodiscard]] const std::map<std::string, std::size_t>& services() const noexcept { return services_; }
  [[nodiscard]] ShapeOdds& odds(std::size_t shape) noexcept { return odds_[shape]; }
  [[nodiscard]] const query::SteeringMap& map_of(const ShapeOdds& odds) const noexcept {
    return compiled_.snapshot->maps[base::index_of(odds.shape().map)];
  }
  [[nodiscard]] MapView view(const ViewKey& key) const noexcept {
    return {&compiled_.snapshot->maps[key.map], &compiled_.rulebook->maps[key.map], key.as_resolvers};
  }

 private:
  const compile::Compiled& compiled_;
  std::vector<ShapeOdds> odds_;
  std::map<std::string, std::size_t> services_;
};

/// What moves through one pair of maps, for all services that have it.
struct PairWork {
  std::unique_ptr<MapPair> maps;
  std::vector<double> parts;  ///< of pairs(): the mean part that moves
  std::vector<Joint> joints;  ///< of pairs(): the mean of where they are and go; empty: nobody asked by them
};

class Comparer {
 public:
  Comparer(const compile::Compiled& old, const compile::Compiled& now, const Options& options)
      : old_(old),
        now_(now),
        options_(options),
        old_side_(old, options.old_states, ends_),
        new_side_(now, options.new_states, ends_) {}

  Comparison run() {
    result_.has_demand = options_.demand != nullptr;
    match_services();
    for (const auto& [shapes, names] : groups_) measure(shapes, names);
    result_.all = all_.name(ends_);
    if (has_resolver_rules_) result_.all_without_subnet = all_without_subnet_.name(ends_);
    list_datacenters();
    list_places();
    if (options_.by_country) list_countries();
    list_leaves();
    if (options_.demand != nullptr) {
      result_.overloads =
          find_overloads(loads_before_, loads_after_, ends_, old_.rulebook->model->datacenters,
                         now_.rulebook->model->datacenters);
    }
    result_.broken = prove_expectations(*now_.snapshot, *now_.rulebook);
    std::stable_sort(result_.services.begin(), result_.services.end(),
                     [](const auto& left, const auto& right) {
                       return weight_of(left.movement.moved, left.movement.total) >
                              weight_of(right.movement.moved, right.movement.total);
                     });
    return std::move(result_);
  }

 private:
  using ShapePair = std::pair<std::size_t, std::size_t>;
  using ViewPair = std::pair<ViewKey, ViewKey>;

  void match_services() {
    for (const auto& [name, shape] : old_side_.services()) {
      const auto found = new_side_.services().find(name);
      if (found != new_side_.services().end()) {
        groups_[{shape, found->second}].push_back(name);
        ++result_.compared;
      } else {
        result_.removed.push_back(name);
        if (!answers_statically(*now_.snapshot, name)) result_.emptied.push_back(name);
      }
    }
    for (const auto& [name, shape] : new_side_.services()) {
      if (!old_side_.services().contains(name)) result_.added.push_back(name);
    }
  }

  PairWork& work_of(const ViewPair& views) {
    auto& work = pairs_[views];
    if (work.maps == nullptr) {
      work.maps = std::make_unique<MapPair>(old_side_.view(views.first), new_side_.view(views.second),
                                            options_.demand);
      work.parts.assign(work.maps->pairs().size(), 0);
    }
    return work;
  }

  /// The map that decides for these clients. Without rules for resolvers they are clients like all others.
  static ViewKey view_of(const Side& side, const ShapeOdds& odds, bool as_resolvers) {
    const bool has_rules = !odds.shape().fixed && side.map_of(odds).has_resolvers;
    return {base::index_of(odds.shape().map), as_resolvers && has_rules};
  }

  void measure(const ShapePair& shapes, const std::vector<std::string>& names) {
    auto& old = old_side_.odds(shapes.first);
    auto& now = new_side_.odds(shapes.second);
    const ViewPair views{view_of(old_side_, old, !old.shape().use_client_subnet),
                         view_of(new_side_, now, !now.shape().use_client_subnet)};
    auto& work = work_of(views);
    const auto pairs = work.maps->pairs();
    std::vector<Joint> joints;
    const auto movement = measure_movement(pairs, old, now, ends_, joints);
    const double weight = static_cast<double>(names.size()) / static_cast<double>(result_.compared);
    work.joints.resize(joints.size());
    for (std::size_t i = 0; i < joints.size(); ++i) {
      work.parts[i] += moved_part(joints[i]) * weight;
      for (const auto& [ends, part] : joints[i]) work.joints[i][ends] += part * weight;
    }
    all_.add(movement, weight);
    if (options_.demand != nullptr) {
      loads_before_.add(pairs, &TiersPair::old, old, weight);
      loads_after_.add(pairs, &TiersPair::now, now, weight);
    }
    ServiceMovement service{names, movement.name(ends_), {}};
    const ViewPair resolvers{view_of(old_side_, old, true), view_of(new_side_, now, true)};
    if (resolvers == views) {
      all_without_subnet_.add(movement, weight);
    } else {
      has_resolver_rules_ = true;
      const auto without = measure_movement(work_of(resolvers).maps->pairs(), old, now, ends_, joints);
      all_without_subnet_.add(without, weight);
      service.without_subnet = without.name(ends_);
    }
    if (!service.is_still()) result_.services.push_back(std::move(service));
    if (movement.answered_before && !movement.answers_after)
      result_.emptied.insert(result_.emptied.end(), names.begin(), names.end());
  }

  void list_datacenters() {
    std::map<std::string, std::optional<double>> capacities;
    for (const auto& datacenter : now_.rulebook->model->datacenters)
      capacities.emplace(datacenter.name.text, datacenter.capacity);
    for (std::uint32_t end = 0; end < ends_.size(); ++end) {
      const auto& name = ends_.name(end);
      const auto known = capacities.find(name);
      DatacenterLoad load{name, all_.before[end], all_.after[end],
                          known == capacities.end() ? std::nullopt : known->second};
      if (known == capacities.end() && load.before.is_zero() && load.after.is_zero()) continue;
      result_.datacenters.push_back(std::move(load));
    }
    std::stable_sort(result_.datacenters.begin(), result_.datacenters.end(),
                     [](const auto& left, const auto& right) { return left.name < right.name; });
  }

  void list_places() {
    std::map<std::string, PlaceMovement> places;
    std::map<std::string, PlaceMovement> systems;
    const auto add = [](const std::vector<PlaceTally::Row>& rows, std::map<std::string, PlaceMovement>& all) {
      for (const auto& row : rows) {
        auto& sum = all.try_emplace(row.code, PlaceMovement{row.code, row.name, {}}).first->second;
        sum.moved += row.amount;
      }
    };
    for (const auto& [ids, work] : pairs_) {
      if (std::all_of(work.parts.begin(), work.parts.end(), [](double part) { return part == 0; })) continue;
      const auto tally_of = [&, &work = work, map = ids.second.map](base::Family family) {
        PlaceTally tally(now_.rulebook->maps[map].database, *now_.rulebook->geography.places);
        work.maps->tally(family, work.parts, tally);
        return tally;
      };
      auto v6 = std::async(std::launch::async, tally_of, base::Family::V6);
      for (const auto& tally : {tally_of(base::Family::V4), v6.get()}) {
        add(tally.places(), places);
        add(tally.systems(), systems);
      }
    }
    result_.places = sort_places(places);
    result_.systems = sort_places(systems);
  }

  std::vector<PlaceMovement> sort_places(const std::map<std::string, PlaceMovement>& all) const {
    std::vector<PlaceMovement> sorted;
    for (const auto& [code, movement] : all) sorted.push_back(movement);
    std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& left, const auto& right) {
      return weight_of(left.moved, all_.total) > weight_of(right.moved, all_.total);
    });
    if (sorted.size() > base::limits::kPlanPlacesMax) sorted.resize(base::limits::kPlanPlacesMax);
    return sorted;
  }

  void list_countries() {
    std::map<std::string, std::pair<std::string, EndFlows>> countries;  // name and flows by code
    for (const auto& [ids, work] : pairs_) {
      if (work.joints.empty()) continue;
      CountryTally tally(now_.rulebook->maps[ids.second.map].database, *now_.rulebook->geography.places);
      for (const auto family : {base::Family::V4, base::Family::V6}) {
        work.maps->visit(
            family, [](std::size_t) { return true; }, {},
            [&](const MapPair::Block& block) { tally.add(block.records, block.pair, block.amount); });
      }
      for (const auto& row : tally.rows()) {
        auto& [name, flows] = countries[row.code];
        name = row.name;
        for (const auto& [pair, amount] : row.by_pair) {
          for (const auto& [ends, part] : work.joints[pair]) flows[ends] += amount * part;
        }
      }
    }
    for (const auto& [code, country] : countries) {
      EndMovement movement;
      movement.flows = country.second;
      for (const auto& [ends, amount] : country.second) movement.total += amount;
      result_.countries.push_back({code, country.first, movement.total, movement.name(ends_).flows});
    }
    std::stable_sort(result_.countries.begin(), result_.countries.end(),
                     [&](const auto& left, const auto& right) {
                       return weight_of(left.amount, all_.total) > weight_of(right.amount, all_.total);
                     });
  }

  void list_leaves() {
    std::map<std::string, MapLeaves> leaves;
    for (const auto& map : old_.snapshot->maps)
      leaves[map.name] = {map.name, map.v4.leaf_count(), 0, map.v6.leaf_count(), 0};
    for (const auto& map : now_.snapshot->maps) {
      auto& row = leaves[map.name];
      row.map = map.name;
      row.v4_after = map.v4.leaf_count();
      row.v6_after = map.v6.leaf_count();
    }
    for (const auto& [name, row] : leaves) {
      if (row.v4_before != row.v4_after || row.v6_before != row.v6_after) result_.leaves.push_back(row);
    }
  }

  const compile::Compiled& old_;
  const compile::Compiled& now_;
  const Options& options_;
  Ends ends_;
  Side old_side_;
  Side new_side_;
  std::map<ShapePair, std::vector<std::string>> groups_;
  std::map<ViewPair, PairWork> pairs_;
  EndMovement all_;
  EndMovement all_without_subnet_;
  bool has_resolver_rules_ = false;
  Loads loads_before_;
  Loads loads_after_;
  Comparison result_;
};

/// The larger part of both families.
double most_moved(const Movement& movement) noexcept {
  const auto& [total, moved] = std::pair{movement.total, movement.moved};
  return std::max(part_of(moved.v4, total.v4), part_of(moved.v6, total.v6));
}

double demand_moved(const Movement& movement) noexcept {
  return part_of(movement.moved.demand, movement.total.demand);
}

/// The most that `part_moved` says of a service, with client subnets or without.
double most_of_services(const Comparison& comparison, double (*part_moved)(const Movement&)) noexcept {
  double most = 0;
  for (const auto& service : comparison.services) {
    most = std::max(most, part_moved(service.movement));
    if (service.without_subnet) most = std::max(most, part_moved(*service.without_subnet));
  }
  return most;
}

}  // namespace

double max_moved(const Comparison& comparison) noexcept { return most_of_services(comparison, most_moved); }

double max_moved_demand(const Comparison& comparison) noexcept {
  return most_of_services(comparison, demand_moved);
}

Comparison compare(const compile::Compiled& old, const compile::Compiled& now, const Options& options) {
  return Comparer(old, now, options).run();
}

}  // namespace meridian::plan
