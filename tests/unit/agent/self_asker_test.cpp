#include "bgp/agent/self_asker.hpp"

#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/query.hpp"
#include "dns/writer.hpp"
#include "net/sockets.hpp"
#include "support/packet_builder.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace meridian::agent {
namespace {

using test::Bytes;

const base::IpAddress kVip = *base::parse_ip_address("127.0.0.53");

/// What a server does to a query; nothing: it stays silent.
struct Manner {
  std::optional<std::string> udp = "ams1";  ///< the NSID it answers with
  std::optional<std::string> tcp = "ams1";
};

Bytes answer(const Bytes& packet, const std::string& site) {
  const auto query = dns::parse_query(packet);
  if (!query) return {};
  Bytes reply(512);
  dns::MessageWriter writer(reply, reply.size());
  writer.begin_reply(*query, packet, dns::Rcode::NoError);
  writer.set_authoritative();
  static_cast<void>(writer.add_rrset(dns::Section::Answer, dns::Name{query->name}, query->type, 30,
                                     test::length_prefixed({192, 0, 2, 1})));
  const Bytes nsid(site.begin(), site.end());
  static_cast<void>(writer.write_opt({.nsid = nsid}));
  reply.resize(writer.finish());
  return reply;
}

/// A name server on the loopback network, on a thread of its own.
class Server {
 public:
  explicit Server(Manner manner) : manner_(std::move(manner)) {
    auto udp = net::bind_udp({kVip, 0}, 1);
    REQUIRE(udp);
    udp_ = std::move(udp->front());
    sockaddr_in address{};
    socklen_t bytes = sizeof address;
    void* const name = &address;
    REQUIRE(::getsockname(udp_.get(), static_cast<sockaddr*>(name), &bytes) == 0);
    port_ = ntohs(address.sin_port);
    auto tcp = net::bind_tcp({kVip, port_});
    REQUIRE(tcp);
    tcp_ = std::move(*tcp);
    thread_ = std::thread([this] { run(); });
  }
  ~Server() {
    stop_ = true;
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

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
      const auto framed = test::length_prefixed(reply);
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

SelfTarget target_of(std::uint16_t port) {
  SelfTarget target{.vip = kVip, .port = port, .site = "ams1", .queries = {}};
  for (const auto* const name : {"www.example.com", "api.example.com"}) {
    SelfQuery query;
    query.name = test::name_of(name);
    query.type = dns::Rtype::A;
    target.queries.push_back(query);
  }
  return target;
}

struct Result {
  policy::Round round;
  std::vector<std::string> faults;
  int count = 0;
};

Result ask(SelfTarget target) {
  boost::asio::io_context context;
  SelfAsker asker(context, std::move(target));
  Result result;
  const auto take = [&](const policy::Round& round, const std::vector<std::string>& faults) {
    result = {round, faults, result.count + 1};
  };
  asker.start(take);
  asker.start(take);  // one round at a time
  context.run();
  CHECK(result.count == 1);
  return result;
}

}  // namespace

TEST_SUITE("agent/self_asker") {
  TEST_CASE("a server that answers over both transports makes a clean round, in whatever order it does") {
    const Server server({});
    const auto result = ask(target_of(server.port()));
    CHECK(result.round.is_clean());
    CHECK(result.round.right == 4);
    CHECK(result.faults.empty());
    CHECK(server.client_count() == 2);
  }

  TEST_CASE("an answer of another site is foreign over either transport") {
    const Server server({.udp = "ams1", .tcp = "fra1"});
    const auto result = ask(target_of(server.port()));
    CHECK(result.round.right == 2);
    CHECK(result.round.foreign == 2);
    REQUIRE(result.faults.size() == 2);
    CHECK(result.faults[0] == "A api.example.com over TCP: answered by site fra1");
  }

  TEST_CASE("what is not answered in time is silent") {
    const Server server({.udp = std::nullopt, .tcp = "ams1"});
    const auto result = ask(target_of(server.port()));
    CHECK(result.round.silent == 2);
    CHECK(result.round.right == 2);
    CHECK(result.round.has_silent_transport);
    REQUIRE(result.faults.size() == 2);
    CHECK(result.faults[0] == "A www.example.com over UDP: no answer");
    const Server mute({.udp = std::nullopt, .tcp = std::nullopt});
    CHECK(ask(target_of(mute.port())).round.is_silent());
  }

  TEST_CASE("a closed port is silent, and known to be at once") {
    std::uint16_t port = 0;
    {
      const Server server({});
      port = server.port();
    }
    const auto result = ask(target_of(port));
    CHECK(result.round.is_silent());
    CHECK(result.round.silent == 4);
    REQUIRE(result.faults.size() == 4);
    for (const auto& fault : result.faults) {
      CAPTURE(fault);
      CHECK(fault.find("Connection refused") != std::string::npos);
    }
  }

  TEST_CASE("a round without queries asked nothing") {
    CHECK_FALSE(ask({.vip = kVip, .port = 1, .site = "ams1", .queries = {}}).round.was_asked());
  }

  TEST_CASE("an agent without a free file descriptor asks nothing, which says nothing of the server") {
    const Server server({});
    boost::asio::io_context context;
    const boost::asio::posix::stream_descriptor first(
        context);  // as in an agent, Asio has its own descriptors
    SelfAsker asker(context, target_of(server.port()));
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    std::vector<net::FileDescriptor> taken;
    const rlimit few{.rlim_cur = 256, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.emplace_back(fd);
    std::optional<policy::Round> seen;
    asker.start([&](const policy::Round& round, const std::vector<std::string>&) { seen = round; });
    taken.clear();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    context.run();
    REQUIRE(seen);
    CHECK_FALSE(seen->was_asked());
  }

  TEST_CASE("an asker that goes in the midst of a round says nothing more") {
    const Server server({.udp = std::nullopt, .tcp = std::nullopt});
    boost::asio::io_context context;
    bool was_called = false;
    {
      SelfAsker asker(context, target_of(server.port()));
      asker.start([&](const policy::Round&, const std::vector<std::string>&) { was_called = true; });
    }
    context.run();
    CHECK_FALSE(was_called);
  }
}

}  // namespace meridian::agent
