// The rules a zone's records must keep together (RFC 1034, 2181, 4592, 6672): what is an error, what a
// warning.
//
// Off the hot path; one thread. Each function goes over the whole draft once.
#pragma once

#include "base/diagnostics.hpp"
#include "zone/zone_draft.hpp"

#include <string>

namespace meridian::zone {

/// Sorts each node's records by type (the order within an rrset stays), drops exact duplicates (RFC 2181 5)
/// and gives the records of an rrset the smallest of their TTLs, with a warning (RFC 2181 5.2).
void group_records(ZoneDraft& draft, base::Diagnostics& warnings);

/// Sets each node's NodeFlags. Needs grouped records.
void mark_nodes(ZoneDraft& draft);

/// Errors of the records that are there. Needs marked nodes.
void check_nodes(const ZoneDraft& draft, base::Diagnostics& errors, base::Diagnostics& warnings);

/// Errors of what the apex lacks; `file` is where they are reported.
void check_apex(const ZoneDraft& draft, const std::string& file, base::Diagnostics& errors);

}  // namespace meridian::zone
