#include "base/ascii.hpp"
#include "base/limits.hpp"
#include "config/parse.hpp"
#include "config/ranges.hpp"
#include "dns/types.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <regex.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::config {
namespace {

using Type = Check::Type;

constexpr unsigned bit(Type type) noexcept { return 1u << static_cast<unsigned>(type); }

constexpr unsigned kHttp = bit(Type::Http) | bit(Type::Https);
constexpr unsigned kTls = bit(Type::Https) | bit(Type::Tcp) | bit(Type::Grpc);
constexpr unsigned kPorts = kHttp | kTls | bit(Type::Dns) | bit(Type::Exec);
constexpr unsigned kProbed = kPorts | bit(Type::Icmp);
constexpr unsigned kFromHere = kProbed & ~bit(Type::Exec);

/// Which types a key is for; those that all have are not here.
struct KeyTypes {
  std::string_view key;
  unsigned types;
};
constexpr KeyTypes kKeyTypes[] = {
    {"port", kPorts},
    {"every", kProbed},
    {"timeout", kProbed},
    {"jitter", kProbed},
    {"source", kFromHere},
    {"method", kHttp},
    {"path", kHttp},
    {"host", kHttp | bit(Type::Grpc)},
    {"headers", kHttp},
    {"status", kHttp},
    {"body", kHttp},
    {"body_regex", kHttp},
    {"redirects", kHttp},
    {"http2", kHttp},
    {"weight_header", kHttp},
    {"weight_key", kHttp},
    {"verify", kTls},
    {"sni", kTls},
    {"ca_file", kTls},
    {"certificate_warn_days", kTls},
    {"send", bit(Type::Tcp)},
    {"certificate_fail_days", kTls},
    {"ask", bit(Type::Dns)},
    {"expect", bit(Type::Tcp)},
    {"answer", bit(Type::Dns)},
    {"tls", bit(Type::Tcp) | bit(Type::Grpc)},
    {"record", bit(Type::Dns)},
    {"over_tcp", bit(Type::Dns)},
    {"service", bit(Type::Grpc)},
    {"command", bit(Type::Exec)},
    {"lease", bit(Type::Push)},
};

/// Keys that mean nothing without `tls: true`, where TLS is a choice.
constexpr std::string_view kTlsKeys[] = {"verify", "sni", "ca_file", "certificate_warn_days",
                                         "certificate_fail_days"};

std::string names_of(unsigned types) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < std::size(kCheckTypes); ++i) {
    if ((types & 1u << i) != 0) names.push_back(kCheckTypes[i]);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The keys of one check, read each in its form.
class CheckReader {
 public:
  CheckReader(const YamlValue& value, const YamlMapping& keys, Check& check)
      : value_(value), keys_(keys), check_(check) {}

  void read() {
    check_misplaced();
    read_timing();
    read_source();
    if (const auto value = find("port")) check_.port = port(*value);
    if ((bit(check_.type) & kHttp) != 0) read_http();
    read_tls();
    read_text("send", check_.tcp.send);
    read_text("expect", check_.tcp.expect);
    if (check_.type == Type::Dns) read_dns();
    read_text("service", check_.grpc_service);
    if (check_.type == Type::Exec) read_command();
    if (const auto value = find("lease")) read_lease(*value);
    const bool needs_port = check_.type == Type::Tcp || check_.type == Type::Grpc;
    if (needs_port && !keys_.find("port")) error_missing("port");
  }

 private:
  /// A key of this check's type.
  [[nodiscard]] std::optional<YamlValue> find(std::string_view key) const {
    const auto* const types = std::find_if(std::begin(kKeyTypes), std::end(kKeyTypes),
                                           [&](const KeyTypes& other) { return other.key == key; });
    if (types != std::end(kKeyTypes) && (types->types & bit(check_.type)) == 0) return std::nullopt;
    return keys_.find(key);
  }

  void error_missing(std::string_view key) const {
    value_.error(fmt::format("{}: the key '{}' is missing; a check of type {} needs it",
                             quoted(value_.label()), key, to_string(check_.type)));
  }

  void check_misplaced() const {
    for (const auto& [key, types] : kKeyTypes) {
      const auto value = keys_.find(key);
      if (!value || (types & bit(check_.type)) != 0) continue;
      value->error(fmt::format("'{}' is for checks of type {}, and this one is {}", key, names_of(types),
                               to_string(check_.type)));
    }
  }

  void read_timing() const {
    const auto read = [&](std::string_view key, std::uint32_t min, std::uint32_t max, std::uint32_t& to) {
      const auto value = find(key);
      const auto number = value ? value->read_milliseconds(min, max) : std::nullopt;
      if (number) to = *number;
      return value;
    };
    const auto every = read("every", ranges::kCheckEveryMsMin, ranges::kCheckEveryMsMax, check_.every_ms);
    const auto timeout =
        read("timeout", ranges::kCheckTimeoutMsMin, ranges::kCheckTimeoutMsMax, check_.timeout_ms);
    if (check_.timeout_ms >= check_.every_ms) {
      (timeout ? *timeout : *every)
          .error(fmt::format("a timeout of {} ms is not less than the {} ms from one probe to the next; {}",
                             check_.timeout_ms, check_.every_ms,
                             timeout ? "shorten it" : "write a shorter 'timeout'"));
    }
    if (const auto jitter = find("jitter")) {
      const auto share = jitter->read_share();
      if (share && *share * 100 > ranges::kCheckJitterPercentMax) {
        jitter->error_expected(fmt::format("at most {}%", ranges::kCheckJitterPercentMax));
      } else if (share) {
        check_.jitter_percent = static_cast<std::uint32_t>(*share * 100 + 0.5);
      }
    }
    if (check_.type == Type::Push) check_.up_after = check_.down_after = 1;
    for (const auto& [key, to] :
         {std::pair{"up_after", &check_.up_after}, std::pair{"down_after", &check_.down_after}}) {
      if (const auto value = find(key)) *to = value->read_integer(1, ranges::kCheckCountMax).value_or(*to);
    }
  }

  void read_source() const {
    const auto source = find("source");
    if (!source) return;
    const auto add = [&](const YamlValue& item) {
      const auto text = item.read_text();
      const auto address = text ? base::parse_ip_address(text->text) : std::nullopt;
      if (!text) return;
      if (!address) return item.error(fmt::format("{} is no IP address", quoted(text->text)));
      auto& place = address->family == base::Family::V4 ? check_.source_v4 : check_.source_v6;
      if (place) return item.error("one address of each family is enough");
      place = *address;
    };
    if (!source->is_list()) return add(*source);
    const auto items = source->read_list();
    if (items->empty()) source->error("'source' lists no address");
    for (const auto& item : *items) add(item);
  }

  static std::uint16_t port(const YamlValue& value) {
    return static_cast<std::uint16_t>(value.read_integer(1, 65'535).value_or(0));
  }

  /// One line: it goes into a request, a log or a message.
  std::optional<YamlValue> read_line(std::string_view key, std::string& to) const {
    const auto value = read_text(key, to);
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (value && std::any_of(to.begin(), to.end(), is_control))
      value->error(fmt::format("'{}' has control characters; it is one line", key));
    return value;
  }

  std::optional<YamlValue> read_text(std::string_view key, std::string& to) const {
    const auto value = find(key);
    const auto text = value ? value->read_text() : std::nullopt;
    if (!text) return std::nullopt;
    if (text->text.size() > base::limits::kCheckTextBytesMax) {
      value->error(fmt::format("'{}' is longer than {} bytes", key, base::limits::kCheckTextBytesMax));
      return std::nullopt;
    }
    to = text->text;
    return value;
  }

  void read_flag(std::string_view key, bool& to) const {
    if (const auto value = find(key)) to = value->read_boolean().value_or(to);
  }

  /// A host name or an address, as it stands in a URL.
  void read_host(std::string_view key, std::string& to) const {
    const auto value = read_line(key, to);
    const auto is_sound = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view(".-_:[]").find(c) != std::string_view::npos;
    };
    if (value && !std::all_of(to.begin(), to.end(), is_sound))
      value->error(fmt::format("{} is no host name; write it without scheme and path", quoted(to)));
  }

  void read_http() const {
    auto& http = check_.http;
    static constexpr std::array<std::string_view, 4> kMethods{"GET", "HEAD", "POST", "OPTIONS"};
    if (const auto method = find("method")) http.method = kMethods[method->read_choice(kMethods).value_or(0)];
    if (const auto path = read_line("path", http.path)) {
      if (!http.path.starts_with('/') || http.path.find(' ') != std::string::npos)
        path->error(fmt::format("{} is no path; it begins with '/' and has no blanks", quoted(http.path)));
    }
    read_host("host", http.host);
    if (const auto headers = find("headers")) read_headers(*headers);
    if (const auto status = find("status")) read_statuses(*status);
    read_body();
    if (const auto redirects = find("redirects"))
      http.redirects = redirects->read_integer(0, base::limits::kCheckRedirectsMax).value_or(0);
    read_flag("http2", http.http2);
    http.weight_header = kWeightHeader;
    if (const auto header = read_line("weight_header", http.weight_header)) {
      if (http.weight_header == "none") http.weight_header.clear();
      check_header_name(*header, http.weight_header);
    }
    read_line("weight_key", http.weight_key);
  }

  void read_body() const {
    auto& http = check_.http;
    const auto body = read_text("body", http.body);
    const auto regex = read_text("body_regex", http.body_regex);
    if (body && regex) regex->error("a check has either 'body' or 'body_regex', not both");
    for (const auto& value : {body, regex}) {
      if (value && http.method == "HEAD")
        value->error(fmt::format("'{}' can't be seen with method HEAD; use GET", value->label()));
    }
    if (!regex) return;
    regex_t compiled{};
    if (const int error = ::regcomp(&compiled, http.body_regex.c_str(), REG_EXTENDED | REG_NOSUB)) {
      std::array<char, 128> why{};
      ::regerror(error, &compiled, why.data(), why.size());
      regex->error(fmt::format("{} is no regular expression: {}", quoted(http.body_regex), why.data()));
    } else {
      ::regfree(&compiled);
    }
  }

  /// RFC 9110 5.6.2.
  static void check_header_name(const YamlValue& value, const std::string& name) {
    const auto is_token = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    };
    if (!std::all_of(name.begin(), name.end(), is_token))
      value.error(fmt::format("{} is no header's name", quoted(name)));
  }

  void read_headers(const YamlValue& value) const {
    const auto entries = value.read_entries();
    if (!entries) return;
    if (entries->size() > base::limits::kCheckHeadersMax)
      return value.error(fmt::format("more than {} headers", base::limits::kCheckHeadersMax));
    for (const auto& entry : *entries) {
      const std::string name(entry.value.label());
      const auto text = entry.value.read_text();
      check_header_name(entry.key, name);
      if (base::to_lower(name) == "host")
        entry.key.error("write 'host' beside 'headers' instead; TLS needs it, too");
      if (!text) continue;
      const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
      if (std::any_of(text->text.begin(), text->text.end(), is_control))
        entry.value.error(fmt::format("header {} has control characters; it is one line", quoted(name)));
      if (text->text.size() > base::limits::kCheckTextBytesMax)
        entry.value.error(
            fmt::format("header {} is longer than {} bytes", quoted(name), base::limits::kCheckTextBytesMax));
      check_.http.headers.emplace_back(name, text->text);
    }
  }

  static std::optional<HttpCheck::StatusRange> parse_status(std::string_view text) {
    const auto number = [](std::string_view digits) -> std::uint16_t {
      const bool is_number = digits.size() == 3 && digits.find_first_not_of("0123456789") == digits.npos;
      return is_number ? static_cast<std::uint16_t>((digits[0] - '0') * 100 + (digits[1] - '0') * 10 +
                                                    (digits[2] - '0'))
                       : std::uint16_t{0};
    };
    const auto dash = text.find('-');
    const auto first = number(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
    if (first < 100 || last > 599 || first > last) return std::nullopt;
    return HttpCheck::StatusRange{first, last};
  }

  void read_statuses(const YamlValue& value) const {
    auto& ranges = check_.http.status;
    ranges.clear();
    const auto add = [&](const YamlValue& item) {
      const auto range = item.is_text() ? parse_status(item.read_text()->text) : std::nullopt;
      if (!range) return item.error_expected("a status from 100 to 599, or a range such as 200-299");
      ranges.push_back(*range);
    };
    if (!value.is_list()) return add(value);
    const auto items = value.read_list();
    if (items->empty()) value.error("'status' lists no status");
    if (items->size() > base::limits::kCheckStatusRangesMax)
      return value.error(fmt::format("more than {} statuses; write ranges such as 200-299",
                                     base::limits::kCheckStatusRangesMax));
    for (const auto& item : *items) add(item);
  }

  void read_tls() const {
    auto& tls = check_.tls;
    read_flag("tls", check_.tcp.tls);
    const bool has_tls = check_.type == Type::Https || check_.tcp.tls;
    for (const auto key : kTlsKeys) {
      const auto value = find(key);
      if (value && !has_tls) value->error(fmt::format("'{}' is about TLS; add 'tls: true'", key));
    }
    if (check_.type == Type::Grpc) read_host("host", check_.http.host);
    read_flag("verify", tls.verify);
    read_host("sni", tls.sni);
    if (const auto file = read_line("ca_file", tls.ca_file); file && !tls.ca_file.starts_with('/'))
      file->error(
          fmt::format("{} is no absolute path; the map is the same at every site, and stands in "
                      "different folders",
                      quoted(tls.ca_file)));
    for (const auto& [key, to] : {std::pair{"certificate_warn_days", &tls.certificate_warn_d},
                                  std::pair{"certificate_fail_days", &tls.certificate_fail_d}}) {
      if (const auto days = find(key)) *to = days->read_integer(0, ranges::kCertificateDaysMax).value_or(*to);
    }
  }

  void read_dns() const {
    const auto ask = find("ask");
    if (!ask) error_missing("ask");
    const auto text = ask ? ask->read_text() : std::nullopt;
    if (text) check_.dns.name = parse_dns_name(*ask, text->text).value_or(dns::Name{});
    if (const auto record = read_line("record", check_.dns.type)) {
      const auto type = dns::parse_rtype(check_.dns.type);
      if (!type || *type == dns::Rtype::Any || *type == dns::Rtype::Opt)
        record->error(
            fmt::format("{} is no type of records, such as A, AAAA or SOA", quoted(check_.dns.type)));
    }
    read_line("answer", check_.dns.answer);
    read_flag("over_tcp", check_.dns.tcp);
  }

  void read_command() const {
    const auto command = find("command");
    if (!command) return error_missing("command");
    const auto items = command->read_list();
    if (!items) return;
    if (items->empty()) return command->error("'command' names no program");
    if (items->size() > base::limits::kCheckCommandWordsMax)
      return command->error(
          fmt::format("'command' has more than {} words", base::limits::kCheckCommandWordsMax));
    for (const auto& item : *items) {
      const auto word = item.read_text();
      if (!word) continue;
      if (word->text.size() > base::limits::kCheckTextBytesMax)
        item.error(
            fmt::format("a word of 'command' is longer than {} bytes", base::limits::kCheckTextBytesMax));
      check_.command.push_back(word->text);
    }
    if (!check_.command.empty() && !check_.command.front().starts_with('/'))
      items->front().error(fmt::format("{} is no absolute path; no shell looks for the program",
                                       quoted(check_.command.front())));
  }

  void read_lease(const YamlValue& value) const {
    const auto lease = value.read_seconds(ranges::kLeaseSecondsMax);
    if (lease && *lease < ranges::kLeaseSecondsMin) return value.error_expected("a time from 1s on");
    check_.lease_s = lease.value_or(check_.lease_s);
  }

  const YamlValue& value_;
  const YamlMapping& keys_;
  Check& check_;
};

}  // namespace

Check parse_check(const YamlValue& value) {
  Check check;
  check.where = value.where();
  const auto keys = value.read_mapping(object_spec(ObjectKind::Check));
  if (!keys) return check;
  const auto type = keys->find("type");
  const auto choice = type ? type->read_choice(kCheckTypes) : std::nullopt;
  if (!choice) return check;  // nothing is known of which keys fit
  check.type = static_cast<Type>(*choice);
  CheckReader(value, *keys, check).read();
  return check;
}

bool parse_checks(const YamlValue& value, DefinedNames& defined, std::vector<Check>& checks) {
  const auto entries = value.read_entries();
  if (!entries) return false;
  bool is_complete = true;
  for (const auto& entry : *entries) {
    auto name = read_name(entry.key, "check");
    if (name && name->text == kNoCheck) {
      entry.key.error(fmt::format("'{}' says that there is no check; take another name", kNoCheck));
      name.reset();
    }
    auto check = parse_check(entry.value);
    is_complete = is_complete && name;
    if (!name || !defined.add(name->text, *name, value.diagnostics())) continue;
    check.name = name->text;
    check.where = name->where;
    if (checks.size() == base::limits::kChecksMax) {
      value.error(fmt::format("more than {} checks", base::limits::kChecksMax));
      return false;
    }
    checks.push_back(std::move(check));
  }
  return is_complete;
}

}  // namespace meridian::config
