#include "bgp/link/exabgp_text.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace meridian::bgp {
namespace {

namespace limits = base::limits;
using Kind = ExaBgpLine::Kind;

base::IpAddress address(const char* text) { return base::parse_ip_address(text).value(); }

/// A route with all that a route can have, in its longest spelling.
Route longest_route(std::size_t values) {
  const auto last = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  Route route{{last, {last, 128}}, Level::Announce, {}};
  route.attributes.next_hop = last;
  route.attributes.med = 4294967295;
  route.attributes.communities.assign(values, {65535, 65535});
  route.attributes.large_communities.assign(values, {4294967295, 4294967295, 4294967295});
  route.attributes.as_path.assign(values, 4294967295);
  return route;
}

TEST_SUITE("link/exabgp_text") {
  TEST_CASE("a route is said in the words of ExaBGP") {
    const std::vector<std::string> one = {"192.0.2.1"};
    const std::vector<std::string> two = {"192.0.2.1", "2001:db8:0::1"};
    Route route{{{}, base::parse_ip_prefix("198.51.100.0/24").value()}, Level::Announce, {}};
    CHECK(route_command(route, {}) == "announce route 198.51.100.0/24 next-hop self");
    route.attributes = {.next_hop = address("192.0.2.10"),
                        .med = 50,
                        .communities = {{65535, 0}, {65101, 100}},
                        .large_communities = {{65101, 1, 2}},
                        .as_path = {65101, 65101}};
    CHECK(route_command(route, one) ==
          "neighbor 192.0.2.1 announce route 198.51.100.0/24 next-hop 192.0.2.10 med 50 "
          "community [65535:0 65101:100] large-community [65101:1:2] as-path [65101 65101]");
    route.level = Level::Withdraw;
    CHECK(route_command(route, two) ==
          "neighbor 192.0.2.1 , neighbor 2001:db8:0::1 withdraw route 198.51.100.0/24 next-hop 192.0.2.10 "
          "med 50 "
          "community [65535:0 65101:100] large-community [65101:1:2] as-path [65101 65101]");
    CHECK(flush_command("192.0.2.1") == "neighbor 192.0.2.1 flush adj-rib out");
  }

  TEST_CASE("the longest command is written to a pipe whole") {
    const std::vector<std::string> neighbors(limits::kBgpNeighborsMax, std::string(39, 'f'));
    const auto command = route_command(longest_route(limits::kBgpAttributeValuesMax), neighbors);
    CHECK(command.size() > 3'500);
    CHECK(command.size() < limits::kBgpCommandBytesMax);
  }

  // The trap of docs/anycast.md: ExaBGP looks for its commands anywhere in a line.
  TEST_CASE("no route holds a command of ExaBGP but its own") {
    const std::string_view commands[] = {
        "withdraw", "watchdog", "vpls",      "version",    "teardown",    "shutdown", "show",
        "restart",  "reset",    "reload",    "help",       "flush",       "flow",     "eor",
        "crash",    "clear",    "attribute", "attributes", "operational", "announce", "#"};
    for (const auto level : {Level::Announce, Level::Withdraw}) {
      auto route = longest_route(2);
      route.level = level;
      const auto command = route_command(route, std::vector<std::string>{"2001:db8::1"});
      CAPTURE(command);
      const std::string own = level == Level::Announce ? "announce route " : "withdraw route ";
      const auto at = command.find(own);
      REQUIRE(at != std::string::npos);
      const auto others = command.substr(0, at) + command.substr(at + own.size()) + ' ';
      for (const auto word : commands) CHECK(others.find(std::string{word} + ' ') == std::string::npos);
    }
  }

  TEST_CASE("what ExaBGP says is told apart") {
    struct Row {
      std::string line;
      ExaBgpLine expected;
    };
    const auto peer = address("192.0.2.1");
    const Row rows[] = {
        {"done", {Kind::Done, {}, {}, {}, {}}},
        {"error", {Kind::Error, {}, {}, {}, {}}},
        {"", {}},
        {" done", {}},
        {"done ", {}},
        {"error: no such route", {}},
        {"exabgp 4.2.21", {Kind::Version, {}, {}, "4.2.21", {}}},
        {"exabgp", {}},
        {"exabgp ", {}},
        {"exabgp 4\x1b[2J", {Kind::Version, {}, {}, "4?[2J", {}}},
        {"shutdown 4711 1", {Kind::Shutdown, {}, {}, {}, {}}},
        {"shutdown in progress", {}},
        {"shutdown", {}},
        {"neighbor 192.0.2.1 up", {Kind::Up, peer, "192.0.2.1", "", {}}},
        {"neighbor 192.0.2.1 connected", {}},
        {"neighbor 192.0.2.1 down - peer reset, message [closing connection]",
         {Kind::Down, peer, "192.0.2.1", "peer reset, message [closing connection]", {}}},
        {"neighbor 192.0.2.1 down", {Kind::Down, peer, "192.0.2.1", "", {}}},
        {"neighbor 2001:DB8:0::1 up", {Kind::Up, address("2001:db8::1"), "2001:DB8:0::1", "", {}}},
        {"neighbor upstream up", {}},
        {"neighbor 192.0.2.1 upside", {}},
        {"neighbor 192.0.2.1", {}},
        {"neighbor", {}},
        {"neighbor 192.0.2.1 receive notification code 6 subcode 2 data 00", {}},
        {"Peer            AS        up/down state       |     #sent     #recvd", {}},
        {"192.0.2.1       65000     0:00:12 established           3          1",
         {Kind::Established, peer, "192.0.2.1", "", false}},
        {"192.0.2.1       65000     0:00:02 established           3          1",
         {Kind::Established, peer, "192.0.2.1", "", true}},
        {"192.0.2.1       65000     0:00:03 established           3          1",
         {Kind::Established, peer, "192.0.2.1", "", false}},
        {"192.0.2.1       65000     0:10:00 established           3          1",
         {Kind::Established, peer, "192.0.2.1", "", false}},
        {"192.0.2.1       65000        down established           1          1",
         {Kind::Established, peer, "192.0.2.1", "", true}},
        {"192.0.2.1       65000        down connect               1          1", {}},
        {"2001:db8::1 65000 1 day, 0:00:00 established           3          1",
         {Kind::Established, address("2001:db8::1"), "2001:db8::1", "", false}},
        {"is established now", {}},
    };
    for (const auto& row : rows) {
      CAPTURE(row.line);
      CHECK(read_exabgp_line(row.line) == row.expected);
    }
    const auto long_reason = read_exabgp_line("neighbor 192.0.2.1 down - " + std::string(5'000, 'x'));
    CHECK(long_reason.text.size() == limits::kBgpTextBytesMax);
  }

  TEST_CASE("lines come out whole however the bytes come in") {
    const std::string bytes = "done\n\nneighbor 192.0.2.1 up\n\nerr";
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
      LineSplitter splitter;
      std::vector<std::string> lines;
      const auto take = [&](std::string_view line) { lines.emplace_back(line); };
      for (std::size_t at = 0; at < bytes.size(); at += size)
        splitter.feed(std::string_view(bytes).substr(at, size), take);
      CHECK(lines == std::vector<std::string>{"done", "", "neighbor 192.0.2.1 up", ""});
      splitter.feed("or\n", take);
      CHECK(lines.back() == "error");
    }
  }

  TEST_CASE("of a line without an end no more than the limit is kept") {
    LineSplitter splitter;
    std::vector<std::string> lines;
    const auto take = [&](std::string_view line) { lines.emplace_back(line); };
    for (int i = 0; i < 100; ++i) splitter.feed(std::string(10'000, 'x'), take);
    CHECK(splitter.held_bytes() == limits::kBgpReplyBytesMax);
    splitter.feed("x\ndone\n", take);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].size() == limits::kBgpReplyBytesMax);
    CHECK(lines[1] == "done");
  }
}

}  // namespace
}  // namespace meridian::bgp
