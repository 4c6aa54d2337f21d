#include "query/query_key.hpp"

#include "dns/client_subnet.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/name.hpp"
#include "zone/hashed_name.hpp"

#include <bit>
#include <cstring>

namespace meridian::query {
namespace {

constexpr std::size_t kOpcodeAt = 2;
constexpr std::uint8_t kResponseAndOpcode = 0xf8;
constexpr std::size_t kCountsAt = 4;
/// One question, no records but one or none in the last section; in network order, as the packet has them.
constexpr std::array<std::uint8_t, 8> kPlainCounts{0, 1, 0, 0, 0, 0, 0, 0};

bool are_counts_plain(const std::uint8_t* header) noexcept {
  return std::memcmp(header + kCountsAt, kPlainCounts.data(), kPlainCounts.size() - 1) == 0 &&
         header[kCountsAt + 7] <= 1;
}

/// As wyhash does, with a secret instead of its constants. `words` is followed by one more that may be read.
std::uint64_t hash_words(const std::uint64_t* words, std::size_t count, std::uint64_t seed) noexcept {
  std::uint64_t hash = seed;
  for (std::size_t i = 0; i < count; i += 2)
    hash = zone::detail::multiply_fold(hash ^ words[i], words[i + 1] ^ ~seed);
  return hash;
}

/// The last `count` of the eight bytes at `bytes`, and zeros behind them.
std::uint64_t load_last(const std::uint8_t* bytes, std::size_t count) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const unsigned spare_bits = static_cast<unsigned>(8 - count) * 8;
  return std::endian::native == std::endian::little ? word >> spare_bits : word << spare_bits;
}

}  // namespace

bool QueryKey::read(std::span<const std::uint8_t> packet, bool is_tcp, std::uint64_t seed) noexcept {
  if (packet.size() < dns::kHeaderBytes || packet.size() > base::limits::kKeptQueryBytesMax) return false;
  const std::uint8_t* const bytes = packet.data();
  if ((bytes[kOpcodeAt] & kResponseAndOpcode) != 0 || !are_counts_plain(bytes)) return false;
  const std::size_t name_end = dns::find_name_end(packet, dns::kHeaderBytes);
  if (name_end == 0 || packet.size() - name_end < dns::kQuestionFixedBytes) return false;
  name_end_ = static_cast<std::uint16_t>(name_end);
  packet_bytes_ = static_cast<std::uint16_t>(packet.size());
  client_subnet_.reset();
  subnet_address_ = {};
  const std::size_t question_end = name_end + dns::kQuestionFixedBytes;
  const bool has_opt = bytes[kCountsAt + 7] == 1;
  if (has_opt ? !read_opt(packet, question_end) : question_end != packet.size()) return false;
  fill_words(packet, is_tcp);
  hash_ = hash_words(words_.data(), word_count_, seed);
  return true;
}

bool QueryKey::read_opt(std::span<const std::uint8_t> packet, std::size_t at) noexcept {
  constexpr std::size_t kTypeAt = 1;
  constexpr std::size_t kLengthAt = dns::kOptFixedBytes - 2;
  const std::uint8_t* const bytes = packet.data();
  if (packet.size() - at < dns::kOptFixedBytes || bytes[at] != 0 ||
      dns::load_u16(bytes + at + kTypeAt) != static_cast<std::uint16_t>(dns::Rtype::Opt) ||
      dns::load_u16(bytes + at + kLengthAt) != packet.size() - at - dns::kOptFixedBytes)
    return false;
  for (at += dns::kOptFixedBytes; at != packet.size();) {
    if (packet.size() - at < dns::kOptionHeadBytes) return false;
    const auto code = static_cast<dns::EdnsOption>(dns::load_u16(bytes + at));
    const std::size_t length = dns::load_u16(bytes + at + 2);
    at += dns::kOptionHeadBytes;
    if (packet.size() - at < length || code == dns::EdnsOption::Cookie) return false;
    if (code == dns::EdnsOption::ClientSubnet && !read_client_subnet(packet, at, length)) return false;
    at += length;
  }
  return true;
}

bool QueryKey::read_client_subnet(std::span<const std::uint8_t> packet, std::size_t at,
                                  std::size_t length) noexcept {
  if (subnet_address_.first != 0) return false;  // the second one
  const auto subnet = dns::parse_client_subnet(packet.subspan(at, length));
  if (!subnet) return false;
  const std::size_t address_bytes = length - dns::kClientSubnetFixedBytes;
  subnet_address_ = {static_cast<std::uint16_t>(at + dns::kClientSubnetFixedBytes),
                     static_cast<std::uint16_t>(address_bytes)};
  if (*subnet) client_subnet_ = (*subnet)->source;
  return true;
}

void QueryKey::fill_words(std::span<const std::uint8_t> packet, bool is_tcp) noexcept {
  constexpr std::size_t kAddressBytesMax = 16;
  const std::uint8_t* const from = packet.data();
  auto* const bytes = static_cast<std::uint8_t*>(static_cast<void*>(words_.data()));
  std::uint64_t* const words = words_.data();
  const std::size_t whole = packet.size() / 8;
  const std::size_t rest = packet.size() % 8;
  word_count_ = whole + (rest != 0);
  for (std::size_t i = 0; i < whole; ++i) std::memcpy(words + i, from + i * 8, 8);
  if (rest != 0) words[whole] = load_last(from + packet.size() - 8, rest);
  words[word_count_] = 0;
  bytes[0] = is_tcp ? 1 : 0;  // in place of the id
  bytes[1] = 0;
  std::uint8_t* const name = bytes + dns::kHeaderBytes;
  dns::copy_lower(name, name, name_end_ - dns::kHeaderBytes);
  if (subnet_address_.count == 0) return;
  // More than the address is cleared, and what follows it, rarely anything, comes back.
  const std::size_t end = std::size_t{subnet_address_.first} + subnet_address_.count;
  std::memset(bytes + subnet_address_.first, 0, kAddressBytesMax);
  if (end != packet.size()) std::memcpy(bytes + end, from + end, packet.size() - end);
}

}  // namespace meridian::query
