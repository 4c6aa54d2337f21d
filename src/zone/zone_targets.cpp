#include "zone/zone_targets.hpp"

#include "base/limits.hpp"
#include "zone/node_table.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace meridian::zone {
namespace {

using dns::Rtype;

constexpr std::string_view kAbsent = "does not exist in this zone; add its A or AAAA record";

std::size_t target_offset(Rtype type) {
  switch (type) {
    case Rtype::Mx:
    case Rtype::Svcb:
    case Rtype::Https:
      return 2;
    case Rtype::Srv:
      return 6;
    default:
      return 0;
  }
}

/// What is wrong with `target` as a host with addresses; "" when nothing is. `owner` is where the record
/// stands.
std::string host_problem(const Zone& zone, dns::NameView owner, dns::NameView target, bool needs_glue) {
  const auto found = zone.lookup(target, Rtype::A);
  switch (found.outcome) {
    case Outcome::Answer:
    case Outcome::Steered:
      return {};
    case Outcome::Cname:
    case Outcome::Dname:
      return "is an alias; name a host with addresses of its own (RFC 2181 10.3)";
    case Outcome::NxDomain:
      return std::string{kAbsent};
    case Outcome::NoData:
      if (zone.lookup(target, Rtype::Aaaa).outcome != Outcome::NoData) return {};
      return "has no address; add its A or AAAA record";
    case Outcome::Delegation:
      break;
  }
  // Below another cut the addresses are found through that cut's own servers.
  if (!needs_glue || found.owner != owner || zone.find_rrset(target, Rtype::A).has_value() ||
      zone.find_rrset(target, Rtype::Aaaa).has_value()) {
    return {};
  }
  return "needs glue; add its A or AAAA record";
}

/// What is wrong with where the CNAME at `owner` leads inside the zone.
std::string cname_problem(const Zone& zone, dns::NameView owner, const dns::Name& target) {
  dns::Name name = target;
  for (std::size_t links = 1; links <= base::limits::kCnameChainMax; ++links) {
    if (name.view() == owner) return "leads back to it; point it at a name with records";
    if (!name.view().is_at_or_under(zone.apex())) return {};
    const auto found = zone.lookup(name, Rtype::A);
    if (found.outcome == Outcome::NxDomain && links == 1)
      return "does not exist in this zone; add its records, or remove the CNAME";
    if (found.outcome != Outcome::Cname) return {};
    name = dns::read_target(found.rrset);
    name.make_lower();
  }
  return fmt::format("leads on through more than {} CNAMEs; resolvers give up, shorten it",
                     base::limits::kCnameChainMax);
}

std::string problem_of(const Zone& zone, Rtype type, dns::NameView owner, const dns::Name& target) {
  switch (type) {
    case Rtype::Ns:
      return host_problem(zone, owner, target, true);
    case Rtype::Mx:
    case Rtype::Srv:
      return host_problem(zone, owner, target, false);
    // These may lead to aliases, and in alias mode to names without addresses (RFC 9460 2.4.2).
    case Rtype::Svcb:
    case Rtype::Https:
      return zone.lookup(target, type).outcome == Outcome::NxDomain ? std::string{kAbsent} : std::string{};
    case Rtype::Cname:
      return cname_problem(zone, owner, target);
    case Rtype::Dname:
      if (!target.view().is_at_or_under(owner)) return {};
      return "lies below it, so that each name leads to a longer one; point it elsewhere";
    default:
      return {};
  }
}

std::string word_for(Rtype type) {
  return type == Rtype::Ns ? "name server" : dns::to_string(type) + " target";
}

}  // namespace

std::optional<dns::Name> find_target(Rtype type, std::span<const std::uint8_t> rdata) {
  switch (type) {
    case Rtype::Ns:
    case Rtype::Cname:
    case Rtype::Dname:
    case Rtype::Mx:
    case Rtype::Srv:
    case Rtype::Svcb:
    case Rtype::Https:
      break;
    default:
      return std::nullopt;
  }
  const std::size_t at = target_offset(type);
  dns::Name target{dns::NameView{rdata.subspan(at, dns::find_name_end(rdata, at) - at)}};
  if (at != 0 && target.view().is_root()) return std::nullopt;
  target.make_lower();
  return target;
}

void check_targets(const ZoneDraft& draft, const Zone& zone, base::Diagnostics& warnings) {
  for (const auto& node : draft.nodes()) {
    if ((node.flags & kNodeOccluded) != 0) continue;
    for (auto i = node.first_record; i != kNoIndex; i = draft.records()[i].next) {
      const auto& record = draft.records()[i];
      if ((node.flags & kNodeCut) != 0 && record.type != Rtype::Ns) continue;
      const auto target = find_target(record.type, draft.rdata(record));
      if (!target || !target->view().is_at_or_under(zone.apex())) continue;
      const auto owner = draft.name(node);
      const auto problem = problem_of(zone, record.type, owner, *target);
      if (problem.empty()) continue;
      warnings.warning(draft.location(record.place),
                       fmt::format("the {} '{}' of '{}' {}", word_for(record.type), dns::to_string(*target),
                                   dns::to_string(owner), problem));
    }
  }
}

}  // namespace meridian::zone
