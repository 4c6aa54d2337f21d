#include "geo/mmdb_tree_reader.hpp"

#include "base/limits.hpp"
#include "geo/tree_block.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>

namespace meridian::geo {
namespace {

/// Zeros between the search tree and the data; links count them in.
constexpr std::uint64_t kSeparatorBytes = 16;
/// Nodes after which the pages of the mapped file are given back: some megabytes of them.
constexpr std::size_t kNodesBetweenReleases = 1u << 17;

}  // namespace

void release_pages(const MMDB_s& database) noexcept {
  auto* const content = const_cast<std::uint8_t*>(database.file_content);
  // Fails only where there is nothing to give back.
  static_cast<void>(::madvise(content, static_cast<std::size_t>(database.file_size), MADV_DONTNEED));
}

MmdbTreeReader::MmdbTreeReader(const MMDB_s& database)
    : database_(database),
      node_count_(database.metadata.node_count),
      data_begin_(std::uint64_t{node_count_} + kSeparatorBytes),
      data_end_(data_begin_ +
                std::min<std::uint64_t>(database.data_section_size, base::limits::kTrieValueMax)),
      visited_(database.metadata.node_count, false) {
  for (const auto& carrier : base::carrier_networks()) {
    carrier_depths_[carrier.bits] = true;
    carriers_.push_back(
        {carrier.address.family, carrier.bits, carrier.address.v6_half(0), carrier.address.v6_half(1)});
  }
}

/// The block that is read, which has `bits` bits.
base::IpPrefix MmdbTreeReader::block_at(unsigned bits) const {
  return TreeBlock{family_, static_cast<std::uint8_t>(bits), high_, low_};
}

void MmdbTreeReader::fail(std::string message) {
  if (!has_failed_) error_ = std::move(message);
  has_failed_ = true;
}

/// The networks that carry IPv4 addresses are looked up elsewhere; most files make them aliases of ::/96.
bool MmdbTreeReader::is_carrier(unsigned bits) const {
  if (!carrier_depths_[bits] || family_ == base::Family::V4) return false;
  return std::any_of(carriers_.begin(), carriers_.end(), [&](const TreeBlock& carrier) {
    return carrier.bits == bits && carrier.high == high_ && carrier.low == low_;
  });
}

/// The two records of a node. By hand: libmaxminddb's MMDB_read_node takes longer than all the rest that is
/// done with a node, and there are 15 million. MMDB_open has seen that the tree lies in the file.
template <unsigned kRecordBits>
std::pair<std::uint32_t, std::uint32_t> MmdbTreeReader::records_of(std::uint32_t index) const noexcept {
  const std::uint8_t* const at = database_.file_content + std::size_t{index} * (kRecordBits / 4);
  const auto big_endian = [](const std::uint8_t* bytes) {
    return std::uint32_t{bytes[0]} << 16 | std::uint32_t{bytes[1]} << 8 | bytes[2];
  };
  if constexpr (kRecordBits == 24) return {big_endian(at), big_endian(at + 3)};
  // 28 bits: the byte in the middle has the top four bits of both.
  if constexpr (kRecordBits == 28)
    return {(at[3] & 0xf0u) << 20 | big_endian(at), (at[3] & 0x0fu) << 24 | big_endian(at + 4)};
  return {big_endian(at) << 8 | at[3], big_endian(at + 4) << 8 | at[7]};
}

/// False: the tree is damaged, there or before.
inline bool MmdbTreeReader::begin_node(std::uint32_t index, unsigned bits) {
  if (has_failed_ || bits == base::address_bits(family_) || visited_[index]) [[unlikely]]
    return refuse_node(index, bits);
  visited_[index] = true;
  if (++nodes_read_ % kNodesBetweenReleases == 0) release_pages(database_);
  return true;
}

[[gnu::cold]] bool MmdbTreeReader::refuse_node(std::uint32_t index, unsigned bits) {
  if (has_failed_) return false;
  const auto block = base::to_string(block_at(bits));
  if (bits == base::address_bits(family_)) {
    fail(fmt::format("the search tree is deeper than an address, below {}", block));
  } else {
    fail(fmt::format("the search tree comes twice to node {}, the second time at {}", index, block));
  }
  return false;
}

// `bits` is the depth that a record or node is found at.
template <unsigned kRecordBits>
MmdbTreeReader::Block MmdbTreeReader::read_record(std::uint32_t record, unsigned bits) {
  if (record == node_count_) return builder_.leaf(0);
  if (is_carrier(bits)) return builder_.leaf(kMelts);
  // Nothing leads back to the root.
  if (record < node_count_ && (record != 0 || bits == 0)) return read_node<kRecordBits>(record, bits);
  if (record >= data_begin_ && record < data_end_)
    return builder_.leaf(static_cast<std::uint32_t>(record - data_begin_) + 1);
  fail(fmt::format("the search tree is damaged at {}: it leads nowhere", base::to_string(block_at(bits))));
  return builder_.leaf(0);
}

template <unsigned kRecordBits>
MmdbTreeReader::Block MmdbTreeReader::read_node(std::uint32_t index, unsigned bits) {
  if (!begin_node(index, bits)) return builder_.leaf(0);
  const auto [left, right] = records_of<kRecordBits>(index);
  const auto slot = builder_.open();
  const Block first = read_record<kRecordBits>(left, bits + 1);
  high_ |= high_bit(bits);
  low_ |= low_bit(bits);
  const Block second = read_record<kRecordBits>(right, bits + 1);
  high_ &= ~high_bit(bits);
  low_ &= ~low_bit(bits);
  return builder_.close(slot, first, second);
}

MmdbTreeReader::Block MmdbTreeReader::read_root(std::uint32_t start) {
  switch (database_.metadata.record_size) {
    case 24:
      return read_record<24>(start, 0);
    case 28:
      return read_record<28>(start, 0);
    default:
      return read_record<32>(start, 0);  // MMDB_open knows no other
  }
}

MmdbTreeReader::Unfinished MmdbTreeReader::read(base::Family family, std::uint32_t start) {
  family_ = family;
  builder_ = PackedTreeBuilder(family, std::size_t{node_count_} + 1);
  const Block root = read_root(start);
  return {std::move(builder_), root};
}

}  // namespace meridian::geo
