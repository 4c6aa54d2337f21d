// Remembers what follows from a combination of facts, so that it is found out once and not for each of the
// millions of blocks that have it.
//
// Most often a block has one fact that is not 0: a record of the one database that knows it. Those are an
// index away; measured on a city database, hashing each block instead takes seconds. Grows with the
// combinations met. Not for the query path.
#pragma once

#include "base/random.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace meridian::base {

template <typename Result>
class FactMemo {
 public:
  /// What `make()` said of these facts when they were met first. Always as many facts; the reference lasts
  /// until the next call.
  template <typename Make>
  [[nodiscard]] const Result& find(std::span<const std::uint32_t> facts, const Make& make) {
    std::size_t count = 0;
    std::size_t last = 0;
    for (std::size_t i = 0; i < facts.size(); ++i) {
      if (facts[i] == 0) continue;
      ++count;
      last = i;
    }
    auto& slot = count > 1 ? combined_[fold(facts)] : single(last, facts.empty() ? 0 : facts[last]);
    if (!slot) slot = make();
    return *slot;
  }

 private:
  using Slot = std::optional<Result>;

  /// No fact at all is fact 0 of position 0.
  [[nodiscard]] Slot& single(std::size_t position, std::uint32_t fact) {
    if (singles_.size() <= position) singles_.resize(position + 1);
    auto& slots = singles_[position];
    if (slots.size() <= fact) slots.resize(std::max<std::size_t>(fact + std::size_t{1}, 2 * slots.size()));
    return slots[fact];
  }

  static constexpr std::uint64_t kFirstPair = std::uint64_t{1} << 32;  // past every fact

  /// A number for the facts: a fold of pairs, each numbered in the order it is met.
  [[nodiscard]] std::uint64_t fold(std::span<const std::uint32_t> facts) {
    std::uint64_t key = facts.front();
    for (const auto fact : facts.subspan(1))
      key = pairs_.try_emplace({key, fact}, kFirstPair + pairs_.size()).first->second;
    return key;
  }

  struct Hash {
    std::size_t operator()(const std::pair<std::uint64_t, std::uint32_t>& pair) const noexcept {
      return mix(pair.first * 0x9e37'79b9'7f4a'7c15 + pair.second);
    }
  };
  std::vector<std::vector<Slot>> singles_;  // by position, then by fact
  std::unordered_map<std::uint64_t, Slot> combined_;
  std::unordered_map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t, Hash> pairs_;
};

}  // namespace meridian::base
