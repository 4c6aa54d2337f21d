#include "importer/pdns_template.hpp"

#include "base/ascii.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace meridian::importer {
namespace {

/// The longest first, so that %loc is not taken for %lo. Facts that a place can give come in kPlaces.
constexpr std::array<std::string_view, 19> kPlaceholders{
    "%loc", "%lat", "%lon", "%wds", "%mos", "%ip6", "%ip4", "%mp", "%cn", "%co",
    "%cc",  "%af",  "%as",  "%re",  "%na",  "%ci",  "%ip",  "%hh", "%yy"};
constexpr std::array<std::string_view, 3> kTimes{"%dd", "%wd", "%mo"};
constexpr std::array<std::string_view, 6> kPlaces{"cc", "cn", "co", "as", "re", "mp"};

bool is_letter(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// True when `value` can be the placeholder's. "unknown" is what PowerDNS puts where it knows nothing.
bool is_value(std::string_view placeholder, std::string_view value) {
  if (value == "unknown") return true;
  const auto letters = std::ranges::all_of(value, is_letter);
  if (placeholder == "cc" || placeholder == "cn") return value.size() == 2 && letters;
  if (placeholder == "co") return value.size() == 3 && letters;
  if (placeholder == "as") {
    if (value.starts_with("as")) value.remove_prefix(2);
    return !value.empty() && value.size() <= 10 && std::ranges::all_of(value, is_digit);
  }
  if (placeholder == "re") {
    return !value.empty() && value.size() <= 3 &&
           std::ranges::all_of(value, [](char c) { return is_letter(c) || is_digit(c); });
  }
  return !value.empty();  // mp: the caller knows which values there are
}

std::string_view find_placeholder(std::string_view rest) {
  for (const auto sign : kPlaceholders) {
    if (rest.starts_with(sign)) return sign;
  }
  for (const auto sign : kTimes) {
    if (rest.starts_with(sign)) return sign;
  }
  return {};
}

}  // namespace

PdnsTemplate::PdnsTemplate(std::string_view text) : text_(base::to_lower(text)) {
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) pieces_.push_back({false, std::exchange(literal, {})});
  };
  for (std::string_view rest = text_; !rest.empty();) {
    const auto sign = find_placeholder(rest);
    if (sign.empty()) {
      literal += rest.front();
      rest.remove_prefix(1);
      continue;
    }
    flush();
    const auto name = sign.substr(1);
    pieces_.push_back({true, std::string{name}});
    is_literal_ = false;
    if (foreign_.empty() && std::ranges::find(kPlaces, name) == kPlaces.end()) foreign_ = sign;
    rest.remove_prefix(sign.size());
  }
  flush();
}

bool PdnsTemplate::has(std::string_view placeholder) const noexcept {
  return std::ranges::any_of(
      pieces_, [&](const Piece& piece) { return piece.is_placeholder && piece.text == placeholder; });
}

std::optional<std::string> PdnsTemplate::expand(const PdnsFacts& facts) const {
  std::string out;
  for (const auto& piece : pieces_) {
    if (!piece.is_placeholder) {
      out += piece.text;
      continue;
    }
    const auto fact = facts.find(piece.text);
    if (fact == facts.end()) return std::nullopt;
    out += fact->second;
  }
  return out;
}

std::optional<PdnsFacts> PdnsTemplate::match(std::string_view text) const {
  PdnsFacts facts;
  if (!match_from(0, text, facts)) return std::nullopt;
  return facts;
}

bool PdnsTemplate::match_from(std::size_t index, std::string_view text, PdnsFacts& facts) const {
  if (index == pieces_.size()) return text.empty();
  const auto& piece = pieces_[index];
  if (!piece.is_placeholder)
    return text.starts_with(piece.text) && match_from(index + 1, text.substr(piece.text.size()), facts);
  for (std::size_t length = 1; length <= text.size(); ++length) {
    const auto value = text.substr(0, length);
    if (!is_value(piece.text, value)) continue;
    const auto known = facts.find(piece.text);
    if (known != facts.end() && known->second != value) continue;
    auto trial = facts;
    trial[piece.text] = value;
    if (!match_from(index + 1, text.substr(length), trial)) continue;
    facts = std::move(trial);
    return true;
  }
  return false;
}

base::Expected<std::string, std::string> place_of(const PdnsFacts& facts, const geo::Places& places) {
  const auto get = [&](std::string_view name) {
    const auto found = facts.find(name);
    return found == facts.end() ? std::string{} : base::to_upper(found->second);
  };
  for (const auto& [name, value] : facts) {
    if (value == "unknown")
      return base::unexpected(std::string{"a map has no place for clients of whom that is unknown"});
  }
  auto as = get("as");
  if (as.starts_with("AS")) as.erase(0, 2);
  std::string country = get("cc");
  if (const auto code = get("co"); !code.empty()) {
    const auto found = std::ranges::find(places.countries(), code, &geo::Country::alpha3);
    if (found == places.countries().end()) return base::unexpected(fmt::format("'{}' is no country", code));
    if (!country.empty() && country != found->code)
      return base::unexpected(
          fmt::format("{} and {} are two countries, so no client is there", country, code));
    country = found->code;
  }
  const auto continent = get("cn");
  const auto region = get("re");
  if (!as.empty() && (!country.empty() || !continent.empty() || !region.empty()))
    return base::unexpected(std::string{"a map has no place for a part of an AS"});
  if (!as.empty()) return "AS" + as;
  if (!country.empty()) {
    const auto* known = places.find_country(country);
    if (known == nullptr) return base::unexpected(fmt::format("'{}' is no country", country));
    if (!continent.empty() && continent != known->continent)
      return base::unexpected(fmt::format("{} lies in {}, so no client is there", country, known->continent));
    if (region.empty()) return country;
    const auto code = country + "-" + region;
    if (!places.is_subdivision(code)) return base::unexpected(fmt::format("'{}' is no subdivision", code));
    return code;
  }
  if (!region.empty()) return base::unexpected(std::string{"a region without its country can be in several"});
  if (continent.empty()) return "everyone";
  if (!places.is_continent(continent))
    return base::unexpected(fmt::format("'{}' is no continent", continent));
  return "continent:" + continent;
}

PdnsFacts facts_of(std::string_view place, const geo::Places& places) {
  if (place == "everyone") return {};
  if (place.starts_with("AS") && place.size() > 2 && is_digit(place[2]))
    return {{"as", std::string{place.substr(2)}}};
  if (place.starts_with("continent:")) return {{"cn", base::to_lower(place.substr(10))}};
  const auto* country = places.find_country(place.substr(0, 2));
  PdnsFacts facts{{"cc", base::to_lower(place.substr(0, 2))}};
  if (country != nullptr) {
    facts["co"] = base::to_lower(country->alpha3);
    facts["cn"] = base::to_lower(country->continent);
  }
  if (place.size() > 3) facts["re"] = base::to_lower(place.substr(3));
  return facts;
}

}  // namespace meridian::importer
