// The search tree of a MaxMind DB file, read whole: which networks lead to which records.
//
// Not what the records hold: that is mmdb_reader's. Slow, off line; one reader a thread, and readers of one
// file don't disturb each other.
#pragma once

#include "base/ip.hpp"
#include "geo/packed_tree.hpp"
#include "geo/tree_block.hpp"

#include <maxminddb.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace meridian::geo {

/// Whatever was read of the file is in memory twice: once in what we make of it. The kernel still has the
/// pages when they are read again. Any thread.
void release_pages(const MMDB_s& database) noexcept;

/// Reads search trees, from a record down, to trees of the data section's offsets plus one (0: nothing).
/// Every node is visited once, so a damaged tree ends too.
class MmdbTreeReader {
 public:
  /// The database is open and outlives the reader.
  explicit MmdbTreeReader(const MMDB_s& database);

  /// A tree that is still to be finished, so that its values can be changed.
  struct Unfinished {
    PackedTreeBuilder builder;
    PackedTreeBuilder::Block root;
  };
  /// `start` is the record that the family begins at, the root's index or another.
  [[nodiscard]] Unfinished read(base::Family family, std::uint32_t start);

  /// What is wrong with the tree, and where; "": nothing.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  using Block = PackedTreeBuilder::Block;

  [[nodiscard]] base::IpPrefix block_at(unsigned bits) const;
  void fail(std::string message);
  [[nodiscard]] bool is_carrier(unsigned bits) const;
  [[nodiscard]] Block read_root(std::uint32_t start);
  template <unsigned kRecordBits>
  [[nodiscard]] Block read_record(std::uint32_t record, unsigned bits);
  template <unsigned kRecordBits>
  [[nodiscard]] Block read_node(std::uint32_t index, unsigned bits);
  [[nodiscard]] bool begin_node(std::uint32_t index, unsigned bits);
  [[nodiscard]] bool refuse_node(std::uint32_t index, unsigned bits);
  template <unsigned kRecordBits>
  [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> records_of(std::uint32_t index) const noexcept;

  const MMDB_s& database_;
  const std::uint32_t node_count_;
  const std::uint64_t data_begin_;  ///< the records that name data, as the format counts them
  const std::uint64_t data_end_;
  base::Family family_ = base::Family::V4;
  std::uint64_t high_ = 0;  ///< the address of the block that is read, as in TreeBlock
  std::uint64_t low_ = 0;
  PackedTreeBuilder builder_{base::Family::V4, 0};
  std::vector<bool> visited_;
  std::size_t nodes_read_ = 0;
  std::vector<TreeBlock> carriers_;
  std::array<bool, 129> carrier_depths_{};  ///< prefix lengths of carriers: most blocks need no comparison
  bool has_failed_ = false;
  std::string error_;
};

}  // namespace meridian::geo
