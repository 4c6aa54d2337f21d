// A name server on the loopback network for the agent's tests: answers anything, or stays silent.
#pragma once

#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/query.hpp"
#include "dns/writer.hpp"
#include "net/sockets.hpp"
#include "support/packet_builder.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace meridian::test {

/// Any address of 127.0.0.0/8 is this host's.
inline const base::IpAddress kVip = *base::parse_ip_address("127.0.0.53");

/// What a server does to a query; nothing: it stays silent.
struct Manner {
  std::optional<std::string> udp = "ams1";  ///< the NSID it answers with
  std::optional<std::string> tcp = "ams1";
};

inline Bytes answer(const Bytes& packet, const std::string& site) {
  const auto query = dns::parse_query(packet);
  if (!query) return {};
  Bytes reply(512);
  dns::MessageWriter writer(reply, reply.size());
  writer.begin_reply(*query, packet, dns::Rcode::NoError);
  writer.set_authoritative();
  static_cast<void>(writer.add_rrset(dns::Section::Answer, dns::Name{query->name}, query->type, 30,
                                     length_prefixed({192, 0, 2, 1})));
  const Bytes nsid(site.begin(), site.end());
  static_cast<void>(writer.write_opt({.nsid = nsid}));
  reply.resize(writer.finish());
  return reply;
}

/// A name server on the loopback network, on a thread of its own.
class NameServer {
 public:
  explicit NameServer(Manner manner, base::IpAddress address = kVip) : manner_(std::move(manner)) {
    auto bound = net::bind_all({{address, 0}}, 1);
    REQUIRE(bound);
    auto& both = bound->front();
    udp_ = std::move(both.udp.front());
    tcp_ = std::move(both.tcp);
    port_ = both.listen.port;
    thread_ = std::thread([this] { run(); });
  }
  ~NameServer() {
    stop_ = true;
    thread_.join();
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Ports that UDP queries came from.
  [[nodiscard]] std::size_t client_count() const noexcept { return clients_; }

 private:
  void run() {
    std::vector<net::FileDescriptor> connections;
    std::set<std::uint16_t> clients;
    while (!stop_) {
      std::vector<pollfd> waited{{udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}};
      for (const auto& connection : connections) waited.push_back({connection.get(), POLLIN, 0});
      if (::poll(waited.data(), waited.size(), 5) <= 0) continue;
      if (waited[0].revents != 0) clients_ = take_datagram(clients);
      for (std::size_t i = 2; i < waited.size(); ++i) {
        if (waited[i].revents != 0) take_messages(waited[i].fd);
      }
      if (waited[1].revents != 0) connections.emplace_back(::accept(tcp_.get(), nullptr, nullptr));
    }
  }

  std::size_t take_datagram(std::set<std::uint16_t>& clients) const {
    Bytes packet(512);
    sockaddr_in from{};
    socklen_t bytes = sizeof from;
    void* const name = &from;
    const auto size =
        ::recvfrom(udp_.get(), packet.data(), packet.size(), 0, static_cast<sockaddr*>(name), &bytes);
    if (size < 0) return clients.size();
    clients.insert(from.sin_port);
    packet.resize(static_cast<std::size_t>(size));
    if (manner_.udp) {
      const auto reply = answer(packet, *manner_.udp);
      ::sendto(udp_.get(), reply.data(), reply.size(), 0, static_cast<sockaddr*>(name), bytes);
    }
    return clients.size();
  }

  /// All messages that a read brings; the last first, which a client has to bear.
  void take_messages(int connection) const {
    Bytes room(4096);
    const auto size = ::recv(connection, room.data(), room.size(), 0);
    if (size <= 0 || !manner_.tcp) return;
    Bytes replies;
    for (std::size_t at = 0; at + 2 < static_cast<std::size_t>(size);) {
      const auto length = dns::load_u16(&room[at]);
      const auto reply = answer(Bytes(&room[at + 2], &room[at + 2 + length]), *manner_.tcp);
      const auto framed = length_prefixed(reply);
      replies.insert(replies.begin(), framed.begin(), framed.end());
      at += 2U + length;
    }
    ::send(connection, replies.data(), replies.size(), MSG_NOSIGNAL);
  }

  const Manner manner_;
  net::FileDescriptor udp_;
  net::FileDescriptor tcp_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> clients_ = 0;
  std::thread thread_;
};

}  // namespace meridian::test
