#include "plan/shape.hpp"

#include "base/diagnostics.hpp"
#include "query/capacity.hpp"
#include "query/decide.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace meridian::plan {
namespace {

/// A service as it is assumed to be.
class AssumedService {
 public:
  AssumedService(const query::Snapshot& snapshot, const query::Service& service,
                 std::span<const AssumedState> assumed)
      : snapshot_(snapshot), service_(service), assumed_(assumed) {
    fails_open_ = is_open(std::nullopt);
  }

  /// `all_up` as the server sees it with every endpoint up; what it is by what is assumed, and what if the
  /// service fails open.
  [[nodiscard]] steering::Candidate candidate(steering::Candidate all_up, base::DatacenterId id) const {
    if (fails_open_ || !all_up.has_pool) return open_candidate(all_up, id);
    const auto& pool = snapshot_.pools[base::index_of(service_.pools[base::index_of(id)])];
    all_up.health = steering::reduced(std::min(all_up.health, health_of(pool)), state_of(id).kept);
    return all_up;
  }
  [[nodiscard]] steering::Candidate open_candidate(steering::Candidate all_up, base::DatacenterId id) const {
    if (all_up.has_pool) all_up.health = steering::reduced(steering::kFull, state_of(id).kept);
    return all_up;
  }

  /// Whether it fails open with `lost` lost as well.
  [[nodiscard]] bool is_open(std::optional<base::DatacenterId> lost) const {
    const auto capacity = query::capacity_of(snapshot_, service_, [&](const query::Pool& pool, base::PoolId) {
      return pool.datacenter == lost ? steering::Share{0} : health_of(pool);
    });
    return query::is_too_little(service_, capacity);
  }

 private:
  [[nodiscard]] AssumedState state_of(base::DatacenterId id) const {
    return assumed_.empty() ? AssumedState{} : assumed_[base::index_of(id)];
  }
  /// Down where it falls below what the pool needs.
  [[nodiscard]] steering::Share health_of(const query::Pool& pool) const {
    const auto health = state_of(pool.datacenter).health;
    return health < pool.at_least ? 0 : health;
  }

  const query::Snapshot& snapshot_;
  const query::Service& service_;
  std::span<const AssumedState> assumed_;
  bool fails_open_ = false;
};

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
         left.fails_open_without == right.fails_open_without &&
         std::ranges::equal(left.candidates, right.candidates, is_same) &&
         std::ranges::equal(left.open_candidates, right.open_candidates, is_same);
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
    const AssumedService one(snapshot, service, assumed);
    for (std::size_t i = 0; i < service.pools.size(); ++i) {
      const auto id = static_cast<base::DatacenterId>(i);
      const auto candidate = query::candidate_at(snapshot, all_up, service, id);
      shape.candidates.push_back(one.candidate(candidate, id));
      shape.open_candidates.push_back(one.open_candidate(candidate, id));
      shape.fails_open_without.push_back(one.is_open(id));
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
    const auto state = assumed.empty() ? AssumedState{} : assumed[i];
    const auto health = steering::reduced(state.health, state.kept);
    shape.candidates.push_back({true, health, snapshot.datacenters[i].key});
  }
  return shape;
}

steering::Shares shares_of(const Shape& shape, std::span<const steering::TierEntry> tiers,
                           std::optional<base::DatacenterId> lost) {
  if (shape.fixed) return {false, {{*shape.fixed, 1}}};  // there is nowhere else to go
  const bool is_open = lost && base::index_of(*lost) < shape.fails_open_without.size() &&
                       shape.fails_open_without[base::index_of(*lost)];
  const auto candidate_of = [&](base::DatacenterId datacenter) {
    if (is_open) return shape.open_candidates[base::index_of(datacenter)];
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
