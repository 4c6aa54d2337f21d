#include "http/http_server.hpp"

#include "base/limits.hpp"
#include "http/event_hub.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace meridian::http {
namespace {

using namespace std::chrono_literals;

/// A server whose answers a test gives, and which runs only while a test waits for something.
struct Fixture {
  Fixture() { REQUIRE(server.listen(path, "a test")); }
  ~Fixture() {
    server.stop();
    run_ready();
  }

  net::FileDescriptor connect() {
    net::FileDescriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return client;
  }

  static void ask(const net::FileDescriptor& client) {
    const std::string_view request = "GET /v1/status HTTP/1.1\r\nHost: meridiand\r\n\r\n";
    REQUIRE(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL) > 0);
  }

  /// What has come to the client so far; "closed" where the server closed without a word.
  static std::string answer(const net::FileDescriptor& client) {
    std::array<char, 4'096> bytes{};
    const auto count = ::recv(client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN ? "" : "reset";
    return count == 0 ? "closed" : std::string(bytes.data(), static_cast<std::size_t>(count));
  }

  /// Everything that can be done without waiting: a connection, a request and an answer each take some turns.
  void run_ready() {
    context.restart();
    while (context.poll() > 0) {
    }
  }

  template <typename Condition>
  bool run_until(Condition condition) {
    context.restart();
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (condition()) return true;
      context.run_one_for(20ms);
    }
    return false;
  }

  void respond_to_all() {
    for (auto& respond : std::exchange(waiting, {})) respond({200, "{}"});
  }

  test::TemporaryFolder folder;
  std::string path = folder.path() + "/control.sock";
  boost::asio::io_context context{1};
  stats::Counters counters;
  std::vector<Respond> waiting;
  HttpServer server{context, counters,
                    [this](const Request&, Respond respond) { waiting.push_back(std::move(respond)); }};
  bool has_left = false;
};

}  // namespace

TEST_SUITE("http/http_server") {
  TEST_CASE("who leaves still answers who was accepted and has asked nothing yet") {
    Fixture fixture;
    const auto late = fixture.connect();
    fixture.run_ready();
    fixture.server.pause(true);
    fixture.server.leave([&] { fixture.has_left = true; });
    fixture.run_ready();
    CHECK_FALSE(fixture.has_left);
    Fixture::ask(late);
    REQUIRE(fixture.run_until([&] { return !fixture.waiting.empty(); }));
    CHECK_FALSE(fixture.has_left);
    fixture.respond_to_all();
    REQUIRE(fixture.run_until([&] { return fixture.has_left; }));
    CHECK(Fixture::answer(late).starts_with("HTTP/1.1 200 OK"));
  }

  TEST_CASE("who leaves waits for no second request, and for nobody who went away") {
    Fixture fixture;
    const auto idle = fixture.connect();
    Fixture::ask(idle);
    REQUIRE(fixture.run_until([&] { return !fixture.waiting.empty(); }));
    fixture.respond_to_all();
    std::string heard;
    REQUIRE(fixture.run_until([&] { return !(heard = Fixture::answer(idle)).empty(); }));
    CHECK(heard.starts_with("HTTP/1.1 200 OK"));
    auto gone = fixture.connect();
    fixture.run_ready();
    gone = {};
    fixture.server.pause(true);
    fixture.server.leave([&] { fixture.has_left = true; });
    // Much less than the patience with who says nothing.
    const auto start = std::chrono::steady_clock::now();
    REQUIRE(fixture.run_until([&] { return fixture.has_left; }));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds{base::limits::kTcpTransferMs});
  }

  TEST_CASE("a paused server leaves new connections to whoever has its listener, and takes them again") {
    Fixture fixture;
    fixture.run_ready();
    fixture.server.pause(true);
    fixture.run_ready();
    const auto client = fixture.connect();
    Fixture::ask(client);
    fixture.run_ready();
    CHECK(fixture.waiting.empty());
    fixture.server.pause(false);
    REQUIRE(fixture.run_until([&] { return !fixture.waiting.empty(); }));
    fixture.respond_to_all();
    REQUIRE(fixture.run_until([&] { return !Fixture::answer(client).empty(); }));
  }

  TEST_CASE("a listener gets events as they come, and one that is too slow is let go") {
    Fixture fixture;
    stats::Counters events_block;
    EventHub hub{events_block};
    const auto client = fixture.connect();
    Fixture::ask(client);
    REQUIRE(fixture.run_until([&] { return !fixture.waiting.empty(); }));
    for (auto& respond : std::exchange(fixture.waiting, {}))
      respond({200, {}, "text/event-stream", hub.subscribe()});
    std::string heard;
    const auto hears = [&](std::string_view text) {
      return fixture.run_until([&] {
        const auto more = Fixture::answer(client);
        heard += more;
        return heard.find(text) != std::string::npos;
      });
    };
    REQUIRE(hears("Content-Type: text/event-stream\r\n"));
    hub.publish("map", {{"epoch", 2}});
    REQUIRE(hears("id: 1\nevent: map\ndata: {\"epoch\":2}\n\n"));
    // The server's thread does not run meanwhile: nothing is taken.
    for (std::size_t i = 0; i <= base::limits::kEventQueueMax; ++i) hub.publish("map", {});
    REQUIRE(hears("closed"));
    CHECK(heard.find("id: 2\n") == std::string::npos);
    CHECK(events_block.value(stats::Counter::EventSubscribersDropped) == 1);
  }
}

}  // namespace meridian::http
