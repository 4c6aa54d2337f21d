// What values operators may write, each with its reason. Limits on what may grow stand in base/limits.hpp.
#pragma once

#include "base/limits.hpp"

#include <cstddef>
#include <cstdint>

namespace meridian::config::ranges {

/// A week. Longer steered answers outlive every plan to move them; a slip like 86400000 is caught.
inline constexpr std::uint32_t kTtlSecondsMax = 604'800;
/// Weights are shares, 16 bits give them four digits; sums of any pool or tier stay far below 32 bits.
inline constexpr std::uint32_t kWeightMax = 65'535;
/// 1 is no head room at all; a fleet built ten times too large never hands clients over.
inline constexpr double kOverprovisionMin = 1;
inline constexpr double kOverprovisionMax = 10;
/// Each nearest datacenter multiplies the leaves of a map's trie; past 16 nothing is near any more.
inline constexpr std::uint32_t kNearestMax = 16;
/// Who wants to wait for longer means an explicit reload.
inline constexpr std::uint32_t kSettleSecondsMax = 600;
/// Cores of the largest machines sold today, with room.
inline constexpr std::uint32_t kWorkersMax = base::limits::kUdpWorkersMax;
/// Names of datacenters, regions and maps become metric labels and table columns.
inline constexpr std::size_t kNameBytesMax = 63;
/// NSID carries the site's name.
inline constexpr std::size_t kSiteBytesMax = base::limits::kNsidBytesMax;
/// Sockets a worker opens; each address costs one for UDP and one for TCP.
inline constexpr std::size_t kListenAddressesMax = 64;
/// As BIND's: past one in ten a real client would wait too long for its chance.
inline constexpr std::uint32_t kSlipMax = 10;
/// 8 KiB; less remembers nothing worth a limit.
inline constexpr std::uint32_t kRateEntriesMin = 1'024;

/// One query in so many for the query log, dnstap and demand.
inline constexpr std::uint32_t kSampleMax = base::limits::kQuerySampleMax;
/// Past a day a limit of time limits nothing.
inline constexpr std::uint32_t kTcpSecondsMax = 86'400;
/// About 10 KiB each here and, if its client is slow, some 400 KiB in the kernel. Past 16,000 the limit of
/// open files in the shipped unit must be raised too.
inline constexpr std::uint32_t kTcpConnectionsMax = 65'536;

/// Shorter intervals are load and no knowledge: routes take longer to settle. Past an hour nothing is
/// watched.
inline constexpr std::uint32_t kCheckEveryMsMin = 500;
inline constexpr std::uint32_t kCheckEveryMsMax = 3'600'000;
/// Less than a round trip around the world fails what is well.
inline constexpr std::uint32_t kCheckTimeoutMsMin = 50;
inline constexpr std::uint32_t kCheckTimeoutMsMax = 60'000;
/// With half of the interval two probes of one address may meet.
inline constexpr std::uint32_t kCheckJitterPercentMax = 50;
/// With the longest interval that is four days.
inline constexpr std::uint32_t kCheckCountMax = 100;
/// The longest that certificates live, with room.
inline constexpr std::uint32_t kCertificateDaysMax = 3'650;
inline constexpr std::uint32_t kLeaseSecondsMin = 1;
inline constexpr std::uint32_t kLeaseSecondsMax = 86'400;

/// Anycast: a site has a handful of addresses. Each VIP is asked every query twice in half a
/// second, and each check runs as often.
inline constexpr std::size_t kVipsMax = 16;
inline constexpr std::size_t kDrainCommunitiesMax = 16;
inline constexpr std::size_t kSelfQueriesMax = 16;
inline constexpr std::size_t kLocalChecksMax = 16;
/// RFC 4271 4.2: less is refused. Past ten minutes a dead site keeps its route for that long.
inline constexpr std::uint32_t kHoldSecondsMin = 3;
inline constexpr std::uint32_t kHoldSecondsMax = 600;
/// Paths that long are filtered.
inline constexpr std::uint32_t kPrependMax = 16;

}  // namespace meridian::config::ranges
