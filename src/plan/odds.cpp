#include "plan/odds.hpp"

#include "plan/compare.hpp"

#include <algorithm>

namespace meridian::plan {
namespace {

const char* end_of_all_down(query::OnAllDown on_all_down) {
  switch (on_all_down) {
    case query::OnAllDown::ServFail:
      return kServfail;
    case query::OnAllDown::SorryPool:
      return kSorryPage;
    case query::OnAllDown::NoData:
    case query::OnAllDown::AnswerAnyway:  // then there are shares
      break;
  }
  return kNoAddress;
}

}  // namespace

std::uint32_t Ends::find_or_add(const std::string& name) {
  const auto [found, is_new] = numbers_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
  if (is_new) names_.push_back(name);
  return found->second;
}

double distance(const EndShares& before, const EndShares& after) noexcept {
  double gained = 0;
  auto old = before.begin();
  for (const auto& share : after) {
    while (old != before.end() && old->end < share.end) ++old;
    const double had = old != before.end() && old->end == share.end ? old->share : 0;
    if (share.share - had > kShareTolerance) gained += share.share - had;
  }
  return gained;
}

ShapeOdds::ShapeOdds(const query::Snapshot& snapshot, Shape shape, Ends& ends)
    : snapshot_(snapshot),
      shape_(std::move(shape)),
      no_address_(ends.find_or_add(kNoAddress)),
      all_down_(ends.find_or_add(end_of_all_down(shape_.on_all_down))),
      known_(snapshot.tiers.size()) {
  for (const auto& datacenter : snapshot.datacenters) {
    const auto end = ends.find_or_add(datacenter.name);
    ids_.emplace(end, static_cast<base::DatacenterId>(ends_.size()));
    ends_.push_back(end);
  }
}

EndShares ShapeOdds::translate(const steering::Shares& shares) const {
  if (shares.of.empty()) return {{shares.all_down ? all_down_ : no_address_, 1}};
  EndShares translated;
  for (const auto& share : shares.of)
    translated.push_back({ends_[base::index_of(share.datacenter)], share.share});
  std::sort(translated.begin(), translated.end(),
            [](const EndShare& left, const EndShare& right) { return left.end < right.end; });
  return translated;
}

const EndShares& ShapeOdds::of(base::TiersId tiers) {
  auto& known = known_[base::index_of(tiers)];
  if (!known) known = translate(shares_of(shape_, snapshot_.tiers.list(tiers)));
  return *known;
}

EndShares ShapeOdds::without(base::TiersId tiers, std::uint32_t lost) const {
  const auto id = ids_.find(lost);
  return translate(shares_of(shape_, snapshot_.tiers.list(tiers),
                             id == ids_.end() ? std::nullopt : std::optional{id->second}));
}

bool ShapeOdds::is_answer(const EndShares& shares, const Ends& ends) {
  return std::any_of(shares.begin(), shares.end(), [&](const EndShare& share) {
    const auto& name = ends.name(share.end);
    return name != kNoAddress && name != kServfail;
  });
}

}  // namespace meridian::plan
