#include "base/siphash.hpp"

#include <bit>
#include <cstring>

namespace meridian::base {
namespace {

/// Section 2 of the paper reads words as little endian, on every machine.
std::uint64_t load_little(const std::uint8_t* from, std::size_t count) noexcept {
  std::uint64_t word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&word, from, count);
  } else {
    for (std::size_t i = 0; i < count; ++i) word |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  }
  return word;
}

struct State {
  std::uint64_t v0;
  std::uint64_t v1;
  std::uint64_t v2;
  std::uint64_t v3;

  void round() noexcept {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

}  // namespace

SipTag siphash_2_4(const SipKey& key, std::span<const std::uint8_t> message) noexcept {
  const std::uint64_t k0 = load_little(key.data(), 8);
  const std::uint64_t k1 = load_little(key.data() + 8, 8);
  // "somepseudorandomlygeneratedbytes", as the paper has it.
  State state{k0 ^ 0x736f'6d65'7073'6575, k1 ^ 0x646f'7261'6e64'6f6d, k0 ^ 0x6c79'6765'6e65'7261,
              k1 ^ 0x7465'6462'7974'6573};
  const std::size_t whole = message.size() & ~std::size_t{7};
  for (std::size_t at = 0; at < whole; at += 8) state.absorb(load_little(message.data() + at, 8));
  // The last word: what is left over, and the length modulo 256 on top.
  std::uint64_t last = static_cast<std::uint64_t>(message.size()) << 56;
  if (message.size() != whole) last |= load_little(message.data() + whole, message.size() - whole);
  state.absorb(last);

  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  const std::uint64_t tag = state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
  SipTag bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(tag >> (8 * i));
  return bytes;
}

}  // namespace meridian::base
