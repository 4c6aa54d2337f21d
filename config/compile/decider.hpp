// What the rules of one list make of clients: a tier list for each combination of facts, found out once.
//
// The facts are a record of each database file and the networks of rules around the client. Used while
// compiling, never per query. Not thread-safe.
#pragma once

#include "base/fact_memo.hpp"
#include "config/compile/rule_index.hpp"
#include "config/compile/tier_order.hpp"
#include "geo/geo_database.hpp"
#include "steering/tiers.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace meridian::compile {

/// A rule's tiers for a place: the one function both the compiler and explain ask.
[[nodiscard]] std::vector<steering::TierEntry> tiers_of(const RuleIndex& rules, const TierOrder& order,
                                                        const Win& win, const geo::Place& place);

class Decider {
 public:
  /// All outlive the decider.
  Decider(const RuleIndex& rules, const TierOrder& order, const geo::GeoDatabase& database,
          steering::TierTableBuilder& tiers);

  struct Decision {
    std::uint32_t tiers = 0;   ///< a TiersId
    bool is_named = false;     ///< by a network rule or a database record
    bool is_implicit = false;  ///< no rule wins
  };

  /// For a client with these records (one a file, 0 where it knows nothing) in the networks of `chain`.
  [[nodiscard]] Decision decide(std::span<const std::uint32_t> records, std::uint32_t chain) {
    // Nearly all blocks of a city database: a record of one file alone, in no network of a rule.
    std::size_t only = 0;
    std::size_t count = records.empty() ? 2 : 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (records[i] == 0) continue;
      only = i;
      ++count;
    }
    if (count > 1 || chain != 0) return decide_any(records, chain);
    auto& made = by_record_[only][records[only]];
    if (made == kNotMade) made = pack(make_for_record(only, records[only]));
    return {made >> 1, records[only] != 0, (made & 1) != 0};
  }

  /// By rule: it decided for somebody.
  [[nodiscard]] const std::vector<bool>& rule_wins() const noexcept { return rule_wins_; }

 private:
  /// What wins for all places of one area outside of every network, whatever their coordinates.
  struct AreaWin {
    Win win;
    std::uint32_t tiers = 0;  ///< where they do not depend on the client's coordinates
    bool by_client = false;
    std::optional<base::Coordinates> centre;  ///< for places without coordinates
  };
  /// A rule and its nearest datacenters, as 16-bit units: short ones need no memory of their own.
  using NearestKey = std::u16string;
  struct ListKeyHash {
    std::size_t operator()(const std::pair<std::uint32_t, std::uint64_t>& key) const noexcept;
  };

  static constexpr std::uint32_t kNotMade = 0xffff'ffff;
  /// Four bytes for each of half a million records stay in the cache.
  [[nodiscard]] static std::uint32_t pack(const Decision& decision) noexcept {
    return decision.tiers << 1 | (decision.is_implicit ? 1 : 0);
  }

  [[nodiscard]] Decision decide_any(std::span<const std::uint32_t> records, std::uint32_t chain);
  [[nodiscard]] Decision make(std::span<const std::uint32_t> records, std::uint32_t chain);
  [[nodiscard]] Decision make_for_record(std::size_t file, std::uint32_t record);
  [[nodiscard]] AreaWin find_area_win(const geo::Place& area);
  [[nodiscard]] bool depends_on_client(const Win& win) const;
  [[nodiscard]] const config::Rule& rule_of(const Win& win) const;
  [[nodiscard]] std::uint64_t list_of(const Win& win) const;
  [[nodiscard]] std::uint32_t intern_tiers(const Win& win, const std::optional<base::Coordinates>& at);
  [[nodiscard]] std::uint32_t intern_nearest(const Win& win, const base::Coordinates& at);
  void note_win(const Win& win);

  const RuleIndex& rules_;
  const TierOrder& order_;
  const geo::GeoDatabase& database_;
  steering::TierTableBuilder& tiers_;
  std::vector<bool> rule_wins_;
  std::vector<std::vector<std::uint32_t>> by_record_;  ///< by file, packed
  base::FactMemo<Decision> decisions_;
  std::vector<std::uint32_t> facts_;
  std::vector<std::vector<std::optional<AreaWin>>> area_wins_;  ///< by file and area
  std::unordered_map<NearestKey, std::uint32_t> nearest_tiers_;
  std::unordered_map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t, ListKeyHash>
      list_tiers_;  ///< by rule and, where it takes them from a networks file, the line's list
  NearestKey nearest_key_;
  std::vector<base::DatacenterId> nearest_ids_;
};

}  // namespace meridian::compile
