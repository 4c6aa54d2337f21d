#include "query/query_form.hpp"

#include "dns/client_subnet.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/name.hpp"
#include "zone/hashed_name.hpp"

#include <endian.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace meridian::query {
namespace {

constexpr std::size_t kOpcodeAt = 2;
constexpr std::uint8_t kResponseAndOpcode = 0xf8;
constexpr std::size_t kCountsAt = 4;
/// One question, no records but one or none in the last section; in network order, as the packet has them.
constexpr std::array<std::uint8_t, 8> kPlainCounts{0, 1, 0, 0, 0, 0, 0, 0};
constexpr std::size_t kPacketBytesMin = dns::kHeaderBytes + 1 + dns::kQuestionFixedBytes;
/// Eight bytes without what tells letter cases apart.
constexpr std::uint64_t kCaseless = 0xdfdf'dfdf'dfdf'dfdf;
/// Behind the name, no address of a client subnet can begin before so many bytes: they are the rest of the
/// question, the OPT record's head, an option's and what precedes the address.
constexpr std::size_t kFixedTailBytes =
    dns::kQuestionFixedBytes + dns::kOptFixedBytes + dns::kOptionHeadBytes + dns::kClientSubnetFixedBytes;

bool are_counts_plain(const std::uint8_t* header) noexcept {
  return std::memcmp(header + kCountsAt, kPlainCounts.data(), kPlainCounts.size() - 1) == 0 &&
         header[kCountsAt + 7] <= 1;
}

/// In nearly all packets with a cookie it is the first option, if there are others. What looks like it
/// without an OPT record has no form either.
bool begins_with_cookie(std::span<const std::uint8_t> packet, std::size_t name_end) noexcept {
  const std::size_t at = name_end + dns::kQuestionFixedBytes + dns::kOptFixedBytes;
  return packet.size() >= at + dns::kOptionHeadBytes &&
         static_cast<dns::EdnsOption>(dns::load_u16(packet.data() + at)) == dns::EdnsOption::Cookie;
}

/// Where the name ends in a packet whose head, size and question are those of one that may have a form; else
/// 0.
std::size_t find_question_name_end(std::span<const std::uint8_t> packet) noexcept {
  if (packet.size() < kPacketBytesMin || packet.size() > base::limits::kKeptQueryBytesMax) return 0;
  if ((packet[kOpcodeAt] & kResponseAndOpcode) != 0) return 0;
  const std::size_t name_end = dns::find_name_end(packet, dns::kHeaderBytes);
  return name_end != 0 && packet.size() - name_end >= dns::kQuestionFixedBytes ? name_end : 0;
}

std::uint64_t load_eight(const std::uint8_t* bytes) noexcept {
  return zone::detail::load<std::uint64_t>(bytes);
}

/// The last `count` of the eight bytes at `bytes`, and zeros behind them.
std::uint64_t load_last(const std::uint8_t* bytes, std::size_t count) noexcept {
  const std::uint64_t word = load_eight(bytes);
  const unsigned spare_bits = static_cast<unsigned>(8 - count) * 8;
  return std::endian::native == std::endian::little ? word >> spare_bits : word << spare_bits;
}

/// `count` bytes at `bytes` as a number whose first byte is the most significant of 8; at least 8 bytes
/// before their end can be read.
std::uint64_t load_leading(const std::uint8_t* bytes, std::size_t count) noexcept {
  if (count == 0) return 0;
  return be64toh(load_eight(bytes + count - 8)) << (8 - count) * 8;
}

void store_leading(std::uint8_t* bytes, std::uint64_t number) noexcept {
  const std::uint64_t word = htobe64(number);
  std::memcpy(bytes, &word, sizeof word);
}

bool is_letter(std::uint8_t byte) noexcept { return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'; }

}  // namespace

// As wyhash does, with a secret instead of its constants.
std::uint64_t hash_form(std::span<const std::uint8_t> packet, bool is_tcp, std::uint64_t seed) noexcept {
  const std::size_t name_end = find_question_name_end(packet);
  if (name_end == 0 || begins_with_cookie(packet, name_end)) return 0;
  const std::size_t size = packet.size();
  const std::uint8_t* const bytes = packet.data();
  std::uint64_t hash = seed ^ (size * 2 + (is_tcp ? 1 : 0));
  const auto add = [&](std::uint64_t word) { hash = zone::detail::multiply_fold(hash ^ word, ~seed); };
  add(load_eight(bytes + kOpcodeAt));
  // The name with what precedes and has no letters; the last step overlaps the one before.
  for (std::size_t at = kOpcodeAt + 8; at + 8 < name_end; at += 8) add(load_eight(bytes + at) & kCaseless);
  add(load_eight(bytes + name_end - 8) & kCaseless);
  const std::size_t end = std::min(size, name_end + kFixedTailBytes);
  std::size_t at = name_end;
  for (; at + 8 <= end; at += 8) add(load_eight(bytes + at));
  if (at != end) add(load_last(bytes + end - 8, end - at));
  return hash != 0 ? hash : 1;
}

std::optional<QueryForm> QueryForm::make(std::span<const std::uint8_t> packet, bool is_tcp) noexcept {
  std::optional<QueryForm> form(QueryForm{});
  form->is_tcp_ = is_tcp;
  if (!form->read(packet)) return std::nullopt;
  form->fill_words(packet);
  return form;
}

bool QueryForm::read(std::span<const std::uint8_t> packet) noexcept {
  const std::size_t name_end = find_question_name_end(packet);
  if (name_end == 0 || !are_counts_plain(packet.data())) return false;
  packet_bytes_ = static_cast<std::uint16_t>(packet.size());
  question_end_ = static_cast<std::uint16_t>(name_end + dns::kQuestionFixedBytes);
  const bool has_opt = packet[kCountsAt + 7] == 1;
  return has_opt ? read_opt(packet, question_end_) : question_end_ == packet.size();
}

bool QueryForm::read_opt(std::span<const std::uint8_t> packet, std::size_t at) noexcept {
  constexpr std::size_t kTypeAt = 1;
  constexpr std::size_t kLengthAt = dns::kOptFixedBytes - 2;
  const std::uint8_t* const bytes = packet.data();
  if (packet.size() - at < dns::kOptFixedBytes || bytes[at] != 0 ||
      dns::load_u16(bytes + at + kTypeAt) != static_cast<std::uint16_t>(dns::Rtype::Opt) ||
      dns::load_u16(bytes + at + kLengthAt) != packet.size() - at - dns::kOptFixedBytes)
    return false;
  bool is_met = false;
  for (at += dns::kOptFixedBytes; at != packet.size();) {
    if (packet.size() - at < dns::kOptionHeadBytes) return false;
    const auto code = static_cast<dns::EdnsOption>(dns::load_u16(bytes + at));
    const std::size_t length = dns::load_u16(bytes + at + 2);
    at += dns::kOptionHeadBytes;
    if (packet.size() - at < length || code == dns::EdnsOption::Cookie) return false;
    if (code == dns::EdnsOption::ClientSubnet) {
      if (is_met || !take_client_subnet(packet, at, length)) return false;
      is_met = true;
    }
    at += length;
  }
  return true;
}

bool QueryForm::take_client_subnet(std::span<const std::uint8_t> packet, std::size_t at,
                                   std::size_t length) noexcept {
  const auto subnet = dns::parse_client_subnet(packet.subspan(at, length));
  if (!subnet) return false;
  if (!*subnet) return true;  // of no family: as if there were none
  address_at_ = static_cast<std::uint16_t>(at + dns::kClientSubnetFixedBytes);
  address_count_ = static_cast<std::uint8_t>(length - dns::kClientSubnetFixedBytes);
  subnet_bits_ = (*subnet)->source.bits;
  subnet_family_ = (*subnet)->source.address.family;
  return true;
}

void QueryForm::fill_words(std::span<const std::uint8_t> packet) noexcept {
  std::array<std::uint8_t, kWords * 8> mask{};
  std::array<std::uint8_t, kWords * 8> value{};
  std::copy(packet.begin(), packet.end(), value.begin());
  std::fill_n(mask.begin(), packet.size(), std::uint8_t{0xff});
  mask[0] = mask[1] = 0;
  // A length byte is below 64, no letter.
  const std::size_t name_end = question_end_ - dns::kQuestionFixedBytes;
  for (std::size_t at = dns::kHeaderBytes; at < name_end; ++at) {
    if (is_letter(value[at])) mask[at] = 0xdf;
  }
  std::fill_n(mask.begin() + address_at_, address_count_, std::uint8_t{0});
  for (std::size_t i = 0; i * 8 < packet.size(); ++i)
    words_[i] = {load_eight(value.data() + i * 8), load_eight(mask.data() + i * 8)};
}

bool QueryForm::is_of(std::span<const std::uint8_t> packet, bool is_tcp) const noexcept {
  if (packet.size() != packet_bytes_ || is_tcp != is_tcp_) return false;
  const std::uint8_t* const bytes = packet.data();
  const std::size_t whole = packet.size() / 8;
  const std::size_t rest = packet.size() % 8;
  const Word* const words = words_.data();
  const auto differs = [](std::uint64_t word, const Word& wanted) {
    return ((word ^ wanted.value) & wanted.mask) != 0;
  };
  // Left at once where one differs: faster for so few words than all of them with vectors.
  for (std::size_t i = 0; i < whole; ++i) {
    if (differs(load_eight(bytes + i * 8), words[i])) return false;
  }
  return rest == 0 || !differs(load_last(bytes + packet.size() - 8, rest), words[whole]);
}

bool QueryForm::read_client_subnet(std::span<const std::uint8_t> packet,
                                   base::IpPrefix& subnet) const noexcept {
  const std::uint8_t* const address = packet.data() + address_at_;
  const std::size_t first_count = std::min<std::size_t>(address_count_, 8);
  const std::uint64_t first = load_leading(address, first_count);
  const std::uint64_t second = load_leading(address + first_count, address_count_ - first_count);
  subnet.bits = subnet_bits_;
  subnet.address.family = subnet_family_;
  // In the steps in which it will be read: else the load would wait until the stores are through.
  store_leading(subnet.address.bytes.data(), first);
  store_leading(subnet.address.bytes.data() + 8, second);
  // No shift by all bits, which C++ does not define.
  if (subnet_bits_ >= 64) return subnet_bits_ == 128 || second << (subnet_bits_ - 64) == 0;
  return (first << subnet_bits_ | second) == 0;
}

}  // namespace meridian::query
