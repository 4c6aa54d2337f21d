#include "zone/zone_draft.hpp"

#include "base/assert.hpp"
#include "zone/node_table.hpp"

#include <algorithm>
#include <bit>

namespace meridian::zone {
namespace {

constexpr std::size_t kFirstIndexSlots = 16;

bool same_bytes(dns::NameView left, dns::NameView right) {
  return std::ranges::equal(left.wire(), right.wire());
}

}  // namespace

ZoneDraft::ZoneDraft(dns::NameView apex) : index_(kFirstIndexSlots) {
  const HashedName name(apex);
  append_node(apex, name.hash(name.label_count()), name.label_count(), kNoIndex);
}

void ZoneDraft::expect(std::size_t records) {
  const auto make_room = [](auto& vector, std::size_t more) {
    const std::size_t wanted = vector.size() + more;
    if (wanted > vector.capacity()) vector.reserve(std::max(wanted, vector.capacity() * 2));
  };
  // What is reserved too much is never touched, and so takes no memory.
  constexpr std::size_t kLabelBytes = 16;
  make_room(records_, records);
  make_room(nodes_, records);
  make_room(names_, records * (kLabelBytes + nodes_.front().name_bytes));
  make_room(rdata_, records * kLabelBytes);
  const std::size_t slots = std::bit_ceil((nodes_.size() + records + 1) * 2);
  if (slots > index_.size()) grow_index(slots);
}

dns::NameView ZoneDraft::name(const DraftNode& node) const {
  return dns::NameView{std::span{names_}.subspan(node.name_at, node.name_bytes)};
}

std::span<const std::uint8_t> ZoneDraft::rdata(const DraftRecord& record) const {
  return std::span{rdata_}.subspan(record.rdata_at, record.rdata_bytes);
}

base::Location ZoneDraft::location(const DraftPlace& place) const {
  return {files_[place.file], place.line, place.column};
}

DraftPlace ZoneDraft::place_of(const base::Location& where) {
  // Few files, and mostly the last one used.
  if (last_file_ >= files_.size() || files_[last_file_] != where.file) {
    const auto file = std::ranges::find(files_, where.file);
    last_file_ = static_cast<std::uint32_t>(file - files_.begin());
    if (file == files_.end()) files_.push_back(where.file);
  }
  return {last_file_, where.line, where.column};
}

std::uint32_t ZoneDraft::find(dns::NameView name, std::uint64_t hash) const {
  const std::size_t mask = index_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & mask; index_[at].node != kNoIndex; at = (at + 1) & mask) {
    if (index_[at].tag == tag && same_bytes(this->name(nodes_[index_[at].node]), name))
      return index_[at].node;
  }
  return kNoIndex;
}

std::uint32_t ZoneDraft::find(dns::NameView name) const {
  const HashedName hashed(name);
  return find(name, hashed.hash(hashed.label_count()));
}

/// find() for what is probably the parent of the name that came last: siblings come together.
std::uint32_t ZoneDraft::find_parent(dns::NameView name, std::uint64_t hash) const {
  const std::uint32_t likely = nodes_[last_node_].parent;
  if (likely != kNoIndex && nodes_[likely].hash == hash && same_bytes(this->name(nodes_[likely]), name))
    return likely;
  return find(name, hash);
}

void ZoneDraft::grow_index(std::size_t slots) {
  index_ = base::LargeVector<Slot>(slots);
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) put_into_index(nodes_[i].hash, i);
}

void ZoneDraft::put_into_index(std::uint64_t hash, std::uint32_t node) {
  const std::size_t mask = index_.size() - 1;
  std::size_t at = hash & mask;
  while (index_[at].node != kNoIndex) at = (at + 1) & mask;
  index_[at] = {static_cast<std::uint32_t>(hash >> 32), node};
}

std::uint32_t ZoneDraft::append_node(dns::NameView name, std::uint64_t hash, std::size_t labels,
                                     std::uint32_t parent) {
  // Names are at most 255 bytes each, so the file limit keeps this far off; a loop in a caller would not.
  MERIDIAN_ASSERT(names_.size() + name.size() < kNoIndex);
  if ((nodes_.size() + 1) * 2 > index_.size()) grow_index(index_.size() * 2);
  const auto number = static_cast<std::uint32_t>(nodes_.size());
  DraftNode node;
  node.hash = hash;
  node.name_at = static_cast<std::uint32_t>(names_.size());
  node.parent = parent;
  node.name_bytes = static_cast<std::uint8_t>(name.size());
  node.labels = static_cast<std::uint8_t>(labels);
  names_.insert(names_.end(), name.wire().begin(), name.wire().end());
  nodes_.push_back(node);
  if (parent != kNoIndex && name.is_wildcard()) nodes_[parent].flags |= kNodeWildcardChild;
  put_into_index(hash, number);
  return number;
}

void ZoneDraft::fetch_ahead(const HashedName& owner) const noexcept {
  __builtin_prefetch(&index_[owner.hash(owner.label_count()) & (index_.size() - 1)], 1);
}

std::uint32_t ZoneDraft::insert(const HashedName& owner) {
  if (same_bytes(name(nodes_[last_node_]), owner.name())) return last_node_;
  std::size_t labels = owner.label_count();
  std::uint32_t node = find(owner.suffix(labels), owner.hash(labels));
  // The apex exists, which ends the way up.
  while (node == kNoIndex) {
    --labels;
    node = find_parent(owner.suffix(labels), owner.hash(labels));
  }
  while (labels < owner.label_count()) {
    ++labels;
    node = append_node(owner.suffix(labels), owner.hash(labels), labels, node);
  }
  last_node_ = node;
  return node;
}

void ZoneDraft::add_record(std::uint32_t node, dns::Rtype type, std::uint32_t ttl_s,
                           std::span<const std::uint8_t> rdata, const base::Location& where) {
  MERIDIAN_ASSERT(rdata_.size() + rdata.size() < kNoIndex && records_.size() < kNoIndex);
  const auto number = static_cast<std::uint32_t>(records_.size());
  DraftRecord record;
  record.place = place_of(where);
  record.rdata_at = static_cast<std::uint32_t>(rdata_.size());
  record.ttl_s = ttl_s;
  record.rdata_bytes = static_cast<std::uint16_t>(rdata.size());
  record.type = type;
  records_.push_back(record);
  rdata_.insert(rdata_.end(), rdata.begin(), rdata.end());
  DraftNode& owner = nodes_[node];
  if (owner.first_record == kNoIndex) {
    owner.first_record = number;
  } else {
    records_[owner.last_record].next = number;
  }
  owner.last_record = number;
}

bool ZoneDraft::set_steering(std::uint32_t node, base::ServiceId service, const base::Location& where) {
  if (nodes_[node].steering != kNoIndex) return false;
  nodes_[node].steering = static_cast<std::uint32_t>(steerings_.size());
  steerings_.push_back({service, place_of(where)});
  return true;
}

}  // namespace meridian::zone
