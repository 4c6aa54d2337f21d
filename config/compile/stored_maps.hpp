// The compiled part of a snapshot that databases are needed for, as bytes: every map's tries and the tier
// lists. What is kept of an epoch on disk, so that a server can go back to it, or start with it, without
// reading a database.
//
// Everything is little endian and each array stands at a multiple of 8 bytes, so that the bytes may be mapped
// and used where they lie (we copy the tries into huge pages, where look-ups are twice as fast):
//
//   "MERIDMAP"  version (32 bits)  maps (32)  tier lists (32)  tier entries (32)
//   tier lists:   where each begins in the entries (32 each), and where the last one ends
//   tier entries: datacenter (16), tier (16), weight (16)
//   each map:     bytes of its name (32), its tiers for the unknown (32), private networks (32), 1 with rules
//                 for resolvers (32); the name; the networks: family, bits, address (16 bytes); then the four
//                 tries v4, v6, resolvers v4 and v6: root (32), nodes (32), two words a node
//   SipHash-2-4 of all of it (8 bytes): a disk's mistakes, not a forger's, are found by it
//
// Slow and off line. Equal maps give equal bytes on every machine.
#pragma once

#include "base/expected.hpp"
#include "query/snapshot.hpp"
#include "steering/tiers.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace meridian::compile {

struct StoredMaps {
  std::vector<query::SteeringMap> maps;
  steering::TierTable tiers;
};

[[nodiscard]] std::vector<std::uint8_t> write_stored_maps(const query::Snapshot& snapshot);

/// Checks everything: what it returns is as safe to look up in as what the compiler makes, for a snapshot
/// with `datacenters` of them. The error says what is wrong with the bytes.
[[nodiscard]] base::Expected<StoredMaps, std::string> read_stored_maps(std::span<const std::uint8_t> bytes,
                                                                       std::size_t datacenters);

}  // namespace meridian::compile
