#include "config/place_ref.hpp"

#include "base/ascii.hpp"
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

/// The longest places are cities and paths; anything longer is none and not worth echoing.
constexpr std::size_t kPlaceBytesMax = 300;

/// As GeoNames and GeoIP databases divide the world.
constexpr std::array<std::string_view, 7> kContinents{"AF", "AN", "AS", "EU", "NA", "OC", "SA"};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

bool are_all(std::string_view text, bool (*test)(char)) {
  return std::all_of(text.begin(), text.end(), test);
}

PlaceRef make(PlaceRef::Kind kind, std::string_view code) {
  PlaceRef place;
  place.kind = kind;
  place.code = base::to_upper(code);
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
  const auto upper = base::to_upper(code);
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

/// `US-TX/Dallas`, `DE/Munich`
Result parse_city(std::string_view text) {
  const auto slash = text.find('/');
  const auto code = base::to_upper(text.substr(0, slash));
  const auto name = slash == std::string_view::npos ? std::string_view{} : text.substr(slash + 1);
  if (name.empty() || (!is_country_form(code) && !is_subdivision_form(code))) {
    return base::unexpected(
        fmt::format("{} is no city; write its country or subdivision and its English name, such as "
                    "city:DE/Munich or city:US-TX/Dallas",
                    quoted(text)));
  }
  PlaceRef place = make(PlaceRef::Kind::City, code);
  place.city = name;
  return place;
}

Result parse_geoname(std::string_view digits) {
  PlaceRef place;
  place.kind = PlaceRef::Kind::GeoName;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), place.geoname_id);
  if (error != std::errc{} || end != digits.data() + digits.size() || place.geoname_id == 0) {
    return base::unexpected(
        fmt::format("{} is no GeoNames id; write a city's number, such as geoname:2867714", quoted(digits)));
  }
  return place;
}

/// Where a networks file may lie; what is really there is seen when it is read.
Result parse_networks_path(std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return base::unexpected(fmt::format(
        "{} {}; write a path inside the map directory, such as file:feeds/partner.nets", quoted(path), why));
  };
  if (path.empty()) return refuse("names no file");
  if (path.starts_with('/')) return refuse("is an absolute path");
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    const auto part = path.substr(at, end - at);
    if (part == "..") return refuse("leads out of a folder");
    if (part.empty() || part == ".") return refuse("has an empty part");
    at = end + 1;
  }
  PlaceRef place;
  place.kind = PlaceRef::Kind::NetworksFile;
  place.code = path;
  return place;
}

/// Forms that no region's name can have; nullopt when `text` has none of them.
std::optional<Result> parse_code(std::string_view text) {
  const auto upper = base::to_upper(text);
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
  if (text.starts_with("city:")) return parse_city(text.substr(5));
  if (text.starts_with("geoname:")) return parse_geoname(text.substr(8));
  if (text.starts_with("file:")) return parse_networks_path(text.substr(5));
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
                    "AS3320, city:DE/Munich, a network, file:…, a region's name or everyone",
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
  const auto upper = base::to_upper(region_name);
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
    case PlaceRef::Kind::City:
      return fmt::format("{}city:{}/{}", sign, place.code, place.city);
    case PlaceRef::Kind::GeoName:
      return fmt::format("{}geoname:{}", sign, place.geoname_id);
    case PlaceRef::Kind::Network:
      return sign + base::to_string(place.network);
    case PlaceRef::Kind::NetworksFile:
      return sign + "file:" + place.code;
    case PlaceRef::Kind::Country:
    case PlaceRef::Kind::Subdivision:
    case PlaceRef::Kind::AutonomousSystem:
    case PlaceRef::Kind::Region:
      return sign + place.code;
  }
  return sign;
}

}  // namespace meridian::config
