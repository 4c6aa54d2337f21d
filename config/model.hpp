// What operators wrote, as plain structs: the form between the text and the compiled snapshot.
//
// Names are still names here (a rule says "fra", not an id); config/compile resolves them. Every thing that a
// later step may complain about carries the place it came from. Defaults stand here and nowhere else.
#pragma once

#include "base/coordinates.hpp"
#include "base/diagnostics.hpp"
#include "base/ip.hpp"
#include "base/limits.hpp"
#include "config/anycast.hpp"
#include "config/check.hpp"
#include "config/listen_address.hpp"
#include "dns/cookie.hpp"
#include "dns/name.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace meridian::config {

/// A word and where it stands.
struct Word {
  std::string text;
  base::Location where;
};

struct Datacenter {
  Word name;
  std::optional<base::Coordinates> at;
  std::optional<double> capacity;  ///< any one unit, > 0; absent: never counted as full
  std::vector<std::string> tags;
  bool named_only = false;  ///< takes part only where a rule names it
};

/// One place as written: `DE`, `US-CA`, `continent:EU`, `m49:009`, `AS3320`, `city:DE/Munich`,
/// `geoname:2867714`, `203.0.113.0/24`, `file:feeds/partner.nets`, `everyone` or a region's name.
struct PlaceRef {
  enum class Kind : std::uint8_t {
    Everyone,
    Continent,
    Area,
    Country,
    Subdivision,
    City,
    GeoName,
    AutonomousSystem,
    Network,
    NetworksFile,
    Region
  };
  Kind kind = Kind::Everyone;
  /// Upper-case code (of a city: of its country or subdivision), three digits of an area, the region's name,
  /// or the networks file's path.
  std::string code;
  std::string city;              ///< Kind::City: its name as written
  std::uint32_t as_number = 0;   ///< Kind::AutonomousSystem
  std::uint32_t geoname_id = 0;  ///< Kind::GeoName
  base::IpPrefix network;        ///< Kind::Network
  bool negated = false;          ///< `not X`; only among a region's members
  base::Location where;
};

struct Region {
  Word name;
  std::vector<PlaceRef> members;
};

struct WeightedDatacenter {
  Word name;
  std::uint32_t weight = 1;  ///< 1 to 65535
};

using Tier = std::vector<WeightedDatacenter>;

struct Rule {
  enum class Order : std::uint8_t {
    Prefer,    ///< `tiers`, then every other datacenter by distance from the first one
    Only,      ///< `tiers` and nothing else
    Nearest,   ///< the `nearest_count` nearest to the client, then the others by distance from the first
    AsListed,  ///< those of the network's line in its networks file, then as Prefer
  };
  PlaceRef place;
  Order order = Order::Nearest;
  std::vector<Tier> tiers;
  std::uint32_t nearest_count = 3;  ///< Order::Nearest: 1 to 16
  std::string note;
  std::optional<std::chrono::sys_days> until;  ///< the last day, in UTC, on which the rule holds
  base::Location where;
};

/// A file of networks, one a line, each with the datacenters on its line. Feeds are large, so an entry is
/// small.
struct NetworksFile {
  static constexpr std::uint32_t kNoList = 0xffff'ffff;
  struct Entry {
    base::IpPrefix network;
    std::uint32_t line = 0;
    std::uint32_t list = kNoList;  ///< index into `lists`
  };
  std::string path;                      ///< as the map names it
  std::string file;                      ///< as diagnostics name it
  std::vector<Entry> entries;            ///< sorted by network, each network once
  std::vector<std::vector<Word>> lists;  ///< all different
};

struct Map {
  Word name;
  std::vector<Rule> rules;
  std::vector<Rule> resolvers;    ///< for queries whose client is the resolver
  std::vector<Word> datacenters;  ///< empty: all, in the order of datacenters.yaml
  std::vector<Word> geoip;        ///< empty: all databases of the site file
};

struct PoolEndpoint {
  base::IpAddress address;
  std::uint32_t weight = 1;  ///< 1 to 65535
  base::Location where;
};

struct CnameTarget {
  dns::Name name;            ///< lower case
  std::uint32_t weight = 1;  ///< 1 to 65535
  base::Location where;
};

struct Pool {
  Word datacenter;
  std::vector<PoolEndpoint> endpoints;
  std::vector<CnameTarget> cname;  ///< instead of endpoints
  double at_least = 0;             ///< 0 to 1: the pool counts as down below this share of its weight
  bool force_down = false;         ///< configured, not yet in use
};

/// What to answer when every tier is used up.
struct OnAllDown {
  enum class Action : std::uint8_t { AnswerAnyway, NoData, ServFail, SorryPool };
  Action action = Action::AnswerAnyway;
  Pool sorry;  ///< Action::SorryPool
};

struct Service {
  Word name;        ///< as written; may be a wildcard, `*.cdn.example.com`
  dns::Name owner;  ///< the same, lower case
  Word map;         ///< empty for a view
  std::uint32_t ttl_s = 60;
  std::vector<Pool> pools;
  std::uint32_t answer = base::limits::kAnswerAddressesDefault;
  bool sticky = true;             ///< `spread: sticky`; false: random
  bool use_client_subnet = true;  ///< `client_subnet: use`
  double overprovision = 1.4;     ///< 1 to 10
  OnAllDown on_all_down;
  Word check;                         ///< a check's name; empty: none is named
  bool unchecked_on_purpose = false;  ///< `check: none`
  std::uint32_t ttl_min_s = 5;        ///< at most ttl_s
  double min_serving_capacity = 0.4;  ///< 0 to 1; 0: whatever is left serves
  /// Set for `{datacenter: ams, of: www.example.com}`: one datacenter's pool under a name of its own.
  struct View {
    Word datacenter;
    Word of;
    dns::Name of_owner;  ///< `of` as a name, lower case
  };
  std::optional<View> view;
};

/// What must stay true of a map (expect.yaml).
struct Expectation {
  PlaceRef from;
  Word ask;             ///< the name that is asked for; empty where a map is named
  dns::Name ask_owner;  ///< the same, lower case
  Word map;             ///< or the map, for every name that it steers
  /// Each empty or 0 where nothing is expected; at least one is.
  std::vector<Word> first;
  std::vector<Word> never;
  std::uint32_t datacenters_at_least = 0;
  std::string note;
  base::Location where;
};

struct ZoneFile {
  dns::Name apex;    ///< lower case
  std::string path;  ///< where to read it
  base::Location where;
};

/// The map directory. Same at every site.
struct MapDirectory {
  std::string path;
  std::vector<Datacenter> datacenters;
  std::vector<Region> regions;
  std::vector<Map> maps;
  std::vector<Check> checks;
  std::vector<Service> services;
  std::vector<ZoneFile> zones;
  std::vector<NetworksFile> networks_files;  ///< those that regions, rules and expectations name
  std::vector<Expectation> expectations;
};

struct GeoipDatabase {
  std::string name;                ///< "city", "asn"; a plain list is named "default"
  std::vector<std::string> files;  ///< asked in order, field by field
  base::Location where;
};

/// `rate_limit`: answers a second to one client network over UDP. 0: no limit.
struct RateLimit {
  bool enabled = false;
  bool log_only = false;
  std::uint32_t responses = 0;
  std::uint32_t nodata = 0;
  std::uint32_t nxdomain = 0;
  std::uint32_t referrals = 0;
  std::uint32_t errors = 0;
  std::uint32_t all = 0;
  std::uint32_t window_s = 15;
  std::uint32_t slip = 2;
  std::uint32_t v4_bits = 24;
  std::uint32_t v6_bits = 56;
  std::uint32_t entries = base::limits::kRateEntriesDefault;
  std::vector<base::IpPrefix> exempt;
};

/// Whether changed files start a reload.
struct Watch {
  bool on = false;
  std::uint32_t settle_s = 2;  ///< quiet for so long before they are read

  friend bool operator==(const Watch&, const Watch&) = default;
};

/// How much a changed GeoIP or networks file may move before an operator must agree.
struct GeoipGate {
  bool on = true;
  double max_moved = 0.05;  ///< of any one name's address space or demand; 0 to 1
  std::string demand;       ///< a demand file; empty: none

  friend bool operator==(const GeoipGate&, const GeoipGate&) = default;
};

/// `query_log`: a line for one query in `sample`.
struct QueryLog {
  std::string file;  ///< as a path; kStandardError: the journal, under systemd
  std::uint32_t sample = 1;

  static constexpr std::string_view kStandardError = "stderr";
  friend bool operator==(const QueryLog&, const QueryLog&) = default;
};

/// `dnstap`: a frame for one query in `sample`.
struct Dnstap {
  Word unix_socket;  ///< of the collector
  std::uint32_t sample = 1;
};

/// An address that only proxies may send to: they tell each client in a PROXY header.
struct ProxyListen {
  ListenAddress address;
  std::vector<base::IpPrefix> from;  ///< The proxies; at least one.
};

/// `tcp`: limits of DNS over TCP.
struct TcpSettings {
  std::uint32_t idle_s = base::limits::kTcpIdleMs / 1'000;
  std::uint32_t transfer_s = base::limits::kTcpTransferMs / 1'000;
  std::uint32_t lifetime_s = base::limits::kTcpLifetimeMs / 1'000;
  std::uint32_t connections = base::limits::kTcpConnectionsMax;
  std::uint32_t per_client = base::limits::kTcpConnectionsPerClientMax;
};

/// A secret of DNS cookies, as written or as read from `file`. Never in a message or a log.
struct CookieSecretSource {
  dns::CookieSecret secret{};
  std::string file;  ///< empty: the secret stands in the site file
  base::Location where;
};

struct Cookies {
  enum class Mode : std::uint8_t { On, Off, Require };
  Mode mode = Mode::On;
  std::vector<CookieSecretSource>
      secrets;  ///< the first signs, all are taken; empty: one of this process alone
};

/// meridian.yaml: what differs per PoP.
struct Site {
  std::string path;
  std::string site = "unnamed";      ///< in NSID, status and logs
  std::string map;                   ///< the map directory; relative to the site file
  std::vector<GeoipDatabase> geoip;  ///< empty: the shipped country database
  /// UDP and TCP; port 0: any free one.
  std::vector<ListenAddress> listen = {
      {base::IpAddress{base::Family::V4, {127, 0, 0, 1}}, 53},
      {base::IpAddress{base::Family::V6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 53}};
  std::vector<ProxyListen> proxy_listen;
  TcpSettings tcp;
  std::string control_unix = "/run/meridian/control.sock";
  std::optional<ListenAddress> control_http;  ///< a loopback address unless told otherwise
  std::string control_tokens;                 ///< a file; empty: none
  std::uint32_t workers = 0;                  ///< UDP workers; 0: one a core
  RateLimit rate_limit;
  Watch watch;
  std::string state;  ///< the folder for epochs; empty: none are kept
  GeoipGate geoip_gate;
  bool answer_cache = true;
  std::optional<QueryLog> query_log;
  std::optional<Dnstap> dnstap;
  std::uint32_t demand_sample = 0;  ///< one steered query in so many is counted; 0: none
  /// What class CH tells, at most limits::kCharacterStringBytesMax each; empty: nothing, it is refused.
  std::optional<std::string> identity_name;     ///< absent: the site's name
  std::optional<std::string> identity_version;  ///< absent: Meridian's
  Cookies cookies;
  std::optional<Anycast> anycast;
};

}  // namespace meridian::config
