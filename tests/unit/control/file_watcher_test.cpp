#include "control/file_watcher.hpp"

#include "support/map_fixture.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>

namespace meridian::control {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Real files and real time, with a short wait: only a broken watcher uses up the patience.
struct Fixture {
  Fixture() {
    folder.write("releases/1/maps.yaml", "1");
    folder.write("releases/2/maps.yaml", "2");
    folder.write("map/zones/example.com.zone", "1");
    folder.write("meridian.yaml", "1");
  }

  void watch(const std::string& map = "map") {
    watcher.watch({.files = {folder.path() + "/meridian.yaml"}, .folders = {folder.path() + "/" + map}},
                  20ms);
  }

  /// True when a change is told within the patience.
  bool is_told(int times = 1) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    context.restart();  // it ends by itself when nothing is watched
    while (told < times && std::chrono::steady_clock::now() < deadline) context.run_one_for(100ms);
    return told == times;
  }

  test::TemporaryFolder folder;
  base::SystemClock clock;
  boost::asio::io_context context{1};
  int told = 0;
  FileWatcher watcher{context, clock, {.postpone_max = 10s, .poll = 1h}, [this] { ++told; }};
};

}  // namespace

TEST_SUITE("control/file_watcher") {
  TEST_CASE("every way in which files change is told once it is quiet") {
    struct Row {
      const char* why;
      std::function<void(const test::TemporaryFolder&)> change;
    };
    const Row rows[] = {
        {"the site file is written", [](const auto& folder) { folder.write("meridian.yaml", "22"); }},
        {"a file of the map is written",
         [](const auto& folder) { folder.write("map/zones/example.com.zone", "22"); }},
        {"a file is replaced by rename",
         [](const auto& folder) {
           folder.write("map/.new", "1");
           fs::rename(folder.path() + "/map/.new", folder.path() + "/map/zones/example.com.zone");
         }},
        {"a new folder gets a file", [](const auto& folder) { folder.write("map/maps.d/a.yaml", "1"); }},
        {"a file is deleted",
         [](const auto& folder) { fs::remove(folder.path() + "/map/zones/example.com.zone"); }},
        {"the whole folder is deleted", [](const auto& folder) { fs::remove_all(folder.path() + "/map"); }},
        {"the folder is renamed away",
         [](const auto& folder) { fs::rename(folder.path() + "/map", folder.path() + "/old"); }},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Fixture fixture;
      fixture.watch();
      row.change(fixture.folder);
      CHECK(fixture.is_told());
    }
  }

  TEST_CASE("a link that is swapped is a change, and what it leads to is watched from then on") {
    Fixture fixture;
    const auto link = fixture.folder.path() + "/current";
    fs::create_directory_symlink("releases/1", link);
    fixture.watch("current");
    fs::create_directory_symlink("releases/2", link + ".new");
    fs::rename(link + ".new", link);
    CHECK(fixture.is_told());
    fixture.folder.write("releases/2/maps.yaml", "333");
    CHECK(fixture.is_told(2));
  }

  TEST_CASE("a folder that is deleted and made again is watched again") {
    Fixture fixture;
    fixture.watch();
    fs::remove_all(fixture.folder.path() + "/map");
    CHECK(fixture.is_told());
    fixture.folder.write("map/maps.yaml", "1");
    CHECK(fixture.is_told(2));
    fixture.folder.write("map/maps.yaml", "22");
    CHECK(fixture.is_told(3));
  }

  TEST_CASE("an editor's temporary file, a hidden file and a neighbour are no change") {
    Fixture fixture;
    fixture.watch();
    fixture.folder.write("map/.maps.yaml.swp", "x");
    fixture.folder.write("map/4913", "x");
    fs::remove(fixture.folder.path() + "/map/4913");
    fixture.folder.write("stderr.log", "x");
    fixture.context.run_for(300ms);
    CHECK(fixture.told == 0);
    // The watcher lives: a real change is told.
    fixture.folder.write("map/maps.yaml", "1");
    CHECK(fixture.is_told());
  }

  TEST_CASE("a change whose event the kernel dropped is told, because it says that it dropped some") {
    Fixture fixture;
    fixture.watch();
    // Nobody reads the events meanwhile. Of a name that nobody watches, and never twice the same one, or the
    // kernel would count them as one.
    std::ifstream file("/proc/sys/fs/inotify/max_queued_events");
    std::size_t queued_max = 0;
    file >> queued_max;
    REQUIRE(queued_max > 0);
    for (std::size_t events = 0; events <= queued_max; events += 2) {
      fixture.folder.write("map/4913", "x");
      fs::remove(fixture.folder.path() + "/map/4913");
    }
    fixture.folder.write("map/maps.yaml", "1");
    CHECK(fixture.is_told());
    fixture.folder.write("map/maps.yaml", "22");  // and it watches on
    CHECK(fixture.is_told(2));
  }

  TEST_CASE("without events the look now and then finds the change") {
    test::TemporaryFolder folder;
    folder.write("map/maps.yaml", "1");
    const base::SystemClock clock;
    boost::asio::io_context context{1};
    int told = 0;
    FileWatcher watcher(context, clock, {.postpone_max = 10s, .poll = 30ms}, [&] { ++told; });
    watcher.watch({.files = {}, .folders = {folder.path() + "/map"}}, 20ms);
    folder.write("map/maps.yaml", "22");
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (told == 0 && std::chrono::steady_clock::now() < deadline) context.run_one_for(100ms);
    CHECK(told == 1);
  }

  TEST_CASE("after a stop nothing is told") {
    Fixture fixture;
    fixture.watch();
    fixture.watcher.stop();
    fixture.folder.write("map/maps.yaml", "1");
    fixture.context.run_for(100ms);
    CHECK(fixture.told == 0);
    fixture.watch();
    fixture.folder.write("map/maps.yaml", "22");
    CHECK(fixture.is_told());
  }
}

}  // namespace meridian::control
