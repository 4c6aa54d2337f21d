#include "zone/zone.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace meridian::zone {
namespace {

/// The last 32 bits of a SOA: MINIMUM.
std::uint32_t soa_minimum_s(const Rrset& soa) { return dns::load_u32(soa.images.last(4).data()); }

bool is_address(dns::Rtype type) { return type == dns::Rtype::A || type == dns::Rtype::Aaaa; }

}  // namespace

Zone::Zone(NodeTable nodes, std::size_t record_count, std::size_t deepest_labels) noexcept
    : nodes_(std::move(nodes)),
      apex_(nodes_.first()),
      apex_labels_(apex_.name().label_count()),
      deepest_labels_(deepest_labels),
      record_count_(record_count) {
  const auto soa = apex_.find(dns::Rtype::Soa);
  const auto ns = apex_.find(dns::Rtype::Ns);
  MERIDIAN_ASSERT(soa && ns);
  soa_ = *soa;
  ns_ = *ns;
  negative_ttl_s_ = std::min(soa_.ttl_s, soa_minimum_s(soa_));
}

Found Zone::lookup(const HashedName& name, dns::Rtype type) const noexcept {
  MERIDIAN_DEBUG_ASSERT(name.name().is_at_or_under(apex()));
  const std::size_t labels = name.label_count();
  if (labels <= deepest_labels_) {
    if (const Node node = nodes_.find(name.name(), name.hash(labels))) {
      // RFC 4035 3.1.4.1: DS belongs to the parent's side of a cut, everything else there to the child.
      const bool other_side = node.has(kNodeCut) && type != dns::Rtype::Ds;
      if (other_side || node.has(kNodeOccluded)) return refer(name);
      return answer_at(node, type, false);
    }
  }

  const std::size_t encloser_labels = closest_encloser_labels(name);
  const dns::NameView encloser_name = name.suffix(encloser_labels);
  const Node encloser = nodes_.find(encloser_name, name.hash(encloser_labels));
  if (encloser.has(kNodeCut | kNodeDname | kNodeOccluded)) return refer(name);
  // RFC 4592 3.3.1: only the wildcard right below the closest encloser is a source of synthesis.
  if (encloser.has(kNodeWildcardChild)) {
    return answer_at(nodes_.find_wildcard(encloser_name, name.hash(encloser_labels)), type, true);
  }
  Found nothing;
  nothing.owner = encloser.name();
  return nothing;
}

/// The longest suffix of an absent `name` that exists (RFC 4592 3.3.1), as a number of labels. With a node
/// exist all its ancestors down from the apex, so existence is monotonous and a binary search finds the
/// border: the usual absent name, one label below the apex, costs no probe and 127 labels of nonsense cost
/// seven.
std::size_t Zone::closest_encloser_labels(const HashedName& name) const noexcept {
  std::size_t exists = apex_labels_;
  std::size_t absent = std::min(name.label_count(), deepest_labels_ + 1);
  while (absent - exists > 1) {
    const std::size_t middle = exists + (absent - exists) / 2;
    (nodes_.find(name.suffix(middle), name.hash(middle)) ? exists : absent) = middle;
  }
  return exists;
}

/// The answer for a name that is not ours to answer: the topmost cut or DNAME above it (RFC 1034 4.3.2 goes
/// down from the apex, so the topmost one wins).
Found Zone::refer(const HashedName& name) const noexcept {
  Found found;
  for (std::size_t labels = apex_labels_; labels <= name.label_count(); ++labels) {
    const Node node = nodes_.find(name.suffix(labels), name.hash(labels));
    if (!node) break;
    found.owner = node.name();
    if (node.has(kNodeCut)) {
      found.outcome = Outcome::Delegation;
      found.rrset = *node.find(dns::Rtype::Ns);
      break;
    }
    // RFC 6672 2.3: a DNAME redirects what is below its owner, not the owner; no owner comes here as `name`
    // but one that a node above it occludes.
    if (node.has(kNodeDname)) {
      found.outcome = Outcome::Dname;
      found.rrset = *node.find(dns::Rtype::Dname);
      break;
    }
  }
  MERIDIAN_DEBUG_ASSERT(found.outcome != Outcome::NxDomain);
  return found;
}

Found Zone::answer_at(Node node, dns::Rtype type, bool wildcard) const noexcept {
  Found found;
  found.owner = node.name();
  found.wildcard = wildcard;
  const bool any = type == dns::Rtype::Any;
  const bool empty = node.rrset_count() == 0;
  if (node.service() != base::kNoService &&
      (is_address(type) || (any && empty) || node.has(kNodeSteersAll))) {
    found.outcome = Outcome::Steered;
    found.service = node.service();
    return found;
  }
  if (any && !empty) {
    found.outcome = Outcome::Answer;
    found.rrset = node.first_rrset();
    return found;
  }
  if (const auto rrset = node.find(type)) {
    found.outcome = Outcome::Answer;
    found.rrset = *rrset;
    return found;
  }
  if (node.has(kNodeCname)) {
    found.outcome = Outcome::Cname;
    found.rrset = node.first_rrset();
    return found;
  }
  found.outcome = Outcome::NoData;
  return found;
}

std::optional<Rrset> Zone::find_rrset(dns::NameView name, dns::Rtype type) const noexcept {
  const HashedName hashed(name);
  const Node node = nodes_.find(name, hashed.hash(hashed.label_count()));
  return node ? node.find(type) : std::nullopt;
}

void Zone::for_each_rrset(const std::function<void(dns::NameView, const Rrset&)>& visit) const {
  for (Node node = nodes_.first(); node; node = nodes_.next(node)) {
    node.for_each_rrset([&](const Rrset& rrset) { visit(node.name(), rrset); });
  }
}

ZoneSet::ZoneSet(std::vector<Zone> zones) {
  zones_.reserve(zones.size());
  mask_ = std::bit_ceil(zones.size() * 2 + 1) - 1;
  slots_.resize(mask_ + 1);
  for (auto& zone : zones) {
    const HashedName apex(zone.apex());
    const std::size_t labels = apex.label_count();
    const std::uint64_t hash = apex.hash(labels);
    if (find_apex(apex.name(), hash) != nullptr) continue;
    std::size_t slot = hash & mask_;
    while (slots_[slot].number != 0) slot = (slot + 1) & mask_;
    zones_.push_back(std::move(zone));
    slots_[slot] = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(zones_.size())};
    has_depth_[labels] = true;
    deepest_labels_ = std::max(deepest_labels_, labels);
  }
}

const Zone* ZoneSet::find_apex(dns::NameView apex, std::uint64_t hash) const noexcept {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const Slot* const slots = slots_.data();  // the mask keeps every index in range
  for (std::size_t at = hash & mask_; slots[at].number != 0; at = (at + 1) & mask_) {
    if (slots[at].tag != tag) continue;
    const Zone& zone = zones_[slots[at].number - 1];
    const auto candidate = zone.apex().wire();
    if (candidate.size() == apex.size() &&
        std::memcmp(candidate.data(), apex.wire().data(), apex.size()) == 0)
      return &zone;
  }
  return nullptr;
}

const Zone* ZoneSet::find(const HashedName& name, dns::Rtype type) const noexcept {
  if (zones_.empty()) return nullptr;
  const Zone* child = nullptr;
  for (std::size_t labels = std::min(name.label_count(), deepest_labels_) + 1; labels-- > 0;) {
    if (!has_depth_[labels]) continue;
    const Zone* zone = find_apex(name.suffix(labels), name.hash(labels));
    if (zone == nullptr) continue;
    if (type != dns::Rtype::Ds || labels < name.label_count()) return zone;
    child = zone;  // DS at an apex: the answer is the parent's, unless it is not here
  }
  return child;
}

std::size_t ZoneSet::record_count() const noexcept {
  std::size_t count = 0;
  for (const auto& zone : zones_) count += zone.record_count();
  return count;
}

std::size_t ZoneSet::memory_bytes() const noexcept {
  std::size_t bytes = sizeof(ZoneSet) + slots_.capacity() * sizeof(Slot);
  for (const auto& zone : zones_) bytes += zone.memory_bytes();
  return bytes;
}

}  // namespace meridian::zone
