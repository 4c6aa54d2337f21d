// The additional section: addresses of the hosts that NS, MX, SRV, SVCB and HTTPS records name, so that the
// resolver need not ask again (RFC 1035 3.3, RFC 2782, RFC 9460 4.1), and the glue of referrals (RFC 9471).
//
// HOT: no allocation, lock, clock, exception or log line. Whole record sets only.
#pragma once

#include "dns/name.hpp"
#include "dns/types.hpp"
#include "dns/writer.hpp"
#include "zone/zone.hpp"

namespace meridian::query {

/// Adds what is known in our zones of the hosts in `rrset`, which stands at `owner` in `zone`. Hosts outside
/// `zone` are left out: a resolver that asked this zone does not believe it about others (RFC 2181 5.4.1). So
/// are steered names, whose addresses would narrow the answer's scope. All of it is optional: what does not
/// fit is left out, and that never truncates.
void add_additional(const zone::ZoneSet& zones, const zone::Zone& zone, dns::NameView owner,
                    const zone::Rrset& rrset, dns::MessageWriter& writer) noexcept;

/// Adds the addresses in `zone` of the name servers of the cut `found`. Those below the cut come first and
/// must be whole, for nothing else leads to them (RFC 9471 3.1); the others are a courtesy (3.2). False: one
/// that is needed did not fit.
[[nodiscard]] bool add_glue(const zone::Zone& zone, const zone::Found& found,
                            dns::MessageWriter& writer) noexcept;

}  // namespace meridian::query
