// Where a zone's records lead inside the zone: hosts without addresses, aliases where none may stand, CNAMEs
// that go in circles. All of it can be served, so all of it is a warning.
//
// Off the hot path; one thread. What leads into another zone is compile/zone_family's business.
#pragma once

#include "base/diagnostics.hpp"
#include "zone/zone.hpp"
#include "zone/zone_draft.hpp"

#include <optional>

namespace meridian::zone {

/// The name in the rdata of NS, CNAME, DNAME, MX, SRV, SVCB and HTTPS, in lower case; nullopt for other types
/// and for "." where it means "none" (RFC 7505, RFC 2782, RFC 9460 2.5).
[[nodiscard]] std::optional<dns::Name> find_target(dns::Rtype type, std::span<const std::uint8_t> rdata);

/// Warns of targets in the zone that are not there, have no address, or are an alias where RFC 2181 10.3 and
/// RFC 2782 forbid it; of CNAMEs that lead back to themselves or through more than limits::kCnameChainMax
/// others; and of DNAMEs whose target lies below them.
void check_targets(const ZoneDraft& draft, const Zone& zone, base::Diagnostics& warnings);

}  // namespace meridian::zone
