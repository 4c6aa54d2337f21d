#include "net/sockets.hpp"

#include "base/limits.hpp"
#include "net_support.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <set>

using namespace meridian;
using net_test::at;

namespace {

/// A socket of some other program.
net::FileDescriptor foreign_udp(const net::ListenAddress& listen, bool reuse_port) {
  net::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  REQUIRE(socket);
  const int on = reuse_port ? 1 : 0;
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
  const auto address = net::to_socket_address(listen);
  REQUIRE(::bind(socket.get(), net_test::raw(address), address.bytes) == 0);
  return socket;
}

int option(const net::FileDescriptor& socket, int level, int name) {
  int value = -1;
  socklen_t bytes = sizeof value;
  REQUIRE(::getsockopt(socket.get(), level, name, &value, &bytes) == 0);
  return value;
}

}  // namespace

TEST_SUITE("net/sockets") {
  TEST_CASE("with port 0 all workers and TCP share the port the kernel chose") {
    for (const char* address : {"127.0.0.1", "::1"}) {
      CAPTURE(address);
      const auto all = net::bind_all({at(address)}, 3);
      REQUIRE(all);
      const auto& sockets = all->front();
      CHECK(sockets.listen.port != 0);
      REQUIRE(sockets.udp.size() == 3);
      for (const auto& socket : sockets.udp) CHECK(net::local_address(socket) == sockets.listen);
      CHECK(net::local_address(sockets.tcp) == sockets.listen);
    }
  }

  TEST_CASE("the two wildcards live side by side on one port") {
    const auto v4 = net::bind_all({at("0.0.0.0")}, 2);
    REQUIRE(v4);
    const auto v6 = net::bind_all({at("::", v4->front().listen.port)}, 2);
    CHECK(v6);
  }

  TEST_CASE("a UDP port somebody holds is refused, SO_REUSEPORT or not") {
    for (const bool reuse_port : {false, true}) {
      CAPTURE(reuse_port);
      const auto foreign = foreign_udp(at("127.0.0.1"), reuse_port);
      const auto listen = net::local_address(foreign);
      const auto bound = net::bind_udp(listen, 2);
      REQUIRE_FALSE(bound);
      CHECK(bound.error().error == EADDRINUSE);
      const auto port = std::to_string(listen.port);
      CHECK(bound.error().message ==
            "cannot bind udp 127.0.0.1:" + port +
                ": address already in use; another program or another listen address (such as "
                "the wildcard) holds it: see 'ss -Hlnpu sport = :" +
                port + "'");
    }
  }

  TEST_CASE("a second server of the same user is refused while the first one's workers share the port") {
    const auto first = net::bind_all({at("127.0.0.1")}, 2);
    REQUIRE(first);
    const auto second = net::bind_all({first->front().listen}, 2);
    REQUIRE_FALSE(second);
    CHECK(second.error().find("cannot bind udp 127.0.0.1:") == 0);
  }

  TEST_CASE("a TCP port somebody holds is refused, and nothing stays bound") {
    const auto first = net::bind_tcp(at("127.0.0.1"));
    REQUIRE(first);
    const auto listen = net::local_address(*first);
    const auto all = net::bind_all({listen}, 1);
    REQUIRE_FALSE(all);
    const auto port = std::to_string(listen.port);
    CHECK(all.error() ==
          "cannot bind tcp 127.0.0.1:" + port +
              ": address already in use; another program or another listen address (such as the "
              "wildcard) holds it: see 'ss -Hlnpt sport = :" +
              port + "'");
    CHECK(net::bind_udp(listen, 1));
  }

  TEST_CASE("an address this machine lacks is named, with what to do") {
    const auto bound = net::bind_udp(at("203.0.113.1", 0), 1);
    REQUIRE_FALSE(bound);
    CHECK(bound.error().message ==
          "cannot bind udp 203.0.113.1:0: cannot assign requested address; no interface has this address: "
          "add it to "
          "one (a VIP to lo) or fix the listen list");
  }

  TEST_CASE("a port below 1024 without the capability says which one is missing") {
    const auto user = ::geteuid();
    // As root the capability goes with the effective user and comes back with it.
    if (user == 0) REQUIRE(::seteuid(65'534) == 0);
    const auto bound = net::bind_tcp(at("127.0.0.1", 9));
    if (user == 0) REQUIRE(::seteuid(0) == 0);
    if (bound) {
      MESSAGE("not checked: this machine lets every user bind low ports");
      return;
    }
    CHECK(bound.error().message ==
          "cannot bind tcp 127.0.0.1:9: permission denied; grant CAP_NET_BIND_SERVICE or run under the "
          "shipped unit");
  }

  TEST_CASE("sockets carry the options the server relies on") {
    const auto v4 = net::bind_all({at("0.0.0.0")}, 1);
    const auto v6 = net::bind_all({at("::")}, 1);
    REQUIRE(v4);
    REQUIRE(v6);
    CHECK(option(v4->front().udp[0], IPPROTO_IP, IP_PKTINFO) == 1);
    CHECK(option(v4->front().udp[0], IPPROTO_IP, IP_MTU_DISCOVER) == IP_PMTUDISC_OMIT);
    CHECK(option(v6->front().udp[0], IPPROTO_IPV6, IPV6_RECVPKTINFO) == 1);
    CHECK(option(v6->front().udp[0], IPPROTO_IPV6, IPV6_MTU_DISCOVER) == IPV6_PMTUDISC_OMIT);
    CHECK(option(v6->front().udp[0], IPPROTO_IPV6, IPV6_V6ONLY) == 1);
    CHECK(option(v6->front().tcp, IPPROTO_IPV6, IPV6_V6ONLY) == 1);
    CHECK(option(v4->front().tcp, IPPROTO_TCP, TCP_NODELAY) == 1);
    // Where the kernel allows it: it refuses silently elsewhere, and the server does not mind.
    CHECK(option(v4->front().tcp, IPPROTO_TCP, TCP_FASTOPEN) == base::limits::kTcpFastOpenQueue);
    CHECK(option(v4->front().tcp, SOL_SOCKET, SO_SNDBUF) <= 2 * base::limits::kTcpSendBufferBytes);
    CHECK(option(v4->front().tcp, SOL_SOCKET, SO_RCVBUF) <= 2 * base::limits::kTcpReceiveBufferBytes);
    const auto named = net::bind_udp(at("127.0.0.1"), 1);
    REQUIRE(named);
    CHECK(option(named->front(), IPPROTO_IP, IP_PKTINFO) == 0);
  }
}
