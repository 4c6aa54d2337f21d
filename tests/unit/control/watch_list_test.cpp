#include "control/watch_list.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <filesystem>

namespace meridian::control {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

/// The names watched in a folder; "*" for all, nothing for none.
Names watched(const WatchList& list, const std::string& folder) {
  const auto found = list.find(folder);
  if (found == list.end()) return {};
  return found->second.empty() ? Names{"*"} : found->second;
}

}  // namespace

TEST_SUITE("control/watch_list") {
  TEST_CASE("a file is watched for in its folder, by its name") {
    const test::TemporaryFolder folder;
    folder.write("site/meridian.yaml", "");
    const auto list = make_watch_list({.files = {folder.path() + "/site/meridian.yaml"}, .folders = {}});
    CHECK(watched(list, folder.path() + "/site") == Names{"meridian.yaml"});
    CHECK(list.size() == 1);
  }

  TEST_CASE("below a folder everything is watched, and the folder itself in its parent") {
    const test::TemporaryFolder folder;
    folder.write("map/zones/example.com.zone", "");
    folder.write("map/.git/config", "");
    const auto list = make_watch_list({.files = {}, .folders = {folder.path() + "/map"}});
    CHECK(watched(list, folder.path()) == Names{"map"});
    CHECK(watched(list, folder.path() + "/map") == Names{"*"});
    CHECK(watched(list, folder.path() + "/map/zones") == Names{"*"});
    CHECK(watched(list, folder.path() + "/map/.git").empty());
  }

  TEST_CASE("a link on the way is watched where it stands, and what it leads to as well") {
    const test::TemporaryFolder folder;
    folder.write("releases/7/map/zones/a.zone", "");
    fs::create_directory_symlink("releases/7", folder.path() + "/current");
    fs::create_directory_symlink("zones", folder.path() + "/releases/7/map/more");
    const auto list = make_watch_list({.files = {}, .folders = {folder.path() + "/current/map"}});
    CHECK(watched(list, folder.path()) == Names{"current"});
    CHECK(watched(list, folder.path() + "/releases/7") == Names{"map"});
    CHECK(watched(list, folder.path() + "/releases/7/map") == Names{"*"});
    CHECK(watched(list, folder.path() + "/releases/7/map/zones") == Names{"*"});
  }

  TEST_CASE("what is not there is watched for at the nearest folder that is") {
    const test::TemporaryFolder folder;
    folder.write("a/file", "");
    const auto list = make_watch_list({.files = {}, .folders = {folder.path() + "/a/b/map"}});
    CHECK(watched(list, folder.path() + "/a") == Names{"b"});
    CHECK(list.size() == 1);
  }

  TEST_CASE("links that lead in a circle end") {
    const test::TemporaryFolder folder;
    fs::create_directory_symlink("two", folder.path() + "/one");
    fs::create_directory_symlink("one", folder.path() + "/two");
    const auto list = make_watch_list({.files = {}, .folders = {folder.path() + "/one"}});
    CHECK(watched(list, folder.path()) == Names{"one", "two"});
    folder.write("map/file", "");
    fs::create_directory_symlink(".", folder.path() + "/map/self");
    CHECK(watched(make_watch_list({.files = {}, .folders = {folder.path() + "/map"}}),
                  folder.path() + "/map") == Names{"*"});
  }
}

}  // namespace meridian::control
