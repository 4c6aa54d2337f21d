// One packet as it was read: the first half of answer_query, apart so that a batch of packets can be read
// before the first is answered. What the answers will look at is far from the cache in a large zone or map;
// while the others are read it comes near.
//
// One worker's; views look into the packet and into the object itself, so it is neither copied nor moved.
// HOT.
#pragma once

#include "dns/query.hpp"
#include "query/answer.hpp"
#include "query/snapshot.hpp"
#include "zone/hashed_name.hpp"
#include "zone/zone.hpp"

#include <cstdint>
#include <span>

namespace meridian::query {

class Asked {
 public:
  /// Reads `packet`, finds the zone of its name, and starts to fetch that name's place in it and the client's
  /// in the maps.
  Asked(const Snapshot& snapshot, const Source& source, std::span<const std::uint8_t> packet) noexcept;
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  /// Some time later: goes on to fetch the name's records.
  void fetch_records_ahead() const noexcept {
    if (zone_ != nullptr) zone_->fetch_node_ahead(name_);
  }

  [[nodiscard]] const base::Expected<dns::Query, dns::QueryError>& query() const noexcept { return query_; }
  /// With a query: its name.
  [[nodiscard]] const zone::HashedName& name() const noexcept { return name_; }
  /// The zone to answer from; nullptr: none of ours, or no query.
  [[nodiscard]] const zone::Zone* zone() const noexcept { return zone_; }

 private:
  base::Expected<dns::Query, dns::QueryError> query_;
  zone::HashedName name_;
  const zone::Zone* zone_;
};

}  // namespace meridian::query
