// Zones from text, and what the tests ask of them.
#pragma once

#include "zone/zone_builder.hpp"
#include "zone/zone_file.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::zone {

inline std::ostream& operator<<(std::ostream& out, Outcome outcome) {
  constexpr const char* kNames[] = {"Answer",     "Steered", "Cname",   "Dname",
                                    "Delegation", "NoData",  "NxDomain"};
  return out << kNames[static_cast<int>(outcome)];
}

}  // namespace meridian::zone

namespace meridian::test {

inline dns::Name name_of(std::string_view text) {
  const auto name = dns::Name::parse(text);
  REQUIRE_MESSAGE(name.has_value(), text);
  return *name;
}

struct Steer {
  const char* name;
  std::uint32_t service;
};

/// Everything that came out of one load and build.
struct Load {
  std::optional<zone::Zone> zone;
  std::string errors;
  std::string warnings;
};

inline Load load_text(std::string_view text, std::string_view apex, const std::vector<Steer>& steered = {}) {
  zone::ZoneBuilder builder(name_of(apex));
  const auto problems = zone::parse_zone_text(text, "z", builder);
  int line = 0;
  for (const auto& [name, service] : steered) {
    builder.add_steered(name_of(name), base::ServiceId{service}, {"services.yaml", ++line, 3});
  }
  base::Diagnostics warnings;
  auto zone = std::move(builder).build(warnings);
  Load load{std::nullopt, problems.to_text(), warnings.to_text()};
  if (zone) {
    load.zone = std::move(*zone);
  } else {
    load.errors += zone.error().to_text();
  }
  return load;
}

/// A zone that must load without an error.
inline zone::Zone zone_of(std::string_view text, std::string_view apex,
                          const std::vector<Steer>& steered = {}) {
  auto load = load_text(text, apex, steered);
  REQUIRE_MESSAGE(load.errors.empty(), load.errors);
  REQUIRE(load.zone.has_value());
  return std::move(*load.zone);
}

inline std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// Each record's rdata, names spelled out, with its length in front.
inline std::string hex_records(const zone::Rrset& rrset) {
  std::string text;
  dns::for_each_rdata(rrset, [&](std::span<const std::uint8_t> rdata) {
    const std::uint8_t length[] = {static_cast<std::uint8_t>(rdata.size() >> 8),
                                   static_cast<std::uint8_t>(rdata.size())};
    text += hex(length) + hex(rdata);
    return true;
  });
  return text;
}

}  // namespace meridian::test
