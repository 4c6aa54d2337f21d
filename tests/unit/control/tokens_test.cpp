#include "control/tokens.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <string>

namespace meridian::control {
namespace {

namespace fs = std::filesystem;

// Of "test".
const std::string kTest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

struct Fixture {
  base::Expected<TokenBook, std::string> load(const std::string& text,
                                              fs::perms mode = fs::perms::owner_read) {
    folder.write("tokens", text);
    fs::permissions(path(), mode);
    return TokenBook::load(path());
  }
  [[nodiscard]] std::string path() const { return folder.path() + "/tokens"; }
  [[nodiscard]] std::string error_of(const std::string& text) {
    const auto loaded = load(text);
    return loaded ? std::string{} : loaded.error().substr(path().size());
  }

  test::TemporaryFolder folder;
};

}  // namespace

TEST_SUITE("control/tokens") {
  TEST_CASE("a token is found by what it is, and nothing else is") {
    Fixture fixture;
    const auto book = fixture.load("# who may\n\ngrafana read " + kTest + "\n");
    REQUIRE(book.has_value());
    CHECK(book->size() == 1);
    const auto* const token = book->find("test");
    REQUIRE(token != nullptr);
    CHECK(token->name == "grafana");
    CHECK(token->role == Role::Read);
    for (const auto* const secret : {"", "Test", "test ", kTest.c_str()})
      CHECK(book->find(secret) == nullptr);
  }

  TEST_CASE("a file that others may read is refused") {
    Fixture fixture;
    const auto text = "grafana read " + kTest + "\n";
    for (const auto mode : {fs::perms::group_read, fs::perms::others_read, fs::perms::group_write})
      CHECK_FALSE(fixture.load(text, fs::perms::owner_read | mode).has_value());
    CHECK(fixture.load(text, fs::perms::owner_read | fs::perms::owner_write).has_value());
    CHECK(TokenBook::load(fixture.path() + "x").error().ends_with("there is no such file"));
  }

  TEST_CASE("a file of another user is refused") {
    Fixture fixture;
    const auto text = "grafana read " + kTest + "\n";
    REQUIRE(fixture.load(text).has_value());
    // Only root can give it away.
    if (::chown(fixture.path().c_str(), 12'345, 12'345) != 0) return;
    const auto loaded = TokenBook::load(fixture.path());
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().find("belongs to another user (uid 12345)") != std::string::npos);
  }

  TEST_CASE("what is wrong is told with its line") {
    Fixture fixture;
    CHECK(fixture.error_of("a read\n") == ":1: write a name, read or operate, and the SHA-256 of the token");
    CHECK(fixture.error_of("\na write " + kTest + "\n") == ":2: the role is read or operate, not 'write'");
    CHECK(fixture.error_of("a read 12\n") == ":1: the SHA-256 of a token has 64 hexadecimal digits");
    CHECK(fixture.error_of("a/b read " + kTest).starts_with(":1: a name has letters"));
    CHECK(fixture.error_of("a read " + kTest + " b") ==
          ":1: write a name, read or operate, and the SHA-256 of the token");
    CHECK(fixture.error_of("a read " + kTest + "\nb read " + kTest + "\n") ==
          ":2: 'b' or its token stands before");
  }
}

}  // namespace meridian::control
