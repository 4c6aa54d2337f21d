#include "net/unix_client.hpp"

#include "net/unix_socket.hpp"
#include "support/map_fixture.hpp"

#include <sys/socket.h>

#include <doctest/doctest.h>

#include <string>

namespace meridian::net {

TEST_SUITE("net/unix_client") {
  TEST_CASE("a connection is there at once where somebody listens") {
    const test::TemporaryFolder folder;
    const auto path = folder.path() + "/there.sock";
    const auto listener = listen_unix(path, SOCK_SEQPACKET, 1);
    REQUIRE(listener);
    CHECK(connect_unix(path, SOCK_SEQPACKET));
  }

  TEST_CASE("nobody listening is told from a listener whose queue is full") {
    const test::TemporaryFolder folder;
    const auto path = folder.path() + "/there.sock";
    const auto missing = connect_unix(path, SOCK_SEQPACKET);
    REQUIRE(!missing);
    CHECK(missing.error() == std::errc::no_such_file_or_directory);
    {
      const auto listener = listen_unix(path, SOCK_SEQPACKET, 0);
      REQUIRE(listener);
      const auto first = connect_unix(path, SOCK_SEQPACKET);
      REQUIRE(first);
      const auto second = connect_unix(path, SOCK_SEQPACKET);
      REQUIRE(!second);
      CHECK(second.error() == std::errc::resource_unavailable_try_again);
    }
    const auto dead = connect_unix(path, SOCK_SEQPACKET);
    REQUIRE(!dead);
    CHECK(dead.error() == std::errc::connection_refused);
  }

  TEST_CASE("a path that is too long for a socket is an error as a value") {
    const auto refused = connect_unix("/tmp/" + std::string(200, 'x'), SOCK_STREAM);
    REQUIRE(!refused);
    CHECK(refused.error() == std::errc::filename_too_long);
  }
}

}  // namespace meridian::net
