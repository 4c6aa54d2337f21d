#include "rate/rate_table.hpp"

#include "base/limits.hpp"
#include "base/random.hpp"

#include <algorithm>
#include <bit>

namespace meridian::rate {
namespace {

constexpr unsigned kTimeBits = 40;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
constexpr std::uint64_t kTicksPerMs = 256;

std::uint64_t tag_of(std::uint64_t hash) noexcept {
  // The low bits choose the line; 0 is an empty word.
  return std::max<std::uint64_t>(hash >> kTimeBits, 1);
}

/// What is left at `now` of a debt that ends at `end`. An end in the past, or so far ahead that it can only
/// be the past of a clock that went round (40 bits are 49 days), is no debt.
std::uint64_t debt_at(std::uint64_t end, std::uint64_t now, std::uint64_t debt_max) noexcept {
  const std::uint64_t ahead = (end - now) & kTimeMask;
  return ahead <= debt_max ? ahead : 0;
}

/// Tries before a bucket that others keep changing is left to them. Each lost try is another thread's thing
/// counted, so what goes uncounted is at most one in kTriesMax for each other thread that counts with it.
constexpr int kTriesMax = 16;

}  // namespace

Rate make_rate(std::uint32_t per_second, std::uint32_t window_s) noexcept {
  if (per_second == 0) return {};
  const std::uint32_t interval = kTicksPerSecond / std::min(per_second, base::limits::kRateMax);
  // With a window of one second, what is over the limit is not charged: a flood gets its rate for ever.
  if (window_s <= 1) return {.interval = interval, .debt_max = 0};
  const std::uint32_t window = std::min(window_s, base::limits::kRateWindowSecondsMax);
  return {.interval = interval, .debt_max = window * kTicksPerSecond};
}

RateTable::RateTable(std::size_t entries, std::uint64_t seed)
    : requested_(entries),
      mask_(std::bit_ceil(std::max<std::size_t>(entries, kLineWords)) / kLineWords - 1),
      seed_(seed),
      lines_(std::make_unique<Line[]>(mask_ + 1)) {}

bool RateTable::take(std::uint64_t key, const Rate& rate, std::uint64_t monotonic_ms) noexcept {
  if (rate.interval == 0) return false;
  const std::uint64_t hash = base::mix(key ^ seed_);
  const std::uint64_t tag = tag_of(hash);
  const std::uint64_t now = (monotonic_ms * kTicksPerMs) & kTimeMask;
  auto& words = lines_[hash & mask_].words;

  bool is_over = false;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    std::size_t chosen = 0;
    std::uint64_t chosen_word = 0;
    std::uint64_t least_debt = ~std::uint64_t{0};
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::uint64_t word = words[i].load(std::memory_order_relaxed);
      const bool is_ours = word >> kTimeBits == tag;
      // Words of other keys may have been made with a longer window; the longest there is keeps them
      // comparable.
      const std::uint64_t debt = debt_at(
          word & kTimeMask, now, std::uint64_t{base::limits::kRateWindowSecondsMax} * kTicksPerSecond);
      if (!is_ours && (word == 0 ? 0 : debt + 1) >= least_debt) continue;
      chosen = i;
      chosen_word = word;
      least_debt = word == 0 ? 0 : debt + 1;
      if (is_ours) break;
    }
    const bool is_known = chosen_word >> kTimeBits == tag;
    const auto debt_max = std::max<std::uint64_t>(rate.debt_max, kTicksPerSecond);
    const std::uint64_t debt = is_known ? debt_at(chosen_word & kTimeMask, now, debt_max) : 0;
    const std::uint64_t next = debt + rate.interval;
    is_over = next > kTicksPerSecond;
    const std::uint64_t kept = is_over ? std::max(debt, std::min<std::uint64_t>(next, rate.debt_max)) : next;
    const std::uint64_t word = tag << kTimeBits | ((now + kept) & kTimeMask);
    // A flood at its deepest debt changes nothing within a tick: nothing to write, nobody to race with.
    if (word == chosen_word) return is_over;
    if (words[chosen].compare_exchange_strong(chosen_word, word, std::memory_order_relaxed)) return is_over;
  }
  return is_over;  // what the bucket said last: a key over its rate stays so, however many ask at once
}

}  // namespace meridian::rate
