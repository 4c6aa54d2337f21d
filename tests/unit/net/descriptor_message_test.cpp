#include "net/descriptor_message.hpp"

#include "base/limits.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

using namespace meridian;
using namespace std::chrono_literals;

namespace {

base::MonotonicTime within(std::chrono::milliseconds wait) { return std::chrono::steady_clock::now() + wait; }

struct Pair {
  Pair() {
    auto made = net::make_message_pair();
    REQUIRE(made);
    one = std::move(made->first);
    other = std::move(made->second);
  }
  net::FileDescriptor one;
  net::FileDescriptor other;
};

}  // namespace

TEST_SUITE("net/descriptor_message") {
  TEST_CASE("messages keep their borders, and descriptors work where they arrive") {
    const Pair pair;
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const net::FileDescriptor read_end(pipe[0]);
    net::FileDescriptor write_end(pipe[1]);
    const int lent = write_end.get();
    REQUIRE(net::send_message(pair.one, "first", {&lent, 1}, within(20s)));
    REQUIRE(net::send_message(pair.one, "second", {}, within(20s)));
    write_end = net::FileDescriptor();
    const auto first = net::receive_message(pair.other, within(20s));
    REQUIRE(first);
    CHECK(first->bytes == "first");
    REQUIRE(first->descriptors.size() == 1);
    CHECK(::write(first->descriptors[0].get(), "x", 1) == 1);
    char byte = 0;
    CHECK(::read(read_end.get(), &byte, 1) == 1);
    CHECK(byte == 'x');
    const auto second = net::receive_message(pair.other, within(20s));
    REQUIRE(second);
    CHECK(second->bytes == "second");
    CHECK(second->descriptors.empty());
  }

  TEST_CASE("the largest message with the most descriptors passes") {
    const Pair pair;
    const std::string bytes(base::limits::kHandoverMessageBytesMax, 'x');
    const std::vector<int> descriptors(base::limits::kHandoverDescriptorsMax, pair.one.get());
    REQUIRE(net::send_message(pair.one, bytes, descriptors, within(20s)));
    const auto received = net::receive_message(pair.other, within(20s));
    REQUIRE(received);
    CHECK(received->bytes == bytes);
    CHECK(received->descriptors.size() == descriptors.size());
  }

  TEST_CASE("a wait ends at its deadline, and when the other end is closed") {
    Pair pair;
    CHECK(net::receive_message(pair.one, within(1ms)).error() == ETIMEDOUT);
    const std::string bytes(base::limits::kHandoverMessageBytesMax, 'x');
    auto sent = net::send_message(pair.one, bytes, {}, within(20s));
    for (int i = 0; sent && i < 1'000; ++i) sent = net::send_message(pair.one, bytes, {}, within(1ms));
    REQUIRE_FALSE(sent);
    CHECK(sent.error() == ETIMEDOUT);
    pair.other = net::FileDescriptor();
    CHECK(net::send_message(pair.one, "late", {}, within(20s)).error() == EPIPE);
    CHECK(net::receive_message(pair.one, within(20s)).error() == EPIPE);
  }

  TEST_CASE("last words are heard though the other end closed without reading ours") {
    Pair pair;
    REQUIRE(net::send_message(pair.one, "not read", {}, within(20s)));
    REQUIRE(net::send_message(pair.other, "last words", {}, within(20s)));
    pair.other = net::FileDescriptor();
    const auto received = net::receive_message(pair.one, within(20s));
    REQUIRE(received);
    CHECK(received->bytes == "last words");
    CHECK(net::receive_message(pair.one, within(20s)).error() == EPIPE);
  }
}
