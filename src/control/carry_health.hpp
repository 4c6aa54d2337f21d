// What was known of an endpoint goes on to the next snapshot: a reload must not bring back what is down.
//
// Endpoints are the same when service, datacenter and address are. Builder thread only.
#pragma once

#include "query/snapshot.hpp"

namespace meridian::control {

/// Sets in `after` the state each endpoint of `next` had in `before`; new ones stay Unknown.
void carry_health(const query::Snapshot& last, const query::Tables& before, const query::Snapshot& next,
                  query::Tables& after);

}  // namespace meridian::control
