// Tier lists: for each place, the datacenters in the order in which they are tried.
//
// A list is flat: entries with a rising tier number; entries of one tier share clients by weight. Lists are
// interned, so a leaf of a map holds one id. Immutable once built; HOT: list() is two loads.
#pragma once

#include "base/ids.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace meridian::steering {

struct TierEntry {
  base::DatacenterId datacenter{};
  std::uint16_t tier = 0;    ///< 0 is tried first
  std::uint16_t weight = 1;  ///< share inside the tier; at least 1

  friend auto operator<=>(const TierEntry&, const TierEntry&) = default;
};

class TierTable {
 public:
  [[nodiscard]] std::span<const TierEntry> list(base::TiersId id) const noexcept {
    const std::size_t index = base::index_of(id);
    return {entries_.data() + begins_[index], entries_.data() + begins_[index + 1]};
  }
  [[nodiscard]] std::size_t size() const noexcept { return begins_.size() - 1; }

 private:
  friend class TierTableBuilder;
  std::vector<TierEntry> entries_;
  std::vector<std::uint32_t> begins_{0};
};

class TierTableBuilder {
 public:
  /// The id of a list equal to `entries`, which may be empty ("nobody"). Entries are in rising tier order.
  [[nodiscard]] base::TiersId intern(const std::vector<TierEntry>& entries);
  /// What an id returned by intern stands for.
  [[nodiscard]] std::span<const TierEntry> list(base::TiersId id) const noexcept { return table_.list(id); }
  [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }
  [[nodiscard]] TierTable build() && { return std::move(table_); }

 private:
  TierTable table_;
  std::map<std::vector<TierEntry>, base::TiersId> ids_;
};

}  // namespace meridian::steering
