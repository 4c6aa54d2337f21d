#include "querylog/ring.hpp"

#include "base/random.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <thread>

namespace meridian::querylog {
namespace {

bool push(Ring& ring, std::string_view text) {
  const auto room = ring.reserve(text.size());
  if (room.empty()) return false;
  CHECK(room.size() == text.size());
  std::memcpy(room.data(), text.data(), text.size());
  ring.commit();
  return true;
}

/// "" when the ring is empty.
std::string pull(Ring& ring) {
  const auto bytes = ring.front();
  if (bytes.empty()) return {};
  std::string text(bytes.begin(), bytes.end());
  ring.pop();
  return text;
}

TEST_SUITE_BEGIN("querylog/ring");

TEST_CASE("strings come out in the order they went in") {
  Ring ring(128);
  CHECK(pull(ring) == "");
  CHECK(push(ring, "one"));
  CHECK(push(ring, "twentyfour"));
  CHECK(pull(ring) == "one");
  CHECK(push(ring, "x"));
  CHECK(pull(ring) == "twentyfour");
  CHECK(pull(ring) == "x");
  CHECK(pull(ring) == "");
}

TEST_CASE("what was reserved and not committed is not seen") {
  Ring ring(128);
  CHECK(ring.reserve(10).size() == 10);
  CHECK(ring.front().empty());
  CHECK(push(ring, "kept"));
  CHECK(pull(ring) == "kept");
}

TEST_CASE("a full ring refuses, and takes again once there is room") {
  Ring ring(64);
  // 16 bytes each: a head of 8, and 8.
  for (int i = 0; i < 4; ++i) CHECK(push(ring, "12345678"));
  CHECK_FALSE(push(ring, "1"));
  CHECK(pull(ring) == "12345678");
  CHECK_FALSE(push(ring, "123456789"));  // 24 bytes
  CHECK(push(ring, "abcdefgh"));
  CHECK_FALSE(push(ring, "1"));
  for (int i = 0; i < 3; ++i) CHECK(pull(ring) == "12345678");
  CHECK(pull(ring) == "abcdefgh");
  CHECK(pull(ring) == "");
}

TEST_CASE("a string longer than the ring never fits") {
  Ring ring(64);
  CHECK(push(ring, std::string(56, 'x')));
  CHECK(pull(ring) == std::string(56, 'x'));
  CHECK_FALSE(push(ring, std::string(57, 'x')));
}

TEST_CASE("a string that does not fit before the end of the memory goes whole to its start") {
  Ring ring(64);
  CHECK(push(ring, std::string(32, 'a')));  // up to 40
  CHECK(pull(ring) == std::string(32, 'a'));
  CHECK(push(ring, std::string(28, 'b')));  // needs 40: skips 24, from 0 on
  CHECK_FALSE(push(ring, "123456789012345678"));
  CHECK(pull(ring) == std::string(28, 'b'));
  CHECK(pull(ring) == "");
}

TEST_CASE("every string arrives whole and in order between two threads, or is refused") {
  constexpr int kStrings = 200'000;
  Ring ring(1'024);
  std::thread producer([&] {
    base::Random random(1);
    for (int i = 0; i < kStrings; ++i) {
      const std::string text =
          std::to_string(i) + ":" + std::string(random.below(90), static_cast<char>('a' + i % 26));
      while (!push(ring, text)) std::this_thread::yield();
    }
  });
  base::Random random(1);
  int wrong = 0;
  for (int i = 0; i < kStrings; ++i) {
    std::string text;
    while ((text = pull(ring)).empty()) std::this_thread::yield();
    if (text != std::to_string(i) + ":" + std::string(random.below(90), static_cast<char>('a' + i % 26)))
      ++wrong;
  }
  producer.join();
  CHECK(wrong == 0);
  CHECK(pull(ring) == "");
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog
