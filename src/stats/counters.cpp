#include "stats/counters.hpp"

namespace meridian::stats {

Counters& CounterRegistry::register_block() {
  const std::lock_guard lock(mutex_);
  return blocks_.emplace_back();
}

std::uint64_t CounterRegistry::total(Counter counter) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& block : blocks_) sum += block.value(counter);
  return sum;
}

}  // namespace meridian::stats
