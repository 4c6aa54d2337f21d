// What the tests of the agent share: a context that runs until something is true.
#pragma once

#include "bgp/policy/observation.hpp"
#include "net/unix_socket.hpp"
#include "support/map_fixture.hpp"

#include <sys/socket.h>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::test {

/// Only code that is broken takes so long.
inline constexpr std::chrono::seconds kPatience{20};

inline void run_until(boost::asio::io_context& context, const std::function<bool()>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!is_true()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    context.restart();
    context.run_one_for(std::chrono::milliseconds(20));
  }
}

/// One end of a unix socket of packets.
struct PacketSocket {
  net::FileDescriptor socket;

  void send(std::string_view text) const {
    REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  /// Nothing came: "".
  [[nodiscard]] std::string receive() const {
    std::string room(1 << 17, '\0');
    const auto size = ::recv(socket.get(), room.data(), room.size(), MSG_DONTWAIT);
    room.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return room;
  }
};

inline PacketSocket accept_from(const net::FileDescriptor& listener) {
  return {net::FileDescriptor(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK))};
}

}  // namespace meridian::test
