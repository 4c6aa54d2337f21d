#include "querylog/frame_stream.hpp"

#include "unit/querylog/collector.hpp"
#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace meridian::querylog {
namespace {

using std::chrono::milliseconds;
using test::Bytes;
using test::Collector;

/// Longer than any step of a collector that is there.
constexpr milliseconds kPatient{20'000};
/// For steps that are meant to fail.
constexpr milliseconds kImpatient{30};

iovec as_frame(Bytes& bytes) { return {.iov_base = bytes.data(), .iov_len = bytes.size()}; }

TEST_SUITE_BEGIN("querylog/frame_stream");

TEST_CASE("frames arrive between a handshake and a goodbye") {
  test::Folder folder;
  Collector collector(folder.file("tap.sock"));
  std::thread peer([&] {
    collector.accept();
    CHECK(collector.shake_hands() == Collector::kContentType);
    CHECK(collector.read_frame() == Bytes{1, 2, 3});
    CHECK(collector.read_frame() == Bytes(70'000, 7));
    collector.say_goodbye();
  });
  FrameStream stream(folder.file("tap.sock"), Collector::kContentType, kPatient);
  CHECK_FALSE(stream.is_open());
  CHECK_MESSAGE(stream.open(), stream.error());
  Bytes first{1, 2, 3};
  Bytes second(70'000, 7);
  const iovec frames[] = {as_frame(first), as_frame(second)};
  CHECK(stream.write(frames));
  stream.close();
  CHECK_FALSE(stream.is_open());
  peer.join();
}

TEST_CASE("nobody at the socket is an error at once") {
  test::Folder folder;
  FrameStream stream(folder.file("tap.sock"), Collector::kContentType, kPatient);
  CHECK_FALSE(stream.open());
  CHECK(stream.error() == "No such file or directory");
  FrameStream long_path(std::string(200, 'x'), Collector::kContentType, kPatient);
  CHECK_FALSE(long_path.open());
  CHECK(long_path.error() == "File name too long");
}

TEST_CASE("a collector that takes the connection and says nothing is given up") {
  test::Folder folder;
  Collector collector(folder.file("tap.sock"));
  FrameStream stream(folder.file("tap.sock"), Collector::kContentType, kImpatient);
  CHECK_FALSE(stream.open());
  CHECK(stream.error() == "Connection timed out");
}

TEST_CASE("a collector that stops reading is given up, also for the goodbye") {
  test::Folder folder;
  Collector collector(folder.file("tap.sock"));
  std::thread peer([&] {
    collector.accept();
    CHECK(collector.shake_hands() == Collector::kContentType);
  });
  // Patient enough for a handshake with a thread that may have to wait for its core.
  FrameStream stream(folder.file("tap.sock"), Collector::kContentType, milliseconds{1'000});
  REQUIRE_MESSAGE(stream.open(), stream.error());
  peer.join();
  Bytes bytes(60'000, 1);
  const iovec frame = as_frame(bytes);
  int sent = 0;
  while (stream.write({&frame, 1}) && sent < 1'000) ++sent;
  CHECK(sent < 1'000);
  CHECK(stream.error() == "Connection timed out");
  CHECK_FALSE(stream.is_open());
}

TEST_CASE("a collector that hangs up is noticed, and can be met again") {
  test::Folder folder;
  Collector collector(folder.file("tap.sock"));
  const auto meet = [&] {
    std::thread peer([&] {
      collector.accept();
      CHECK(collector.shake_hands() == Collector::kContentType);
    });
    FrameStream stream(folder.file("tap.sock"), Collector::kContentType, kPatient);
    CHECK_MESSAGE(stream.open(), stream.error());
    peer.join();
    Bytes bytes{1};
    const iovec frame = as_frame(bytes);
    CHECK(stream.write({&frame, 1}));
    CHECK(collector.read_frame() == bytes);
    collector.hang_up();
    CHECK_FALSE(stream.write({&frame, 1}));
    CHECK(stream.error() == "Broken pipe");
  };
  meet();
  meet();
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog
