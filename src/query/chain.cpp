#include "query/chain.hpp"

#include "base/assert.hpp"
#include "dns/header.hpp"

#include <algorithm>
#include <cstring>

namespace meridian::query {

using zone::Outcome;

Chain::Chain(const zone::ZoneSet& zones, const zone::HashedName& name, dns::Rtype type,
             const zone::Zone* zone) noexcept
    : zones_(zones), type_(type), first_name_(name.name()), name_(name.name()), zone_(zone) {
  look_up(name);
}

void Chain::look_up(const zone::HashedName& name) noexcept {
  if (zone_ == nullptr) return;
  found_ = zone_->lookup(name, type_);
  // RFC 4035 3.1.4.1: DS of one of our apexes, and the zone above that we serve is not its parent or does not
  // know the cut: the child says that there is none. Nobody may hear that a zone of ours does not exist.
  if (type_ == dns::Rtype::Ds && found_.outcome != Outcome::Answer && found_.outcome != Outcome::NoData) {
    const zone::Zone* child = zones_.find(name, dns::Rtype::Soa);
    if (child != zone_) {
      zone_ = child;
      found_ = zone_->lookup(name, type_);
    }
  }
  if (is_at_alias()) find_target();
}

void Chain::find_target() noexcept {
  const dns::Name target = dns::read_target(found_.rrset);
  // Of a DNAME: the labels of the name before the owner, then the target.
  const bool is_dname = found_.outcome == Outcome::Dname;
  const std::size_t before = is_dname ? name_.size() - found_.owner.size() : 0;
  const std::size_t size = before + target.view().size();
  target_.reset();
  if (size > base::limits::kNameBytesMax) return;
  dns::store_u16(synthesized_.data(), static_cast<std::uint16_t>(size));
  std::memcpy(synthesized_.data() + 2, name_.wire().data(), before);
  std::memcpy(synthesized_.data() + 2 + before, target.view().wire().data(), target.view().size());
  target_ = dns::NameView{{synthesized_.data() + 2, size}};
}

bool Chain::is_dname_repeated() const noexcept {
  const auto end = aliases_.begin() + static_cast<std::ptrdiff_t>(link_count_);
  return std::find(aliases_.begin(), end, found_.rrset.images.data()) != end;
}

ChainStop Chain::follow() noexcept {
  MERIDIAN_DEBUG_ASSERT(is_at_alias() && link_count_ < base::limits::kCnameChainMax);
  return target_ ? go_to(*target_, found_.rrset.images.data()) : ChainStop::NameTooLong;
}

ChainStop Chain::follow_to(dns::NameView target) noexcept {
  if (link_count_ == base::limits::kCnameChainMax) return ChainStop::TooLong;
  return go_to(target, nullptr);
}

ChainStop Chain::go_to(dns::NameView target, const std::uint8_t* records) noexcept {
  if (has_been_at(target)) return ChainStop::Loop;
  aliases_[link_count_++] = records;
  name_ = keep(target);
  const zone::HashedName hashed(name_);
  zone_ = zones_.find(hashed, type_);
  look_up(hashed);
  return is_at_alias() && link_count_ == base::limits::kCnameChainMax ? ChainStop::TooLong : ChainStop::None;
}

dns::NameView Chain::keep(dns::NameView target) noexcept {
  std::uint8_t* const to = kept_.data() + kept_bytes_;
  std::ranges::transform(target.wire(), to, dns::lower);
  kept_bytes_ += target.size();
  return dns::NameView{{to, target.size()}};
}

bool Chain::has_been_at(dns::NameView name) const noexcept {
  if (name == first_name_) return true;
  std::span<const std::uint8_t> rest{kept_.data(), kept_bytes_};
  while (!rest.empty()) {
    const std::size_t end = dns::find_name_end(rest, 0);
    if (name == dns::NameView{rest.first(end)}) return true;
    rest = rest.subspan(end);
  }
  return false;
}

}  // namespace meridian::query
