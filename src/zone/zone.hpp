// Immutable zones: what is at a name, without regard to who asks. Static records, delegations, wildcards,
// negative answers; a steered name is only an id here, what it means is steering's business.
//
// HOT: lookups allocate nothing, throw nothing, log nothing. Built by ZoneBuilder, then never changed; any
// number of threads may read.
#pragma once

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"
#include "zone/hashed_name.hpp"
#include "zone/node_table.hpp"
#include "zone/rrset.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace meridian::zone {

/// What a lookup found (RFC 1034 4.3.2, RFC 4592, RFC 6672).
enum class Outcome : std::uint8_t {
  Answer,      ///< `rrset` answers the question.
  Steered,     ///< the name is steered for this type: `service` says by what.
  Cname,       ///< `rrset` is the CNAME at the name.
  Dname,       ///< `rrset` is a DNAME at an ancestor, `owner`.
  Delegation,  ///< `rrset` is the NS set at the cut, `owner`: not our data.
  NoData,      ///< the name exists, the type does not.
  NxDomain,
};

struct Found {
  Outcome outcome = Outcome::NxDomain;
  Rrset rrset;
  base::ServiceId service = base::kNoService;
  /// Where the answer comes from, lower case: the name itself, the wildcard, the cut, the DNAME; for NxDomain
  /// the closest encloser.
  dns::NameView owner;
  bool wildcard = false;  ///< Synthesised: `owner` is a wildcard the name matched, not the name asked for.
};

/// Rdata of the types whose names or addresses a server reads is well formed: see is_well_formed in
/// rdata_shape.hpp.
class Zone {
 public:
  [[nodiscard]] dns::NameView apex() const noexcept { return apex_.name(); }  ///< Lower case.
  [[nodiscard]] const Rrset& soa() const noexcept { return soa_; }
  [[nodiscard]] const Rrset& ns() const noexcept { return ns_; }
  /// min(SOA TTL, SOA MINIMUM): RFC 2308 section 5.
  [[nodiscard]] std::uint32_t negative_ttl_s() const noexcept { return negative_ttl_s_; }

  /// `name` must be lower case and at or under the apex. Type ANY finds one rrset, the one with the lowest
  /// type number (RFC 8482 4.1); at a steered name without static records it finds Steered, to be answered as
  /// A.
  [[nodiscard]] Found lookup(const HashedName& name, dns::Rtype type) const noexcept;
  [[nodiscard]] Found lookup(dns::NameView name, dns::Rtype type) const noexcept {
    return lookup(HashedName(name), type);
  }

  /// HOT. Fetch into the cache what lookup(name) will read first, and what it will read next once that is
  /// there.
  void fetch_slot_ahead(const HashedName& name) const noexcept {
    if (name.label_count() <= deepest_labels_) nodes_.fetch_slot_ahead(name.hash(name.label_count()));
  }
  void fetch_node_ahead(const HashedName& name) const noexcept {
    if (name.label_count() <= deepest_labels_) nodes_.fetch_node_ahead(name.hash(name.label_count()));
  }

  /// The rrset exactly at `name`, glue and occluded data included. For the additional
  /// section. `name` must be lower case.
  [[nodiscard]] std::optional<Rrset> find_rrset(dns::NameView name, dns::Rtype type) const noexcept;

  /// Calls `visit` for each rrset exactly at `name`, lower case, by type; for ANY.
  template <typename Visit>
  void visit_rrsets(dns::NameView name, const Visit& visit) const noexcept {
    const HashedName hashed(name);
    if (const Node node = nodes_.find(name, hashed.hash(hashed.label_count()))) node.for_each_rrset(visit);
  }

  /// Each rrset, glue and occluded ones too, name by name in the order of the zone file. For tools, not for
  /// queries.
  void for_each_rrset(const std::function<void(dns::NameView, const Rrset&)>& visit) const;

  [[nodiscard]] std::size_t record_count() const noexcept { return record_count_; }
  /// Names that exist, those without records (RFC 4592 2.2.2) included.
  [[nodiscard]] std::size_t name_count() const noexcept { return nodes_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return sizeof(Zone) + nodes_.memory_bytes(); }

 private:
  friend class ZoneBuilder;
  /// The first node is the apex and has SOA and NS.
  Zone(NodeTable nodes, std::size_t record_count, std::size_t deepest_labels) noexcept;

  [[nodiscard]] Found answer_at(Node node, dns::Rtype type, bool wildcard) const noexcept;
  [[nodiscard]] Found refer(const HashedName& name) const noexcept;
  [[nodiscard]] std::size_t closest_encloser_labels(const HashedName& name) const noexcept;

  NodeTable nodes_;
  Node apex_;
  Rrset soa_;
  Rrset ns_;
  std::uint32_t negative_ttl_s_ = 0;
  std::size_t apex_labels_ = 0;
  std::size_t deepest_labels_ = 0;  // of any node; a longer name need not be looked for
  std::size_t record_count_ = 0;
};

/// The zones of one server, by apex. Immutable like they are.
class ZoneSet {
 public:
  ZoneSet() = default;
  /// Of two zones with one apex the first is kept.
  explicit ZoneSet(std::vector<Zone> zones);

  /// The zone to answer from, nullptr when none is ours: the one with the longest apex at or above `name`
  /// (lower case), but for DS at an apex the parent zone, if it is ours as well (RFC 4035 3.1.4.1).
  [[nodiscard]] const Zone* find(const HashedName& name, dns::Rtype type) const noexcept;
  [[nodiscard]] const Zone* find(dns::NameView name, dns::Rtype type) const noexcept {
    return find(HashedName(name), type);
  }
  /// The zone with the longest apex at or above `name`.
  [[nodiscard]] const Zone* find(dns::NameView name) const noexcept { return find(name, dns::Rtype::Soa); }

  [[nodiscard]] std::span<const Zone> zones() const noexcept { return zones_; }
  [[nodiscard]] std::size_t size() const noexcept { return zones_.size(); }
  [[nodiscard]] bool empty() const noexcept { return zones_.empty(); }
  [[nodiscard]] std::size_t record_count() const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number = 0;  // index into zones_ plus one; 0 for an empty slot
  };

  [[nodiscard]] const Zone* find_apex(dns::NameView apex, std::uint64_t hash) const noexcept;

  std::vector<Zone> zones_;
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  std::size_t deepest_labels_ = 0;
  std::array<bool, base::limits::kLabelsMax> has_depth_{};  // is there an apex of so many labels?
};

}  // namespace meridian::zone
