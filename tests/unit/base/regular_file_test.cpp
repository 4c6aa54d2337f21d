#include "base/regular_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <utility>

namespace meridian::base {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with the test.
struct Folder {
  Folder() {
    auto pattern = (fs::temp_directory_path() / "meridian-file-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path path;
};

}  // namespace

TEST_SUITE("base/regular_file") {
  TEST_CASE("a file is read whole, through links, up to its bound") {
    const Folder folder;
    const std::string text("a\0b\n", 4);
    std::ofstream(folder.path / "file", std::ios::binary) << text;
    fs::create_symlink("file", folder.path / "link");
    CHECK(read_regular_file(folder.path / "file", 4).value() == text);
    CHECK(read_regular_file(folder.path / "link", 4).value() == text);
    const auto large = read_regular_file(folder.path / "file", 3);
    REQUIRE_FALSE(large);
    CHECK(large.error().kind == FileProblem::Kind::TooLarge);
    CHECK(large.error().message == "it has 4 bytes");
  }

  TEST_CASE("what is no file is refused at once, also a pipe that nobody writes to") {
    const Folder folder;
    REQUIRE(::mkfifo((folder.path / "pipe").c_str(), 0600) == 0);
    for (const auto& path : {folder.path / "pipe", folder.path, fs::path("/dev/zero")}) {
      CAPTURE(path.string());
      const auto text = read_regular_file(path, 100);
      REQUIRE_FALSE(text);
      CHECK(text.error().kind == FileProblem::Kind::NotRegular);
      CHECK(text.error().message == "it is no regular file");
    }
    const auto absent = read_regular_file(folder.path / "absent", 100);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().kind == FileProblem::Kind::NotThere);
  }

  TEST_CASE("a file is everyone's when others than its owner and group may read it") {
    const Folder folder;
    const auto file = folder.path / "file";
    std::ofstream(file) << "secret";
    for (const auto& [rights, everyones] :
         {std::pair{0600u, false}, {0640u, false}, {0604u, true}, {0644u, true}}) {
      CAPTURE(rights);
      fs::permissions(file, fs::perms{rights});
      CHECK(is_readable_by_everyone(file) == everyones);
    }
    CHECK_FALSE(is_readable_by_everyone(folder.path / "absent"));
  }

  TEST_CASE("inside is the folder and what is below it") {
    CHECK(is_inside("/a/b", "/a/b"));
    CHECK(is_inside("/a/b/c", "/a/b"));
    CHECK_FALSE(is_inside("/a/bc", "/a/b"));
    CHECK_FALSE(is_inside("/a", "/a/b"));
  }
}

}  // namespace meridian::base
