#include "zone/rdata_text.hpp"

#include "base/limits.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ldns/ldns.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace meridian::zone {
namespace {

/// The longest text of an IPv6 address, with its final zero.
constexpr std::size_t kAddressTextMax = INET6_ADDRSTRLEN;

struct FreeRr {
  void operator()(ldns_rr* rr) const noexcept { ldns_rr_free(rr); }
};
struct FreeBuffer {
  void operator()(ldns_buffer* buffer) const noexcept { ldns_buffer_free(buffer); }
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc{} || end != last) return std::nullopt;
  return number;
}

std::uint32_t unit_seconds(char unit) {
  switch (unit) {
    case 'w':
    case 'W':
      return 604'800;
    case 'd':
    case 'D':
      return 86'400;
    case 'h':
    case 'H':
      return 3'600;
    case 'm':
    case 'M':
      return 60;
    case 's':
    case 'S':
      return 1;
    default:
      return 0;
  }
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Ends with a dot that no backslash escapes.
bool is_absolute(std::string_view name) {
  if (!name.ends_with('.')) return false;
  std::size_t backslashes = 0;
  while (backslashes + 1 < name.size() && name[name.size() - 2 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 0;
}

/// All tokens with blanks between, at most `size_max` characters: for messages.
std::string join(std::span<const Token> tokens, std::size_t size_max) {
  std::string text;
  for (const auto& token : tokens) {
    if (!text.empty()) text += ' ';
    text += token.text.substr(0, size_max);
    if (text.size() > size_max) return text.substr(0, size_max) + "…";
  }
  return text;
}

/// What is wrong with one field, "" when ldns may have it. ldns takes numbers modulo their width, unknown
/// types in a bitmap as type 0, and quotes in names as part of the name.
std::string field_problem(ldns_rdf_type field, const Token& token, dns::NameView origin) {
  const auto in_range = [&](std::uint64_t most, bool words_too) -> std::string {
    if (words_too && !all_digits(token.text)) return {};
    const auto number = parse_number<std::uint64_t>(token.text);
    if (number && *number <= most) return {};
    return fmt::format("'{}' is not a number from 0 to {}", token.text, most);
  };
  switch (field) {
    case LDNS_RDF_TYPE_INT8:
      return in_range(0xff, false);
    case LDNS_RDF_TYPE_INT16:
      return in_range(0xffff, false);
    case LDNS_RDF_TYPE_INT32:
      return in_range(0xffff'ffff, false);
    case LDNS_RDF_TYPE_ALG:
    case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
    case LDNS_RDF_TYPE_SELECTOR:
    case LDNS_RDF_TYPE_MATCHING_TYPE:
      return in_range(0xff, true);
    case LDNS_RDF_TYPE_CERT_ALG:
      return in_range(0xffff, true);
    case LDNS_RDF_TYPE_PERIOD:
      return parse_ttl(token.text) ? std::string{}
                                   : fmt::format("'{}' is not a time; write seconds or 1h30m", token.text);
    case LDNS_RDF_TYPE_TYPE:
    case LDNS_RDF_TYPE_NSEC:
      return parse_type_word(token.text) ? std::string{}
                                         : fmt::format("'{}' is not a record type", token.text);
    case LDNS_RDF_TYPE_DNAME: {
      if (token.quoted()) return fmt::format("{} is quoted; write the name without quotes", token.text);
      const auto name = parse_relative_name(token.text, origin);
      return name ? std::string{} : name.error();
    }
    case LDNS_RDF_TYPE_SVCPARAMS:
      if (!token.text.starts_with("port=")) return {};
      return parse_number<std::uint16_t>(token.text.substr(5)) ? std::string{}
                                                               : "a port is a number from 0 to 65535";
    default:
      return {};
  }
}

/// The kind of the field that token `i` belongs to. Past the last field it goes on over several tokens, as
/// hexadecimal and base64 may.
ldns_rdf_type field_type(const ldns_rr_descriptor& descriptor, std::size_t i) {
  const std::size_t fields = ldns_rr_descriptor_maximum(&descriptor);
  if (fields == 0) return LDNS_RDF_TYPE_NONE;
  // Its rendezvous servers have no end, and its one fixed field takes three tokens.
  if (descriptor._type == LDNS_RR_TYPE_HIP) return LDNS_RDF_TYPE_HIP;
  if (i < fields || descriptor._variable != LDNS_RDF_TYPE_NONE)
    return ldns_rr_descriptor_field_type(&descriptor, i);
  return ldns_rr_descriptor_field_type(&descriptor, fields - 1);
}

/// The first field that ldns would misread silently.
std::optional<RdataError> find_bad_field(const ldns_rr_descriptor& descriptor, std::string_view type_text,
                                         std::span<const Token> tokens, dns::NameView origin) {
  std::size_t hex_digits = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto field = field_type(descriptor, i);
    if (field == LDNS_RDF_TYPE_HEX) hex_digits += tokens[i].text.size();
    const auto problem = field_problem(field, tokens[i], origin);
    if (!problem.empty()) return RdataError{fmt::format("bad {} rdata: {}", type_text, problem), i};
  }
  if (hex_digits % 2 == 0) return std::nullopt;
  return RdataError{fmt::format("bad {} rdata: the hexadecimal part has {} digits; write two for each byte",
                                type_text, hex_digits),
                    tokens.size() - 1};
}

/// RFC 9460 2.1: no key twice. ldns sorts them, so that equal ones stand side by side.
bool repeats_service_key(std::span<const std::uint8_t> rdata) {
  std::size_t at = 2;
  while (at < rdata.size() && rdata[at] != 0) at += 1u + rdata[at];
  int last = -1;
  for (++at; at + 4 <= rdata.size();) {
    const int key = rdata[at] << 8 | rdata[at + 1];
    if (key == last) return true;
    last = key;
    at += 4u + (static_cast<std::size_t>(rdata[at + 2]) << 8 | rdata[at + 3]);
  }
  return false;
}

/// RFC 3597 5: `\# length hex…`. ldns reads a length that is no number as 0, and fails on long ones.
base::Expected<std::vector<std::uint8_t>, RdataError> parse_generic(std::string_view type_text,
                                                                    std::span<const Token> tokens) {
  const auto fail = [&](std::size_t token, std::string_view what) {
    return base::unexpected(
        RdataError{fmt::format("bad {} rdata: {}; write \\# LENGTH HEX (RFC 3597)", type_text, what), token});
  };
  const auto length = tokens.size() < 2 ? std::nullopt : parse_number<std::uint16_t>(tokens[1].text);
  if (!length) return fail(1, "the length is not a number from 0 to 65535");
  std::vector<std::uint8_t> bytes;
  int high = -1;
  for (std::size_t i = 2; i < tokens.size(); ++i) {
    for (const char c : tokens[i].text) {
      const int value = hex_value(c);
      if (value < 0) return fail(i, fmt::format("'{}' is not hexadecimal", tokens[i].text.substr(0, 40)));
      if (high >= 0) bytes.push_back(static_cast<std::uint8_t>(high << 4 | value));
      high = high >= 0 ? -1 : value;
    }
  }
  if (high >= 0 || bytes.size() != *length) {
    return fail(1, fmt::format("the length says {} bytes, the rest has {}{}", *length, bytes.size(),
                               high >= 0 ? " and a half" : ""));
  }
  return bytes;
}

enum class Field : std::uint8_t { Name, Number16, Number32 };

/// The fields of the types that large zones are made of, beside addresses and TXT; empty for any other.
std::span<const Field> plain_fields(dns::Rtype type) {
  static constexpr Field kName[] = {Field::Name};
  static constexpr Field kMx[] = {Field::Number16, Field::Name};
  static constexpr Field kSrv[] = {Field::Number16, Field::Number16, Field::Number16, Field::Name};
  static constexpr Field kSoa[] = {Field::Name,     Field::Name,     Field::Number32, Field::Number32,
                                   Field::Number32, Field::Number32, Field::Number32};
  switch (type) {
    case dns::Rtype::Ns:
    case dns::Rtype::Cname:
    case dns::Rtype::Ptr:
      return kName;
    case dns::Rtype::Mx:
      return kMx;
    case dns::Rtype::Srv:
      return kSrv;
    case dns::Rtype::Soa:
      return kSoa;
    default:
      return {};
  }
}

/// A number of at most `most`, without sign or unit, appended in `size` bytes.
bool append_number(const Token& token, std::size_t size, std::uint32_t most,
                   std::vector<std::uint8_t>& wire) {
  if (!all_digits(token.text)) return false;
  const auto number = parse_number<std::uint32_t>(token.text);
  if (!number || *number > most) return false;
  for (std::size_t shift = 8 * size; shift > 0; shift -= 8) {
    wire.push_back(static_cast<std::uint8_t>(*number >> (shift - 8)));
  }
  return true;
}

bool append_name(const Token& token, dns::NameView origin, std::vector<std::uint8_t>& wire) {
  if (token.quoted() || token.text.find('\\') != std::string_view::npos) return false;
  const auto name = parse_relative_name(token.text, origin);
  if (!name) return false;
  wire.insert(wire.end(), name->view().wire().begin(), name->view().wire().end());
  return true;
}

bool append_string(const Token& token, std::vector<std::uint8_t>& wire) {
  auto text = token.text;
  if (token.quoted()) text = text.substr(1, text.size() - 2);
  if (text.size() > 255 || text.find_first_of("\\\"") != std::string_view::npos) return false;
  wire.push_back(static_cast<std::uint8_t>(text.size()));
  wire.insert(wire.end(), text.begin(), text.end());
  return true;
}

/// Fills `wire`, without ldns, which takes some microseconds a record. False: another type, an escape, or
/// something odd; ldns may see whether it is wrong.
bool parse_plain(dns::Rtype type, std::span<const Token> tokens, dns::NameView origin,
                 std::vector<std::uint8_t>& wire) {
  wire.clear();
  if (type == dns::Rtype::Txt) {
    return !tokens.empty() &&
           std::ranges::all_of(tokens, [&](const Token& token) { return append_string(token, wire); });
  }
  const auto fields = plain_fields(type);
  if (fields.empty() || fields.size() != tokens.size()) return false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool good = fields[i] == Field::Name       ? append_name(tokens[i], origin, wire)
                      : fields[i] == Field::Number16 ? append_number(tokens[i], 2, 0xffff, wire)
                                                     : append_number(tokens[i], 4, 0xffff'ffff, wire);
    if (!good) return false;
  }
  return true;
}

}  // namespace

std::optional<dns::Rtype> parse_type_word(std::string_view text) {
  if (const auto type = dns::parse_rtype(text)) return type;
  constexpr std::size_t kTypeWordMax = 16;  // the longest mnemonic, NSEC3PARAM, has 10
  if (text.empty() || text.size() > kTypeWordMax) return std::nullopt;
  std::string word;
  for (const char c : text) word += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  // parse_rtype knows TYPEn; ldns would read what follows TYPE with atoi and take TYPEx for type 0.
  if (word.starts_with("TYPE")) return std::nullopt;
  const auto type = ldns_get_rr_type_by_name(word.c_str());
  return type == 0 ? std::nullopt : std::optional{static_cast<dns::Rtype>(type)};
}

std::optional<std::uint32_t> parse_ttl(std::string_view text) {
  if (all_digits(text)) return parse_number<std::uint32_t>(text);
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  while (!text.empty()) {
    const auto digits = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
    const auto number = parse_number<std::uint32_t>(text.substr(0, digits));
    const std::uint32_t unit = digits < text.size() ? unit_seconds(text[digits]) : 0;
    if (!number || unit == 0) return std::nullopt;
    total += std::uint64_t{*number} * unit;
    if (total > 0xffff'ffff) return std::nullopt;
    text.remove_prefix(digits + 1);
  }
  return static_cast<std::uint32_t>(total);
}

base::Expected<dns::Name, std::string> parse_relative_name(std::string_view text, dns::NameView origin) {
  if (text == "@") return dns::Name{origin};
  auto name = dns::Name::parse(text);
  if (!name) return name;
  if (is_absolute(text)) return name;
  const auto labels = name->view().wire().first(name->view().size() - 1);
  std::array<std::uint8_t, base::limits::kNameBytesMax> wire;
  const std::size_t size = labels.size() + origin.size();
  if (size > wire.size()) {
    return base::unexpected(
        fmt::format("'{}' is longer than 255 bytes with '{}' behind it; is a final dot missing?", text,
                    dns::to_string(origin)));
  }
  std::ranges::copy(labels, wire.begin());
  std::ranges::copy(origin.wire(), wire.begin() + static_cast<std::ptrdiff_t>(labels.size()));
  return dns::Name{dns::NameView{std::span{wire}.first(size)}};
}

void RdataParser::FreeRdf::operator()(void* rdf) const noexcept {
  ldns_rdf_deep_free(static_cast<ldns_rdf*>(rdf));
}

void RdataParser::set_origin(dns::NameView origin) {
  origin_name_ = dns::Name{origin};
  origin_.reset(ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, origin.size(), origin.wire().data()));
}

base::Expected<std::span<const std::uint8_t>, RdataError> RdataParser::parse(dns::Rtype type,
                                                                             std::string_view type_text,
                                                                             std::span<const Token> tokens) {
  if (!tokens.empty() && tokens[0].text == "\\#") {
    auto bytes = parse_generic(type_text, tokens);
    if (!bytes) return base::unexpected(std::move(bytes.error()));
    wire_ = std::move(*bytes);
    return wire_;
  }
  if (type != dns::Rtype::A && type != dns::Rtype::Aaaa) {
    if (parse_plain(type, tokens, origin_name_, wire_)) return wire_;
    return parse_other(type, type_text, tokens);
  }
  const bool v4 = type == dns::Rtype::A;
  std::array<char, kAddressTextMax> text{};
  if (tokens.size() == 1 && tokens[0].text.size() < text.size()) {
    std::ranges::copy(tokens[0].text, text.begin());
    wire_.resize(v4 ? 4 : 16);
    if (inet_pton(v4 ? AF_INET : AF_INET6, text.data(), wire_.data()) == 1) return wire_;
  }
  return base::unexpected(RdataError{fmt::format("bad {} rdata '{}'; write an {} address", type_text,
                                                 join(tokens, 60), v4 ? "IPv4" : "IPv6"),
                                     0});
}

base::Expected<std::span<const std::uint8_t>, RdataError> RdataParser::parse_other(
    dns::Rtype type, std::string_view type_text, std::span<const Token> tokens) {
  const auto* descriptor = ldns_rr_descript(static_cast<std::uint16_t>(type));
  if (auto bad = find_bad_field(*descriptor, type_text, tokens, origin_name_))
    return base::unexpected(std::move(*bad));

  line_ = fmt::format(". 0 IN TYPE{}", static_cast<unsigned>(type));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    // RFC 8659 4.1.1 lets a CAA value stand without quotes; ldns does not.
    const bool add_quotes = !tokens[i].quoted() && field_type(*descriptor, i) == LDNS_RDF_TYPE_LONG_STR;
    line_ += add_quotes ? fmt::format(" \"{}\"", tokens[i].text) : fmt::format(" {}", tokens[i].text);
  }
  const auto fail = [&](ldns_status status) {
    return base::unexpected(RdataError{
        fmt::format("bad {} rdata '{}': {}", type_text, join(tokens, 60), ldns_get_errorstr_by_id(status)),
        0});
  };
  ldns_rr* parsed = nullptr;
  auto status =
      ldns_rr_new_frm_str(&parsed, line_.c_str(), 0, static_cast<const ldns_rdf*>(origin_.get()), nullptr);
  const std::unique_ptr<ldns_rr, FreeRr> rr(status == LDNS_STATUS_OK ? parsed : nullptr);
  if (!rr) return fail(status);
  const std::unique_ptr<ldns_buffer, FreeBuffer> buffer(ldns_buffer_new(LDNS_MAX_PACKETLEN));
  status = ldns_rr_rdata2buffer_wire(buffer.get(), rr.get());
  if (status != LDNS_STATUS_OK) return fail(status);
  const auto* begin = ldns_buffer_begin(buffer.get());
  wire_.assign(begin, begin + ldns_buffer_position(buffer.get()));
  const bool service = type == dns::Rtype::Svcb || type == dns::Rtype::Https;
  if (service && repeats_service_key(wire_)) {
    return base::unexpected(
        RdataError{fmt::format("bad {} rdata: a key stands twice (RFC 9460 2.1)", type_text), 0});
  }
  return wire_;
}

}  // namespace meridian::zone
