// Every case has its peer in the same io_context, on a port that the kernel chose.
#include "probe/transports.hpp"

#include "probe/target.hpp"

#include <doctest/doctest.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/write.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

using namespace meridian;
namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using Type = config::Check::Type;

namespace {

const auto kLoopback = base::IpAddress::v4(0x7f00'0001);

struct Bench {
  asio::io_context context{1};
  base::SystemClock clock;
  probe::Transports transports{context, clock};

  /// Probes once and runs until there is a result.
  health::ProbeResult run(const config::Check& check, const base::IpAddress& address = kLoopback) {
    std::optional<health::ProbeResult> found;
    static_cast<void>(transports.start({std::make_shared<const config::Check>(check), address},
                                       [&](const health::ProbeResult& result) { found = result; }));
    REQUIRE_FALSE(found.has_value());  // never from within start()
    context.restart();
    while (!found) context.run_one();
    return *found;
  }
};

/// Accepts one connection after the other, writes the pieces, each in a packet of its own, and then waits
/// for the peer to go, or closes.
class BannerServer {
 public:
  BannerServer(asio::io_context& context, std::vector<std::string> pieces, bool closes = false)
      : acceptor_(context, {asio::ip::address_v4::loopback(), 0}),
        socket_(context),
        pieces_(std::move(pieces)),
        closes_(closes) {
    accept();
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void stop() { acceptor_.close(); }

 private:
  void accept() {
    acceptor_.async_accept(socket_, [this](boost::system::error_code error) {
      if (error) return;
      socket_.set_option(tcp::no_delay{true});
      for (const auto& piece : pieces_) asio::write(socket_, asio::buffer(piece), error);
      if (closes_) {
        socket_.close();
        return accept();
      }
      socket_.async_read_some(asio::buffer(&byte_, 1), [this](boost::system::error_code, std::size_t) {
        socket_.close();
        accept();
      });
    });
  }

  tcp::acceptor acceptor_;
  tcp::socket socket_;
  std::vector<std::string> pieces_;
  bool closes_;
  char byte_ = 0;
};

config::Check make_check(Type type, std::uint16_t port) {
  config::Check check;
  check.type = type;
  check.port = port;
  check.timeout_ms = 10'000;
  return check;
}

}  // namespace

TEST_SUITE("probe/transports") {
  TEST_CASE("tcp: a connection is enough, and none is a failure that says why") {
    Bench bench;
    std::optional<BannerServer> server{std::in_place, bench.context, std::vector<std::string>{}};
    auto check = make_check(Type::Tcp, server->port());
    const auto result = bench.run(check);
    CHECK(result.is_ok);
    CHECK(result.cause == "");
    CHECK(result.took.count() > 0);
    server->stop();
    const auto refused = bench.run(check);
    CHECK_FALSE(refused.is_ok);
    CHECK(refused.cause == "connect: refused");
  }

  TEST_CASE("tcp: what is expected may come in pieces") {
    Bench bench;
    BannerServer server{bench.context, {"220 mail.exam", "ple ESMTP\r\n"}};
    auto check = make_check(Type::Tcp, server.port());
    check.tcp.expect = "example ESMTP";
    CHECK(bench.run(check).is_ok);
  }

  TEST_CASE("tcp: something else is told, and so is nothing") {
    Bench bench;
    BannerServer server{bench.context, {"554 go\naway"}, true};
    auto check = make_check(Type::Tcp, server.port());
    check.tcp.expect = "220";
    CHECK(bench.run(check).cause == "answer: closed by the endpoint after '554 go?away'");
    BannerServer silent{bench.context, {}};
    check.port = silent.port();
    check.timeout_ms = 30;
    const auto result = bench.run(check);
    CHECK(result.cause == "answer: timed out after 30 ms");
    CHECK(result.took >= std::chrono::milliseconds{29});
  }

  TEST_CASE("tcp: an endpoint that talks for ever is cut off") {
    Bench bench;
    BannerServer server{bench.context, {std::string(80'000, 'x')}};
    auto check = make_check(Type::Tcp, server.port());
    check.tcp.expect = "220";
    CHECK(bench.run(check).cause.starts_with("answer: not in the first 64 KiB"));
  }

  TEST_CASE("probes that are cancelled are not heard of again, and leave nothing that waits") {
    Bench bench;
    // The kernel takes connections for it, and nobody ever says a word.
    const tcp::acceptor server{bench.context, {asio::ip::address_v4::loopback(), 0}};
    for (const auto type : {Type::Tcp, Type::Http, Type::Dns, Type::Grpc}) {
      auto check = make_check(type, server.local_endpoint().port());
      check.tcp.expect = "220";
      check.dns.tcp = true;
      const auto id = bench.transports.start({std::make_shared<const config::Check>(check), kLoopback},
                                             [](const health::ProbeResult&) { FAIL("heard of"); });
      bench.context.restart();
      bench.context.poll();
      bench.transports.cancel(id);
      bench.transports.cancel(id);
    }
    bench.context.restart();
    bench.context.run();  // ends only when nothing is left to wait for
  }

  TEST_CASE("dns: packets that are no reply are passed over, and the reply behind them counts") {
    Bench bench;
    udp::socket server{bench.context, {asio::ip::address_v4::loopback(), 0}};
    std::array<std::uint8_t, 512> room{};
    udp::endpoint client;
    server.async_receive_from(asio::buffer(room), client, [&](boost::system::error_code, std::size_t size) {
      auto reply = std::vector<std::uint8_t>(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
      reply[2] |= 0x80;  // QR
      reply[3] |= 2;     // SERVFAIL
      auto forged = reply;
      forged[0] = static_cast<std::uint8_t>(forged[0] ^ 1);  // another id
      server.send_to(asio::buffer(forged), client);
      server.send_to(asio::buffer("x", 1), client);
      server.send_to(asio::buffer(reply), client);
    });
    auto check = make_check(Type::Dns, server.local_endpoint().port());
    check.dns.name = *dns::Name::parse("www.example.com");
    CHECK(bench.run(check).cause == "dns: SERVFAIL");
  }

  TEST_CASE("dns: a closed port is told at once") {
    Bench bench;
    std::uint16_t port = 0;
    {
      const udp::socket server{bench.context, {asio::ip::address_v4::loopback(), 0}};
      port = server.local_endpoint().port();
    }
    CHECK(bench.run(make_check(Type::Dns, port)).cause == "answer: refused");
  }

  TEST_CASE("a source address that is not ours is a failure that says so") {
    Bench bench;
    for (const auto type : {Type::Tcp, Type::Http, Type::Dns}) {
      auto check = make_check(type, 9);
      check.source_v4 = base::IpAddress::v4(0xc000'0201);
      CHECK(bench.run(check).cause ==
            "connect: the source address is not on this machine, or its ports are used up");
    }
  }

  TEST_CASE("http: a regular expression that cannot be compiled fails each probe and says why") {
    Bench bench;
    auto check = make_check(Type::Http, 9);
    check.http.body_regex = "a(";
    CHECK(bench.run(check).cause.starts_with("bad regular expression: "));
  }
}
