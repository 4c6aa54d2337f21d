#include "plan/claims.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace meridian::plan {
namespace {

bool contains(const std::vector<base::DatacenterId>& ids, base::DatacenterId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::optional<ClaimBreach> check_first(const std::vector<base::DatacenterId>& first, const Shape& shape,
                                       std::span<const steering::TierEntry> tiers) {
  const auto shares = shares_of(shape, tiers);
  ClaimBreach breach;
  for (const auto& share : shares.of) {
    if (!contains(first, share.datacenter)) breach.gets.push_back(share.datacenter);
  }
  if (breach.gets.empty() && !shares.of.empty()) return std::nullopt;
  return breach;
}

std::vector<base::DatacenterId> forbidden_in(const steering::Shares& shares,
                                             const std::vector<base::DatacenterId>& never) {
  std::vector<base::DatacenterId> found;
  for (const auto& share : shares.of) {
    if (contains(never, share.datacenter)) found.push_back(share.datacenter);
  }
  return found;
}

std::optional<ClaimBreach> check_never(const std::vector<base::DatacenterId>& never, const Shape& shape,
                                       std::span<const steering::TierEntry> tiers) {
  const auto all_up = shares_of(shape, tiers);
  if (auto found = forbidden_in(all_up, never); !found.empty())
    return ClaimBreach{false, std::move(found), {}};
  // The loss of one that serves none of these clients changes nothing for them.
  for (const auto& share : all_up.of) {
    auto found = forbidden_in(shares_of(shape, tiers, share.datacenter), never);
    if (!found.empty()) return ClaimBreach{false, std::move(found), share.datacenter};
  }
  return std::nullopt;
}

std::string names_text(const std::vector<config::Word>& words, std::string_view joint) {
  std::vector<std::string> names;
  for (const auto& word : words) names.push_back(word.text);
  return fmt::format("{}", fmt::join(names, joint));
}

}  // namespace

std::optional<ClaimBreach> find_breach(Claim claim, const compile::Expectation& expectation,
                                       const Shape& shape, std::span<const steering::TierEntry> tiers) {
  switch (claim) {
    case Claim::First:
      if (expectation.first.empty()) return std::nullopt;
      return check_first(expectation.first, shape, tiers);
    case Claim::Never:
      return check_never(expectation.never, shape, tiers);
    case Claim::DatacentersAtLeast: {
      auto ready = standing_ready(shape, tiers);
      if (ready.size() >= expectation.written->datacenters_at_least) return std::nullopt;
      return ClaimBreach{true, std::move(ready), {}};
    }
  }
  return std::nullopt;
}

std::string claim_text(Claim claim, const config::Expectation& expectation) {
  const auto asked = expectation.map.text.empty() ? expectation.ask.text : "map " + expectation.map.text;
  switch (claim) {
    case Claim::First:
      return fmt::format("get {} first ({})", names_text(expectation.first, " or "), asked);
    case Claim::Never:
      return fmt::format("never get {} ({})", names_text(expectation.never, " or "), asked);
    case Claim::DatacentersAtLeast:
      break;
  }
  return fmt::format("have at least {} datacenter{} ({})", expectation.datacenters_at_least,
                     expectation.datacenters_at_least == 1 ? "" : "s", asked);
}

std::string breach_text(const ClaimBreach& breach, const query::Snapshot& snapshot) {
  const auto name_of = [&](base::DatacenterId id) { return snapshot.datacenters[base::index_of(id)].name; };
  std::vector<std::string> names;
  for (const auto id : breach.gets) names.push_back(name_of(id));
  if (breach.is_too_few && names.empty()) return "has none";
  if (breach.is_too_few) return fmt::format("has only {}", fmt::join(names, " and "));
  const auto what = names.empty() ? std::string{"no address"} : fmt::format("{}", fmt::join(names, " and "));
  const auto when = breach.lost ? fmt::format(" when {} is lost", name_of(*breach.lost)) : std::string{};
  return fmt::format("gets {}{}", what, when);
}

}  // namespace meridian::plan
