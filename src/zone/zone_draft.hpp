// A zone while it is built: names, records and where each came from. Only storage; the rules are in
// zone_checks.
//
// Off the hot path. Compact, because a million records pass through here: everything is an index into a
// vector.
#pragma once

#include "base/diagnostics.hpp"
#include "base/huge_pages.hpp"
#include "base/ids.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"
#include "zone/hashed_name.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace meridian::zone {

/// "No such one" for the indexes below.
inline constexpr std::uint32_t kNoIndex = std::numeric_limits<std::uint32_t>::max();

/// A base::Location in 12 bytes; the file is an index.
struct DraftPlace {
  std::uint32_t file = 0;
  int line = 0;
  int column = 0;
};

struct DraftRecord {
  DraftPlace place;
  std::uint32_t next = kNoIndex;  ///< of the same node
  std::uint32_t rdata_at = 0;
  std::uint32_t ttl_s = 0;
  std::uint16_t rdata_bytes = 0;
  dns::Rtype type{};
};

struct DraftNode {
  std::uint64_t hash = 0;
  std::uint32_t name_at = 0;
  std::uint32_t parent = kNoIndex;  ///< kNoIndex for the apex only
  std::uint32_t first_record = kNoIndex;
  std::uint32_t last_record = kNoIndex;
  std::uint32_t steering = kNoIndex;
  std::uint8_t name_bytes = 0;
  std::uint8_t labels = 0;
  std::uint8_t flags = 0;  ///< NodeFlags
  bool ns_target = false;  ///< some NS record names it
};

struct DraftSteering {
  base::ServiceId service = base::kNoService;
  DraftPlace place;
};

class ZoneDraft {
 public:
  explicit ZoneDraft(dns::NameView apex);

  /// Says that about `records` more come, mostly at names of their own, so that nothing is moved while they
  /// do.
  void expect(std::size_t records);

  /// Says that `owner` is inserted soon; only for speed, where the index is far from the cache.
  void fetch_ahead(const HashedName& owner) const noexcept;
  /// The node of `owner` (at or under the apex), made with all its ancestors when it is new.
  std::uint32_t insert(const HashedName& owner);
  /// kNoIndex when there is no such node. `name` must be lower case.
  [[nodiscard]] std::uint32_t find(dns::NameView name) const;

  void add_record(std::uint32_t node, dns::Rtype type, std::uint32_t ttl_s,
                  std::span<const std::uint8_t> rdata, const base::Location& where);
  /// False when the node is steered already; the first one stays.
  [[nodiscard]] bool set_steering(std::uint32_t node, base::ServiceId service, const base::Location& where);

  [[nodiscard]] base::BriefVector<DraftNode>& nodes() noexcept { return nodes_; }  ///< The first is the apex.
  [[nodiscard]] const base::BriefVector<DraftNode>& nodes() const noexcept { return nodes_; }
  [[nodiscard]] base::BriefVector<DraftRecord>& records() noexcept { return records_; }
  [[nodiscard]] const base::BriefVector<DraftRecord>& records() const noexcept { return records_; }
  [[nodiscard]] const DraftSteering& steering(const DraftNode& node) const {
    return steerings_[node.steering];
  }

  [[nodiscard]] dns::NameView name(const DraftNode& node) const;
  [[nodiscard]] std::span<const std::uint8_t> rdata(const DraftRecord& record) const;
  [[nodiscard]] std::size_t rdata_bytes() const noexcept { return rdata_.size(); }
  [[nodiscard]] base::Location location(const DraftPlace& place) const;

 private:
  /// Holds a part of the hash: a million nodes are far from the cache, and most are looked at in vain.
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t node = kNoIndex;
  };

  [[nodiscard]] DraftPlace place_of(const base::Location& where);
  void put_into_index(std::uint64_t hash, std::uint32_t node);
  [[nodiscard]] std::uint32_t find(dns::NameView name, std::uint64_t hash) const;
  [[nodiscard]] std::uint32_t find_parent(dns::NameView name, std::uint64_t hash) const;
  std::uint32_t append_node(dns::NameView name, std::uint64_t hash, std::size_t labels, std::uint32_t parent);
  void grow_index(std::size_t slots);

  base::BriefVector<DraftNode> nodes_;
  base::BriefVector<DraftRecord> records_;
  std::vector<DraftSteering> steerings_;
  base::BriefVector<std::uint8_t> names_;
  base::BriefVector<std::uint8_t> rdata_;
  std::vector<std::string> files_;
  base::LargeVector<Slot> index_;  // open addressing, kNoIndex for an empty slot; a power of two
  std::uint32_t last_node_ = 0;    // records of one owner mostly come together
  std::uint32_t last_file_ = 0;
};

}  // namespace meridian::zone
