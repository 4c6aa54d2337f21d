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

std::uint32_t ShapeOdds::end_of(base::TiersId tiers, steering::DrawKey key) const {
  if (shape_.fixed) return ends_[base::index_of(*shape_.fixed)];
  const auto choice =
      steering::choose(snapshot_.tiers.list(tiers), shape_.overprovision, key,
                       [&](base::DatacenterId id) { return shape_.candidates[base::index_of(id)]; });
  if (choice.reason == steering::Reason::Nobody) return no_address_;
  const bool is_all_down = choice.reason == steering::Reason::AllDown;
  if (is_all_down && shape_.on_all_down != query::OnAllDown::AnswerAnyway) return all_down_;
  return ends_[base::index_of(choice.datacenter)];
}

bool ShapeOdds::draws_alike(base::TiersId tiers, const ShapeOdds& other, base::TiersId other_tiers) const {
  if (shape_.fixed || other.shape_.fixed || shape_.overprovision != other.shape_.overprovision ||
      shape_.on_all_down != other.shape_.on_all_down)
    return false;
  const auto list = snapshot_.tiers.list(tiers);
  const auto other_list = other.snapshot_.tiers.list(other_tiers);
  return std::equal(list.begin(), list.end(), other_list.begin(), other_list.end(),
                    [&](const steering::TierEntry& here, const steering::TierEntry& there) {
                      const auto at = base::index_of(here.datacenter);
                      const auto other_at = base::index_of(there.datacenter);
                      return here.tier == there.tier && here.weight == there.weight &&
                             ends_[at] == other.ends_[other_at] &&
                             is_same(shape_.candidates[at], other.shape_.candidates[other_at]);
                    });
}

bool ShapeOdds::is_answer(const EndShares& shares, const Ends& ends) {
  return std::any_of(shares.begin(), shares.end(), [&](const EndShare& share) {
    const auto& name = ends.name(share.end);
    return name != kNoAddress && name != kServfail;
  });
}

}  // namespace meridian::plan
