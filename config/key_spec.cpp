#include "config/key_spec.hpp"

#include "config/key_spec_anycast.hpp"
#include "config/key_spec_services.hpp"

#include <cstddef>
#include <iterator>

namespace meridian::config {
namespace {

constexpr KeySpec kDatacentersFile[] = {
    {.name = "datacenters",
     .kind = ValueKind::NamedDatacenters,
     .required = true,
     .help = "every datacenter by its name; their order breaks ties"},
};

constexpr KeySpec kDatacenter[] = {
    {.name = "at",
     .kind = ValueKind::Coordinates,
     .default_text = "never counted as near",
     .help = "where it stands, in degrees; yours to say, never looked up from an address"},
    {.name = "capacity",
     .kind = ValueKind::PositiveNumber,
     .default_text = "never counted as full",
     .help = "in any one unit that you also measure demand in"},
    {.name = "tags",
     .kind = ValueKind::TextList,
     .default_text = "none",
     .help = "words of your own, shown by tools"},
    {.name = "named_only",
     .kind = ValueKind::Boolean,
     .default_text = "false",
     .help = "takes part only where a rule names it: how a new site is staged"},
};

constexpr KeySpec kRegionsFile[] = {
    {.name = "regions",
     .kind = ValueKind::NamedRegions,
     .required = true,
     .help = "each region's name and the places it is made of"},
};

constexpr KeySpec kMapsFile[] = {
    {.name = "maps", .kind = ValueKind::NamedMaps, .required = true, .help = "every map by its name"},
};

constexpr KeySpec kMap[] = {
    {.name = "rules",
     .kind = ValueKind::Rules,
     .default_text = "everyone goes to the nearest",
     .help = "which datacenters a place goes to; the most specific place wins, order never matters"},
    {.name = "datacenters",
     .kind = ValueKind::NameList,
     .default_text = "all, in the order of datacenters.yaml",
     .help = "the datacenters this map may use; their order breaks ties"},
    {.name = "geoip",
     .kind = ValueKind::NameList,
     .default_text = "all databases of the site file",
     .help = "which databases this map reads, by their names in the site file"},
    {.name = "resolvers",
     .kind = ValueKind::Rules,
     .default_text = "none",
     .help = "rules for queries whose client is the resolver itself: no client subnet came, or none is used"},
};

constexpr KeySpec kRule[] = {
    {.name = "for",
     .kind = ValueKind::Place,
     .required = true,
     .help = "whom the rule is for; one place or one region"},
    {.name = "prefer",
     .kind = ValueKind::Prefer,
     .default_text = "this or `only`",
     .help = "tiers tried in this order, then every other datacenter by its distance from the first"},
    {.name = "only",
     .kind = ValueKind::Only,
     .default_text = "this or `prefer`",
     .help = "tiers tried in this order and nothing else, not even when all are down; `[]` answers with no "
             "address"},
    {.name = "note",
     .kind = ValueKind::Text,
     .default_text = "none",
     .help = "why the rule is there; shown by tools"},
    {.name = "until",
     .kind = ValueKind::Date,
     .default_text = "for ever",
     .help = "the last day (UTC) of the rule; after it the map is what it would be without the rule"},
    {.name = "nearest", .refusal = "goes under 'prefer'; write prefer: {nearest: 5}"},
};

constexpr KeySpec kNearest[] = {
    {.name = "nearest",
     .kind = ValueKind::NearestCount,
     .required = true,
     .help = "how many datacenters follow the client's own distance"},
};

constexpr KeySpec kExpectFile[] = {
    {.name = "expect",
     .kind = ValueKind::Expectations,
     .required = true,
     .help = "what must stay true; a map that breaks one of them is refused"},
};

constexpr KeySpec kExpectation[] = {
    {.name = "from",
     .kind = ValueKind::Place,
     .required = true,
     .help = "the clients it is about: every one of them, not a sample"},
    {.name = "ask",
     .kind = ValueKind::DomainName,
     .default_text = "this or `map`",
     .help = "the steered name they ask for; a CNAME or a name under a wildcard will do"},
    {.name = "map",
     .kind = ValueKind::Name,
     .default_text = "this or `ask`",
     .help = "or a map: every name that it steers"},
    {.name = "first",
     .kind = ValueKind::NameOrNames,
     .default_text = "anything",
     .help = "while all datacenters are up, they get one of these and no other"},
    {.name = "never",
     .kind = ValueKind::NameOrNames,
     .default_text = "none",
     .help = "they get none of these, whichever single datacenter is lost"},
    {.name = "datacenters_at_least",
     .kind = ValueKind::DatacenterCount,
     .default_text = "none",
     .help = "so many different datacenters stand ready for them: all but one may be lost"},
    {.name = "note",
     .kind = ValueKind::Text,
     .default_text = "none",
     .help = "why it must stay true; told when it does not"},
};

constexpr KeySpec kSiteFile[] = {
    {.name = "map", .kind = ValueKind::Path, .required = true, .help = "the map directory"},
    {.name = "site",
     .kind = ValueKind::SiteName,
     .default_text = "unnamed",
     .help = "this server's name in NSID answers, status and logs"},
    {.name = "geoip",
     .kind = ValueKind::Databases,
     .default_text = "the shipped country database",
     .help = "MMDB files, asked in order, field by field; under names where maps choose among them"},
    {.name = "listen",
     .kind = ValueKind::Listen,
     .default_text = "127.0.0.1:53 and [::1]:53",
     .help = "where to answer"},
    {.name = "control",
     .kind = ValueKind::Control,
     .default_text = "the socket below",
     .help = "where meridianctl finds this server"},
    {.name = "workers",
     .kind = ValueKind::Workers,
     .default_text = "auto",
     .help = "UDP workers; `auto` is one a core"},
    {.name = "watch",
     .kind = ValueKind::Watch,
     .default_text = "off",
     .help = "`on`: reload by itself when this file, the map or a database changed"},
    {.name = "answer_cache",
     .kind = ValueKind::Switch,
     .default_text = "on",
     .help = "`off`: compose every answer anew; see answer-cache.md"},
    {.name = "query_log",
     .kind = ValueKind::QueryLog,
     .default_text = "none",
     .help = "a line for each sampled query"},
    {.name = "dnstap",
     .kind = ValueKind::Dnstap,
     .default_text = "none",
     .help = "each sampled query and its answer, for a dnstap collector"},
    {.name = "demand",
     .kind = ValueKind::Demand,
     .default_text = "off",
     .help = "`on`: count where steered queries come from, for meridianctl demand; see demand.md"},
    {.name = "identity",
     .kind = ValueKind::Identity,
     .default_text = "the values below",
     .help = "what questions of class CH learn about this server"},
    {.name = "tcp",
     .kind = ValueKind::Tcp,
     .default_text = "the limits below",
     .help = "what DNS over TCP may take; see tcp.md"},
    {.name = "state",
     .kind = ValueKind::Path,
     .default_text = "none: no epoch is kept",
     .help = "a folder of this server alone, for its epochs; see epochs.md"},
    {.name = "geoip_gate",
     .kind = ValueKind::GeoipGate,
     .default_text = "the values below",
     .help = "`off`, or how much a changed GeoIP or networks file may move by itself; see geoip-updates.md"},
    {.name = "rate_limit",
     .kind = ValueKind::RateLimit,
     .default_text = "off",
     .help = "how many answers one client network gets over UDP; see rate-limiting.md"},
    {.name = "cookies",
     .kind = ValueKind::Cookies,
     .default_text = "on, with a secret of this process alone",
     .help = "DNS cookies: how clients prove their address; see edns.md"},
    {.name = "anycast",
     .kind = ValueKind::Anycast,
     .default_text = "none: no address is announced",
     .help = "the addresses that every site shares, and whom they are announced to; see anycast.md"},
};

constexpr KeySpec kListen[] = {
    {.name = "dns",
     .kind = ValueKind::ListenAddresses,
     .required = true,
     .help = "UDP and TCP; without a port 53, port 0 is any free one; IPv6 in brackets"},
    {.name = "proxy",
     .kind = ValueKind::ProxyListens,
     .default_text = "none",
     .help = "addresses for proxies that send PROXY headers (version 2), over UDP and TCP; see tcp.md"},
};

constexpr KeySpec kProxyListen[] = {
    {.name = "address",
     .kind = ValueKind::ListenAddress,
     .required = true,
     .help = "as under `dns`, and no address that stands there"},
    {.name = "from",
     .kind = ValueKind::Networks,
     .required = true,
     .help = "the proxies: whoever else sends here is not answered"},
};

constexpr KeySpec kTcp[] = {
    {.name = "idle",
     .kind = ValueKind::TcpSeconds,
     .default_text = "10",
     .help = "how long a connection may wait between two queries"},
    {.name = "transfer",
     .kind = ValueKind::TcpSeconds,
     .default_text = "5",
     .help = "how long one query may take to come, or its answer to be taken"},
    {.name = "lifetime",
     .kind = ValueKind::TcpSeconds,
     .default_text = "3600",
     .help = "how long a connection may last however busy it is"},
    {.name = "connections",
     .kind = ValueKind::TcpConnections,
     .default_text = "4096",
     .help = "connections at once; the longest idle one makes room"},
    {.name = "per_client",
     .kind = ValueKind::TcpConnections,
     .default_text = "64",
     .help = "connections of one IPv4 address or IPv6 /64 at once; its longest idle one makes room"},
};

constexpr KeySpec kControl[] = {
    {.name = "unix",
     .kind = ValueKind::Path,
     .default_text = "/run/meridian/control.sock",
     .help = "a Unix socket; who may open it may steer"},
    {.name = "http",
     .kind = ValueKind::ListenAddress,
     .default_text = "off",
     .help = "the same over HTTP, on a loopback address: \"127.0.0.1:8053\"; read at the start only"},
    {.name = "loopback_only",
     .kind = ValueKind::Switch,
     .default_text = "on",
     .help =
         "`off`: `http` may be any address. Tokens then cross the network in the clear, and are required"},
    {.name = "tokens",
     .kind = ValueKind::Path,
     .default_text = "none: status and metrics alone are answered over HTTP",
     .help = "a file of those who may ask over HTTP: a name, `read` or `operate`, and the SHA-256 of a "
             "token, a line "
             "each; mode 0600"},
};

constexpr KeySpec kCookies[] = {
    {.name = "mode",
     .kind = ValueKind::CookieMode,
     .default_text = "on",
     .help = "`require`: over UDP only clients with a valid server cookie are answered; for the time of an "
             "attack"},
    {.name = "secrets",
     .kind = ValueKind::CookieSecrets,
     .default_text = "one made at the start, known to nobody",
     .help = "the first signs, all are taken; the same at every server behind one address"},
};

constexpr KeySpec kCookieSecret[] = {
    {.name = "file",
     .kind = ValueKind::Path,
     .required = true,
     .help = "holds the 32 hexadecimal digits; not to be readable by everyone"},
};

constexpr KeySpec kRateLimit[] = {
    {.name = "responses",
     .kind = ValueKind::Rate,
     .required = true,
     .help = "answers a second with records, for each network, name and type; a wildcard is one name"},
    {.name = "nodata",
     .kind = ValueKind::Rate,
     .default_text = "as `responses`",
     .help = "answers a second without records, for each network and zone"},
    {.name = "nxdomain",
     .kind = ValueKind::Rate,
     .default_text = "as `responses`",
     .help = "NXDOMAIN answers a second, for each network and zone"},
    {.name = "referrals",
     .kind = ValueKind::Rate,
     .default_text = "as `responses`",
     .help = "referrals a second, for each network and delegation"},
    {.name = "errors",
     .kind = ValueKind::Rate,
     .default_text = "as `responses`",
     .help = "REFUSED, FORMERR and other errors a second, for each network"},
    {.name = "all",
     .kind = ValueKind::Rate,
     .default_text = "none",
     .help = "answers of all kinds a second, for each network"},
    {.name = "window",
     .kind = ValueKind::RateWindow,
     .default_text = "15",
     .help = "seconds a flood is remembered; with 1 it still gets its rate, else nothing until it ends"},
    {.name = "slip",
     .kind = ValueKind::Slip,
     .default_text = "2",
     .help = "one in so many answers over the limit is sent truncated, so that a real client asks over TCP; "
             "0: none, 1: all"},
    {.name = "ipv4_prefix",
     .kind = ValueKind::V4Bits,
     .default_text = "24",
     .help = "bits of an IPv4 address that make a client network"},
    {.name = "ipv6_prefix",
     .kind = ValueKind::V6Bits,
     .default_text = "56",
     .help = "bits of an IPv6 address that make a client network"},
    {.name = "table",
     .kind = ValueKind::RateEntries,
     .default_text = "524288",
     .help = "things counted at once, 8 bytes of memory each"},
    {.name = "exempt",
     .kind = ValueKind::Networks,
     .default_text = "none",
     .help = "networks that are never limited: own monitors, resolvers you know"},
    {.name = "log_only",
     .kind = ValueKind::Boolean,
     .default_text = "false",
     .help = "count what would be limited, and answer it all the same"},
};

constexpr KeySpec kWatch[] = {
    {.name = "settle",
     .kind = ValueKind::SettleSeconds,
     .default_text = "2",
     .help = "a reload starts when nothing has changed for this long"},
};

constexpr KeySpec kGeoipGate[] = {
    {.name = "max_moved",
     .kind = ValueKind::Share,
     .default_text = "5%",
     .help =
         "of any one name's address space, or of its demand; more is held for `meridianctl geoip accept`"},
    {.name = "demand",
     .kind = ValueKind::Path,
     .default_text = "none: only address space counts",
     .help = "a demand file, as `plan` reads it"},
};

constexpr KeySpec kQueryLog[] = {
    {.name = "file",
     .kind = ValueKind::QueryLogFile,
     .required = true,
     .help = "appended to, opened again by every reload; `stderr` is the journal under systemd"},
    {.name = "sample",
     .kind = ValueKind::Sample,
     .required = true,
     .help = "one query in so many gets a line, drawn at random; 1 is every query"},
};

constexpr KeySpec kDnstap[] = {
    {.name = "unix",
     .kind = ValueKind::Path,
     .required = true,
     .help = "the collector's Unix socket; it may come and go"},
    {.name = "sample",
     .kind = ValueKind::Sample,
     .required = true,
     .help = "one query in so many is sent, drawn at random; 1 is every query"},
};

constexpr KeySpec kDemand[] = {
    {.name = "sample",
     .kind = ValueKind::Sample,
     .default_text = "16",
     .help = "one query in so many is counted, so many times, drawn at random; 1 is every query"},
};

constexpr KeySpec kIdentity[] = {
    {.name = "name",
     .kind = ValueKind::IdentityText,
     .default_text = "the site's name",
     .help = "answers id.server and hostname.bind"},
    {.name = "version",
     .kind = ValueKind::IdentityText,
     .default_text = "Meridian and its version",
     .help = "answers version.server and version.bind"},
};

constexpr std::string_view kAddressesOrCname =
    R"("oneOf":[{"required":["addresses"]},{"required":["cname"]}])";

// In the order of ObjectKind.
constexpr ObjectSpec kObjects[] = {
    {.name = "datacenters_file", .title = "The file", .keys = kDatacentersFile},
    {.name = "datacenter", .title = "A datacenter: `datacenters.NAME`", .keys = kDatacenter},
    {.name = "regions_file", .title = "The file", .keys = kRegionsFile},
    {.name = "maps_file", .title = "The file", .keys = kMapsFile},
    {.name = "map", .title = "A map: `maps.NAME`", .keys = kMap},
    {.name = "rule",
     .title = "A rule: each item of `maps.NAME.rules`",
     .keys = kRule,
     .schema_extra = R"("oneOf":[{"required":["prefer"]},{"required":["only"]}])"},
    {.name = "nearest", .title = "`prefer`, for another number of near datacenters than 3", .keys = kNearest},
    {.name = "services_file",
     .title = "The file",
     .keys = kServicesFile,
     .schema_extra = R"("anyOf":[{"required":["services"]},{"required":["checks"]}])"},
    {.name = "check", .title = "A check: `checks.NAME`", .keys = kCheck},
    {.name = "service", .title = "A service: `services.NAME`", .keys = kService},
    {.name = "view",
     .title = "Or one datacenter's pool under a name of its own: `services.NAME`",
     .keys = kView},
    {.name = "pool",
     .title = "A pool in its long form: `services.NAME.pools.DATACENTER`",
     .keys = kPool,
     .schema_extra = kAddressesOrCname},
    {.name = "sorry_page",
     .title = "`on_all_down` with a sorry page",
     .keys = kSorryPage,
     .schema_extra = kAddressesOrCname},
    {.name = "site_file", .title = "The file", .keys = kSiteFile},
    {.name = "listen", .title = "`listen`", .keys = kListen},
    {.name = "control", .title = "`control`", .keys = kControl},
    {.name = "rate_limit", .title = "`rate_limit`", .keys = kRateLimit},
    {.name = "watch", .title = "`watch`", .keys = kWatch},
    {.name = "geoip_gate", .title = "`geoip_gate`", .keys = kGeoipGate},
    {.name = "query_log", .title = "`query_log`", .keys = kQueryLog},
    {.name = "dnstap", .title = "`dnstap`", .keys = kDnstap},
    {.name = "demand", .title = "`demand`", .keys = kDemand},
    {.name = "identity", .title = "`identity`", .keys = kIdentity},
    {.name = "cookies", .title = "`cookies`", .keys = kCookies},
    {.name = "cookie_secret",
     .title = "A secret in a file of its own: an item of `cookies.secrets`",
     .keys = kCookieSecret},
    {.name = "proxy_listen", .title = "`listen.proxy`: each item", .keys = kProxyListen},
    {.name = "tcp", .title = "`tcp`", .keys = kTcp},
    {.name = "anycast", .title = "`anycast`", .keys = kAnycast},
    {.name = "anycast_vip", .title = "A VIP: `anycast.vips.NAME`", .keys = kAnycastVip},
    {.name = "anycast_neighbor", .title = "A router: `anycast.neighbors.NAME`", .keys = kAnycastNeighbor},
    {.name = "anycast_drain", .title = "`anycast.drain`", .keys = kDrainTimes},
    {.name = "anycast_query", .title = "A question: each item of `anycast.queries`", .keys = kAnycastQuery},
    {.name = "anycast_check", .title = "A local check: each item of `anycast.checks`", .keys = kAnycastCheck},
    {.name = "anycast_agent", .title = "`anycast.agent`", .keys = kAnycastAgent},
    {.name = "expect_file", .title = "The file", .keys = kExpectFile},
    {.name = "expectation",
     .title = "An expectation: each item of `expect`",
     .keys = kExpectation,
     .schema_extra = R"("oneOf":[{"required":["ask"]},{"required":["map"]}],)"
                     R"("anyOf":[{"required":["first"]},{"required":["never"]},)"
                     R"({"required":["datacenters_at_least"]}])"},
};
static_assert(std::size(kObjects) == static_cast<std::size_t>(ObjectKind::Expectation) + 1);

constexpr ObjectKind kDatacentersObjects[] = {ObjectKind::DatacentersFile, ObjectKind::Datacenter};
constexpr ObjectKind kRegionsObjects[] = {ObjectKind::RegionsFile};
constexpr ObjectKind kMapsObjects[] = {ObjectKind::MapsFile, ObjectKind::Map, ObjectKind::Rule,
                                       ObjectKind::Nearest};
constexpr ObjectKind kServicesObjects[] = {ObjectKind::ServicesFile, ObjectKind::Check,
                                           ObjectKind::Service,      ObjectKind::View,
                                           ObjectKind::Pool,         ObjectKind::SorryPage};
constexpr ObjectKind kExpectObjects[] = {ObjectKind::ExpectFile, ObjectKind::Expectation};
constexpr ObjectKind kSiteObjects[] = {ObjectKind::SiteFile,
                                       ObjectKind::Listen,
                                       ObjectKind::ProxyListen,
                                       ObjectKind::Control,
                                       ObjectKind::Tcp,
                                       ObjectKind::Cookies,
                                       ObjectKind::CookieSecret,
                                       ObjectKind::RateLimit,
                                       ObjectKind::Identity,
                                       ObjectKind::QueryLog,
                                       ObjectKind::Dnstap,
                                       ObjectKind::Demand,
                                       ObjectKind::Watch,
                                       ObjectKind::GeoipGate,
                                       ObjectKind::Anycast,
                                       ObjectKind::AnycastVip,
                                       ObjectKind::AnycastNeighbor,
                                       ObjectKind::DrainTimes,
                                       ObjectKind::AnycastQuery,
                                       ObjectKind::AnycastCheck,
                                       ObjectKind::AnycastAgent};

}  // namespace

std::string_view to_string(FileKind kind) noexcept {
  switch (kind) {
    case FileKind::Datacenters:
      return "datacenters";
    case FileKind::Regions:
      return "regions";
    case FileKind::Maps:
      return "maps";
    case FileKind::Services:
      return "services";
    case FileKind::Expect:
      return "expect";
    case FileKind::Site:
      return "meridian";
  }
  return {};
}

std::optional<FileKind> find_file_kind(std::string_view name) noexcept {
  for (const auto kind : kFileKinds) {
    if (to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

const ObjectSpec& object_spec(ObjectKind kind) noexcept { return kObjects[static_cast<std::size_t>(kind)]; }

std::span<const ObjectKind> objects_of(FileKind kind) noexcept {
  switch (kind) {
    case FileKind::Datacenters:
      return kDatacentersObjects;
    case FileKind::Regions:
      return kRegionsObjects;
    case FileKind::Maps:
      return kMapsObjects;
    case FileKind::Services:
      return kServicesObjects;
    case FileKind::Expect:
      return kExpectObjects;
    case FileKind::Site:
      return kSiteObjects;
  }
  return {};
}

}  // namespace meridian::config
