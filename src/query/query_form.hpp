// The form of a query packet: all of it but the id, the letter case of the name and the client subnet's
// address, which a reply repeats. For clients in the same tiers, packets of one form get one answer.
//
// A form is made, with every check, of a packet that was answered. Others are compared with it, which takes
// no parsing: what is equal byte for byte is as well formed. HOT: no allocation.
#pragma once

#include "base/ip.hpp"
#include "base/limits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::query {

/// The same number for all packets of a form, and in all its bits another one for nearly every other packet;
/// 0: no such packet has a form. `seed` goes into it, so that nobody outside can tell which packets share a
/// number.
[[nodiscard]] std::uint64_t hash_form(std::span<const std::uint8_t> packet, bool is_tcp,
                                      std::uint64_t seed) noexcept;

class QueryForm {
 public:
  /// Of no packet.
  QueryForm() = default;

  /// nullopt: packets like this one have no form. It has one when it is one question of opcode QUERY, then
  /// nothing or one OPT record without a cookie, whose answer is the client's own, at most
  /// limits::kKeptQueryBytesMax in all.
  [[nodiscard]] static std::optional<QueryForm> make(std::span<const std::uint8_t> packet,
                                                     bool is_tcp) noexcept;

  /// Whether `packet` is of this form.
  [[nodiscard]] bool is_of(std::span<const std::uint8_t> packet, bool is_tcp) const noexcept;

  /// Of a packet's bytes the question is [dns::kHeaderBytes, question_end).
  [[nodiscard]] std::size_t question_end() const noexcept { return question_end_; }

  /// There is a client subnet, if of 0 bits.
  [[nodiscard]] bool has_client_subnet() const noexcept { return address_at_ != 0; }
  /// With a client subnet: the packet's bytes [at, at + count) are its address; count may be 0. Before them
  /// stand at least 30 others.
  [[nodiscard]] std::size_t address_at() const noexcept { return address_at_; }
  [[nodiscard]] std::size_t address_count() const noexcept { return address_count_; }
  /// The client subnet of a packet of this form that has one; false: behind the prefix there are bits, which
  /// is parse_query's business.
  [[nodiscard]] bool read_client_subnet(std::span<const std::uint8_t> packet,
                                        base::IpPrefix& subnet) const noexcept;

 private:
  static constexpr std::size_t kWords = base::limits::kKeptQueryBytesMax / 8;

  [[nodiscard]] bool read(std::span<const std::uint8_t> packet) noexcept;
  [[nodiscard]] bool read_opt(std::span<const std::uint8_t> packet, std::size_t at) noexcept;
  [[nodiscard]] bool take_client_subnet(std::span<const std::uint8_t> packet, std::size_t at,
                                        std::size_t length) noexcept;
  void fill_words(std::span<const std::uint8_t> packet) noexcept;

  /// Eight bytes of the packet, and which bits of them count.
  struct Word {
    std::uint64_t value = 0;
    std::uint64_t mask = 0;
  };

  std::uint16_t packet_bytes_ = 0;
  std::uint16_t question_end_ = 0;
  std::uint16_t address_at_ = 0;
  std::uint8_t address_count_ = 0;
  std::uint8_t subnet_bits_ = 0;
  base::Family subnet_family_ = base::Family::V4;
  bool is_tcp_ = false;
  std::array<Word, kWords> words_;  ///< as far as the packet goes; the rest is never read
};

}  // namespace meridian::query
