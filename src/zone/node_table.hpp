// The memory of one zone: nodes in one block of bytes, and a hash table from name to node. Knows nothing of
// what the records mean.
//
// HOT: find allocates nothing and touches two places, the slot and the node. Written once by ZoneBuilder;
// read by any number of threads.
#pragma once

#include "base/huge_pages.hpp"
#include "base/ids.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"
#include "zone/rrset.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>

namespace meridian::zone {

/// What the builder found out about a node, so that a lookup does not.
enum NodeFlags : std::uint8_t {
  kNodeCut = 1,             ///< has NS and is not the apex
  kNodeDname = 2,           ///< has a DNAME
  kNodeCname = 4,           ///< has a CNAME; it is the first rrset
  kNodeOccluded = 8,        ///< strictly below a cut or a DNAME: never answered from
  kNodeWildcardChild = 16,  ///< `*.` this name is a node
  kNodeSteersAll = 32       ///< every type is steered, because the answer may be a CNAME
};

/// A name that exists, with or without records. A view into its table.
class Node {
 public:
  Node() noexcept = default;  ///< "no such node"
  explicit operator bool() const noexcept { return block_ != nullptr; }

  [[nodiscard]] dns::NameView name() const noexcept;  ///< Lower case.
  [[nodiscard]] bool has(unsigned flags) const noexcept;
  [[nodiscard]] base::ServiceId service() const noexcept;
  [[nodiscard]] std::size_t rrset_count() const noexcept;
  /// The one with the lowest type number; not for a node without any.
  [[nodiscard]] Rrset first_rrset() const noexcept;
  [[nodiscard]] std::optional<Rrset> find(dns::Rtype type) const noexcept;
  /// Sorted by type.
  template <typename Visit>
  void for_each_rrset(const Visit& visit) const {
    const std::byte* at = rrsets_at();
    for (std::size_t left = rrset_count(); left > 0; --left) visit(read_rrset(at));
  }

 private:
  friend class NodeTable;
  struct Header;
  struct RrsetHead;
  explicit Node(const std::byte* block) noexcept : block_(block) {}
  [[nodiscard]] Header header() const noexcept;
  [[nodiscard]] const std::byte* rrsets_at() const noexcept;
  /// Reads the one at `at`, and moves `at` behind it.
  [[nodiscard]] Rrset read_rrset(const std::byte*& at) const noexcept;

  const std::byte* block_ = nullptr;
};

/// What append needs to know of one rrset; the rdata of each record.
struct RrsetDraft {
  dns::Rtype type{};
  std::uint32_t ttl_s = 0;
  std::span<const std::span<const std::uint8_t>> rdata;
};

class NodeTable {
 public:
  /// Room for these nodes; `block_bytes_max` is the sum of block_size_max over them.
  NodeTable(std::size_t node_count, std::size_t block_bytes_max);

  /// Bytes a node takes at most: `rdata_bytes` is the sum of the lengths, uncompressed, over all its records.
  [[nodiscard]] static std::size_t block_size_max(std::size_t name_bytes, std::size_t rrset_count,
                                                  std::size_t record_count, std::size_t rdata_bytes) noexcept;

  /// Adds a node. Its name must be lower case and new here; the rrsets must be sorted by type.
  void append(dns::NameView name, std::uint64_t hash, std::uint8_t flags, base::ServiceId service,
              std::span<const RrsetDraft> rrsets);

  /// Says that a node with this hash comes soon.
  void expect(std::uint64_t hash) const noexcept { __builtin_prefetch(&slots_[first_slot(hash)], 1); }

  /// Gives back the room that compression saved. Call once, after the last append and before the first find:
  /// nodes move.
  void shrink() noexcept;

  /// `hash` is HashedName's for this name.
  [[nodiscard]] Node find(dns::NameView name, std::uint64_t hash) const noexcept;
  /// The node `*.parent`.
  [[nodiscard]] Node find_wildcard(dns::NameView parent, std::uint64_t parent_hash) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return node_count_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return capacity_bytes_ + slots_.capacity() * sizeof(Slot);
  }

  /// Fetch into the cache what find() of a name with this hash will read: first its slot, and once that is
  /// there the node. Tables of millions of names are far from it, so a batch of names fetches side by side.
  void fetch_slot_ahead(std::uint64_t hash) const noexcept { __builtin_prefetch(&slots_[first_slot(hash)]); }
  void fetch_node_ahead(std::uint64_t hash) const noexcept;

  /// Nodes in the order of append.
  [[nodiscard]] Node first() const noexcept;
  [[nodiscard]] Node next(Node node) const noexcept;

 private:
  struct Slot {
    std::uint32_t tag = 0;   // the lower half of the hash; the upper half chooses the slot
    std::uint32_t unit = 0;  // where the block starts, in kUnit bytes, plus one; 0 for an empty slot
  };

  struct FreeBlocks {
    void operator()(std::byte* blocks) const noexcept { std::free(blocks); }
  };

  [[nodiscard]] std::size_t first_slot(std::uint64_t hash) const noexcept;
  template <typename Matches>
  [[nodiscard]] Node find_slot(std::uint64_t hash, Matches matches) const noexcept;

  std::unique_ptr<std::byte[], FreeBlocks> blocks_;
  std::size_t used_bytes_ = 0;
  std::size_t capacity_bytes_ = 0;
  std::size_t node_count_ = 0;
  base::LargeVector<Slot> slots_;
};

}  // namespace meridian::zone
