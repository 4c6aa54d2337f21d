#include "bgp/agent/state_writer.hpp"

#include "unit/agent/agent_support.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <string>

namespace meridian::agent {
namespace {

using namespace std::chrono_literals;

const base::MonotonicTime kNow{100h};

StateFolder open(const std::string& path) {
  auto folder = StateFolder::open(path);
  REQUIRE(folder);
  return std::move(*folder);
}

}  // namespace

TEST_SUITE("agent/state_writer") {
  TEST_CASE("what was given last is there once it is gone") {
    const test::TemporaryFolder folder;
    boost::asio::io_context context;
    {
      StateWriter writer(context, open(folder.path()), [](const std::string&) {});
      for (int i = 0; i < 100; ++i) {
        writer.save({.vips = {}, .zones = std::vector<dns::Name>(static_cast<std::size_t>(i))});
        writer.beat(kNow + i * 1ms);
      }
    }
    const auto found = open(folder.path()).find(kNow + 200ms);
    CHECK(found.state.zones.size() == 99);
    CHECK(found.age == 101ms);
  }

  TEST_CASE("a fault is told once, and its end, on the context's thread") {
    const test::TemporaryFolder folder;
    const auto path = folder.path() + "/state";
    boost::asio::io_context context;
    std::optional<std::string> fault;
    int calls = 0;
    StateWriter writer(context, open(path), [&](const std::string& told) {
      fault = told;
      ++calls;
    });
    std::filesystem::remove_all(path);
    writer.save({});
    test::run_until(context, [&] { return fault.has_value(); });
    CHECK(fault->starts_with("cannot write "));
    writer.save({});
    std::filesystem::create_directories(path);
    writer.save({});
    test::run_until(context, [&] { return fault->empty(); });
    CHECK(calls == 2);
  }

  TEST_CASE("nobody is called who is gone") {
    const test::TemporaryFolder folder;
    const auto path = folder.path() + "/state";
    boost::asio::io_context context;
    int calls = 0;
    {
      StateWriter writer(context, open(path), [&](const std::string&) { ++calls; });
      std::filesystem::remove_all(path);
      writer.save({});
    }
    context.run();
    CHECK(calls == 0);
  }
}

}  // namespace meridian::agent
