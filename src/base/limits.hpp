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
/// RFC 1035 3.3: a character string, as in TXT, has its length in one byte.
inline constexpr std::size_t kCharacterStringBytesMax = 255;
/// RFC 9715 and DNS flag day 2020: larger UDP answers get fragmented, and fragments get lost or forged.
inline constexpr std::size_t kUdpAnswerBytesMax = 1232;
/// RFC 1035 4.2.1: what a client without EDNS can take.
inline constexpr std::size_t kUdpPlainAnswerBytes = 512;
/// The TCP length field is 16 bits.
inline constexpr std::size_t kTcpMessageBytesMax = 65'535;
/// A query with the longest name and every EDNS option we know stays under 600 bytes; a packet is read up
/// to this and anything longer is malformed for us. Not more, because a UDP worker has this room for every
/// packet of a batch, and its cache and its page tables have to hold them all.
inline constexpr std::size_t kQueryBytesMax = 2'048;
/// Links of CNAMEs and DNAMEs in one answer. Longer chains are misconfigurations, and resolvers stop near
/// there.
inline constexpr std::size_t kCnameChainMax = 16;
/// Hosts of one NS, MX, SRV, SVCB or HTTPS set whose addresses are added unasked. No zone needs more than 13
/// name servers, and the addresses of 32 hosts fill a UDP answer; a resolver asks for the others.
inline constexpr std::size_t kAdditionalHostsMax = 32;
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

// --- kept answers ----------------------------------------------------------------------------------

/// Queries whose answer a worker may keep: a name of 60 bytes with an OPT record and a client subnet, which
/// nearly all are. A multiple of 8.
inline constexpr std::size_t kKeptQueryBytesMax = 128;
/// Answers that it may keep: eight addresses of either family with their question and OPT record, or a
/// negative answer.
inline constexpr std::size_t kKeptAnswerBytesMax = 320;
/// Answers that one worker keeps: 1.75 MiB, which stay in its core's cache for the part that is asked for. A
/// power of two.
inline constexpr std::size_t kKeptAnswersMax = 4'096;
/// Questions that it knows to have answers worth keeping: 2.5 MiB. Twice the answers, so that few sets of
/// places are full before there are so many. A power of two.
inline constexpr std::size_t kKeptQuestionsMax = 8'192;

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

/// places.json, the shipped list of places: it has a third of a megabyte.
inline constexpr std::size_t kPlacesFileBytesMax = 16u << 20;
/// Aliases let a small YAML file name a huge tree; visiting is bounded instead.
inline constexpr std::size_t kYamlNodesMax = 4'000'000;
/// Zone files nest includes; a loop must end.
inline constexpr std::size_t kZoneIncludeDepthMax = 8;
/// One logical line of a zone file, parentheses included; a 64 KiB rdata takes at most 4 characters a byte.
inline constexpr std::size_t kZoneEntryBytesMax = 512u << 10;
/// A zone with all its includes: some 20 million records, more than a fleet's own names need. A wrong path or
/// a runaway include ends here and not with the memory.
inline constexpr std::size_t kZoneFileBytesMax = 1u << 30;
/// Records that room is made for before they are read, by the lines of the file. Of more than this not every
/// machine has the address space to promise, and doubling on the way costs little then.
inline constexpr std::size_t kZoneRecordsExpectedMax = 4'000'000;
/// Files one zone may include in all: depth alone would let eight levels of ten includes name 10^8 files.
inline constexpr std::size_t kZoneIncludesMax = 10'000;
/// The records of one rrset in a message, owner names compressed. They must fit one TCP message (65,535
/// bytes) beside the header, the longest question, and EDNS.
inline constexpr std::size_t kRrsetBytesMax = 65'000;
/// Regions may name regions; deeper nesting than this is a mistake, and loops must end.
inline constexpr std::size_t kRegionDepthMax = 32;

/// One networks file; a line has some 20 bytes, so this is more than kNetworksMax lines.
inline constexpr std::size_t kNetworksFileBytesMax = 256u << 20;
/// Lines of all networks files of a map together. All prefixes of the internet's routing table are 1.2
/// million; each takes 28 bytes here and some 100 while a map is compiled.
inline constexpr std::size_t kNetworksMax = 4'000'000;

/// A rule that ends is warned of so many days before: two weeks, so that a weekly look at the log finds it.
inline constexpr int kUntilWarningDays = 14;

// --- the map ---------------------------------------------------------------------------------------

/// A tier list names each datacenter once and its ids are 16 bits; the largest fleets have some hundreds.
inline constexpr std::size_t kDatacentersMax = 1'024;
/// An answer of 1232 bytes holds 43 AAAA records; a pool twice as large is beyond what DNS can spread evenly.
inline constexpr std::size_t kPoolEndpointsMax = 256;
/// Names a `cname` pool splits its clients over: providers, of which few have more than three.
inline constexpr std::size_t kPoolTargetsMax = 16;
/// At most this many addresses in one answer, whatever `answer:` says.
inline constexpr std::size_t kAnswerAddressesMax = 32;
/// Default for `answer:`; resolvers and clients rarely use more.
inline constexpr std::size_t kAnswerAddressesDefault = 8;
/// MapId is 16 bits; each map costs a trie.
inline constexpr std::size_t kMapsMax = 4'096;
/// Expectations of one map. Each is held against every place of the databases: 10,000 of them against a city
/// database's take seconds, and nobody reviews more.
inline constexpr std::size_t kExpectationsMax = 10'000;
/// Places a GeoIP file may hold; real city files have under 1 M distinct records.
inline constexpr std::size_t kGeoPlacesMax = 16'000'000;
/// A leaf's value shares its word with one flag bit.
inline constexpr std::uint32_t kTrieValueMax = 0x7fff'fffe;
/// RFC 2181 8: TTLs are 31 bits.
inline constexpr std::uint32_t kTtlMax = 0x7fff'ffff;

// --- plans -----------------------------------------------------------------------------------------

/// Networks of a demand file: the /24s of half the IPv4 Internet.
inline constexpr std::size_t kDemandNetworksMax = 8'000'000;
/// Some 30 bytes for each of them.
inline constexpr std::size_t kDemandFileBytesMax = 256u << 20;
/// Places and autonomous systems a plan lists; more is for programs, which ask again with a smaller change.
inline constexpr std::size_t kPlanPlacesMax = 20;
/// The outlines of all countries; the shipped file has 164 kB, and one with every bay 4 MB.
inline constexpr std::size_t kOutlinesFileBytesMax = 16u << 20;

// --- epochs ----------------------------------------------------------------------------------------

/// Epochs that are kept on disk: a bad map is noticed within a few changes, and each costs the size of the
/// map and its zones.
inline constexpr std::size_t kEpochsKept = 5;
/// The compiled part of one: a hundred maps of a city database. A wrong file ends here and not with the
/// memory.
inline constexpr std::size_t kEpochMapsBytesMax = 4'000u << 20;
/// What describes one.
inline constexpr std::size_t kEpochInfoBytesMax = 1u << 20;
/// Files of one map directory: ten times the 10,000 zones that a server is measured with.
inline constexpr std::size_t kMapFilesMax = 100'000;

// --- network ---------------------------------------------------------------------------------------

/// Maps whose first read is fetched ahead for every query. A fetch costs a nanosecond and a line of the cache
/// whether it was needed or not; most servers have one map or two.
inline constexpr std::size_t kMapsFetchedAheadMax = 2;

/// Packets a UDP worker takes in one recvmmsg: enough to pay for the system call, few enough that the
/// last one of a batch waits under 50 µs.
inline constexpr std::size_t kUdpBatch = 32;
/// Full batches between two looks at what the kernel dropped while a worker never catches up: some 25 ms, and
/// the look costs less than one packet.
inline constexpr std::size_t kUdpDropCountBatches = 256;
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
/// What the kernel keeps of one TCP connection, asked for once on the listener: it doubles these for its own
/// needs. Left alone it would let a client that reads nothing pin megabytes. 128 KiB hold two of the largest
/// answers, 64 KiB some thousand queries.
inline constexpr int kTcpSendBufferBytes = 128 << 10;
inline constexpr int kTcpReceiveBufferBytes = 64 << 10;
/// Queries of one TCP connection answered before the next connection has its turn: enough to pay for the
/// system calls, few enough that a turn takes about as long as two UDP batches.
inline constexpr std::size_t kTcpTurnQueries = 64;
/// Sockets that one wait of the TCP thread reports, and connections taken in a turn from one listener.
inline constexpr std::size_t kTcpEvents = 64;
inline constexpr int kTcpTurnAccepts = 16;
/// How long a TCP connection may live however busy it is: routes and weights change, and who stays connected
/// for ever never follows. It ends between two messages (RFC 7766 6.2.3: a server may close at any time).
inline constexpr std::uint32_t kTcpLifetimeMs = 3'600'000;
/// TCP_FASTOPEN: first packets with data that may wait at once.
inline constexpr int kTcpFastOpenQueue = 256;
/// Pause after an accept that failed for lack of descriptors or memory; trying at once would spin.
inline constexpr std::uint32_t kTcpAcceptPauseMs = 100;
/// How long a stopping server waits for TCP clients to take their answers.
inline constexpr std::uint32_t kTcpDrainMs = 2'000;
/// After a hand-over the old server leaves idle TCP clients their whole idle time: whoever talks to it may
/// finish. Nobody waits for it, since the new one answers already.
inline constexpr std::uint32_t kTcpLingerMs = kTcpIdleMs;
/// A PROXY header with all it carries besides addresses; dnsdist's default limit.
inline constexpr std::size_t kProxyHeaderBytesMax = 512;
/// Networks of proxies of one listener, searched one after the other for each datagram.
inline constexpr std::size_t kProxyNetworksMax = 64;
/// Connections on the control socket at once: operators and scrapers, not the public.
inline constexpr std::size_t kControlConnectionsMax = 64;
/// A control request is a short line of JSON.
inline constexpr std::size_t kControlBodyBytesMax = 64u << 10;
/// Why a datacenter is drained, for logs and status: a ticket and a few words.
inline constexpr std::size_t kShedReasonBytesMax = 200;
/// Why a probe failed, for logs and status: a step and what the library says of it.
inline constexpr std::size_t kProbeCauseBytesMax = 200;
/// Checks of one map. Each kind of service has its own, and they are compared with each other when a map is
/// compiled.
inline constexpr std::size_t kChecksMax = 1'000;
/// Headers an HTTP check sends besides its own: a token, a content type, some of tracing.
inline constexpr std::size_t kCheckHeadersMax = 16;
/// One text of a check: a path, a header, what a body must hold. The longest that servers take for a path.
inline constexpr std::size_t kCheckTextBytesMax = 4'096;
/// Words of a check's command, the program with them.
inline constexpr std::size_t kCheckCommandWordsMax = 32;
/// Ranges of statuses of a check; who needs more wants one range.
inline constexpr std::size_t kCheckStatusRangesMax = 16;
/// Redirects a check may follow, as many as browsers do.
inline constexpr std::uint32_t kCheckRedirectsMax = 20;
/// The longest time after which a drain ends by itself; who wants longer changes the map.
inline constexpr std::uint32_t kShedSecondsMax = 30 * 86'400;
/// A new binary loads the map and tests itself within this, or the old one goes on: the largest maps take
/// seconds, and an operator waits for the answer.
inline constexpr std::uint32_t kUpgradeTimeoutS = 60;
/// The longest that may be asked for instead; nobody watches for longer.
inline constexpr std::uint32_t kUpgradeTimeoutMaxS = 3'600;
/// One message between the old and the new server; a socket's send buffer holds several (212,992 bytes by
/// default).
inline constexpr std::size_t kHandoverMessageBytesMax = 64u << 10;
/// Descriptors in one such message; the kernel takes 253 (SCM_MAX_FD).
inline constexpr std::size_t kHandoverDescriptorsMax = 240;

// --- overrides -------------------------------------------------------------------------------------

/// Overrides at once, those of the future included: one for every datacenter of the largest fleet. Every one
/// is held against every endpoint when a map is published.
inline constexpr std::size_t kOverridesMax = 1'024;
/// What an override is about: a service's name, a datacenter's and an address, patterns included.
inline constexpr std::size_t kOverrideTargetBytesMax = 320;
/// Who set it: a user's or a token's name.
inline constexpr std::size_t kOverrideAuthorBytesMax = 64;
/// How far ahead one may be scheduled: a quarter. What is later will be forgotten, or belongs into the map.
inline constexpr std::uint32_t kOverrideAheadSecondsMax = 92 * 86'400;
/// Beginnings and ends are looked for so often at least, since the clock on the wall may jump.
inline constexpr std::uint32_t kOverrideCheckMs = 10'000;

// --- journal ---------------------------------------------------------------------------------------

/// State changes that wait for the disk: 10,000 endpoints that all change four times while it hangs, 12 MB.
inline constexpr std::size_t kJournalQueueMax = 40'000;
/// State changes of one transaction: it pays for the commit, and an override waits for some 10 ms of it.
inline constexpr std::size_t kJournalBatch = 512;
/// State changes that are kept, for so many days and so many rows: 10,000 endpoints, twenty changes each, in
/// 40 MB.
inline constexpr std::uint32_t kJournalHistoryDays = 90;
inline constexpr std::size_t kJournalHistoryRowsMax = 200'000;
/// The history is cut after so many rows, so that cutting costs little.
inline constexpr std::size_t kJournalCutRows = 1'000;
/// Endpoints whose last state is kept; of more the oldest go. Ten times what a server is measured with.
inline constexpr std::size_t kJournalStatesMax = 100'000;
/// Audited actions that are kept: one every five minutes for a year, 60 MB.
inline constexpr std::size_t kJournalAuditRowsMax = 100'000;
/// Who waits for the journal gives up after this: a disk that hangs must not hang the control thread.
inline constexpr std::uint32_t kJournalWaitMs = 5'000;
/// A new server and the one that it takes over from have the journal open at once, and wait so long for each
/// other's transaction.
inline constexpr std::uint32_t kJournalLockMs = 2'000;
/// Rows that one question to the history or the audit log returns; more is a matter for sqlite3.
inline constexpr std::size_t kJournalRowsRead = 10'000;
/// The write-ahead log is cut back to this after a checkpoint.
inline constexpr std::size_t kJournalWalBytesMax = 16u << 20;

// --- metrics ---------------------------------------------------------------------------------------

/// Pools whose answers are counted each for itself: 640 KiB for each worker. The others are counted together.
inline constexpr std::size_t kTalliedPoolsMax = 16'384;
/// Series of answers by service, datacenter and reason on the metrics page, for good: what comes later is
/// counted as `other`. Prometheus asks for a fixed number, and a page of 2,000 lines has 200 kB.
inline constexpr std::size_t kMetricAnswerSeriesMax = 2'000;
/// Checks whose results and durations are counted each for itself, for good: 15 lines each on the metrics
/// page. Few maps have more than ten.
inline constexpr std::size_t kMetricChecksMax = 256;
/// Services with series of their own on the metrics page, three lines each.
inline constexpr std::size_t kMetricServicesMax = 2'000;
/// Endpoints that have series of their own on the metrics page: those that a server is measured with.
inline constexpr std::size_t kMetricEndpointsMax = 10'000;
/// Of so many batches one is timed: two looks at the clock cost 50 ns, which is then 1 ns a batch.
inline constexpr std::uint32_t kLatencySampleBatches = 64;

// --- control over HTTP -----------------------------------------------------------------------------

/// Tokens of one file: people and programs of one team.
inline constexpr std::size_t kControlTokensMax = 256;
/// A token has some 100 bytes.
inline constexpr std::size_t kControlTokenFileBytesMax = 64u << 10;
/// Who listens to events at once: dashboards and chat bots.
inline constexpr std::size_t kEventSubscribersMax = 16;
/// Events that wait for one listener; who is slower is let go. 10,000 endpoints that change at once are told
/// as far as this.
inline constexpr std::size_t kEventQueueMax = 1'024;
/// So often something is written to a listener that nothing happened for: who is gone is noticed.
inline constexpr std::uint32_t kEventHeartbeatMs = 15'000;

// --- watched files ---------------------------------------------------------------------------------

/// Under constant change a reload comes this often at the latest, or a folder that is always written to would
/// never be read.
inline constexpr std::uint32_t kWatchPostponeMaxMs = 30'000;
/// Filesystems without inotify (NFS, FUSE) are looked at this often. A look is one stat a file: some 20 ms
/// for 10,000 zones.
inline constexpr std::uint32_t kWatchPollMs = 30'000;
/// Changes that come close together (an editor's rename, a checkout) are taken as one.
inline constexpr std::uint32_t kWatchGatherMs = 50;
/// Symbolic links followed from a watched path; the kernel itself stops at 40.
inline constexpr std::size_t kWatchLinksMax = 40;
/// Folders below the map that are looked into: zones/ and *.d/ are one deep, and a link may not lead us
/// through a whole disk.
inline constexpr std::size_t kWatchDepthMax = 4;

// --- query log and dnstap --------------------------------------------------------------------------

/// What one worker may have waiting for the query log, and once more for dnstap: with 350 bytes a record
/// 3,000 of them, which is 600,000 queries a second for one pause of the writer.
inline constexpr std::size_t kQueryRecordRingBytes = 1u << 20;
/// The writer looks for records this often: short enough for the ring above, and 200 wake-ups a second are
/// nothing.
inline constexpr std::uint32_t kQueryRecordPauseMs = 5;
/// Names of services and datacenters in one record. Longer ones (escapes) are cut, in the log only.
inline constexpr std::size_t kQueryRecordNameBytesMax = 255;
/// One query in so many at the most; past this a log would hold a line a day.
inline constexpr std::uint32_t kQuerySampleMax = 1'000'000'000;
/// Lines gathered for one write to the query log: a system call for some 200 lines.
inline constexpr std::size_t kQueryLogWriteBytes = 64u << 10;
/// Frames gathered for one write to the dnstap collector; two vectors each, far below IOV_MAX.
inline constexpr std::size_t kDnstapBatch = 64;
/// How long the collector may take for a handshake, to take a batch, or to say goodbye. A collector that is
/// slower counts as lost; until then its records wait in the rings.
inline constexpr std::uint32_t kDnstapPatienceMs = 500;
/// Tries to reach a query log's file or a collector that is away: from the first pause, doubled up to the
/// last one. A collector that restarts is found again soon, and one that is gone costs nothing.
inline constexpr std::uint32_t kRecordRetryMinMs = 100;
inline constexpr std::uint32_t kRecordRetryMaxMs = 5'000;
/// A reload waits so long for the writer to have the new file open, so that logrotate may compress the old
/// one; a disk that hangs must not hold up the reload.
inline constexpr std::uint32_t kRecordReopenWaitMs = 1'000;

// --- demand ----------------------------------------------------------------------------------------

/// Client networks whose queries are counted at once. 2.8 MiB, whatever is asked: every network with more
/// than one query in 65,536 is among them, and what is less moves no plan.
inline constexpr std::size_t kDemandCountedMax = 65'536;
/// One query in so many unless the site file says otherwise: a network with 10,000 queries is then known to
/// some 4 %, and a worker pays for two queries of a batch.
inline constexpr std::uint32_t kDemandSampleDefault = 16;

// --- probes ----------------------------------------------------------------------------------------

/// Probes on their way at once, a descriptor each: 10,000 endpoints that all hang for 2 of every 5 s are
/// 4,000. Past this they start late, and are counted.
inline constexpr std::size_t kProbesInFlightMax = 4'096;
/// So many may be on their way however little a busy machine lets us run: 64 take 6 ms of processor time.
inline constexpr std::size_t kProbesInFlightMin = 64;
/// What is probed, each check and address once: ten times what a server is measured with, which is a core and
/// a half for http every 5 s, and as many states as the journal keeps.
inline constexpr std::size_t kProbeTargetsMax = 100'000;
/// Idle handles of libcurl that a check keeps for its next probes, some 10 KiB each: more run at once only
/// while endpoints hang, and making one costs less than a tenth of a probe.
inline constexpr std::size_t kProbeIdleTransfersMax = 256;
/// Leases of reports that end close together are looked at in one go: 50 looks a second at most, for 20 ms of
/// the 100 ms that a failover may take besides its leases.
inline constexpr std::uint32_t kPushLeaseTickMs = 20;
/// Log lines of endpoints that change, at once: a datacenter of a thousand is told whole.
inline constexpr std::uint32_t kEndpointEventsAtOnce = 1'000;
/// And then so many a second: what flaps on and on fills no disk (150 MB a day), and the history has it all.
inline constexpr std::uint32_t kEndpointEventsPerSecond = 10;
/// How many lines were left out is told so often at most.
inline constexpr std::uint32_t kEndpointEventsToldMs = 10'000;
/// Programs that probe at once. Each is a process, and a machine that starts more of them answers no queries.
inline constexpr std::size_t kProbeProgramsMax = 32;
/// Headers of one reply, trailers included; servers themselves stop at 8 to 64 KiB.
inline constexpr std::size_t kProbeHeaderBytesMax = 64u << 10;
/// What is read of a body, or of what a TCP service says, before it is judged. A health page is a line or
/// two; the limit bounds what a regular expression costs on the one thread that probes.
inline constexpr std::size_t kProbeBodyBytesMax = 64u << 10;
/// What a program that probes may print: a line for the operator is wanted, and a page is a mistake.
inline constexpr std::size_t kProbeOutputBytesMax = 4u << 10;
/// Memory that such a program may write to; interpreters that reserve much more use less.
inline constexpr std::uint64_t kProbeProgramDataBytesMax = 1u << 30;
/// What it may write to one file, and descriptors it may have.
inline constexpr std::uint64_t kProbeProgramFileBytesMax = 1u << 20;
inline constexpr std::uint64_t kProbeProgramDescriptorsMax = 64;
/// Replies taken from a ping socket before others have their turn; some 100 us.
inline constexpr std::size_t kProbePingBatch = 64;
/// Room for replies to the pings of a first round, 10,000 in a second; net.core.rmem_max caps it.
inline constexpr int kProbePingBufferBytes = 1 << 20;
/// A first round is spread over so much, and over no more than `every`: a server that starts wants to know
/// soon.
inline constexpr std::uint32_t kProbeFirstRoundSpreadMs = 1'000;
/// Or over so much for each probe, if that is more: an HTTP probe takes 100 us, so this is half a core, and
/// whoever uses all of one sees time-outs that are its own.
inline constexpr std::uint32_t kProbeFirstRoundPaceUs = 200;
/// A probe thread that comes so late to its turn was not running. What timed out meanwhile may have been
/// answered in time, so failures of that while are not believed.
inline constexpr std::uint32_t kProbeStallMs = 200;
/// Nobody waits longer for a first round: the spread, and the longest time-outs that are usual. What is not
/// known by then counts as up.
inline constexpr std::uint32_t kProbeFirstRoundMs = 10'000;
/// Probes start at multiples of this: 200 wake-ups a second instead of 2,000, for 5 ms of delay.
inline constexpr std::uint32_t kProbeTickMs = 5;

// --- BGP -------------------------------------------------------------------------------------------

/// One message from the agent to the bridge: kBgpRoutesMax routes of IPv6 with a prepended path and a drain's
/// 16 communities of each kind have a kilobyte each. A Unix socket takes 208 KiB at once.
inline constexpr std::size_t kBgpWantedBytesMax = 160u << 10;
/// What the bridge says back: the same routes, each with what became of it, and the sessions.
inline constexpr std::size_t kBgpStatusBytesMax = 192u << 10;
/// A site has some prefixes and some neighbors; each command costs ExaBGP a turn of its loop, some 10 ms.
inline constexpr std::size_t kBgpRoutesMax = 128;
/// BGP sessions of one site.
inline constexpr std::size_t kBgpNeighborsMax = 32;
/// Communities of a route, of either kind, and steps of its AS path. Routers drop paths that are much longer.
inline constexpr std::size_t kBgpAttributeValuesMax = 32;
/// A command to ExaBGP. A write to a pipe of up to PIPE_BUF (4,096) bytes happens whole or not at all, so
/// that a bridge that dies leaves no half of a line behind. The longest one, with all of the above, has
/// 2,000.
inline constexpr std::size_t kBgpCommandBytesMax = 4'096;
/// A line of ExaBGP; its longest, a session's notification with its data, have some 9,000 bytes.
inline constexpr std::size_t kBgpReplyBytesMax = 64u << 10;
/// What is kept of a reason or a version that ExaBGP tells.
inline constexpr std::size_t kBgpTextBytesMax = 200;
/// Messages of the agent read in one turn of the bridge; only the last one counts.
inline constexpr int kBgpMessagesATurn = 16;

// --- liveness --------------------------------------------------------------------------------------

/// Who holds a connection to `meridiand` at once: one agent, one that replaces it, and people who look.
/// Others wait in the listener's backlog.
inline constexpr std::size_t kLivenessClientsMax = 8;
/// The server says so often how it is, whether anything changed or not.
inline constexpr std::uint32_t kLivenessEveryMs = 1'000;
/// Zones that it names, for an agent to ask for: each is a query over UDP and one over TCP, twice a second.
inline constexpr std::size_t kLivenessZonesMax = 64;
/// One of its packets: those names with 100 bytes each. Longer ones are left out from where they do not fit.
inline constexpr std::size_t kLivenessPacketBytesMax = 8u << 10;
/// Packets that wait for a client that does not read, before those that follow are left out for it.
inline constexpr int kLivenessPacketsWaiting = 4;

// --- import of other servers' configuration ---------------------------------------------------------

/// One file of another server's configuration: as large as a map file of ours.
inline constexpr std::size_t kImportFileBytesMax = kYamlFileBytesMax;
/// Files one import may read in all: a glob can name a whole disk.
inline constexpr std::size_t kImportFilesMax = 10'000;
/// Includes of gdnsd nest without limit; a loop must end, and nobody nests them deeper than by a few.
inline constexpr std::size_t kImportIncludeDepthMax = 16;
/// Hashes and arrays inside each other. gdnsd's deepest meaning (a map's subdivisions) is below 16; the
/// parser recurses, so the stack bounds it.
inline constexpr std::size_t kImportNestingMax = 64;

}  // namespace meridian::base::limits
