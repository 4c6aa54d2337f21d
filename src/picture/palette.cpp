#include "picture/palette.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace meridian::picture {
namespace {

/// "Muted" by Paul Tol (Colour Schemes, SRON/EPS/TN/09-002), made for colour blindness; in an order in which
/// each next one differs most from those before, whichever colours one sees.
constexpr std::array<std::string_view, kDistinctColours> kColours{
    "#44aa99", "#ddcc77", "#332288", "#117733", "#88ccee", "#882255", "#aa4499", "#999933", "#cc6677"};

using Channels = std::array<double, 3>;  // 0 to 255

Channels parse(std::string_view colour) {
  Channels channels{};
  for (std::size_t i = 0; i < channels.size(); ++i) {
    unsigned value = 0;
    std::from_chars(colour.data() + 1 + 2 * i, colour.data() + 3 + 2 * i, value, 16);
    channels[i] = value;
  }
  return channels;
}

std::string mix(std::string_view colour, std::string_view other, double part) {
  const auto left = parse(colour);
  const auto right = parse(other);
  std::string text = "#";
  for (std::size_t i = 0; i < left.size(); ++i)
    text += fmt::format("{:02x}", std::lround(left[i] * part + right[i] * (1 - part)));
  return text;
}

}  // namespace

std::string colour_of(std::size_t number) {
  const auto hue = kColours[number % kColours.size()];
  const std::size_t round = number / kColours.size();
  if (round == 0) return std::string{hue};
  // 0.7, 0.54, 0.45, …: never the same again, and nearer and nearer to black or white.
  const double strength = 0.2 + 1.0 / (1.0 + static_cast<double>((round + 1) / 2));
  return mix(hue, round % 2 == 1 ? "#000000" : "#ffffff", strength);
}

std::string pale(std::string_view colour, double strength) { return mix(colour, kLand, strength); }

}  // namespace meridian::picture
