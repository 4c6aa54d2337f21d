#include "bgp/agent/self_asker.hpp"

#include "support/packet_builder.hpp"
#include "unit/agent/name_server.hpp"

#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace meridian::agent {
namespace {

using test::kVip;
using test::Manner;
using Server = test::NameServer;

SelfTarget target_of(std::uint16_t port) {
  SelfTarget target{.vip = kVip, .port = port, .site = "ams1", .queries = {}};
  for (const auto* const name : {"www.example.com", "api.example.com"}) {
    SelfQuery query;
    query.name = test::name_of(name);
    query.type = dns::Rtype::A;
    target.queries.push_back(query);
  }
  return target;
}

struct Result {
  policy::Round round;
  std::vector<std::string> faults;
  int count = 0;
};

Result ask(SelfTarget target) {
  boost::asio::io_context context;
  SelfAsker asker(context, std::move(target));
  Result result;
  const auto take = [&](const policy::Round& round, const std::vector<std::string>& faults) {
    result = {round, faults, result.count + 1};
  };
  asker.start(take);
  asker.start(take);  // one round at a time
  context.run();
  CHECK(result.count == 1);
  return result;
}

}  // namespace

TEST_SUITE("agent/self_asker") {
  TEST_CASE("a server that answers over both transports makes a clean round, in whatever order it does") {
    const Server server({});
    const auto result = ask(target_of(server.port()));
    CHECK(result.round.is_clean());
    CHECK(result.round.right == 4);
    CHECK(result.faults.empty());
    CHECK(server.client_count() == 2);
  }

  TEST_CASE("an answer of another site is foreign over either transport") {
    const Server server({.udp = "ams1", .tcp = "fra1"});
    const auto result = ask(target_of(server.port()));
    CHECK(result.round.right == 2);
    CHECK(result.round.foreign == 2);
    REQUIRE(result.faults.size() == 2);
    CHECK(result.faults[0] == "A api.example.com over TCP: answered by site fra1");
  }

  TEST_CASE("what is not answered in time is silent") {
    const Server server({.udp = std::nullopt, .tcp = "ams1"});
    const auto result = ask(target_of(server.port()));
    CHECK(result.round.silent == 2);
    CHECK(result.round.right == 2);
    CHECK(result.round.has_silent_transport);
    REQUIRE(result.faults.size() == 2);
    CHECK(result.faults[0] == "A www.example.com over UDP: no answer");
    const Server mute({.udp = std::nullopt, .tcp = std::nullopt});
    CHECK(ask(target_of(mute.port())).round.is_silent());
  }

  TEST_CASE("a closed port is silent, and known to be at once") {
    std::uint16_t port = 0;
    {
      const Server server({});
      port = server.port();
    }
    const auto result = ask(target_of(port));
    CHECK(result.round.is_silent());
    CHECK(result.round.silent == 4);
    REQUIRE(result.faults.size() == 4);
    for (const auto& fault : result.faults) {
      CAPTURE(fault);
      CHECK(fault.find("Connection refused") != std::string::npos);
    }
  }

  TEST_CASE("a round without queries asked nothing") {
    CHECK_FALSE(ask({.vip = kVip, .port = 1, .site = "ams1", .queries = {}}).round.was_asked());
  }

  TEST_CASE("an agent without a free file descriptor asks nothing, which says nothing of the server") {
    const Server server({});
    boost::asio::io_context context;
    const boost::asio::posix::stream_descriptor first(
        context);  // as in an agent, Asio has its own descriptors
    SelfAsker asker(context, target_of(server.port()));
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    std::vector<net::FileDescriptor> taken;
    const rlimit few{.rlim_cur = 256, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.emplace_back(fd);
    std::optional<policy::Round> seen;
    asker.start([&](const policy::Round& round, const std::vector<std::string>&) { seen = round; });
    taken.clear();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    context.run();
    REQUIRE(seen);
    CHECK_FALSE(seen->was_asked());
  }

  TEST_CASE("an asker that goes in the midst of a round says nothing more") {
    const Server server({.udp = std::nullopt, .tcp = std::nullopt});
    boost::asio::io_context context;
    bool was_called = false;
    {
      SelfAsker asker(context, target_of(server.port()));
      asker.start([&](const policy::Round&, const std::vector<std::string>&) { was_called = true; });
    }
    context.run();
    CHECK_FALSE(was_called);
  }
}

}  // namespace meridian::agent
