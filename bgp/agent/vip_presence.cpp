#include "bgp/agent/vip_presence.hpp"

#include "net/address.hpp"
#include "net/sockets.hpp"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace meridian::agent {

using boost::system::error_code;

base::Expected<std::vector<base::IpAddress>, std::string> read_own_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0)
    return base::unexpected(std::string("cannot read the addresses of this host: ") + std::strerror(errno));
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  std::vector<base::IpAddress> addresses;
  for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    addresses.push_back(net::from_socket_address(storage).address);
  }
  std::sort(addresses.begin(), addresses.end());
  return addresses;
}

VipPresence::VipPresence(boost::asio::io_context& context, std::function<void()> on_news, Reader read,
                         std::chrono::milliseconds period)
    : on_news_(std::move(on_news)),
      read_(std::move(read)),
      period_(period),
      socket_(context),
      timer_(context) {}

void VipPresence::start() {
  // First the messages, then the list: no change is between the two.
  listen();
  look();
  await_period();
}

policy::Vip VipPresence::find(const base::IpAddress& vip) const {
  if (!was_read_) return policy::Vip::Unknown;
  const bool is_there = std::binary_search(addresses_.begin(), addresses_.end(), vip);
  return is_there ? policy::Vip::Present : policy::Vip::Missing;
}

/// Without the kernel's messages the list is still read, so nothing is said of an error here.
void VipPresence::listen() {
  net::FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  const void* const bytes = &address;
  if (!socket || ::bind(socket.get(), static_cast<const sockaddr*>(bytes), sizeof address) != 0) return;
  socket_.assign(socket.release());
  await_message();
}

void VipPresence::await_message() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](error_code ended) {
    if (ended) return;
    std::array<char, 8192> room;  // what it tells is read from the list instead; ENOBUFS is a message, too
    while (::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT) > 0) {
    }
    await_message();
    look();
  });
}

void VipPresence::await_period() {
  timer_.expires_after(period_);
  timer_.async_wait([this](error_code ended) {
    if (ended) return;
    await_period();
    look();
  });
}

void VipPresence::look() {
  auto addresses = read_();
  std::string fault = addresses ? std::string{} : addresses.error();
  const bool is_news = fault != fault_ || (addresses && (!was_read_ || *addresses != addresses_));
  fault_ = std::move(fault);
  if (addresses) {
    addresses_ = std::move(*addresses);
    was_read_ = true;
  }
  if (is_news) on_news_();
}

}  // namespace meridian::agent
