// Our addresses as Asio's, for those who accept and connect with it.
#pragma once

#include "base/ip.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>

namespace meridian::net {

[[nodiscard]] inline boost::asio::ip::tcp::endpoint to_endpoint(const base::IpAddress& address,
                                                                std::uint16_t port) {
  namespace ip = boost::asio::ip;
  if (address.family == base::Family::V4) return {ip::address_v4{address.v4_word()}, port};
  return {ip::address_v6{address.bytes}, port};
}

}  // namespace meridian::net
