#include "picture/svg_text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace meridian::picture {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xc0) == 0x80;
}

/// Bytes of the character that begins here, 0 when none does (RFC 3629, section 4). U+FFFE and U+FFFF are
/// well formed, but no XML document may have them.
std::size_t character_bytes(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t count = first >= 0xf0 && first <= 0xf4  ? 4
                            : first >= 0xe0 && first < 0xf0 ? 3
                            : first >= 0xc2 && first < 0xe0 ? 2
                                                            : 0;
  if (count == 0) return 0;
  for (std::size_t i = 1; i < count; ++i) {
    if (!is_continuation(text, at + i)) return 0;
  }
  const bool is_overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool is_out_of_range = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  const bool is_no_character = first == 0xef && byte(1) == 0xbf && byte(2) >= 0xbe;
  return is_overlong || is_out_of_range || is_no_character ? 0 : count;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t bytes = character_bytes(text, at);
    const bool is_control = static_cast<std::uint8_t>(c) < 0x20 && c != '\n' && c != '\t';
    if (bytes == 0 || is_control) {
      out += kReplacement;
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += text.substr(at, bytes);
    }
    at += bytes == 0 ? 1 : bytes;
  }
  return out;
}

}  // namespace meridian::picture
