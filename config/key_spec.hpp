// Every key of every file operators write, described once: the parser refuses what is not in these tables,
// the JSON Schemas and the reference in docs/map-language.md are made from them. Immutable; any thread may
// read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace meridian::config {

/// A kind of file; `Site` is meridian.yaml, the others stand in the map directory.
enum class FileKind : std::uint8_t { Datacenters, Regions, Maps, Services, Expect, Site };

inline constexpr std::array kFileKinds{FileKind::Datacenters, FileKind::Regions, FileKind::Maps,
                                       FileKind::Services,    FileKind::Expect,  FileKind::Site};

/// The file's name without `.yaml`: "datacenters", …, "meridian".
[[nodiscard]] std::string_view to_string(FileKind kind) noexcept;
[[nodiscard]] std::optional<FileKind> find_file_kind(std::string_view name) noexcept;

/// What may stand behind a key. schema.cpp has each one's JSON Schema and words.
enum class ValueKind : std::uint8_t {
  Text,
  Name,
  NameList,
  TextList,
  Boolean,
  PositiveNumber,
  Coordinates,
  Place,
  Prefer,
  Only,
  Date,
  Rules,
  Seconds,
  AnswerCount,
  Spread,
  ClientSubnet,
  Overprovision,
  OnAllDown,
  Pools,
  Addresses,
  AddressList,
  Cname,
  Share,
  ForceDown,
  DomainName,
  NearestCount,
  SiteName,
  Path,
  Databases,
  Listen,
  ListenAddresses,
  Control,
  Workers,
  Cookies,
  CookieMode,
  CookieSecrets,
  RateLimit,
  Rate,
  RateWindow,
  Slip,
  V4Bits,
  V6Bits,
  RateEntries,
  Networks,
  Watch,
  GeoipGate,
  Switch,
  SettleSeconds,
  QueryLog,
  QueryLogFile,
  Dnstap,
  Demand,
  Sample,
  Identity,
  IdentityText,
  ListenAddress,
  ProxyListens,
  Tcp,
  TcpSeconds,
  TcpConnections,
  NamedDatacenters,
  NamedRegions,
  NamedMaps,
  NamedServices,
  NamedChecks,
  CheckName,
  CheckType,
  Port,
  Every,
  Timeout,
  Jitter,
  CheckCount,
  Sources,
  HttpMethod,
  UrlPath,
  HostName,
  HeaderName,
  Headers,
  Statuses,
  CheckText,
  Redirects,
  AbsolutePath,
  Days,
  RecordType,
  Command,
  Lease,
  NameOrNames,
  DatacenterCount,
  Expectations,
  Anycast,
  AsNumber,
  V4Address,
  Address,
  Prefix,
  PrefixList,
  NetworkText,
  NamedVips,
  NamedNeighbors,
  HoldSeconds,
  Communities,
  MayWithdraw,
  OnOverload,
  DrainTimes,
  Prepend,
  AnycastQueries,
  QueryExpectation,
  AnycastChecks,
  AnycastAgent,
};

struct KeySpec {
  std::string_view name;
  ValueKind kind = ValueKind::Text;
  bool required = false;
  std::string_view default_text = {};  ///< What leaving it out means, as it would be written or said.
  std::string_view help = {};
  /// Not empty: the key is known, and this is why it can't stand here. Such keys are in no schema.
  std::string_view refusal = {};
};

enum class ObjectKind : std::uint8_t {
  DatacentersFile,
  Datacenter,
  RegionsFile,
  MapsFile,
  Map,
  Rule,
  Nearest,
  ServicesFile,
  Check,
  Service,
  View,
  Pool,
  SorryPage,
  SiteFile,
  Listen,
  Control,
  RateLimit,
  Watch,
  GeoipGate,
  QueryLog,
  Dnstap,
  Demand,
  Identity,
  Cookies,
  CookieSecret,
  ProxyListen,
  Tcp,
  Anycast,
  AnycastVip,
  AnycastNeighbor,
  DrainTimes,
  AnycastQuery,
  AnycastCheck,
  AnycastAgent,
  ExpectFile,
  Expectation,
};

struct ObjectSpec {
  std::string_view name;   ///< In JSON Schemas.
  std::string_view title;  ///< In the reference: where such a mapping stands.
  std::span<const KeySpec> keys;
  std::string_view schema_extra = {};  ///< Further members of its JSON Schema.
};

[[nodiscard]] const ObjectSpec& object_spec(ObjectKind kind) noexcept;

/// The mappings of one file, the outermost first.
[[nodiscard]] std::span<const ObjectKind> objects_of(FileKind kind) noexcept;

}  // namespace meridian::config
