// Cuts a TCP byte stream into DNS messages (RFC 1035 4.2.2: two bytes of length, then the message).
//
// A fixed buffer that holds one query of the largest size we take, or several smaller ones. No sockets.
#pragma once

#include "base/limits.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace meridian::net {

class TcpFraming {
 public:
  static constexpr std::size_t kLengthBytes = 2;

  /// Where to read the next bytes into. Never empty after next() said NeedBytes. Moves what is there to the
  /// front, so spans from next() end here.
  [[nodiscard]] std::span<std::uint8_t> room() noexcept;
  /// So many bytes were read into room().
  void fill(std::size_t bytes) noexcept { end_ += bytes; }

  enum class Next {
    Message,
    NeedBytes,
    BadLength,  ///< 0, or more than limits::kQueryBytesMax: the stream cannot be followed any further.
  };
  /// Takes the next message out. `message` is set for Next::Message only.
  [[nodiscard]] Next next(std::span<const std::uint8_t>& message) noexcept;

  /// What is here of the stream and was not taken out yet: for whatever comes before the first message.
  [[nodiscard]] std::span<const std::uint8_t> peek() const noexcept {
    return std::span{bytes_}.first(end_).subspan(begin_);
  }
  /// Takes so many bytes of peek() out.
  void skip(std::size_t bytes) noexcept { begin_ += bytes; }

  /// True between messages: not one byte of the next is here.
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }

 private:
  /// Not zeroed: there is one for each connection, most of which send a line.
  std::array<std::uint8_t, kLengthBytes + base::limits::kQueryBytesMax> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace meridian::net
