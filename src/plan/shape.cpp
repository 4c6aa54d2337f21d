#include "plan/shape.hpp"

#include "base/diagnostics.hpp"
#include "query/decide.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace meridian::plan {
namespace {

/// Down where it falls below what the pool needs.
steering::Share assume(steering::Share health, const AssumedState& assumed,
                       steering::Share at_least) noexcept {
  const auto lower = std::min(health, assumed.health);
  return steering::reduced(lower < at_least ? 0 : lower, assumed.kept);
}

std::optional<steering::Share> parse_percent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  double percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  if (!is_number || percent < 0 || percent > 100) return std::nullopt;
  return static_cast<steering::Share>(std::lround(percent / 100 * steering::kFull));
}

std::optional<AssumedState> parse_state(std::string_view text) {
  if (text == "down") return AssumedState{.health = 0};
  if (text == "drained") return AssumedState{.kept = 0};
  constexpr std::string_view kShed = "shed ";
  const bool is_shed = text.starts_with(kShed);
  const auto share = parse_percent(is_shed ? text.substr(kShed.size()) : text);
  if (!share) return std::nullopt;
  return is_shed ? AssumedState{.kept = steering::kFull - *share} : AssumedState{.health = *share};
}

}  // namespace

base::Expected<Assumption, std::string> parse_assumption(std::string_view text) {
  const auto space = text.find(' ');
  const auto name = text.substr(0, space);
  const auto state =
      parse_state(space == std::string_view::npos ? std::string_view{} : text.substr(space + 1));
  if (name.empty() || !state) {
    return base::unexpected(fmt::format(
        "'{}' is no assumption; write 'ams down', 'ams 50%', 'ams drained' or 'ams shed 30%'", text));
  }
  return Assumption{std::string{name}, *state};
}

base::Expected<std::vector<Assumption>, std::string> parse_assumptions(std::span<const std::string> texts) {
  std::vector<Assumption> assumptions;
  for (const auto& text : texts) {
    auto assumption = parse_assumption(text);
    if (!assumption) return base::unexpected(std::move(assumption.error()));
    assumptions.push_back(std::move(*assumption));
  }
  return assumptions;
}

base::Expected<std::vector<AssumedState>, std::string> assumed_states(
    const query::Snapshot& snapshot, std::span<const Assumption> assumptions) {
  std::vector<AssumedState> states(snapshot.datacenters.size());
  std::vector<std::string> names;
  for (const auto& datacenter : snapshot.datacenters) names.push_back(datacenter.name);
  for (const auto& assumption : assumptions) {
    const auto found = std::find(names.begin(), names.end(), assumption.datacenter);
    if (found == names.end()) {
      return base::unexpected(fmt::format("the map has no datacenter '{}'{}", assumption.datacenter,
                                          base::suggestion(assumption.datacenter, names)));
    }
    auto& state = states[static_cast<std::size_t>(found - names.begin())];
    state.health = std::min(state.health, assumption.state.health);
    state.kept = std::min(state.kept, assumption.state.kept);
  }
  return states;
}

bool is_same(const steering::Candidate& left, const steering::Candidate& right) noexcept {
  return left.has_pool == right.has_pool && left.health == right.health && left.key == right.key;
}

bool operator==(const Shape& left, const Shape& right) noexcept {
  return left.map == right.map && left.fixed == right.fixed && left.overprovision == right.overprovision &&
         left.on_all_down == right.on_all_down && left.sticky == right.sticky &&
         left.use_client_subnet == right.use_client_subnet &&
         std::equal(left.candidates.begin(), left.candidates.end(), right.candidates.begin(),
                    right.candidates.end(), is_same);
}

std::vector<Shape> shapes_of(const query::Snapshot& snapshot, std::span<const AssumedState> assumed) {
  const query::Tables all_up(snapshot);
  std::vector<Shape> shapes;
  for (const auto& service : snapshot.services) {
    Shape shape;
    shape.map = service.map;
    shape.overprovision = service.overprovision;
    shape.on_all_down = service.on_all_down;
    shape.sticky = service.sticky;
    shape.use_client_subnet = service.use_client_subnet;
    if (service.fixed_pool != base::kNoPool)
      shape.fixed = snapshot.pools[base::index_of(service.fixed_pool)].datacenter;
    for (std::size_t i = 0; i < service.pools.size(); ++i) {
      const auto id = static_cast<base::DatacenterId>(i);
      auto candidate = query::candidate_at(snapshot, all_up, service, id);
      if (candidate.has_pool && !assumed.empty()) {
        const auto at_least = snapshot.pools[base::index_of(service.pools[i])].at_least;
        candidate.health = assume(candidate.health, assumed[i], at_least);
      }
      shape.candidates.push_back(candidate);
    }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

Shape shape_everywhere(const query::Snapshot& snapshot, base::MapId map,
                       std::span<const AssumedState> assumed) {
  Shape shape;
  shape.map = map;
  for (std::size_t i = 0; i < snapshot.datacenters.size(); ++i) {
    const auto health = assumed.empty() ? steering::kFull : assume(steering::kFull, assumed[i], 0);
    shape.candidates.push_back({true, health, snapshot.datacenters[i].key});
  }
  return shape;
}

steering::Shares shares_of(const Shape& shape, std::span<const steering::TierEntry> tiers,
                           std::optional<base::DatacenterId> lost) {
  if (shape.fixed) return {false, {{*shape.fixed, 1}}};  // there is nowhere else to go
  const auto candidate_of = [&](base::DatacenterId datacenter) {
    auto candidate = shape.candidates[base::index_of(datacenter)];
    if (datacenter == lost) candidate.health = 0;
    return candidate;
  };
  auto shares = steering::share_out(tiers, shape.overprovision, candidate_of);
  if (shares.all_down && shape.on_all_down != query::OnAllDown::AnswerAnyway) shares.of.clear();
  return shares;
}

std::vector<base::DatacenterId> standing_ready(const Shape& shape,
                                               std::span<const steering::TierEntry> tiers) {
  if (shape.fixed) return {*shape.fixed};
  std::vector<base::DatacenterId> ready;
  for (const auto& entry : tiers) {
    const auto& candidate = shape.candidates[base::index_of(entry.datacenter)];
    if (candidate.has_pool && candidate.health > 0) ready.push_back(entry.datacenter);
  }
  return ready;
}

}  // namespace meridian::plan
