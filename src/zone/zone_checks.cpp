#include "zone/zone_checks.hpp"

#include "base/limits.hpp"
#include "zone/node_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace meridian::zone {
namespace {

using dns::Rtype;

/// Numbers of a node's records, in their order.
std::vector<std::uint32_t> record_numbers(const ZoneDraft& draft, const DraftNode& node) {
  std::vector<std::uint32_t> numbers;
  for (auto i = node.first_record; i != kNoIndex; i = draft.records()[i].next) numbers.push_back(i);
  return numbers;
}

const DraftRecord* find_record(const ZoneDraft& draft, const DraftNode& node, Rtype type) {
  for (auto i = node.first_record; i != kNoIndex; i = draft.records()[i].next) {
    if (draft.records()[i].type == type) return &draft.records()[i];
  }
  return nullptr;
}

bool is_address(Rtype type) { return type == Rtype::A || type == Rtype::Aaaa; }

/// RFC 4034 3 and 4: signatures and denials stand beside anything.
bool is_dnssec(Rtype type) { return type == Rtype::Rrsig || type == Rtype::Nsec; }

std::string quoted(const ZoneDraft& draft, const DraftNode& node) {
  return fmt::format("'{}'", dns::to_string(draft.name(node)));
}

dns::Name lower_target(const ZoneDraft& draft, const DraftRecord& record) {
  dns::Name name{dns::NameView{draft.rdata(record)}};
  name.make_lower();
  return name;
}

/// Takes out of `group`, the records of one type, those that repeat an earlier one.
void drop_duplicates(const ZoneDraft& draft, std::vector<std::uint32_t>& group) {
  auto sorted = group;
  const auto rdata = [&](std::uint32_t number) { return draft.rdata(draft.records()[number]); };
  std::ranges::sort(sorted, [&](std::uint32_t left, std::uint32_t right) {
    const auto a = rdata(left);
    const auto b = rdata(right);
    const int order =
        a.empty() || b.empty() ? 0 : std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
    if (order != 0) return order < 0;
    return a.size() != b.size() ? a.size() < b.size() : left < right;
  });
  // The first of equal ones is the earliest; the others go.
  std::vector<std::uint32_t> repeated;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (std::ranges::equal(rdata(sorted[i - 1]), rdata(sorted[i]))) repeated.push_back(sorted[i]);
  }
  if (repeated.empty()) return;
  std::ranges::sort(repeated);
  std::erase_if(group, [&](std::uint32_t number) { return std::ranges::binary_search(repeated, number); });
}

void unify_ttls(ZoneDraft& draft, const DraftNode& node, const std::vector<std::uint32_t>& group,
                base::Diagnostics& warnings) {
  auto& records = draft.records();
  std::uint32_t smallest = records[group.front()].ttl_s;
  const DraftRecord* odd = nullptr;
  for (const auto number : group) {
    if (odd == nullptr && records[number].ttl_s != records[group.front()].ttl_s) odd = &records[number];
    smallest = std::min(smallest, records[number].ttl_s);
  }
  if (odd == nullptr) return;
  // RFC 4034 3: a signature has the TTL of what it covers, so the signatures at one name may differ.
  if (odd->type != Rtype::Rrsig) {
    warnings.warning(
        draft.location(odd->place),
        fmt::format("the {} records of {} have different TTLs; {} is used for all, write the same one "
                    "(RFC 2181 5.2)",
                    dns::to_string(odd->type), quoted(draft, node), smallest));
  }
  for (const auto number : group) records[number].ttl_s = smallest;
}

void group_node(ZoneDraft& draft, DraftNode& node, base::Diagnostics& warnings) {
  auto& records = draft.records();
  auto numbers = record_numbers(draft, node);
  std::ranges::stable_sort(numbers, {}, [&](std::uint32_t number) { return records[number].type; });
  std::vector<std::uint32_t> kept;
  for (auto begin = numbers.begin(); begin != numbers.end();) {
    const auto type = records[*begin].type;
    const auto end =
        std::find_if(begin, numbers.end(), [&](std::uint32_t n) { return records[n].type != type; });
    std::vector<std::uint32_t> group(begin, end);
    unify_ttls(draft, node, group, warnings);
    drop_duplicates(draft, group);
    kept.insert(kept.end(), group.begin(), group.end());
    begin = end;
  }
  for (std::size_t i = 0; i < kept.size(); ++i)
    records[kept[i]].next = i + 1 < kept.size() ? kept[i + 1] : kNoIndex;
  node.first_record = kept.front();
  node.last_record = kept.back();
}

/// The nearest cut or DNAME strictly above an occluded node.
const DraftNode& occluder(const ZoneDraft& draft, const DraftNode& node) {
  const DraftNode* above = &draft.nodes()[node.parent];
  while ((above->flags & (kNodeCut | kNodeDname)) == 0) above = &draft.nodes()[above->parent];
  return *above;
}

std::string why_never_answered(const ZoneDraft& draft, const DraftNode& node) {
  if ((node.flags & kNodeOccluded) == 0) return "is delegated away here";
  const DraftNode& above = occluder(draft, node);
  return fmt::format("lies below the {} of {}", (above.flags & kNodeCut) != 0 ? "delegation" : "DNAME",
                     quoted(draft, above));
}

class NodeCheck {
 public:
  NodeCheck(const ZoneDraft& draft, const DraftNode& node, base::Diagnostics& errors,
            base::Diagnostics& warnings)
      : draft_(draft), node_(node), errors_(errors), warnings_(warnings) {}

  void run() {
    check_soa();
    check_cname();
    check_dname();
    check_wildcard();
    check_sizes();
    check_steering();
    warn_never_answered();
  }

 private:
  void error(const DraftRecord& record, std::string message) {
    errors_.error(draft_.location(record.place), std::move(message));
  }

  /// The second record of a type that may stand only once.
  [[nodiscard]] const DraftRecord* find_second(Rtype type) const {
    const auto* record = find_record(draft_, node_, type);
    if (record == nullptr || record->next == kNoIndex) return nullptr;
    const auto& next = draft_.records()[record->next];
    return next.type == type ? &next : nullptr;
  }

  void check_soa() {
    const auto* soa = find_record(draft_, node_, Rtype::Soa);
    if (soa == nullptr) return;
    if (node_.parent != kNoIndex) {
      error(*soa, fmt::format("a SOA stands only at the zone's apex '{}', not at {}",
                              dns::to_string(draft_.name(draft_.nodes().front())), quoted(draft_, node_)));
    } else if (const auto* second = find_second(Rtype::Soa)) {
      error(*second, fmt::format("the zone has more than one SOA; the first is at {}",
                                 base::to_string(draft_.location(soa->place))));
    }
  }

  void check_cname() {
    const auto* cname = find_record(draft_, node_, Rtype::Cname);
    if (cname == nullptr) return;
    if (const auto* second = find_second(Rtype::Cname)) {
      error(*second,
            fmt::format("{} has more than one CNAME; keep one (RFC 2181 10.1)", quoted(draft_, node_)));
    }
    for (const auto number : record_numbers(draft_, node_)) {
      const auto& record = draft_.records()[number];
      if (record.type == Rtype::Cname || is_dnssec(record.type)) continue;
      error(*cname,
            fmt::format("{} has a CNAME beside other data ({} at {}); a CNAME stands alone (RFC 1034 3.6.2)",
                        quoted(draft_, node_), dns::to_string(record.type),
                        base::to_string(draft_.location(record.place))));
      return;
    }
  }

  void check_dname() {
    const auto* dname = find_record(draft_, node_, Rtype::Dname);
    if (dname == nullptr) return;
    if (const auto* second = find_second(Rtype::Dname)) {
      error(*second,
            fmt::format("{} has more than one DNAME; keep one (RFC 6672 2.4)", quoted(draft_, node_)));
    }
    if ((node_.flags & kNodeCut) != 0) {
      error(*dname,
            fmt::format("{} has a DNAME beside NS; below the apex a name is either redirected or delegated "
                        "(RFC 6672 2.4)",
                        quoted(draft_, node_)));
    }
  }

  void check_wildcard() {
    if (!draft_.name(node_).is_wildcard()) return;
    if (const auto* ns = find_record(draft_, node_, Rtype::Ns); ns != nullptr && node_.parent != kNoIndex) {
      error(*ns, fmt::format(
                     "{} has NS; a wildcard delegates nothing that resolvers agree on (RFC 4592 4.2), write "
                     "a delegation for each name",
                     quoted(draft_, node_)));
    }
    if (const auto* dname = find_record(draft_, node_, Rtype::Dname)) {
      warnings_.warning(
          draft_.location(dname->place),
          fmt::format("{} has a DNAME; it redirects names below the literal '*' only (RFC 4592 4.4)",
                      quoted(draft_, node_)));
    }
  }

  void check_sizes() {
    constexpr std::size_t kRecordHeaderBytes = 12;  // compressed owner, type, class, TTL, length
    std::size_t bytes = 0;
    Rtype type{};
    bool reported = false;
    for (const auto number : record_numbers(draft_, node_)) {
      const auto& record = draft_.records()[number];
      if (record.type != type) {
        type = record.type;
        bytes = 0;
        reported = false;
      }
      bytes += kRecordHeaderBytes + record.rdata_bytes;
      if (bytes <= base::limits::kRrsetBytesMax || reported) continue;
      reported = true;
      error(record,
            fmt::format("the {} records of {} take more than {} bytes and fit no DNS message; use fewer",
                        dns::to_string(type), quoted(draft_, node_), base::limits::kRrsetBytesMax));
    }
  }

  void check_steering() {
    if (node_.steering == kNoIndex) return;
    const auto where = draft_.location(draft_.steering(node_).place);
    if ((node_.flags & (kNodeCut | kNodeOccluded)) != 0) {
      errors_.error(where,
                    fmt::format("{} is steered but {}, so it would never be answered; steer a name this zone "
                                "answers for",
                                quoted(draft_, node_), why_never_answered(draft_, node_)));
    }
    if ((node_.flags & kNodeSteersAll) != 0) return check_alone(where);
    for (const auto type : {Rtype::A, Rtype::Aaaa, Rtype::Cname}) {
      if (const auto* record = find_record(draft_, node_, type)) {
        errors_.error(where,
                      fmt::format("{} is steered, but also has a static {} record at {}; remove one of them",
                                  quoted(draft_, node_), dns::to_string(type),
                                  base::to_string(draft_.location(record->place))));
      }
    }
  }

  /// A steered name that may be answered with a CNAME.
  void check_alone(const base::Location& where) {
    if (node_.parent == kNoIndex) {
      errors_.error(where,
                    fmt::format("{} is the apex of its zone and has a pool with 'cname'; a CNAME can't stand "
                                "beside SOA and NS (RFC 1034 3.6.2), so list addresses",
                                quoted(draft_, node_)));
    } else if (node_.first_record != kNoIndex) {
      const auto& record = draft_.records()[node_.first_record];
      errors_.error(
          where,
          fmt::format("{} has a pool with 'cname', but also a static {} record at {}; nothing can stand "
                      "beside a CNAME (RFC 1034 3.6.2), so remove one of them",
                      quoted(draft_, node_), dns::to_string(record.type),
                      base::to_string(draft_.location(record.place))));
    }
  }

  /// Data at or below a cut that is no glue, or below a DNAME.
  void warn_never_answered() {
    if ((node_.flags & (kNodeCut | kNodeOccluded)) == 0) return;
    const bool at_cut = (node_.flags & kNodeOccluded) == 0;
    for (const auto number : record_numbers(draft_, node_)) {
      const auto& record = draft_.records()[number];
      if (is_address(record.type) && node_.ns_target) continue;
      if (at_cut && (record.type == Rtype::Ns || record.type == Rtype::Ds || is_dnssec(record.type)))
        continue;
      warnings_.warning(draft_.location(record.place),
                        fmt::format("this {} is never answered: {} {}", dns::to_string(record.type),
                                    quoted(draft_, node_), why_never_answered(draft_, node_)));
      return;
    }
  }

  const ZoneDraft& draft_;
  const DraftNode& node_;
  base::Diagnostics& errors_;
  base::Diagnostics& warnings_;
};

}  // namespace

void group_records(ZoneDraft& draft, base::Diagnostics& warnings) {
  for (auto& node : draft.nodes()) {
    if (node.first_record != node.last_record) group_node(draft, node, warnings);
  }
}

void mark_nodes(ZoneDraft& draft) {
  bool any_occluder = false;
  for (auto& node : draft.nodes()) {
    if (node.parent != kNoIndex && find_record(draft, node, Rtype::Ns) != nullptr) node.flags |= kNodeCut;
    if (find_record(draft, node, Rtype::Dname) != nullptr) node.flags |= kNodeDname;
    if (find_record(draft, node, Rtype::Cname) != nullptr) node.flags |= kNodeCname;
    any_occluder = any_occluder || (node.flags & (kNodeCut | kNodeDname)) != 0;
  }
  if (!any_occluder) return;
  for (auto& node : draft.nodes()) {
    // A node's ancestors stand before it, so that their flags are final.
    if (node.parent != kNoIndex &&
        (draft.nodes()[node.parent].flags & (kNodeCut | kNodeDname | kNodeOccluded)) != 0) {
      node.flags |= kNodeOccluded;
    }
    for (auto i = node.first_record; i != kNoIndex; i = draft.records()[i].next) {
      if (draft.records()[i].type != Rtype::Ns) continue;
      const auto target = draft.find(lower_target(draft, draft.records()[i]));
      if (target != kNoIndex) draft.nodes()[target].ns_target = true;
    }
  }
}

void check_nodes(const ZoneDraft& draft, base::Diagnostics& errors, base::Diagnostics& warnings) {
  for (const auto& node : draft.nodes()) {
    // A plain node with one record of a usual type can break no rule; most nodes are that.
    const bool plain = node.flags == 0 && node.steering == kNoIndex && node.first_record == node.last_record;
    if (plain && (node.first_record == kNoIndex || is_address(draft.records()[node.first_record].type)))
      continue;
    NodeCheck(draft, node, errors, warnings).run();
  }
}

void check_apex(const ZoneDraft& draft, const std::string& file, base::Diagnostics& errors) {
  const DraftNode& apex = draft.nodes().front();
  if (find_record(draft, apex, Rtype::Soa) == nullptr) {
    errors.error({file, 0, 0}, fmt::format("the zone has no SOA record at {}", quoted(draft, apex)));
  }
  if (find_record(draft, apex, Rtype::Ns) == nullptr) {
    errors.error({file, 0, 0},
                 fmt::format("the zone has no NS record at {}; name its servers", quoted(draft, apex)));
  }
}

}  // namespace meridian::zone
