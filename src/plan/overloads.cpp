#include "plan/overloads.hpp"

#include <algorithm>
#include <unordered_map>

namespace meridian::plan {
namespace {

/// Sums of shares are not exact; a datacenter that is filled to the last query is not over.
constexpr double kFullTolerance = 1 + 1e-9;

bool is_over(double load, double capacity) { return load > capacity * kFullTolerance; }

std::map<std::uint32_t, double> capacities_of(const std::vector<config::Datacenter>& datacenters,
                                              Ends& ends) {
  std::map<std::uint32_t, double> capacities;
  for (const auto& datacenter : datacenters) {
    if (datacenter.capacity) capacities.emplace(ends.find_or_add(datacenter.name.text), *datacenter.capacity);
  }
  return capacities;
}

}  // namespace

void Loads::add(std::span<const TiersPair> pairs, base::TiersId TiersPair::*side, ShapeOdds& odds,
                double part) {
  std::unordered_map<std::uint32_t, double> demand;
  for (const auto& pair : pairs)
    demand[static_cast<std::uint32_t>(base::index_of(pair.*side))] += pair.known.demand * part;
  for (const auto& [id, queries] : demand) {
    if (queries == 0) continue;
    const auto tiers = static_cast<base::TiersId>(id);
    const auto& shares = odds.of(tiers);
    for (const auto& share : shares) all_up_[share.end] += queries * share.share;
    for (const auto& lost : shares) {
      for (const auto& share : shares) change_[{lost.end, share.end}] -= queries * share.share;
      for (const auto& share : odds.without(tiers, lost.end))
        change_[{lost.end, share.end}] += queries * share.share;
    }
  }
}

double Loads::at(std::uint32_t end, std::uint32_t lost) const {
  const auto load = all_up_.find(end);
  const double now = load == all_up_.end() ? 0 : load->second;
  const auto change = change_.find({lost, end});
  return lost == end || change == change_.end() ? now : now + change->second;
}

std::vector<Overload> find_overloads(const Loads& before, const Loads& after, Ends& ends,
                                     const std::vector<config::Datacenter>& old_datacenters,
                                     const std::vector<config::Datacenter>& new_datacenters) {
  const auto old_capacities = capacities_of(old_datacenters, ends);
  const auto capacities = capacities_of(new_datacenters, ends);
  std::vector<Overload> found;
  for (const auto& [end, capacity] : capacities) {
    const auto old_capacity = old_capacities.find(end);
    for (const auto& datacenter : new_datacenters) {
      const auto lost = ends.find_or_add(datacenter.name.text);
      Overload overload{ends.name(end),
                        lost == end ? std::string{} : datacenter.name.text,
                        before.at(end, lost),
                        after.at(end, lost),
                        capacity,
                        false};
      if (!is_over(overload.after, capacity)) continue;
      // All of it is told once, not again with each loss that changes nothing.
      const bool is_all_up_again = lost != end && overload.after <= after.at(end, end) * kFullTolerance;
      if (is_all_up_again && is_over(after.at(end, end), capacity)) continue;
      overload.was_before =
          old_capacity != old_capacities.end() && is_over(overload.before, old_capacity->second);
      found.push_back(std::move(overload));
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const Overload& left, const Overload& right) {
    if (left.lost.empty() != right.lost.empty()) return left.lost.empty();
    return left.after / left.capacity > right.after / right.capacity;
  });
  return found;
}

}  // namespace meridian::plan
