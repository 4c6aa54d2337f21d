#include "net/unix_socket.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>

namespace meridian::net {
namespace {

/// 0, or the errno that says why there is no listener.
int error_of(const std::string& path, int type = SOCK_SEQPACKET) {
  const auto listener = listen_unix(path, type, 1);
  return listener ? 0 : listener.error().value();
}

}  // namespace

TEST_SUITE("net/unix_socket") {
  TEST_CASE("a socket is for its owner and group alone, and its folder is made") {
    const test::TemporaryFolder folder;
    const auto path = folder.path() + "/run/meridian/some.sock";
    const auto listener = listen_unix(path, SOCK_SEQPACKET, 1);
    REQUIRE(listener);
    struct stat there {};
    REQUIRE(::lstat(path.c_str(), &there) == 0);
    CHECK(S_ISSOCK(there.st_mode));
    CHECK((there.st_mode & 0777) == 0660);
  }

  TEST_CASE("a dead socket is replaced, and a live one of whatever type is not") {
    const test::TemporaryFolder folder;
    const auto path = folder.path() + "/some.sock";
    {
      const auto first = listen_unix(path, SOCK_SEQPACKET, 1);
      REQUIRE(first);
      CHECK(error_of(path, SOCK_SEQPACKET) == EADDRINUSE);
      CHECK(error_of(path, SOCK_STREAM) == EADDRINUSE);
    }
    CHECK(error_of(path) == 0);
  }

  TEST_CASE("a live socket whose backlog is full is not taken for a dead one") {
    const test::TemporaryFolder folder;
    const auto path = folder.path() + "/some.sock";
    const auto first = listen_unix(path, SOCK_STREAM, 0);
    REQUIRE(first);
    CHECK(error_of(path, SOCK_STREAM) == EADDRINUSE);  // and its probe fills the backlog
    CHECK(error_of(path, SOCK_STREAM) == EADDRINUSE);
    CHECK(error_of(path, SOCK_STREAM) == EADDRINUSE);
  }

  TEST_CASE("a file that is no socket stays") {
    const test::TemporaryFolder folder;
    folder.write("precious", "do not lose me");
    CHECK(error_of(folder.path() + "/precious") == EEXIST);
    CHECK(std::filesystem::file_size(folder.path() + "/precious") == 14);
  }

  TEST_CASE("a path that no socket can have is told") {
    const test::TemporaryFolder folder;
    CHECK(error_of(folder.path() + "/" + std::string(sizeof(sockaddr_un::sun_path), 'x')) == ENAMETOOLONG);
    CHECK(error_of("/proc/nowhere/some.sock") == ENOENT);
  }
}

}  // namespace meridian::net
