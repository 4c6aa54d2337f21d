#include "bgp/agent/server_load.hpp"

#include <doctest/doctest.h>

namespace meridian::agent {
namespace {

using namespace std::chrono_literals;

/// A server that is looked at once a second.
struct Server {
  ServerLoad load;
  base::MonotonicTime now{1h};
  std::uint64_t queries = 1'000'000;
  std::uint64_t drops = 0;
  std::uint64_t own = 0;

  void run(int seconds, std::uint64_t queries_per_s, std::uint64_t drops_per_s, std::uint64_t own_per_s = 0) {
    for (int i = 0; i < seconds; ++i) {
      now += 1s;
      queries += queries_per_s;
      drops += drops_per_s;
      own += own_per_s;
      load.note(now, queries, drops, own);
    }
  }
};

}  // namespace

TEST_SUITE("agent/server_load") {
  TEST_CASE("the rate is that of clients over the last seconds") {
    Server server;
    CHECK(!server.load.queries_per_s());
    server.run(1, 0, 0);
    CHECK(!server.load.queries_per_s());
    server.run(5, 508, 0, 8);
    CHECK(*server.load.queries_per_s() == doctest::Approx(500));
    server.run(20, 108, 0, 8);
    CHECK(*server.load.queries_per_s() == doctest::Approx(100));
  }

  TEST_CASE("own queries that are counted before the server tells of them make no rate below nothing") {
    Server server;
    server.run(5, 1, 0, 8);
    CHECK(*server.load.queries_per_s() == 0);
  }

  TEST_CASE("a fifth dropped over half a minute is overload, less or shorter is none") {
    Server server;
    server.run(60, 1000, 0);
    CHECK(!server.load.is_overloaded());
    server.run(10, 500, 500);
    CHECK(!server.load.is_overloaded());
    server.run(20, 500, 500);
    CHECK(server.load.is_overloaded());
    server.run(60, 800, 200);
    CHECK(!server.load.is_overloaded());
    server.run(60, 799, 201);
    CHECK(server.load.is_overloaded());
    server.run(31, 1000, 0);
    CHECK(!server.load.is_overloaded());
  }

  TEST_CASE("a server that just started is not overloaded for what it dropped in its first seconds") {
    Server server;
    server.run(29, 0, 1000);
    CHECK(!server.load.is_overloaded());
    server.run(2, 0, 1000);
    CHECK(server.load.is_overloaded());
  }

  TEST_CASE("totals that are less than before are another server's") {
    Server server;
    server.run(40, 0, 1000);
    server.queries = server.drops = 0;
    server.run(1, 10, 0);
    CHECK(!server.load.queries_per_s());
    CHECK(!server.load.is_overloaded());
    server.run(10, 50, 0);
    CHECK(*server.load.queries_per_s() == doctest::Approx(50));
  }

  TEST_CASE("reports that come with each change make no window shorter") {
    Server server;
    for (int i = 0; i < 1'000; ++i) server.load.note(server.now += 10ms, server.queries += 1, 0, 0);
    CHECK(*server.load.queries_per_s() == doctest::Approx(100));
  }

  TEST_CASE("quiet is less than a hundredth of before, or next to nothing") {
    Server server;
    CHECK(!server.load.is_quiet(1000));
    server.run(11, 9, 0);
    CHECK(server.load.is_quiet(1000));
    CHECK(!server.load.is_quiet(900));
    server.run(11, 0, 0);
    CHECK(server.load.is_quiet(0));
  }
}

}  // namespace meridian::agent
