#include "net/tcp_framing.hpp"

#include <cstring>

namespace meridian::net {

std::span<std::uint8_t> TcpFraming::room() noexcept {
  std::memmove(bytes_.data(), &bytes_[0] + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  return std::span{bytes_}.subspan(end_);
}

TcpFraming::Next TcpFraming::next(std::span<const std::uint8_t>& message) noexcept {
  const auto have = peek();
  if (have.size() < kLengthBytes) return Next::NeedBytes;
  const auto length = static_cast<std::size_t>(have[0] << 8 | have[1]);
  if (length == 0 || length > base::limits::kQueryBytesMax) return Next::BadLength;
  if (have.size() < kLengthBytes + length) return Next::NeedBytes;
  message = have.subspan(kLengthBytes, length);
  begin_ += kLengthBytes + length;
  return Next::Message;
}

}  // namespace meridian::net
