#include "net/tcp_framing.hpp"

#include "net_support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace meridian;
using net::TcpFraming;
using Next = net::TcpFraming::Next;

namespace {

void put(TcpFraming& framing, std::string_view bytes) {
  const auto room = framing.room();
  REQUIRE(room.size() >= bytes.size());
  std::copy(bytes.begin(), bytes.end(), room.begin());
  framing.fill(bytes.size());
}

}  // namespace

TEST_SUITE("net/tcp_framing") {
  TEST_CASE("messages come out whole however the bytes came in") {
    const std::string stream = net_test::framed("one") + net_test::framed("second") + net_test::framed("3");
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
      CAPTURE(piece);
      TcpFraming framing;
      std::vector<std::string> messages;
      for (std::size_t at = 0; at < stream.size(); at += piece) {
        put(framing, std::string_view(stream).substr(at, piece));
        std::span<const std::uint8_t> message;
        while (framing.next(message) == Next::Message) messages.emplace_back(message.begin(), message.end());
      }
      CHECK(messages == std::vector<std::string>{"one", "second", "3"});
      CHECK(framing.empty());
    }
  }

  TEST_CASE("lengths of 0 and past the limit cannot be followed, the limit itself can") {
    struct Row {
      const char* why;
      std::size_t length;
      Next expected;
    };
    const Row rows[] = {
        {"zero", 0, Next::BadLength},
        {"one byte", 1, Next::NeedBytes},
        {"the longest query", base::limits::kQueryBytesMax, Next::NeedBytes},
        {"one more", base::limits::kQueryBytesMax + 1, Next::BadLength},
        {"all ones", 65'535, Next::BadLength},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      TcpFraming framing;
      put(framing, net_test::framed(std::string(row.length, 'q')).substr(0, 2));
      std::span<const std::uint8_t> message;
      CHECK(framing.next(message) == row.expected);
    }
  }

  TEST_CASE("there is room for the longest query even behind another message") {
    TcpFraming framing;
    const std::string longest(base::limits::kQueryBytesMax, 'q');
    std::span<const std::uint8_t> message;
    put(framing, net_test::framed("first") + net_test::framed(longest).substr(0, 1'000));
    REQUIRE(framing.next(message) == Next::Message);
    REQUIRE(framing.next(message) == Next::NeedBytes);
    put(framing, net_test::framed(longest).substr(1'000));
    REQUIRE(framing.next(message) == Next::Message);
    CHECK(std::string(message.begin(), message.end()) == longest);
    CHECK(framing.next(message) == Next::NeedBytes);
    CHECK_FALSE(framing.room().empty());
  }
}
