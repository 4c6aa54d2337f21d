#include "base/community.hpp"

#include <array>
#include <charconv>
#include <cstddef>

namespace meridian::base {
namespace {

template <typename Number, std::size_t count>
std::optional<std::array<Number, count>> parse_numbers(std::string_view text) noexcept {
  std::array<Number, count> numbers{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && (at == end || *at++ != ':')) return std::nullopt;
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc{}) return std::nullopt;
    at = next;
  }
  return at == end ? std::optional{numbers} : std::nullopt;
}

}  // namespace

std::string to_string(const Community& community) {
  return std::to_string(community.high) + ":" + std::to_string(community.low);
}

std::string to_string(const LargeCommunity& community) {
  return std::to_string(community.administrator) + ":" + std::to_string(community.data1) + ":" +
         std::to_string(community.data2);
}

std::optional<Community> parse_community(std::string_view text) noexcept {
  const auto numbers = parse_numbers<std::uint16_t, 2>(text);
  if (!numbers) return std::nullopt;
  return Community{(*numbers)[0], (*numbers)[1]};
}

std::optional<LargeCommunity> parse_large_community(std::string_view text) noexcept {
  const auto numbers = parse_numbers<std::uint32_t, 3>(text);
  if (!numbers) return std::nullopt;
  return LargeCommunity{(*numbers)[0], (*numbers)[1], (*numbers)[2]};
}

}  // namespace meridian::base
