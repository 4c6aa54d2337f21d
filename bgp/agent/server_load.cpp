#include "bgp/agent/server_load.hpp"

#include <algorithm>

namespace meridian::agent {
namespace {

/// Reports come once a second and on changes: more of them than this in a window are left out.
constexpr std::chrono::milliseconds kApart{500};

}  // namespace

void ServerLoad::note(base::MonotonicTime now, std::uint64_t queries, std::uint64_t drops,
                      std::uint64_t own_queries) {
  if (!totals_.empty()) {
    const auto& last = totals_.back();
    if (queries < last.queries || drops < last.drops) totals_.clear();
  }
  if (!totals_.empty() && now - totals_.back().at < kApart) return;
  totals_.push_back({now, queries, drops, own_queries});
  while (totals_.size() > 2 && now - totals_[1].at >= kOverloadTime) totals_.pop_front();
}

const ServerLoad::Totals& ServerLoad::before(std::chrono::seconds time) const {
  const auto is_old = [&](const Totals& totals) { return totals_.back().at - totals.at >= time; };
  const auto found = std::find_if(totals_.rbegin(), totals_.rend(), is_old);
  return found == totals_.rend() ? totals_.front() : *found;
}

std::optional<double> ServerLoad::queries_per_s() const {
  if (totals_.size() < 2) return std::nullopt;
  const auto& first = before(kRateTime);
  const auto& last = totals_.back();
  const double seconds = std::chrono::duration<double>(last.at - first.at).count();
  const auto all = last.queries - first.queries;
  const auto own = last.own - first.own;
  return static_cast<double>(all - std::min(all, own)) / seconds;
}

bool ServerLoad::is_overloaded() const {
  if (totals_.size() < 2) return false;
  const auto& first = totals_.front();
  const auto& last = totals_.back();
  if (last.at - first.at < kOverloadTime) return false;
  const auto drops = static_cast<double>(last.drops - first.drops);
  const auto queries = static_cast<double>(last.queries - first.queries);
  return drops > kOverloadShare * (drops + queries);
}

bool ServerLoad::is_quiet(double rate_before) const {
  const auto rate = queries_per_s();
  return rate && *rate < std::max(kQuietShare * rate_before, kQuietRate);
}

}  // namespace meridian::agent
