// A dnstap collector that does what a test tells it, on a Unix socket of its own.
//
// It speaks Frame Streams by hand: a second reading of the protocol, and one that can misbehave.
#pragma once

#include "net/sockets.hpp"
#include "support/packet_builder.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace meridian::test {

class Collector {
 public:
  explicit Collector(const std::string& path) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::unlink(path.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 4) == 0);
  }

  void accept() { stream_ = net::FileDescriptor(::accept(listener_.get(), nullptr, nullptr)); }
  void hang_up() { stream_ = {}; }

  /// READY comes, ACCEPT goes, START comes. Returns the content type of START's frame.
  std::string shake_hands() {
    CHECK(read_control() == kReady);
    write_control(kAccept, kContentType);
    CHECK(read_control() == kStart);
    return content_type_;
  }

  /// STOP comes, FINISH goes.
  void say_goodbye() {
    CHECK(read_control() == kStop);
    write_control(kFinish, "");
  }

  Bytes read_frame() { return read_bytes(read_u32()); }

  static constexpr const char* kContentType = "protobuf:dnstap.Dnstap";

 private:
  static constexpr std::uint32_t kAccept = 1;
  static constexpr std::uint32_t kStart = 2;
  static constexpr std::uint32_t kStop = 3;
  static constexpr std::uint32_t kReady = 4;
  static constexpr std::uint32_t kFinish = 5;

  Bytes read_bytes(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t got = 0; got < size;) {
      const auto part = ::recv(stream_.get(), bytes.data() + got, size - got, 0);
      if (part <= 0) return {};
      got += static_cast<std::size_t>(part);
    }
    return bytes;
  }

  std::uint32_t read_u32() {
    const auto bytes = read_bytes(4);
    return bytes.empty() ? 0 : dns::load_u32(bytes.data());
  }

  /// A zero, a length, a type, and perhaps a content type: field 1, its length, its bytes.
  std::uint32_t read_control() {
    CHECK(read_u32() == 0);
    const auto bytes = read_bytes(read_u32());
    if (bytes.size() < 4) return 0;
    content_type_ = bytes.size() > 12 ? std::string(bytes.begin() + 12, bytes.end()) : "";
    return dns::load_u32(bytes.data());
  }

  void write_control(std::uint32_t type, const std::string& content_type) {
    Bytes frame;
    const auto add = [&](std::uint32_t value) {
      append_u16(frame, static_cast<std::uint16_t>(value >> 16));
      append_u16(frame, static_cast<std::uint16_t>(value));
    };
    const auto size = static_cast<std::uint32_t>(content_type.size());
    add(0);
    add(size == 0 ? 4 : 12 + size);
    add(type);
    if (size > 0) {
      add(1);
      add(size);
      frame.insert(frame.end(), content_type.begin(), content_type.end());
    }
    CHECK(::send(stream_.get(), frame.data(), frame.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(frame.size()));
  }

  net::FileDescriptor listener_;
  net::FileDescriptor stream_;
  std::string content_type_;
};

}  // namespace meridian::test
