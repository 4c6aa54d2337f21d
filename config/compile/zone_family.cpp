#include "config/compile/zone_family.hpp"

#include "dns/header.hpp"
#include "query/chain.hpp"
#include "zone/zone_targets.hpp"

#include <fmt/format.h>

#include <string>

namespace meridian::compile {
namespace {

using dns::Rtype;
using zone::Outcome;

/// The zone above `child` that is served here; nullptr: none.
const zone::Zone* find_parent(const zone::ZoneSet& zones, const zone::Zone& child) {
  return child.apex().is_root() ? nullptr : zones.find(child.apex().parent());
}

void check_delegation(const zone::ZoneSet& zones, const zone::Zone& child, const std::string& file,
                      base::Diagnostics& warnings) {
  const auto* parent = find_parent(zones, child);
  if (parent == nullptr) return;
  // A cut above the child: its parent is a zone in between, elsewhere.
  if (parent->lookup(child.apex(), Rtype::Ns).outcome == Outcome::Delegation) return;
  warnings.warning(
      {file, 0, 0},
      fmt::format("zone '{0}' is served here, but the zone '{1}' above it has no NS for '{0}', so that "
                  "resolvers do not find it; add them to '{1}'",
                  dns::to_string(child.apex()), dns::to_string(parent->apex())));
}

/// What is wrong with where a record leads that leads into another zone of ours; "" when nothing is.
std::string problem_of(const zone::ZoneSet& zones, Rtype type, dns::NameView owner, const dns::Name& target) {
  if (type == Rtype::Cname) {
    query::Chain chain(zones, owner, Rtype::A);
    while (chain.is_at_alias()) {
      const auto stop = chain.follow();
      if (stop == query::ChainStop::Loop)
        return "leads back to a name before it; point it at a name with records";
      if (stop == query::ChainStop::TooLong)
        return "leads on through too many CNAMEs; resolvers give up, shorten it";
      if (stop == query::ChainStop::NameTooLong) return "leads to a name that is too long";
    }
  }
  const auto* zone = zones.find(target);
  const auto outcome = zone->lookup(target, Rtype::A).outcome;
  if (outcome == Outcome::NxDomain)
    return fmt::format("does not exist in '{}'; add its records there", dns::to_string(zone->apex()));
  const bool no_alias = type == Rtype::Ns || type == Rtype::Mx || type == Rtype::Srv;
  if (no_alias && (outcome == Outcome::Cname || outcome == Outcome::Dname))
    return "is an alias; name a host with addresses of its own (RFC 2181 10.3)";
  return {};
}

void check_records(const zone::ZoneSet& zones, const zone::Zone& zone, const std::string& file,
                   base::Diagnostics& warnings) {
  zone.for_each_rrset([&](dns::NameView owner, const zone::Rrset& rrset) {
    static_cast<void>(dns::for_each_rdata(rrset, [&](std::span<const std::uint8_t> rdata) {
      const auto target = zone::find_target(rrset.type, rdata);
      if (!target || rrset.type == Rtype::Dname) return true;
      const auto* other = zones.find(*target);
      // Data that another zone answers for, or that lies below a cut, is told where it is wrong.
      if (other == nullptr || other == &zone || zones.find(owner) != &zone) return true;
      const auto problem = problem_of(zones, rrset.type, owner, *target);
      if (!problem.empty()) {
        warnings.warning({file, 0, 0},
                         fmt::format("the {} target '{}' of '{}' {}", dns::to_string(rrset.type),
                                     dns::to_string(*target), dns::to_string(owner), problem));
      }
      return true;
    }));
  });
}

}  // namespace

void check_zone_family(const zone::ZoneSet& zones, const std::vector<config::ZoneFile>& files,
                       base::Diagnostics& warnings) {
  if (zones.size() < 2) return;
  for (const auto& file : files) {
    const auto* zone = zones.find(file.apex);
    if (zone == nullptr) continue;
    check_delegation(zones, *zone, file.path, warnings);
    check_records(zones, *zone, file.path, warnings);
  }
}

}  // namespace meridian::compile
