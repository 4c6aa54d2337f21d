#include "control/liveness_socket.hpp"

#include "base/limits.hpp"
#include "support/map_fixture.hpp"

#include <doctest/doctest.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::control {
namespace {

namespace json = boost::json;
namespace limits = base::limits;
using namespace std::chrono_literals;

constexpr const char* kNone = "nothing";
constexpr const char* kEnd = "end";

/// What the server says next, kEnd, or kNone within the time.
std::string next(const net::FileDescriptor& client, std::chrono::milliseconds patience = 20s) {
  pollfd waited{.fd = client.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waited, 1, static_cast<int>(patience.count())) <= 0) return kNone;
  std::array<char, 2 * limits::kLivenessPacketBytesMax> bytes{};
  const auto count = ::recv(client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  return count <= 0 ? kEnd : std::string(bytes.data(), static_cast<std::size_t>(count));
}

net::ListenAddress at(std::string_view address, std::uint16_t port = 53) {
  return {.address = base::parse_ip_address(address).value(), .port = port};
}

std::uint64_t epoch_of(const std::string& packet) {
  return json::parse(packet).at("epoch").to_number<std::uint64_t>();
}

/// Reads until the server tells of this epoch.
bool reaches_epoch(const net::FileDescriptor& client, std::uint64_t wanted) {
  for (int i = 0; i < 1'000; ++i) {
    const auto packet = next(client);
    if (packet == kNone || packet == kEnd) return false;
    if (epoch_of(packet) == wanted) return true;
  }
  return false;
}

struct Fixture {
  Fixture() { REQUIRE(socket.listen(path)); }

  /// A descriptor, or errno.
  base::Expected<net::FileDescriptor, int> try_to_connect() const {
    net::FileDescriptor client(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return base::unexpected(int{errno});
    return client;
  }
  net::FileDescriptor connect() const { return try_to_connect().value(); }

  void change() {
    ++epoch;
    socket.tell();
  }

  test::TemporaryFolder folder;
  std::string path = folder.path() + "/liveness.sock";
  std::atomic<std::uint64_t> epoch{1};
  LivenessSocket socket{[this] { return Liveness{.is_ready = true, .epoch = epoch}; }};
};

}  // namespace

TEST_SUITE("control/liveness_socket") {
  TEST_CASE("a packet says how the server is") {
    const Liveness liveness{.is_ready = true,
                            .epoch = 7,
                            .site = "ams1",
                            .zones = {"example.com", "example.org"},
                            .oldest_input = 123s,
                            .queries = 41,
                            .queries_by_address = {{.listen = at("192.0.2.53"), .udp = 30, .tcp = 12},
                                                   {.listen = at("2001:db8::53"), .udp = 1, .tcp = 0}},
                            .drops = 2};
    CHECK(to_packet(liveness) ==
          R"({"version":1,"ready":true,"epoch":7,"site":"ams1","zones":["example.com","example.org"],)"
          R"("oldest_input_s":123,"queries":41,)"
          R"("queries_by_address":{"192.0.2.53:53":42,"[2001:db8::53]:53":1},"drops":2})");
    CHECK(json::parse(to_packet({})).at("ready") == json::value(false));
    CHECK(json::parse(to_packet({})).at("oldest_input_s").is_null());
  }

  TEST_CASE("a packet has no more zones and no more bytes than it may") {
    Liveness many;
    for (int i = 0; i < 1'000; ++i) many.zones.push_back("zone" + std::to_string(i) + ".example");
    const auto first = json::parse(to_packet(many)).at("zones").as_array();
    CHECK(first.size() == limits::kLivenessZonesMax);
    CHECK(first.front() == json::value("zone0.example"));
    Liveness large;
    for (int i = 0; i < 64; ++i) large.zones.emplace_back(300, '"');  // each escaped: two bytes
    const auto packet = to_packet(large);
    CHECK(packet.size() <= limits::kLivenessPacketBytesMax);
    CHECK(packet.size() > limits::kLivenessPacketBytesMax - 603);
  }

  TEST_CASE(
      "addresses have their counts in a packet whatever there is of zones, as many as may be listened at") {
    Liveness large;
    for (int i = 0; i < 64; ++i) large.zones.emplace_back(300, 'z');
    const auto address = [](std::size_t i) {
      return at("2001:db8:1111:2222:3333:4444:5555:" + std::to_string(1'000 + i), 65'535);
    };
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    for (std::size_t i = 0; i < limits::kListenAddressesMax + 1; ++i)
      large.queries_by_address.push_back({.listen = address(i), .udp = kMost, .tcp = 0});
    const auto packet = to_packet(large);
    CHECK(packet.size() <= limits::kLivenessPacketBytesMax);
    CHECK(json::parse(packet).at("zones").as_array().size() >= 10);
    const auto told = json::parse(packet).at("queries_by_address").as_object();
    CHECK(told.size() == limits::kListenAddressesMax);
    CHECK(told.at(net::to_string(address(0))).as_uint64() == kMost);
  }

  TEST_CASE("a client is told as it connects, at a change, and each second") {
    Fixture fixture;
    fixture.socket.start();
    const auto client = fixture.connect();
    CHECK(epoch_of(next(client)) == 1);
    fixture.change();
    CHECK(reaches_epoch(client, 2));
    const auto before = std::chrono::steady_clock::now();
    CHECK(epoch_of(next(client)) == 2);
    CHECK(epoch_of(next(client)) == 2);
    // Two of them are a second apart; a busy machine makes it more.
    CHECK(std::chrono::steady_clock::now() - before > 900ms);
  }

  TEST_CASE("who connects before it speaks is told once it does") {
    Fixture fixture;
    const auto client = fixture.connect();
    CHECK(next(client, 0ms) == kNone);
    fixture.socket.start();
    CHECK(epoch_of(next(client)) == 1);
  }

  TEST_CASE("a client that does not read holds up nobody, and little waits for it") {
    Fixture fixture;
    fixture.socket.start();
    const auto lazy = fixture.connect();
    const auto keen = fixture.connect();
    CHECK(epoch_of(next(keen)) == 1);
    for (std::uint64_t i = 2; i < 500; ++i) {
      fixture.change();
      REQUIRE(reaches_epoch(keen, i));
    }
    std::size_t waiting = 0;
    while (next(lazy, 0ms) != kNone) ++waiting;
    CHECK(waiting > 0);
    // Small packets: what they take of the kernel's memory bounds them.
    CHECK(waiting < 120);
    fixture.change();
    CHECK(reaches_epoch(lazy, 500));
  }

  TEST_CASE("one client too many waits until another goes") {
    Fixture fixture;
    fixture.socket.start();
    std::vector<net::FileDescriptor> clients;
    for (std::size_t i = 0; i < limits::kLivenessClientsMax; ++i) {
      clients.push_back(fixture.connect());
      REQUIRE(epoch_of(next(clients.back())) == 1);
    }
    const auto late = fixture.connect();
    fixture.change();
    REQUIRE(reaches_epoch(clients.front(), 2));
    CHECK(next(late, 0ms) == kNone);
    clients.pop_back();
    CHECK(epoch_of(next(late)) == 2);
  }

  TEST_CASE("a client that says something is let go") {
    Fixture fixture;
    fixture.socket.start();
    const auto client = fixture.connect();
    CHECK(epoch_of(next(client)) == 1);
    REQUIRE(::send(client.get(), "x", 1, MSG_NOSIGNAL) == 1);
    auto said = next(client);
    while (said != kEnd && said != kNone) said = next(client);
    CHECK(said == kEnd);
  }

  TEST_CASE("the end is known at once, and the file goes") {
    Fixture fixture;
    fixture.socket.start();
    const auto client = fixture.connect();
    CHECK(epoch_of(next(client)) == 1);
    fixture.socket.stop();
    CHECK(next(client, 0ms) == kEnd);
    CHECK_FALSE(std::filesystem::exists(fixture.path));
    CHECK(fixture.try_to_connect().error() == ENOENT);
  }

  TEST_CASE("a hand-over ends connections, and who comes back at once is taken by the other process") {
    Fixture fixture;
    fixture.socket.start();
    const auto client = fixture.connect();
    CHECK(epoch_of(next(client)) == 1);
    LivenessSocket other([] { return Liveness{.epoch = 10}; });
    other.adopt(fixture.socket.duplicate_listener());
    fixture.socket.hand_over();
    CHECK(next(client, 0ms) == kEnd);
    const auto again = fixture.connect();
    other.own_socket_file(fixture.path);
    other.start();
    CHECK(epoch_of(next(again)) == 10);
    other.stop();
    CHECK_FALSE(std::filesystem::exists(fixture.path));
  }

  TEST_CASE("without a socket there is nothing to do") {
    LivenessSocket none([] { return Liveness{}; });
    none.own_socket_file("/nowhere");
    CHECK_FALSE(none.duplicate_listener());
    none.start();
    none.tell();
    none.hand_over();
  }

  TEST_CASE("a socket of a running server is not taken") {
    Fixture fixture;
    LivenessSocket second([] { return Liveness{}; });
    const auto listening = second.listen(fixture.path);
    REQUIRE_FALSE(listening);
    CHECK(listening.error().starts_with("cannot listen on liveness socket " + fixture.path +
                                        ": Address already in use; "));
  }
}

}  // namespace meridian::control
