#include "dns/name.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::dns {
namespace {

/// Reads one character of a presentation-form label at `text[i]`, moving `i` past it; -1 on a bad escape.
int take_character(std::string_view text, std::size_t& i) {
  const auto c = static_cast<unsigned char>(text[i++]);
  if (c != '\\') return c;
  if (i >= text.size()) return -1;
  const auto is_digit = [&](std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
  };
  if (!is_digit(i)) return static_cast<unsigned char>(text[i++]);
  if (!is_digit(i + 1) || !is_digit(i + 2)) return -1;
  const int value = (text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
  i += 3;
  return value <= 255 ? value : -1;
}

/// lower() of eight bytes at once: bit 7 of a byte's sum says that it reached 'A', or passed 'Z'.
std::uint64_t lower_eight(std::uint64_t word) noexcept {
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
  const std::uint64_t low_bits = word & kOnes * 0x7f;
  const std::uint64_t from_a = low_bits + kOnes * (0x80 - 'A');
  const std::uint64_t past_z = low_bits + kOnes * (0x7f - 'Z');
  const std::uint64_t upper = (from_a ^ past_z) & ~word & kOnes * 0x80;
  return word | upper >> 2;  // 0x80 becomes 0x20, the bit between the cases
}

}  // namespace

void copy_lower(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept {
  const auto eight_at = [&](std::size_t at) {
    std::uint64_t word = 0;
    std::memcpy(&word, from + at, sizeof word);
    word = lower_eight(word);
    std::memcpy(to + at, &word, sizeof word);
  };
  if (size < 8) {
    for (std::size_t at = 0; at < size; ++at) to[at] = lower(from[at]);
    return;
  }
  for (std::size_t at = 0; at + 8 < size; at += 8) eight_at(at);
  eight_at(size - 8);  // overlaps the one before: what is lower already stays so
}

std::size_t NameView::label_count() const noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; wire_[at] != 0; at += 1u + wire_[at]) ++count;
  return count;
}

bool NameView::is_at_or_under(NameView ancestor) const noexcept {
  NameView name = *this;
  while (name.size() > ancestor.size()) name = name.parent();
  return name == ancestor;
}

bool operator==(NameView left, NameView right) noexcept {
  return std::equal(left.wire_.begin(), left.wire_.end(), right.wire_.begin(), right.wire_.end(),
                    [](std::uint8_t a, std::uint8_t b) { return lower(a) == lower(b); });
}

base::Expected<Name, std::string> Name::parse(std::string_view text) {
  if (text.empty()) return base::unexpected(std::string{"the name is empty"});
  Name name;
  if (text == ".") return name;
  std::size_t length_at = 0;  // where the current label's length byte goes
  std::size_t write_at = 1;
  const auto close_label = [&] {
    name.wire_[length_at] = static_cast<std::uint8_t>(write_at - length_at - 1);
    length_at = write_at++;
  };
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '.') {
      if (write_at == length_at + 1) return base::unexpected(fmt::format("'{}' has an empty label", text));
      close_label();
      ++i;
      continue;
    }
    const int character = take_character(text, i);
    if (character < 0)
      return base::unexpected(fmt::format("'{}' has a bad escape; write \\DDD from 000 to 255", text));
    if (write_at - length_at > base::limits::kLabelBytesMax) {
      return base::unexpected(fmt::format("'{}' has a label of more than 63 bytes", text));
    }
    if (write_at + 1 >= base::limits::kNameBytesMax) {
      return base::unexpected(fmt::format("'{}' is longer than 255 bytes", text));
    }
    name.wire_[write_at++] = static_cast<std::uint8_t>(character);
  }
  if (write_at > length_at + 1) close_label();
  name.wire_[length_at] = 0;
  name.length_ = static_cast<std::uint8_t>(length_at + 1);
  return name;
}

bool Name::assign_wildcard_of(NameView parent) noexcept {
  if (parent.size() + 2 > base::limits::kNameBytesMax) return false;
  std::memmove(wire_.data() + 2, parent.wire().data(), parent.size());
  wire_[0] = 1;
  wire_[1] = '*';
  length_ = static_cast<std::uint8_t>(parent.size() + 2);
  return true;
}

void Name::make_lower() noexcept { copy_lower(wire_.data(), wire_.data(), length_); }

void Name::assign_lower(NameView view) noexcept {
  copy_lower(wire_.data(), view.wire().data(), view.size());
  length_ = static_cast<std::uint8_t>(view.size());
}

std::size_t Name::read(std::span<const std::uint8_t> message, std::size_t offset) noexcept {
  const std::size_t end = copy_labels(message, offset);
  // Labels may have been copied before the fault showed; half a name must never be walked.
  if (end == 0) *this = Name{};
  return end;
}

std::size_t Name::copy_labels(std::span<const std::uint8_t> message, std::size_t offset) noexcept {
  std::size_t at = offset;
  std::size_t end = 0;
  std::size_t lowest = offset;  // each pointer must go further back, which bounds the loop
  std::size_t length = 0;
  for (;;) {
    if (at >= message.size()) return 0;
    const std::uint8_t label = message[at];
    if (label >= 0xc0) {
      if (at + 1 >= message.size()) return 0;
      const std::size_t target = static_cast<std::size_t>(label & 0x3f) << 8 | message[at + 1];
      if (target >= lowest) return 0;
      if (end == 0) end = at + 2;
      at = lowest = target;
      continue;
    }
    if (label > base::limits::kLabelBytesMax || at + 1u + label > message.size()) return 0;
    if (length + 1u + label > base::limits::kNameBytesMax) return 0;
    std::memcpy(wire_.data() + length, message.data() + at, 1u + label);
    length += 1u + label;
    at += 1u + label;
    if (label == 0) break;
  }
  length_ = static_cast<std::uint8_t>(length);
  return end != 0 ? end : at;
}

std::size_t find_name_end(std::span<const std::uint8_t> bytes, std::size_t offset) noexcept {
  for (std::size_t at = offset; at < bytes.size();) {
    const std::uint8_t label = bytes[at];
    if (label > base::limits::kLabelBytesMax) return 0;
    at += 1u + label;
    if (at - offset > base::limits::kNameBytesMax) return 0;
    if (label == 0) return at;
  }
  return 0;
}

std::string to_string(NameView name) {
  if (name.is_root()) return ".";
  std::string text;
  for (; !name.is_root(); name = name.parent()) {
    if (!text.empty()) text += '.';
    for (const std::uint8_t byte : name.first_label()) {
      if (byte <= ' ' || byte >= 0x7f) {
        text += fmt::format("\\{:03}", byte);
      } else {
        if (std::string_view{".\\\"();@$"}.find(static_cast<char>(byte)) != std::string_view::npos)
          text += '\\';
        text += static_cast<char>(byte);
      }
    }
  }
  return text;
}

}  // namespace meridian::dns
