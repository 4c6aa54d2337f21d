#include "config/place_ref.hpp"

#include "config/yaml_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace meridian::config {
namespace {

using Result = base::Expected<PlaceRef, std::string>;

/// The longest place is an IPv6 network or a region's name; anything longer is none and not worth echoing.
constexpr std::size_t kPlaceBytesMax = 100;

/// As GeoNames and GeoIP databases divide the world.
constexpr std::array<std::string_view, 7> kContinents{"AF", "AN", "AS", "EU", "NA", "OC", "SA"};

/// Forms that exist in the language but not in this version.
constexpr std::array<std::string_view, 3> kLaterForms{"city:", "geoname:", "file:"};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

bool are_all(std::string_view text, bool (*test)(char)) {
  return std::all_of(text.begin(), text.end(), test);
}

std::string to_upper(std::string_view text) {
  std::string upper{text};
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

PlaceRef make(PlaceRef::Kind kind, std::string_view code) {
  PlaceRef place;
  place.kind = kind;
  place.code = to_upper(code);
  return place;
}

bool is_country_form(std::string_view upper) { return upper.size() == 2 && are_all(upper, is_upper); }

/// ISO 3166-2: the country, a dash, one to three letters or digits.
bool is_subdivision_form(std::string_view upper) {
  if (upper.size() < 4 || upper.size() > 6 || upper[2] != '-' || !is_country_form(upper.substr(0, 2)))
    return false;
  return are_all(upper.substr(3), [](char c) { return is_upper(c) || is_digit(c); });
}

bool is_as_form(std::string_view upper) {
  return upper.size() > 2 && upper.starts_with("AS") && are_all(upper.substr(2), is_digit);
}

Result parse_continent(std::string_view code) {
  const auto upper = to_upper(code);
  if (std::find(kContinents.begin(), kContinents.end(), upper) != kContinents.end()) {
    return make(PlaceRef::Kind::Continent, upper);
  }
  return base::unexpected(
      fmt::format("{} is no continent; there are {}", quoted(code), fmt::join(kContinents, ", ")));
}

Result parse_area(std::string_view code) {
  if (code.size() == 3 && are_all(code, is_digit)) return make(PlaceRef::Kind::Area, code);
  return base::unexpected(
      fmt::format("{} is no UN M49 area; write three digits, such as m49:009", quoted(code)));
}

Result parse_as(std::string_view upper) {
  PlaceRef place = make(PlaceRef::Kind::AutonomousSystem, upper);
  const auto digits = upper.substr(2);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), place.as_number);
  // AS 0 is no one's (RFC 7607).
  if (error != std::errc{} || end != digits.data() + digits.size() || place.as_number == 0) {
    return base::unexpected(
        fmt::format("{} is no AS number; they go from AS1 to AS4294967295", quoted(upper)));
  }
  place.code = fmt::format("AS{}", place.as_number);
  return place;
}

Result parse_network(std::string_view text) {
  const auto prefix = base::parse_ip_prefix(text);
  if (!prefix) return base::unexpected(prefix.error());
  const auto carriers = base::carrier_networks();
  const auto carrier = std::find_if(carriers.begin(), carriers.end(),
                                    [&](const base::IpPrefix& network) { return network.contains(*prefix); });
  // :: and ::1 stand inside ::/96 but carry nothing.
  if (carrier != carriers.end() && base::find_carried_v4(base::last_address(*prefix))) {
    return base::unexpected(
        fmt::format("'{}' lies in {}, where clients are looked up by the IPv4 address they carry; "
                    "write the IPv4 network",
                    text, base::to_string(*carrier)));
  }
  PlaceRef place;
  place.kind = PlaceRef::Kind::Network;
  place.network = *prefix;
  return place;
}

/// Forms that no region's name can have; nullopt when `text` has none of them.
std::optional<Result> parse_code(std::string_view text) {
  const auto upper = to_upper(text);
  if (upper == "EVERYONE") return PlaceRef{};
  if (is_country_form(upper)) return make(PlaceRef::Kind::Country, upper);
  if (is_subdivision_form(upper)) return make(PlaceRef::Kind::Subdivision, upper);
  if (is_as_form(upper)) return parse_as(upper);
  return std::nullopt;
}

}  // namespace

Result parse_place(std::string_view text) {
  if (text.size() > kPlaceBytesMax) return base::unexpected(fmt::format("{} is no place", quoted(text)));
  if (text.starts_with("continent:")) return parse_continent(text.substr(10));
  if (text.starts_with("m49:")) return parse_area(text.substr(4));
  for (const auto form : kLaterForms) {
    if (text.starts_with(form))
      return base::unexpected(fmt::format("places of the form {}… are not supported in this version", form));
  }
  if (auto place = parse_code(text)) return *place;
  if (text.find_first_of("/.:") != std::string_view::npos) return parse_network(text);
  if (text.size() == 3 && are_all(text, is_digit)) {
    return base::unexpected(fmt::format("'{}' is no place; a UN M49 area is written m49:{}", text, text));
  }
  if (text == "not" || text.starts_with("not ")) {
    return base::unexpected(
        std::string{"'not' can only stand before a member of a region; define one in regions.yaml"});
  }
  if (!is_name(text)) {
    return base::unexpected(
        fmt::format("{} is no place; write a country (DE), a subdivision (US-CA), continent:EU, m49:009, "
                    "AS3320, a network, a region's name or everyone",
                    quoted(text)));
  }
  PlaceRef place;
  place.kind = PlaceRef::Kind::Region;
  place.code = text;
  return place;
}

Result parse_region_member(std::string_view text) {
  if (!text.starts_with("not ")) return parse_place(text);
  const auto rest = text.substr(std::min(text.find_first_not_of(' ', 4), text.size()));
  auto place = parse_place(rest);
  if (!place) return place;
  if (place->kind == PlaceRef::Kind::Everyone)
    return base::unexpected(std::string{"'not everyone' leaves no one; remove it"});
  place->negated = true;
  return place;
}

std::string find_name_clash(std::string_view region_name) {
  if (region_name == "everyone" || region_name == "not") return "is a keyword";
  const auto place = parse_code(region_name);
  if (!place) return {};
  const auto upper = to_upper(region_name);
  if (is_country_form(upper)) return "has the form of a country code";
  return is_as_form(upper) ? "has the form of an AS number" : "has the form of a subdivision code";
}

std::string to_string(const PlaceRef& place) {
  std::string sign = place.negated ? "not " : "";
  switch (place.kind) {
    case PlaceRef::Kind::Everyone:
      return sign + "everyone";
    case PlaceRef::Kind::Continent:
      return sign + "continent:" + place.code;
    case PlaceRef::Kind::Area:
      return sign + "m49:" + place.code;
    case PlaceRef::Kind::Network:
      return sign + base::to_string(place.network);
    case PlaceRef::Kind::Country:
    case PlaceRef::Kind::Subdivision:
    case PlaceRef::Kind::AutonomousSystem:
    case PlaceRef::Kind::Region:
      return sign + place.code;
  }
  return sign;
}

}  // namespace meridian::config
