#include "bgp/agent/local_checks.hpp"

#include "support/manual_clock.hpp"
#include "unit/agent/agent_support.hpp"

#include <sys/stat.h>
#include <sys/time.h>

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace meridian::agent {
namespace {

using namespace std::chrono_literals;
using config::AnycastCheck;

AnycastCheck command(std::vector<std::string> words) {
  AnycastCheck check;
  check.command = std::move(words);
  return check;
}

struct World {
  boost::asio::io_context context;
  base::SystemClock clock;
  int news = 0;
  LocalChecks checks;

  explicit World(AnycastCheck check, CheckTimes times = {.period = 10ms, .program = 10s})
      : checks(
            context, clock, {std::move(check)}, [this] { ++news; }, times) {
    checks.start();
  }
  void until(const std::function<bool()>& is_true) { test::run_until(context, is_true); }
  [[nodiscard]] std::string fault() const { return checks.statuses().front().fault; }
};

}  // namespace

TEST_SUITE("agent/local_checks") {
  TEST_CASE("a program that fails is believed after three times, and well after one") {
    const test::TemporaryFolder folder;
    const auto stamp = folder.path() + "/well";
    World world(command({"/usr/bin/test", "-e", stamp}));
    CHECK(world.checks.statuses().front().name == "command /usr/bin/test -e " + stamp);
    CHECK(!world.checks.any_fails());
    world.until([&] { return world.news >= 1; });
    CHECK(!world.checks.any_fails());  // the first failure
    world.until([&] { return world.checks.any_fails(); });
    CHECK(world.fault() == "exit code 1");
    std::ofstream(stamp) << "";
    world.until([&] { return !world.checks.any_fails(); });
    CHECK(world.fault().empty());
  }

  TEST_CASE("what a program says is told, its first line") {
    World world(command({"/bin/sh", "-c", "echo disk is full; echo and more; exit 7"}));
    world.until([&] { return !world.fault().empty(); });
    CHECK(world.fault() == "exit code 7: disk is full");
  }

  TEST_CASE("a program that does not end is ended, with what it started") {
    const test::TemporaryFolder folder;
    const auto pid_file = folder.path() + "/pid";
    World world(command({"/bin/sh", "-c", "sleep 1000 & echo $! > " + pid_file + "; wait"}),
                {.period = 1h, .program = 300ms});
    world.until([&] { return !world.fault().empty(); });
    CHECK(world.fault() == "no end within 300 ms");
    int pid = 0;
    std::ifstream(pid_file) >> pid;
    REQUIRE(pid > 0);
    const auto is_gone = [&] {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      std::string line;
      std::getline(stat, line);
      return line.empty() || line.find(") Z ") != std::string::npos;
    };
    world.until(is_gone);
  }

  TEST_CASE("a program that cannot be run says nothing of what it checks") {
    World world(command({"/nonexistent/program"}));
    world.until([&] { return !world.fault().empty(); });
    CHECK(world.fault() == "cannot start it: No such file or directory");
    int looks = 0;
    world.until([&] { return ++looks > 20; });
    CHECK(!world.checks.any_fails());
  }

  TEST_CASE("a file is well while it is young, and not when it is absent") {
    const test::TemporaryFolder folder;
    AnycastCheck check;
    check.kind = AnycastCheck::Kind::File;
    check.file = folder.path() + "/stamp";
    check.younger_than_s = 60;
    std::ofstream(check.file) << "";
    World world(check);
    int looks = 0;
    world.until([&] { return ++looks > 10; });
    CHECK(world.fault().empty());
    const auto old = std::filesystem::file_time_type::clock::now() - 2min;
    std::filesystem::last_write_time(check.file, old);
    world.until([&] { return world.checks.any_fails(); });
    CHECK(world.fault().ends_with(" s old, more than 60"));
    std::filesystem::last_write_time(check.file, old + 2min);
    world.until([&] { return !world.checks.any_fails(); });
    std::filesystem::remove(check.file);
    world.until([&] { return world.checks.any_fails(); });
    CHECK(world.fault() == "No such file or directory");
  }

  TEST_CASE("a unit is asked for by systemctl, and where that cannot ask nothing is known") {
    AnycastCheck check;
    check.kind = AnycastCheck::Kind::Unit;
    check.unit = "meridian-no-such-unit.service";
    World world(check, {.period = 10ms, .program = 5s});
    CHECK(world.checks.statuses().front().name == "unit meridian-no-such-unit.service");
    world.until([&] { return !world.fault().empty(); });
    const auto is_failure =
        world.fault().starts_with("exit code 3") || world.fault().starts_with("exit code 4");
    int looks = 0;
    world.until([&] { return ++looks > 200 || world.checks.any_fails(); });
    CHECK(world.checks.any_fails() == is_failure);
  }

  TEST_CASE("checks that stay go on from where they were") {
    World world(command({"/bin/false"}));
    world.until([&] { return world.checks.any_fails(); });
    LocalChecks same(world.context, world.clock, {command({"/bin/false"})}, [] {});
    same.inherit(world.checks);
    CHECK(same.any_fails());
    LocalChecks other(world.context, world.clock, {command({"/bin/true"})}, [] {});
    other.inherit(world.checks);
    CHECK(!other.any_fails());
  }
}

}  // namespace meridian::agent
