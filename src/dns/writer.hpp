// Writes a reply into a caller's buffer: header, question, records with compressed names, OPT.
//
// What does not fit is taken back whole: never half an RRset (RFC 2181 9). The caller then sets TC or leaves
// the data out. One writer a reply; HOT: nothing here allocates, throws or logs.
#pragma once

#include "base/limits.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/name.hpp"
#include "dns/query.hpp"
#include "dns/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace meridian::dns {

class MessageWriter {
 public:
  /// Writes at most `bytes_max` bytes of `out`, and at least the longest header and question must fit: 271.
  MessageWriter(std::span<std::uint8_t> out, std::size_t bytes_max) noexcept;

  /// Call first, once. Copies id, RD, CD, and the question byte for byte from the packet that `query` was
  /// parsed from.
  void begin_reply(const Query& query, std::span<const std::uint8_t> packet, Rcode rcode) noexcept;

  void set_rcode(Rcode rcode) noexcept { rcode_ = rcode; }
  void set_authoritative() noexcept { bits_ |= header_bits::kAuthoritative; }
  void set_truncated() noexcept { bits_ |= header_bits::kTruncated; }

  /// Keeps room behind the records: give it opt_record_bytes() of the OPT record to come. False: no room,
  /// which 512 bytes have behind any question for any OPT record of ours (kOptBytesMax).
  [[nodiscard]] bool reserve(std::size_t tail_bytes) noexcept;

  /// Where the message stood, to take back several additions at once.
  class Mark {
    friend class MessageWriter;
    std::size_t at_ = 0;
    std::size_t known_name_count_ = 0;
    std::array<std::uint16_t, 3> counts_{};
    Section section_{};
  };
  [[nodiscard]] Mark mark() const noexcept;
  void rewind(const Mark& mark) noexcept;

  // Sections must be written in their order. False: did not fit (or the lengths inside are wrong, which is
  // our own bug), and nothing was written.

  /// `records` is any number of times: 16-bit length, then that many bytes of uncompressed rdata. Names in
  /// the rdata of RFC 1035 types are compressed. The class is the question's (IN for class ANY).
  [[nodiscard]] bool add_rrset(Section section, NameView owner, Rtype type, std::uint32_t ttl_s,
                               std::span<const std::uint8_t> records) noexcept;

  /// `images` is `count` whole records as they go out, each owner being a pointer to the question's name
  /// (0xc00c). Names in their rdata must not be compressed.
  [[nodiscard]] bool add_raw(Section section, std::span<const std::uint8_t> images,
                             std::uint16_t count) noexcept;

  /// The same images under another owner (the target of a CNAME before them) or with another TTL.
  [[nodiscard]] bool add_raw(Section section, NameView owner, std::optional<std::uint32_t> ttl_s,
                             std::span<const std::uint8_t> images) noexcept;

  /// Writes the OPT record, using what was reserved.
  [[nodiscard]] bool write_opt(const EdnsReply& edns) noexcept;

  /// Where a name stands in the message, for a pointer; 0 when nowhere or out of a pointer's reach.
  [[nodiscard]] std::uint16_t name_offset(NameView name) const noexcept;

  /// Records in a section so far.
  [[nodiscard]] std::uint16_t count(Section section) const noexcept {
    return counts_[static_cast<std::size_t>(section)];
  }

  /// Writes the header; returns the size of the message.
  [[nodiscard]] std::size_t finish() noexcept;

 private:
  class Owner;

  /// A place in the message where a name starts, and a hash of that name to skip most comparisons.
  struct KnownName {
    std::uint16_t offset;
    std::uint16_t hash;
  };

  [[nodiscard]] bool has_room(std::size_t count) const noexcept {
    return bytes_max_ - reserved_ - at_ >= count;
  }
  [[nodiscard]] bool put_bytes(std::span<const std::uint8_t> bytes) noexcept;
  [[nodiscard]] bool put_name(NameView name) noexcept;
  [[nodiscard]] bool put_rdata(Rtype type, std::span<const std::uint8_t> rdata) noexcept;
  [[nodiscard]] bool put_record(Rtype type, std::uint32_t ttl_s,
                                std::span<const std::uint8_t> rdata) noexcept;

  void open_section(Section section) noexcept;
  void remember(std::size_t offset, std::uint16_t hash) noexcept;
  [[nodiscard]] std::uint16_t find_known(NameView name, std::uint16_t hash) const noexcept;
  [[nodiscard]] bool is_name_at(std::size_t offset, NameView name) const noexcept;

  std::span<std::uint8_t> out_;
  std::size_t bytes_max_;
  std::size_t reserved_ = 0;
  std::size_t at_ = kHeaderBytes;
  std::uint16_t id_ = 0;
  std::uint16_t bits_ = 0;
  std::uint16_t question_count_ = 0;
  Rcode rcode_ = Rcode::NoError;
  Rclass rclass_ = Rclass::In;
  Section section_ = Section::Answer;
  std::array<std::uint16_t, 3> counts_{};
  std::size_t known_name_count_ = 0;
  std::array<KnownName, base::limits::kCompressionNamesMax> known_names_;
};

}  // namespace meridian::dns
