#include "dns/client.hpp"

#include "base/secret_bytes.hpp"
#include "dns/header.hpp"
#include "dns/name.hpp"

#include <algorithm>
#include <array>

namespace meridian::dns {

std::uint16_t draw_query_id() {
  std::array<std::uint8_t, sizeof(std::uint16_t)> bytes;
  base::fill_secret(bytes);
  return load_u16(bytes.data());
}

bool is_reply_to(std::span<const std::uint8_t> query, std::span<const std::uint8_t> packet) noexcept {
  if (packet.size() < kHeaderBytes) return false;
  const auto header = read_header(packet.first<kHeaderBytes>());
  if (header.id != load_u16(query.data()) || !header.has(header_bits::kResponse)) return false;
  const std::size_t end = find_name_end(query, kHeaderBytes) + kQuestionFixedBytes;
  if (header.question_count != 1 || packet.size() < end) return false;
  const auto question_of = [end](std::span<const std::uint8_t> message) {
    return message.subspan(kHeaderBytes, end - kHeaderBytes);
  };
  return std::ranges::equal(question_of(query), question_of(packet));
}

}  // namespace meridian::dns
