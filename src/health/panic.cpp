#include "health/panic.hpp"

#include <algorithm>

namespace meridian::health {

PanicGuard::PanicGuard(std::vector<Member> members) : members_(std::move(members)), falls_(members_.size()) {
  for (const auto& member : members_) total_weight_ += member.weight;
}

bool PanicGuard::want(std::size_t member, bool is_down, base::MonotonicTime now) {
  auto& fall = falls_[member];
  if (!is_down) {
    fall = {};
    end_if_nothing_kept();
    return false;
  }
  if (fall.is_down) return false;
  fall = {true, false, true, now};
  if (is_panicking()) {
    // It waits for its datacenter's turn, as those that fell first.
    fall.is_kept = true;
    return false;
  }
  return begin_if_too_many(now);
}

void PanicGuard::carry_down(std::size_t member) { falls_[member] = {true, false, false, {}}; }

void PanicGuard::carry_fall(std::size_t member, base::MonotonicTime fell_at, bool is_kept) {
  falls_[member] = {true, is_kept, true, fell_at};
}

bool PanicGuard::begin_if_too_many(base::MonotonicTime now) {
  const auto is_recent = [&](const Fall& fall) { return fall.counts && now - fall.fell_at <= kPanicWindow; };
  std::uint64_t falling = 0;
  for (std::size_t i = 0; i < falls_.size(); ++i) {
    if (is_recent(falls_[i])) falling += members_[i].weight;
  }
  if (falling * 2 <= total_weight_) return false;
  falling_weight_ = falling;
  for (auto& fall : falls_) fall.is_kept = is_recent(fall);
  next_release_ = now + kPanicKeeps;
  return true;
}

std::optional<std::uint32_t> PanicGuard::release(base::MonotonicTime now) {
  if (!next_release_ || now < *next_release_) return std::nullopt;
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < falls_.size(); ++i) {
    if (falls_[i].is_kept && (!first || falls_[i].fell_at < falls_[*first].fell_at)) first = i;
  }
  if (!first) {  // carried over without one
    next_release_.reset();
    return std::nullopt;
  }
  const auto datacenter = members_[*first].datacenter;
  for (std::size_t i = 0; i < falls_.size(); ++i) {
    if (members_[i].datacenter != datacenter || !falls_[i].is_kept) continue;
    falls_[i].is_kept = false;
    falls_[i].counts = false;  // or it would start the next panic
  }
  *next_release_ += kPanicPace;
  end_if_nothing_kept();
  return datacenter;
}

void PanicGuard::end_if_nothing_kept() {
  if (std::none_of(falls_.begin(), falls_.end(), [](const Fall& fall) { return fall.is_kept; }))
    next_release_.reset();
}

}  // namespace meridian::health
