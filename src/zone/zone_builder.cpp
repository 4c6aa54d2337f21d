#include "zone/zone_builder.hpp"

#include "base/limits.hpp"
#include "zone/node_table.hpp"
#include "zone/rdata_shape.hpp"
#include "zone/zone_checks.hpp"
#include "zone/zone_targets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian::zone {
namespace {

/// The records of one node after the other, already sorted by type, as rrsets. Keeps its memory.
class RrsetGatherer {
 public:
  explicit RrsetGatherer(const ZoneDraft& draft) : draft_(draft) {}

  /// Valid until the next call.
  std::span<const RrsetDraft> gather(const DraftNode& node) {
    rdata_.clear();
    rrsets_.clear();
    for (auto i = node.first_record; i != kNoIndex; i = draft_.records()[i].next) {
      rdata_.push_back(draft_.rdata(draft_.records()[i]));
    }
    std::size_t at = 0;
    for (auto i = node.first_record; i != kNoIndex; i = draft_.records()[i].next, ++at) {
      const auto& record = draft_.records()[i];
      if (rrsets_.empty() || rrsets_.back().type != record.type) {
        rrsets_.push_back({.type = record.type, .ttl_s = record.ttl_s, .rdata = {&rdata_[at], 1}});
      } else {
        auto& rdata = rrsets_.back().rdata;
        rdata = {rdata.data(), rdata.size() + 1};
      }
    }
    return rrsets_;
  }

 private:
  const ZoneDraft& draft_;
  std::vector<std::span<const std::uint8_t>> rdata_;
  std::vector<RrsetDraft> rrsets_;
};

struct Totals {
  std::size_t block_bytes_max = 0;
  std::size_t record_count = 0;
  std::size_t deepest_labels = 0;
};

Totals count(const ZoneDraft& draft) {
  Totals totals;
  for (const auto& node : draft.nodes()) {
    std::size_t rrsets = 0;
    std::size_t records = 0;
    std::size_t rdata_bytes = 0;
    dns::Rtype last{};
    for (auto i = node.first_record; i != kNoIndex; i = draft.records()[i].next) {
      const auto& record = draft.records()[i];
      if (record.type != last) ++rrsets;
      last = record.type;
      rdata_bytes += record.rdata_bytes;
      ++records;
    }
    totals.record_count += records;
    totals.block_bytes_max += NodeTable::block_size_max(node.name_bytes, rrsets, records, rdata_bytes);
    totals.deepest_labels = std::max<std::size_t>(totals.deepest_labels, node.labels);
  }
  return totals;
}

NodeTable write_nodes(const ZoneDraft& draft, const Totals& totals) {
  NodeTable table(draft.nodes().size(), totals.block_bytes_max);
  RrsetGatherer gatherer(draft);
  // Slots lie all over a large table: the next few are on their way while one is written.
  constexpr std::size_t kAhead = 16;
  const auto& nodes = draft.nodes();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i + kAhead < nodes.size()) table.expect(nodes[i + kAhead].hash);
    const auto& node = nodes[i];
    const auto service = node.steering == kNoIndex ? base::kNoService : draft.steering(node).service;
    table.append(draft.name(node), node.hash, node.flags, service, gatherer.gather(node));
  }
  table.shrink();
  return table;
}

dns::Name lower_name(dns::NameView name) {
  dns::Name lower{name};
  lower.make_lower();
  return lower;
}

}  // namespace

ZoneBuilder::ZoneBuilder(dns::NameView apex, std::string file)
    : apex_(lower_name(apex)), file_(std::move(file)), draft_(apex_) {}

RecordOwner::RecordOwner(dns::NameView name)
    : written_(name), lower_(lower_name(name)), hashed_(lower_.view()) {}

void ZoneBuilder::add(const RecordOwner& owner, dns::Rtype type, std::uint32_t ttl_s,
                      std::span<const std::uint8_t> rdata, const base::Location& where) {
  if (file_.empty()) file_ = where.file;
  const auto reject = [&](std::string message) {
    errors_.error(where, std::move(message));
    incomplete_ = true;
  };
  if (!owner.hashed().name().is_at_or_under(apex_)) {
    return reject(fmt::format("'{}' is outside the zone '{}'; is a final dot missing or $ORIGIN wrong?",
                              dns::to_string(owner.written()), dns::to_string(apex_)));
  }
  if (is_meta_type(type)) {
    return reject(fmt::format("{} is a type of queries, not of records", dns::to_string(type)));
  }
  if (ttl_s > base::limits::kTtlMax) {
    return reject(
        fmt::format("TTL {} is too large; write at most {} (RFC 2181 8)", ttl_s, base::limits::kTtlMax));
  }
  if (rdata.size() > base::limits::kRrsetBytesMax || !is_well_formed(type, rdata)) {
    return reject(fmt::format("malformed {} rdata of {} bytes at '{}'", dns::to_string(type), rdata.size(),
                              dns::to_string(owner.written())));
  }
  draft_.add_record(draft_.insert(owner.hashed()), type, ttl_s, rdata, where);
}

void ZoneBuilder::add_steered(dns::NameView owner, base::ServiceId service, const base::Location& where,
                              SteeredTypes types) {
  const RecordOwner ready(owner);
  if (!ready.hashed().name().is_at_or_under(apex_)) {
    errors_.error(where,
                  fmt::format("'{}' is outside the zone '{}'", dns::to_string(owner), dns::to_string(apex_)));
    return;
  }
  const auto node = draft_.insert(ready.hashed());
  if (types == SteeredTypes::All) draft_.nodes()[node].flags |= kNodeSteersAll;
  if (draft_.set_steering(node, service, where)) return;
  const auto& first = draft_.steering(draft_.nodes()[node]);
  errors_.error(where, fmt::format("'{}' is steered twice; the first time at {}", dns::to_string(owner),
                                   base::to_string(draft_.location(first.place))));
}

base::Expected<Zone, base::Diagnostics> ZoneBuilder::build(base::Diagnostics& warnings) && {
  // Freed on return, not when the builder goes: with many zones that is much later.
  ZoneDraft draft = std::move(draft_);
  group_records(draft, warnings);
  mark_nodes(draft);
  check_nodes(draft, errors_, warnings);
  if (!incomplete_) check_apex(draft, file_, errors_);
  if (incomplete_ || errors_.has_errors()) return base::unexpected(std::move(errors_));

  const Totals totals = count(draft);
  Zone zone(write_nodes(draft, totals), totals.record_count, totals.deepest_labels);
  check_targets(draft, zone, warnings);
  return zone;
}

}  // namespace meridian::zone
