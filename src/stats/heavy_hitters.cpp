#include "stats/heavy_hitters.hpp"

#include "base/assert.hpp"
#include "base/random.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace meridian::stats {
namespace {

constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kPlacesMax = std::size_t{1} << 31;

}  // namespace

HeavyHitters::HeavyHitters(std::size_t places, std::uint64_t seed)
    : places_(places), seed_(seed), index_(std::bit_ceil(2 * places), kNobody) {
  MERIDIAN_ASSERT(places > 0 && places <= kPlacesMax);
  slots_.reserve(places);
  heap_.reserve(places);
}

bool HeavyHitters::add(std::uint64_t key, std::uint64_t weight) {
  total_ += weight;
  const std::size_t at = find(key);
  if (index_[at] != kNobody) {
    auto& slot = slots_[index_[at]];
    slot.item.count += weight;
    sift_down(slot.heap_at);
    return false;
  }
  if (slots_.size() < places_) {
    const auto number = static_cast<Number>(slots_.size());
    index_[at] = number;
    slots_.push_back({{.key = key, .count = weight, .error = 0}, number});
    heap_.push_back(number);
    sift_up(heap_.size() - 1);
    return false;
  }
  const Number number = heap_.front();
  auto& item = slots_[number].item;
  forget(item.key);
  index_[find(key)] = number;
  // The new key may have been here before, and lost its place: with no more than the least of all counts,
  // which only grows.
  item = {.key = key, .count = item.count + weight, .error = item.count};
  sift_down(0);
  ++evicted_;
  return true;
}

void HeavyHitters::clear() {
  slots_.clear();
  heap_.clear();
  std::fill(index_.begin(), index_.end(), kNobody);
  total_ = 0;
  evicted_ = 0;
}

std::vector<HeavyHitters::Item> HeavyHitters::items() const {
  std::vector<Item> items;
  items.reserve(slots_.size());
  for (const auto& slot : slots_) items.push_back(slot.item);
  return items;
}

std::uint64_t HeavyHitters::missing_max() const noexcept {
  return evicted_ == 0 ? 0 : slots_[heap_.front()].item.count;
}

std::size_t HeavyHitters::memory_bytes() const noexcept {
  return slots_.capacity() * sizeof(Slot) + (heap_.capacity() + index_.capacity()) * sizeof(Number);
}

std::size_t HeavyHitters::home_of(std::uint64_t key) const noexcept {
  return base::mix(key ^ seed_) & (index_.size() - 1);
}

std::size_t HeavyHitters::find(std::uint64_t key) const noexcept {
  std::size_t at = home_of(key);
  while (index_[at] != kNobody && slots_[index_[at]].item.key != key) at = (at + 1) & (index_.size() - 1);
  return at;
}

/// Takes a key that is there out of the index: those behind it that could not have its spot move up, so that
/// a search still ends at the first empty one.
void HeavyHitters::forget(std::uint64_t key) noexcept {
  const std::size_t mask = index_.size() - 1;
  std::size_t hole = find(key);
  for (std::size_t at = (hole + 1) & mask; index_[at] != kNobody; at = (at + 1) & mask) {
    const std::size_t home = home_of(slots_[index_[at]].item.key);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;  // its home lies behind the hole
    index_[hole] = index_[at];
    hole = at;
  }
  index_[hole] = kNobody;
}

void HeavyHitters::put_in_heap(std::size_t at, Number number) noexcept {
  heap_[at] = number;
  slots_[number].heap_at = static_cast<Number>(at);
}

void HeavyHitters::sift_up(std::size_t at) noexcept {
  const Number number = heap_[at];
  const std::uint64_t count = slots_[number].item.count;
  while (at > 0) {
    const std::size_t parent = (at - 1) / 2;
    if (slots_[heap_[parent]].item.count <= count) break;
    put_in_heap(at, heap_[parent]);
    at = parent;
  }
  put_in_heap(at, number);
}

void HeavyHitters::sift_down(std::size_t at) noexcept {
  const Number number = heap_[at];
  const std::uint64_t count = slots_[number].item.count;
  for (std::size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
    if (child + 1 < heap_.size() && slots_[heap_[child + 1]].item.count < slots_[heap_[child]].item.count)
      ++child;
    if (count <= slots_[heap_[child]].item.count) break;
    put_in_heap(at, heap_[child]);
    at = child;
  }
  put_in_heap(at, number);
}

}  // namespace meridian::stats
