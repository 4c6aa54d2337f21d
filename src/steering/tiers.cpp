#include "steering/tiers.hpp"

namespace meridian::steering {

base::TiersId TierTableBuilder::intern(const std::vector<TierEntry>& entries) {
  const auto next = static_cast<base::TiersId>(table_.size());
  const auto [position, is_new] = ids_.try_emplace(entries, next);
  if (is_new) {
    table_.entries_.insert(table_.entries_.end(), entries.begin(), entries.end());
    table_.begins_.push_back(static_cast<std::uint32_t>(table_.entries_.size()));
  }
  return position->second;
}

}  // namespace meridian::steering
