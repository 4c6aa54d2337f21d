// Every limit on something that grows, with its reason. A limit that is reached is reported or counted,
// never silently obeyed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meridian::base::limits {

// --- packets ---------------------------------------------------------------------------------------

/// RFC 1035 2.3.4: a name is at most 255 bytes, a label at most 63.
inline constexpr std::size_t kNameBytesMax = 255;
inline constexpr std::size_t kLabelBytesMax = 63;
/// 255 bytes hold at most 127 labels of one byte, plus the root.
inline constexpr std::size_t kLabelsMax = 128;
/// RFC 9715 and DNS flag day 2020: larger UDP answers get fragmented, and fragments get lost or forged.
inline constexpr std::size_t kUdpAnswerBytesMax = 1232;
/// RFC 1035 4.2.1: what a client without EDNS can take.
inline constexpr std::size_t kUdpPlainAnswerBytes = 512;
/// The TCP length field is 16 bits.
inline constexpr std::size_t kTcpMessageBytesMax = 65'535;
/// A query with the longest name and every EDNS option we know stays under 600 bytes; a packet is read up
/// to this and anything longer is malformed for us.
inline constexpr std::size_t kQueryBytesMax = 4'096;
/// Longer chains are misconfigurations; BIND stops at 16 as well.
inline constexpr std::size_t kCnameChainMax = 16;
/// Options looked at in one OPT record; more is noise or an attack on our time.
inline constexpr std::size_t kEdnsOptionsMax = 32;
/// NSID carries the site's name. With the text of an extended error it is what is of no fixed size in an OPT
/// record, and the longest of those must fit behind the longest question in 512 bytes (dns/edns.hpp asserts
/// it).
inline constexpr std::size_t kNsidBytesMax = 64;
/// RFC 8914 2: the text is for people and should be short.
inline constexpr std::size_t kExtendedErrorTextBytesMax = 32;
/// Cookie secrets in use at once. A change of secret needs two; each costs a forged cookie one more hash.
inline constexpr std::size_t kCookieSecretsMax = 4;
/// Places a written message remembers to compress later names against, searched one after the other. An
/// answer of 1232 bytes rarely spells out 30 names; past this, names are written in full, never wrongly.
inline constexpr std::size_t kCompressionNamesMax = 64;

// --- response rates --------------------------------------------------------------------------------

/// Responses a second to one client network; beyond this a limit limits nothing.
inline constexpr std::uint32_t kRateMax = 10'000;
/// As BIND's longest window; who floods for an hour is no client.
inline constexpr std::uint32_t kRateWindowSecondsMax = 3'600;
/// Keys remembered by default: 4 MiB, some 500,000 networks at once. A flood with more sources than that
/// costs its victims little each.
inline constexpr std::uint32_t kRateEntriesDefault = 512u << 10;
/// 512 MiB of buckets; more than the networks of the routed internet.
inline constexpr std::uint32_t kRateEntriesMax = 64u << 20;
/// Networks on the allow list; it is compiled into a trie, this only stops a runaway file.
inline constexpr std::size_t kRateExemptMax = 10'000;

// --- files -----------------------------------------------------------------------------------------

/// Past this a list of errors helps nobody.
inline constexpr std::size_t kDiagnosticsMax = 1'000;
/// A map file is edited by people; the largest public one known is 1.3 MB.
inline constexpr std::size_t kYamlFileBytesMax = 64u << 20;
/// Aliases let a small YAML file name a huge tree; visiting is bounded instead.
inline constexpr std::size_t kYamlNodesMax = 4'000'000;
/// Zone files nest includes; a loop must end.
inline constexpr std::size_t kZoneIncludeDepthMax = 8;
/// One logical line of a zone file, parentheses included; a 64 KiB rdata takes at most 4 characters a byte.
inline constexpr std::size_t kZoneEntryBytesMax = 512u << 10;
/// A zone with all its includes: some 20 million records, more than a fleet's own names need. A wrong path or
/// a runaway include ends here and not with the memory.
inline constexpr std::size_t kZoneFileBytesMax = 1u << 30;
/// Files one zone may include in all: depth alone would let eight levels of ten includes name 10^8 files.
inline constexpr std::size_t kZoneIncludesMax = 10'000;
/// The records of one rrset in a message, owner names compressed. They must fit one TCP message (65,535
/// bytes) beside the header, the longest question, and EDNS.
inline constexpr std::size_t kRrsetBytesMax = 65'000;
/// Regions may name regions; deeper nesting than this is a mistake, and loops must end.
inline constexpr std::size_t kRegionDepthMax = 32;

// --- the map ---------------------------------------------------------------------------------------

/// A tier list names each datacenter once and its ids are 16 bits; the largest fleets have some hundreds.
inline constexpr std::size_t kDatacentersMax = 1'024;
/// An answer of 1232 bytes holds 43 AAAA records; a pool twice as large is beyond what DNS can spread evenly.
inline constexpr std::size_t kPoolEndpointsMax = 256;
/// At most this many addresses in one answer, whatever `answer:` says.
inline constexpr std::size_t kAnswerAddressesMax = 32;
/// Default for `answer:`; resolvers and clients rarely use more.
inline constexpr std::size_t kAnswerAddressesDefault = 8;
/// MapId is 16 bits; each map costs a trie.
inline constexpr std::size_t kMapsMax = 4'096;
/// Places a GeoIP file may hold; real city files have under 1 M distinct records.
inline constexpr std::size_t kGeoPlacesMax = 16'000'000;
/// A leaf's value shares its word with one flag bit.
inline constexpr std::uint32_t kTrieValueMax = 0x7fff'fffe;
/// RFC 2181 8: TTLs are 31 bits.
inline constexpr std::uint32_t kTtlMax = 0x7fff'ffff;

// --- network ---------------------------------------------------------------------------------------

/// Packets a UDP worker takes in one recvmmsg: enough to pay for the system call, few enough that the
/// last one of a batch waits under 50 µs.
inline constexpr std::size_t kUdpBatch = 32;
/// UDP workers; more than the cores of any machine worth using would only fight for them.
inline constexpr std::size_t kUdpWorkersMax = 256;
/// Addresses to listen at. Each costs every worker a socket and, when idle, an empty system call a batch.
inline constexpr std::size_t kListenAddressesMax = 64;
/// Asked for, not demanded (net.core.rmem_max caps it): 4 MiB hold some 5,000 queries, 20 ms of a burst at
/// 250,000 a second. Answers leave at once, so they need less.
inline constexpr int kUdpReceiveBufferBytes = 4 << 20;
inline constexpr int kUdpSendBufferBytes = 1 << 20;
/// A full send buffer empties within microseconds or the link is down; waiting longer would cost the queries
/// behind. Tries for one batch, each waiting up to a millisecond.
inline constexpr int kUdpSendTriesMax = 3;
/// Batches a stopping worker still answers per socket: 32,768 queries, six full receive buffers, under a
/// second even when a flood goes on.
inline constexpr int kUdpStopBatchesMax = 1'024;
/// TCP connections at once, over all clients; each costs about 10 KiB.
inline constexpr std::size_t kTcpConnectionsMax = 4'096;
/// TCP connections of one client network; RFC 7766 6.2.2 asks servers to bound them.
inline constexpr std::size_t kTcpConnectionsPerClientMax = 64;
/// Idle time before a TCP connection is closed (RFC 7766 6.2.3: "of the order of a few seconds").
inline constexpr std::uint32_t kTcpIdleMs = 10'000;
/// A message must arrive, or an answer be taken, within this; slow readers and one-byte-a-second writers end
/// here.
inline constexpr std::uint32_t kTcpTransferMs = 5'000;
/// Answers of one TCP connection that are gathered for one write. With the largest answer on top it bounds
/// what a slow reader makes us hold.
inline constexpr std::size_t kTcpWriteBytes = 16u << 10;
/// Connections the kernel holds for us between two accepts; net.core.somaxconn caps it (4,096 by default).
inline constexpr int kTcpBacklog = 4'096;
/// TCP_FASTOPEN: first packets with data that may wait at once.
inline constexpr int kTcpFastOpenQueue = 256;
/// Pause after an accept that failed for lack of descriptors or memory; trying at once would spin.
inline constexpr std::uint32_t kTcpAcceptPauseMs = 100;
/// How long a stopping server waits for TCP clients to take their answers.
inline constexpr std::uint32_t kTcpDrainMs = 2'000;
/// Connections on the control socket at once: operators and scrapers, not the public.
inline constexpr std::size_t kControlConnectionsMax = 64;
/// A control request is a short line of JSON.
inline constexpr std::size_t kControlBodyBytesMax = 64u << 10;

}  // namespace meridian::base::limits
