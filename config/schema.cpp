#include "config/schema.hpp"

#include "base/limits.hpp"
#include "config/check.hpp"
#include "config/ranges.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace meridian::config {
namespace {

/// A kind of value in words for people and as JSON Schema for tools.
struct ValueWords {
  std::string words;
  std::string schema;
};

std::string quote_json(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;  // the tables hold no control characters
  }
  return quoted + '"';
}

std::string reference_to(std::string_view object) {
  return fmt::format(R"({{"$ref":"#/definitions/{}"}})", object);
}

std::string name_pattern() { return fmt::format("^[a-z][a-z0-9_-]{{0,{}}}$", ranges::kNameBytesMax - 1); }

std::string name_schema() {
  return fmt::format(R"({{"type":"string","pattern":{}}})", quote_json(name_pattern()));
}

std::string list_of(std::string_view item, unsigned min_items) {
  return fmt::format(R"({{"type":"array","minItems":{},"items":{}}})", min_items, item);
}

std::string mapping_of(std::string_view value, std::string_view key_schema, unsigned min_properties) {
  return fmt::format(R"({{"type":"object","minProperties":{},"propertyNames":{},"additionalProperties":{}}})",
                     min_properties, key_schema, value);
}

std::string integer(std::uint32_t min, std::uint32_t max) {
  return fmt::format(R"({{"type":"integer","minimum":{},"maximum":{}}})", min, max);
}

std::string either(std::string_view first, std::string_view second) {
  return fmt::format(R"({{"anyOf":[{},{}]}})", first, second);
}

/// Tools that read YAML 1.1 see `NO` as false; the parser reads it as Norway, and the schema lets it pass.
std::string place_schema(std::string_view prefix) {
  constexpr std::string_view kForms =
      "[Ee][Vv][Ee][Rr][Yy][Oo][Nn][Ee]|[A-Za-z]{2}|[A-Za-z]{2}-[A-Za-z0-9]{1,3}|continent:[A-Za-z]{2}|m49:["
      "0-9]{3}|"
      "[Aa][Ss][0-9]{1,10}|city:[A-Za-z]{2}(-[A-Za-z0-9]{1,3})?/"
      ".+|geoname:[0-9]{1,10}|file:.+|[0-9A-Fa-f:.]+(/[0-9]{1,3})?|[a-z][a-z0-9_-]*";
  return fmt::format(R"({{"type":["string","boolean"],"pattern":{}}})",
                     quote_json(fmt::format("^{}({})$", prefix, kForms)));
}

std::string tiers_schema(unsigned min_items) {
  const auto weighted = mapping_of(integer(1, ranges::kWeightMax), name_schema(), 1);
  return list_of(either(name_schema(), weighted), min_items);
}

const std::string kAddress = R"({"type":"string","pattern":"^[0-9A-Fa-f:.]+$"})";
const std::string kText = R"({"type":["string","number","boolean"]})";
const std::string kDomainName = R"({"type":"string","minLength":1})";
const std::string kPath = R"({"type":"string","minLength":1})";

ValueWords map_value(ValueKind kind) {
  switch (kind) {
    case ValueKind::Place:
      return {"[place](#places)", place_schema("")};
    case ValueKind::Prefer: {
      const auto nearest = either(R"({"const":"nearest"})", reference_to("nearest"));
      return {"`nearest`, `{nearest: N}`, [tiers](#tiers) or `as_listed`",
              either(either(R"({"const":"as_listed"})", nearest), tiers_schema(1))};
    }
    case ValueKind::Only:
      return {"[tiers](#tiers), may be `[]`", tiers_schema(0)};
    case ValueKind::Date:
      return {"date, such as 2027-03-01", R"({"type":"string","pattern":"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})"};
    case ValueKind::Rules:
      return {"list of rules", list_of(reference_to("rule"), 0)};
    case ValueKind::NameOrNames:
      return {"name or list of names", either(name_schema(), list_of(name_schema(), 1))};
    case ValueKind::DatacenterCount:
      return {fmt::format("1 to {}", base::limits::kDatacentersMax),
              integer(1, base::limits::kDatacentersMax)};
    case ValueKind::Expectations:
      return {"list of expectations", list_of(reference_to("expectation"), 0)};
    case ValueKind::NearestCount:
      return {fmt::format("1 to {}", ranges::kNearestMax), integer(1, ranges::kNearestMax)};
    case ValueKind::Coordinates:
      return {"[latitude, longitude]",
              R"({"type":"array","items":[{"type":"number","minimum":-90,"maximum":90},)"
              R"({"type":"number","minimum":-180,"maximum":180}],"minItems":2,"additionalItems":false})"};
    case ValueKind::NamedDatacenters:
      return {"mapping of names", mapping_of(reference_to("datacenter"), name_schema(), 1)};
    case ValueKind::NamedRegions: {
      const auto members = list_of(place_schema("(not +)?"), 1);
      return {"mapping of names to lists of [places](#places)", mapping_of(members, name_schema(), 0)};
    }
    case ValueKind::NamedMaps:
      return {"mapping of names", mapping_of(reference_to("map"), name_schema(), 0)};
    default:
      return {};
  }
}

ValueWords service_value(ValueKind kind) {
  switch (kind) {
    case ValueKind::Seconds:
      return {fmt::format("seconds, 0 to {}, or 30s, 5m, 1h, 1d", ranges::kTtlSecondsMax),
              either(integer(0, ranges::kTtlSecondsMax), R"({"type":"string","pattern":"^[0-9]+[smhd]$"})")};
    case ValueKind::AnswerCount:
      return {fmt::format("1 to {}", base::limits::kAnswerAddressesMax),
              integer(1, base::limits::kAnswerAddressesMax)};
    case ValueKind::Spread:
      return {"`sticky` or `random`", R"({"enum":["sticky","random"]})"};
    case ValueKind::ClientSubnet:
      return {"`use` or `ignore`", R"({"enum":["use","ignore"]})"};
    case ValueKind::Overprovision:
      return {fmt::format("{} to {}", ranges::kOverprovisionMin, ranges::kOverprovisionMax),
              fmt::format(R"({{"type":"number","minimum":{},"maximum":{}}})", ranges::kOverprovisionMin,
                          ranges::kOverprovisionMax)};
    case ValueKind::OnAllDown:
      return {"`answer_anyway`, `nodata`, `servfail`, `{addresses: […]}` or `{cname: …}`",
              either(R"({"enum":["answer_anyway","nodata","servfail"]})", reference_to("sorry_page"))};
    case ValueKind::Pools:
      return {"mapping of datacenters to addresses, or to the long form below",
              mapping_of(either(list_of(kAddress, 1), reference_to("pool")), name_schema(), 1)};
    case ValueKind::Addresses:
      return {"list of addresses, or mapping of addresses to weights",
              either(list_of(kAddress, 1), mapping_of(integer(1, ranges::kWeightMax), kAddress, 1))};
    case ValueKind::Cname:
      return {"domain name, or mapping of domain names to weights",
              either(kDomainName, mapping_of(integer(1, ranges::kWeightMax), kDomainName, 1))};
    case ValueKind::AddressList:
      return {"list of addresses", list_of(kAddress, 1)};
    case ValueKind::Share:
      return {"50% or 0.5", either(R"({"type":"number","minimum":0,"maximum":1})",
                                   R"({"type":"string","pattern":"^[0-9.]+%$"})")};
    case ValueKind::ForceDown:
      return {"`down`", R"({"const":"down"})"};
    case ValueKind::DomainName:
      return {"domain name", kDomainName};
    case ValueKind::NamedServices:
      return {"mapping of domain names", fmt::format(R"({{"type":"object","additionalProperties":{}}})",
                                                     either(reference_to("service"), reference_to("view")))};
    default:
      return {};
  }
}

ValueWords text_value(std::string_view words, std::string_view pattern) {
  return {std::string{words}, fmt::format(R"({{"type":"string","pattern":{}}})", quote_json(pattern))};
}

/// A time that may be less than a second.
ValueWords span_value(std::string_view words, std::uint32_t max_ms) {
  return {std::string{words},
          either(integer(1, max_ms / 1'000), R"({"type":"string","pattern":"^[0-9]+(ms|[smh])$"})")};
}

ValueWords check_value(ValueKind kind) {
  switch (kind) {
    case ValueKind::NamedChecks:
      return {"mapping of names", mapping_of(reference_to("check"), name_schema(), 0)};
    case ValueKind::CheckName:
      return {"name, or `none`", name_schema()};
    case ValueKind::CheckType: {
      std::vector<std::string> quoted_types;
      for (const auto type : kCheckTypes) quoted_types.push_back(quote_json(type));
      return {"`http`, `https`, `tcp`, `icmp`, `dns`, `grpc`, `exec` or `push`",
              fmt::format(R"({{"enum":[{}]}})", fmt::join(quoted_types, ","))};
    }
    case ValueKind::Port:
      return {"1 to 65535", integer(1, 65'535)};
    case ValueKind::Every:
      return span_value("500ms to 1h", ranges::kCheckEveryMsMax);
    case ValueKind::Timeout:
      return span_value("50ms to 60s", ranges::kCheckTimeoutMsMax);
    case ValueKind::Jitter:
      return {fmt::format("0% to {}%", ranges::kCheckJitterPercentMax),
              either(R"({"type":"number","minimum":0,"maximum":0.5})",
                     R"({"type":"string","pattern":"^[0-9.]+%$"})")};
    case ValueKind::CheckCount:
      return {fmt::format("1 to {}", ranges::kCheckCountMax), integer(1, ranges::kCheckCountMax)};
    case ValueKind::Sources:
      return {"address or list of addresses", either(kAddress, list_of(kAddress, 1))};
    case ValueKind::Redirects:
      return {fmt::format("0 to {}", base::limits::kCheckRedirectsMax),
              integer(0, base::limits::kCheckRedirectsMax)};
    case ValueKind::Days:
      return {fmt::format("0 to {}", ranges::kCertificateDaysMax), integer(0, ranges::kCertificateDaysMax)};
    case ValueKind::Command:
      return {"list of words, the first an absolute path", list_of(kText, 1)};
    case ValueKind::Lease:
      return {"seconds, or 30s, 5m, 1h, 1d",
              either(integer(ranges::kLeaseSecondsMin, ranges::kLeaseSecondsMax),
                     R"({"type":"string","pattern":"^[0-9]+[smhd]$"})")};
    default:
      return {};
  }
}

/// The texts of a check.
ValueWords check_text(ValueKind kind) {
  switch (kind) {
    case ValueKind::HttpMethod:
      return {"`GET`, `HEAD`, `POST` or `OPTIONS`", R"({"enum":["GET","HEAD","POST","OPTIONS"]})"};
    case ValueKind::UrlPath:
      return text_value("path", "^/[^ ]*$");
    case ValueKind::HostName:
      return text_value("host name", "^[][A-Za-z0-9._:-]+$");
    case ValueKind::HeaderName:
      return text_value("header, or `none`", "^[!-9;-~]+$");
    case ValueKind::Headers:
      return {"mapping of names to texts",
              mapping_of(kText, R"({"type":"string","pattern":"^[!-9;-~]+$"})", 0)};
    case ValueKind::Statuses: {
      const auto status =
          either(integer(100, 599), R"({"type":"string","pattern":"^[1-5][0-9][0-9]-[1-5][0-9][0-9]$"})");
      return {"status, range, or list of them", either(status, list_of(status, 1))};
    }
    case ValueKind::CheckText:
      return {"text", kText};
    case ValueKind::AbsolutePath:
      return text_value("absolute path", "^/");
    case ValueKind::RecordType:
      return {"type of records", R"({"type":"string","minLength":1})"};
    default:
      return {};
  }
}

ValueWords site_value(ValueKind kind) {
  switch (kind) {
    case ValueKind::SiteName:
      return {"name", fmt::format(R"({{"type":"string","pattern":"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{}}}$"}})",
                                  ranges::kSiteBytesMax - 1)};
    case ValueKind::Path:
      return {"path, relative to this file", kPath};
    case ValueKind::Databases:
      return {"list of paths, or mapping of names to paths or lists of them",
              either(list_of(kPath, 1), mapping_of(either(kPath, list_of(kPath, 1)), name_schema(), 1))};
    case ValueKind::Listen:
      return {"mapping", reference_to("listen")};
    case ValueKind::ListenAddresses:
      return {"list of addresses with ports", list_of(R"({"type":"string"})", 1)};
    case ValueKind::Control:
      return {"mapping", reference_to("control")};
    case ValueKind::Watch:
      // Tools that read YAML 1.1 see `off` as false.
      return {"`off`, `on` or `{settle: …}`",
              either(R"({"enum":["on","off",true,false]})", reference_to("watch"))};
    case ValueKind::GeoipGate:
      return {"`off`, `on` or mapping",
              either(R"({"enum":["on","off",true,false]})", reference_to("geoip_gate"))};
    case ValueKind::Switch:
      return {"`on` or `off`", R"({"enum":["on","off",true,false]})"};
    case ValueKind::SettleSeconds:
      return {
          fmt::format("seconds, 0 to {}, or 30s, 5m", ranges::kSettleSecondsMax),
          either(integer(0, ranges::kSettleSecondsMax), R"({"type":"string","pattern":"^[0-9]+[smhd]$"})")};
    case ValueKind::Identity:
      return {"mapping", reference_to("identity")};
    case ValueKind::IdentityText:
      return {fmt::format("`none` or text, at most {} bytes", base::limits::kCharacterStringBytesMax),
              fmt::format(R"({{"type":["string","number","boolean"],"minLength":1,"maxLength":{}}})",
                          base::limits::kCharacterStringBytesMax)};
    case ValueKind::Workers:
      return {fmt::format("`auto` or 1 to {}", ranges::kWorkersMax),
              either(R"({"const":"auto"})", integer(1, ranges::kWorkersMax))};
    default:
      return {};
  }
}

/// What bounds and watches the traffic of a server.
ValueWords traffic_value(ValueKind kind) {
  switch (kind) {
    case ValueKind::Cookies:
      return {"mapping", reference_to("cookies")};
    case ValueKind::CookieMode:
      // Tools that read YAML 1.1 see `on` and `off` as true and false.
      return {"`on`, `off` or `require`", R"({"enum":["on","off","require",true,false]})"};
    case ValueKind::CookieSecrets:
      return {
          "list of 32 hexadecimal digits in quotes, or the mapping below",
          list_of(either(R"({"type":"string","pattern":"^[0-9A-Fa-f]{32}$"})", reference_to("cookie_secret")),
                  1)};
    case ValueKind::RateLimit:
      return {"`off` or mapping", either(R"({"const":"off"})", reference_to("rate_limit"))};
    case ValueKind::Rate:
      return {fmt::format("1 to {}, or `none`", base::limits::kRateMax),
              either(R"({"const":"none"})", integer(1, base::limits::kRateMax))};
    case ValueKind::RateWindow:
      return {"seconds", integer(1, base::limits::kRateWindowSecondsMax)};
    case ValueKind::Slip:
      return {fmt::format("0 to {}", ranges::kSlipMax), integer(0, ranges::kSlipMax)};
    case ValueKind::V4Bits:
      return {"1 to 32", integer(1, 32)};
    case ValueKind::V6Bits:
      return {"1 to 64", integer(1, 64)};
    case ValueKind::RateEntries:
      return {fmt::format("{} to {}", ranges::kRateEntriesMin, base::limits::kRateEntriesMax),
              integer(ranges::kRateEntriesMin, base::limits::kRateEntriesMax)};
    case ValueKind::Networks:
      return {"list of networks", list_of(R"({"type":"string"})", 0)};
    case ValueKind::QueryLog:
      return {"mapping", reference_to("query_log")};
    case ValueKind::QueryLogFile:
      return {"`stderr`, or a path, relative to this file", kPath};
    case ValueKind::Dnstap:
      return {"mapping", reference_to("dnstap")};
    case ValueKind::Demand:
      // Tools that read YAML 1.1 see `off` as false.
      return {"`off`, `on` or `{sample: …}`",
              either(R"({"enum":["on","off",true,false]})", reference_to("demand"))};
    case ValueKind::Sample:
      return {fmt::format("1 to {}", ranges::kSampleMax), integer(1, ranges::kSampleMax)};
    case ValueKind::ListenAddress:
      return {"address with port", R"({"type":"string"})"};
    case ValueKind::ProxyListens:
      return {"list of mappings", list_of(reference_to("proxy_listen"), 1)};
    case ValueKind::Tcp:
      return {"mapping", reference_to("tcp")};
    case ValueKind::TcpSeconds:
      return {fmt::format("seconds, 1 to {}, or 30s, 5m, 1h, 1d", ranges::kTcpSecondsMax),
              either(integer(1, ranges::kTcpSecondsMax), R"({"type":"string","pattern":"^[0-9]+[smhd]$"})")};
    case ValueKind::TcpConnections:
      return {fmt::format("1 to {}", ranges::kTcpConnectionsMax), integer(1, ranges::kTcpConnectionsMax)};
    default:
      return {};
  }
}

const std::string kNetwork = R"({"type":"string","pattern":"^[0-9A-Fa-f:.]+/[0-9]{1,3}$"})";

ValueWords anycast_value(ValueKind kind) {
  switch (kind) {
    case ValueKind::Anycast:
      return {"mapping", reference_to("anycast")};
    case ValueKind::AsNumber:
      return {"1 to 4294967295", integer(1, 0xffff'ffff)};
    case ValueKind::V4Address:
      return {"IPv4 address", R"({"type":"string","format":"ipv4"})"};
    case ValueKind::Address:
      return {"address", kAddress};
    case ValueKind::Prefix:
    case ValueKind::NetworkText:
      return {"network, such as 198.51.100.0/24", kNetwork};
    case ValueKind::PrefixList:
      return {"list of networks", list_of(kNetwork, 1)};
    case ValueKind::NamedVips:
      return {"mapping of names", mapping_of(reference_to("anycast_vip"), name_schema(), 1)};
    case ValueKind::NamedNeighbors:
      return {"mapping of names", mapping_of(reference_to("anycast_neighbor"), name_schema(), 1)};
    case ValueKind::HoldSeconds:
      return {fmt::format("{} to {} seconds", ranges::kHoldSecondsMin, ranges::kHoldSecondsMax),
              integer(ranges::kHoldSecondsMin, ranges::kHoldSecondsMax)};
    case ValueKind::Communities:
      return {"list of communities, as numbers",
              list_of(R"({"type":"string","pattern":"^[0-9]+:[0-9]+(:[0-9]+)?$"})", 0)};
    case ValueKind::MayWithdraw:
      return {"`hard` or `never`", R"({"enum":["hard","never"]})"};
    case ValueKind::OnOverload:
      return {"`absorb` or `de-preference`", R"({"enum":["absorb","de-preference"]})"};
    case ValueKind::AnycastAgent:
      return {"mapping", reference_to("anycast_agent")};
    case ValueKind::DrainTimes:
      return {"mapping", reference_to("anycast_drain")};
    case ValueKind::Prepend:
      return {fmt::format("0 to {}", ranges::kPrependMax), integer(0, ranges::kPrependMax)};
    case ValueKind::AnycastQueries:
      return {"list of questions", list_of(reference_to("anycast_query"), 0)};
    case ValueKind::QueryExpectation:
      return {"list of addresses, or `nxdomain`", either(R"({"const":"nxdomain"})", list_of(kAddress, 1))};
    case ValueKind::AnycastChecks:
      return {"list of checks", list_of(reference_to("anycast_check"), 0)};
    default:
      return {};
  }
}

ValueWords value_words(ValueKind kind) {
  switch (kind) {
    case ValueKind::Text:
      return {"text", kText};
    case ValueKind::TextList:
      return {"list of words", list_of(kText, 0)};
    case ValueKind::Name:
      return {"name", name_schema()};
    case ValueKind::NameList:
      return {"list of names", list_of(name_schema(), 1)};
    case ValueKind::Boolean:
      return {"`true` or `false`", R"({"type":"boolean"})"};
    case ValueKind::PositiveNumber:
      return {"number above 0", R"({"type":"number","exclusiveMinimum":0})"};
    default:
      break;
  }
  for (auto* find_words :
       {map_value, service_value, check_value, check_text, site_value, traffic_value, anycast_value}) {
    if (auto words = find_words(kind); !words.schema.empty()) return words;
  }
  return {};
}

std::string object_schema(const ObjectSpec& object) {
  std::vector<std::string> properties;
  std::vector<std::string> required;
  for (const auto& key : object.keys) {
    if (!key.refusal.empty()) continue;
    const auto schema = value_words(key.kind).schema;
    // In draft 7 whatever stands beside a $ref is not looked at.
    const auto member = schema.starts_with(R"({"$ref")") ? fmt::format(R"({{"allOf":[{}])", schema)
                                                         : schema.substr(0, schema.size() - 1);
    properties.push_back(
        fmt::format(R"({}:{},"description":{}}})", quote_json(key.name), member, quote_json(key.help)));
    if (key.required) required.push_back(quote_json(key.name));
  }
  auto schema = fmt::format(R"("type":"object","additionalProperties":false,"properties":{{{}}})",
                            fmt::join(properties, ","));
  if (!required.empty()) schema += fmt::format(R"(,"required":[{}])", fmt::join(required, ","));
  if (!object.schema_extra.empty()) schema += fmt::format(",{}", object.schema_extra);
  return schema;
}

/// Two spaces a level, one member a line; short values stay on theirs. `json` has no white space between
/// tokens.
class JsonLayout {
 public:
  explicit JsonLayout(std::string_view json) : json_(json) {}

  std::string text() {
    write_value(0);
    return out_ + '\n';
  }

 private:
  static constexpr std::size_t kLineMax = 100;

  /// The length of the value at `at_`.
  [[nodiscard]] std::size_t measure() const {
    int depth = 0;
    bool in_string = false;
    std::size_t i = at_;
    for (; i < json_.size(); ++i) {
      const char c = json_[i];
      if (in_string && c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = !in_string;
      } else if (!in_string && (c == '{' || c == '[')) {
        ++depth;
      } else if (!in_string && (c == '}' || c == ']' || c == ',')) {
        if (depth == 0) break;
        depth -= c == ',' ? 0 : 1;
        if (depth == 0 && c != ',') return i + 1 - at_;
      }
    }
    return i - at_;
  }

  void write_line(unsigned level) { out_ += '\n' + std::string(std::size_t{2} * level, ' '); }

  // Recursion is bounded by the depth of our own tables.
  void write_value(unsigned level) {
    const auto length = measure();
    const char open = json_[at_];
    if (length <= kLineMax || (open != '{' && open != '[')) {
      write_short(json_.substr(at_, length));
      at_ += length;
      return;
    }
    out_ += open;
    do {
      ++at_;
      write_line(level + 1);
      if (open == '{') write_key();
      write_value(level + 1);
      if (json_[at_] == ',') out_ += ',';
    } while (json_[at_] == ',');
    write_line(level);
    out_ += json_[at_++];
  }

  void write_short(std::string_view value) {
    bool in_string = false;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const char c = value[i];
      out_ += c;
      if (in_string && c == '\\') {
        out_ += value[++i];
      } else if (c == '"') {
        in_string = !in_string;
      } else if (!in_string && (c == ',' || c == ':')) {
        out_ += ' ';
      }
    }
  }

  void write_key() {
    const auto end = json_.find("\":", at_) + 2;
    out_ += json_.substr(at_, end - at_);
    out_ += ' ';
    at_ = end;
  }

  std::string_view json_;
  std::size_t at_ = 0;
  std::string out_;
};

/// A table's cell: `|` would end it.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

std::string json_schema(FileKind kind) {
  const auto objects = objects_of(kind);
  std::vector<std::string> definitions;
  for (const auto object : objects.subspan(1)) {
    const auto& spec = object_spec(object);
    definitions.push_back(fmt::format("{}:{{{}}}", quote_json(spec.name), object_schema(spec)));
  }
  auto json =
      fmt::format(R"({{"$schema":"http://json-schema.org/draft-07/schema#","title":"Meridian: {}.yaml",{})",
                  to_string(kind), object_schema(object_spec(objects.front())));
  if (!definitions.empty()) json += fmt::format(R"(,"definitions":{{{}}})", fmt::join(definitions, ","));
  return JsonLayout(json + '}').text();
}

std::string reference_markdown(FileKind kind) {
  std::string text;
  for (const auto object : objects_of(kind)) {
    const auto& spec = object_spec(object);
    text += fmt::format("{}**{}**\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
                        text.empty() ? "" : "\n", spec.title);
    for (const auto& key : spec.keys) {
      if (!key.refusal.empty()) continue;
      text += fmt::format("| `{}` | {} | {} | {} |\n", key.name, cell(value_words(key.kind).words),
                          key.required ? "required" : cell(key.default_text), cell(key.help));
    }
  }
  return text;
}

}  // namespace meridian::config
