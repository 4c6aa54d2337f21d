#include "config/compile/decider.hpp"

#include "base/random.hpp"

#include <algorithm>

namespace meridian::compile {
namespace {

/// What a map without `everyone` has for the rest.
const config::Rule& implicit_rule() {
  static const config::Rule rule;
  return rule;
}

}  // namespace

std::vector<steering::TierEntry> tiers_of(const RuleIndex& rules, const TierOrder& order, const Win& win,
                                          const geo::Place& place) {
  if (win.rule == kImplicitRule) return order.tiers(implicit_rule(), place.at);
  return order.tiers(rules.rules()[win.rule], place.at, rules.listed(win));
}

std::size_t Decider::ListKeyHash::operator()(
    const std::pair<std::uint32_t, std::uint64_t>& key) const noexcept {
  return base::mix(key.second * 0x9e37'79b9'7f4a'7c15 + key.first);
}

Decider::Decider(const RuleIndex& rules, const TierOrder& order, const geo::GeoDatabase& database,
                 steering::TierTableBuilder& tiers)
    : rules_(rules), order_(order), database_(database), tiers_(tiers), rule_wins_(rules.rules().size()) {
  for (const auto& file : database.files()) {
    area_wins_.emplace_back(file->places.areas().size());
    by_record_.emplace_back(file->places.size(), kNotMade);
  }
}

Decider::Decision Decider::decide_any(std::span<const std::uint32_t> records, std::uint32_t chain) {
  facts_.assign(records.begin(), records.end());
  // A feed's networks are all alike, so that a million of them are one decision for each record.
  facts_.push_back(rules_.chains().chain(chain).kind());
  return decisions_.find(facts_, [&] { return make(records, chain); });
}

Decider::Decision Decider::make_for_record(std::size_t file, std::uint32_t record) {
  const auto& places = database_.files()[file]->places;
  auto& area = area_wins_[file][places.area_index(record)];
  if (!area) area = find_area_win(places.area(record));
  auto tiers = area->tiers;
  if (area->by_client) {
    const auto at = places.coordinates(record);
    tiers = intern_tiers(area->win, at ? at : area->centre);
  }
  return {.tiers = tiers, .is_named = record != 0, .is_implicit = area->win.rule == kImplicitRule};
}

Decider::AreaWin Decider::find_area_win(const geo::Place& area) {
  const auto merged = database_.merge_one(area);
  AreaWin found{
      .win = rules_.find(merged.place, 0), .tiers = 0, .by_client = false, .centre = merged.place.at};
  note_win(found.win);
  found.by_client = depends_on_client(found.win);
  if (!found.by_client) found.tiers = intern_tiers(found.win, std::nullopt);
  return found;
}

Decider::Decision Decider::make(std::span<const std::uint32_t> records, std::uint32_t chain) {
  const geo::Place place = database_.merge(records).place;
  const Win win = rules_.find(place, chain);
  note_win(win);
  const bool by_network =
      win.atom != nullptr && (win.atom->place.kind == config::PlaceRef::Kind::Network ||
                              win.atom->place.kind == config::PlaceRef::Kind::NetworksFile);
  const bool by_record =
      std::any_of(records.begin(), records.end(), [](std::uint32_t id) { return id != 0; });
  return {.tiers = intern_tiers(win, place.at),
          .is_named = by_network || by_record,
          .is_implicit = win.rule == kImplicitRule};
}

void Decider::note_win(const Win& win) {
  if (win.rule != kImplicitRule) rule_wins_[win.rule] = true;
}

const config::Rule& Decider::rule_of(const Win& win) const {
  return win.rule == kImplicitRule ? implicit_rule() : rules_.rules()[win.rule];
}

bool Decider::depends_on_client(const Win& win) const { return TierOrder::depends_on_client(rule_of(win)); }

std::uint64_t Decider::list_of(const Win& win) const {
  if (rule_of(win).order != config::Rule::Order::AsListed) return 0;
  return std::uint64_t{win.line.file} << 32 | rules_.entry_of(win).list;
}

std::uint32_t Decider::intern_tiers(const Win& win, const std::optional<base::Coordinates>& at) {
  if (at && depends_on_client(win)) return intern_nearest(win, *at);
  const auto [found, is_new] = list_tiers_.try_emplace({win.rule, list_of(win)});
  if (is_new) {
    const auto tiers = order_.tiers(rule_of(win), std::nullopt, rules_.listed(win));
    found->second = static_cast<std::uint32_t>(base::index_of(tiers_.intern(tiers)));
  }
  return found->second;
}

std::uint32_t Decider::intern_nearest(const Win& win, const base::Coordinates& at) {
  order_.nearest(at, rule_of(win).nearest_count, nearest_ids_);
  nearest_key_.assign({static_cast<char16_t>(win.rule >> 16), static_cast<char16_t>(win.rule)});
  for (const auto id : nearest_ids_) nearest_key_.push_back(static_cast<char16_t>(id));
  const auto [found, is_new] = nearest_tiers_.try_emplace(nearest_key_);
  if (is_new) {
    const auto tiers = order_.tiers_by_nearest(rule_of(win), nearest_ids_);
    found->second = static_cast<std::uint32_t>(base::index_of(tiers_.intern(tiers)));
  }
  return found->second;
}

}  // namespace meridian::compile
