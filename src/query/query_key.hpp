// A query packet reduced to what its answer depends on: the same key, for clients in the same tiers, gets the
// same answer but for the id, the letter case of the question and the client subnet's address, which a reply
// repeats.
//
// Only the form of packet that nearly all resolvers send has a key; whatever else is left to parse_query, as
// is every judgement of what the packet says. HOT: no allocation; the object is its worker's and is filled
// anew for each packet.
#pragma once

#include "base/ip.hpp"
#include "base/limits.hpp"
#include "query/answer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::query {

class QueryKey {
 public:
  static constexpr std::size_t kWords = base::limits::kKeptQueryBytesMax / 8;
  static_assert(base::limits::kKeptQueryBytesMax % 16 == 0, "hashed in steps of two words");
  /// Room for the client subnet's address to be cleared as a whole, wherever it starts.
  static constexpr std::size_t kSpareWords = 2;

  /// False: such a packet has no key, and nothing else here may be asked. It has one when it is one question
  /// of opcode QUERY, then nothing or one OPT record without a cookie, whose answer is the client's own, at
  /// most limits::kKeptQueryBytesMax in all. `seed` goes into the hash, so that nobody outside can tell which
  /// packets share a place.
  [[nodiscard]] bool read(std::span<const std::uint8_t> packet, bool is_tcp, std::uint64_t seed) noexcept;

  /// Of words(), in all its bits.
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  /// The packet with what a reply repeats left out, the transport in, and zeros to the end of the last word.
  [[nodiscard]] std::span<const std::uint64_t> words() const noexcept { return {words_.data(), word_count_}; }
  [[nodiscard]] std::size_t packet_bytes() const noexcept { return packet_bytes_; }
  /// The packet's bytes [dns::kHeaderBytes, name_end) are the name.
  [[nodiscard]] std::size_t name_end() const noexcept { return name_end_; }
  [[nodiscard]] const std::optional<base::IpPrefix>& client_subnet() const noexcept { return client_subnet_; }
  /// With a client subnet: the packet's bytes [first, first + count) are its address; count may be 0.
  struct Bytes {
    std::uint16_t first = 0;
    std::uint16_t count = 0;
  };
  [[nodiscard]] Bytes subnet_address() const noexcept { return subnet_address_; }

 private:
  [[nodiscard]] bool read_opt(std::span<const std::uint8_t> packet, std::size_t at) noexcept;
  [[nodiscard]] bool read_client_subnet(std::span<const std::uint8_t> packet, std::size_t at,
                                        std::size_t length) noexcept;
  void fill_words(std::span<const std::uint8_t> packet, bool is_tcp) noexcept;

  std::uint64_t hash_ = 0;
  std::size_t word_count_ = 0;
  std::uint16_t packet_bytes_ = 0;
  std::uint16_t name_end_ = 0;
  Bytes subnet_address_;
  std::optional<base::IpPrefix> client_subnet_;
  std::array<std::uint64_t, kWords + kSpareWords> words_;  // as far as word_count_; the rest is never read
};

}  // namespace meridian::query
