// The new server's side, against a test that speaks for the old one.
#include "control/takeover.hpp"

#include "net/descriptor_message.hpp"
#include "support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <boost/json/array.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <utility>
#include <vector>

namespace meridian::control {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using stats::Counter;

base::MonotonicTime soon() { return std::chrono::steady_clock::now() + 20s; }

net::FileDescriptor loopback_socket(int type) {
  net::FileDescriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const sockaddr_in any{
      .sin_family = AF_INET, .sin_port = 0, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  return socket;
}

/// Both ends; `old` says what a test wants it to.
struct Fixture {
  Fixture() : Fixture(net::make_message_pair().value()) {}
  explicit Fixture(std::pair<net::FileDescriptor, net::FileDescriptor> ends)
      : old(std::move(ends.first)),
        takeover(::dup(ends.second.get()), counters.register_block(), overrides) {}

  void say(std::string_view type, json::object body = {}, std::vector<int> descriptors = {}) {
    REQUIRE(old.send(type, std::move(body), descriptors, soon()));
  }
  /// The error, or "".
  std::string error_after(std::string_view type, const json::object& body,
                          const std::vector<int>& lent = {}) {
    say(type, body, lent);
    say("end");
    const auto all = takeover.receive();
    return all ? "" : all.error();
  }

  stats::CounterRegistry counters;
  test::ManualClock clock;
  Overrides overrides{clock, counters.register_block()};
  HandoverChannel old;
  Takeover takeover;
};

}  // namespace

TEST_SUITE("control/takeover") {
  TEST_CASE("everything that the old server lends arrives, in parts too") {
    Fixture fixture;
    const auto tcp = loopback_socket(SOCK_STREAM);
    const auto udp = loopback_socket(SOCK_DGRAM);
    const json::object address{{"address", "127.0.0.1"}, {"port", 5353}};
    auto first = address;
    first["more"] = false;
    auto second = address;
    second["more"] = true;
    fixture.say("sockets", first, {tcp.get(), udp.get()});
    fixture.say("sockets", second, {udp.get(), udp.get()});
    fixture.say("sockets", first, {tcp.get()});
    fixture.say("control", {{"path", "/run/control.sock"}}, {tcp.get()});
    fixture.say("liveness", {{"path", "/run/liveness.sock"}}, {tcp.get()});
    fixture.say("cookie_secret", {{"version", 1}, {"secret", "000102030405060708090a0b0c0d0e0f"}});
    fixture.say("zones", {{"names", json::array{"example.com", 7, "example.org"}}});
    fixture.say("zones", {{"names", json::array{"example.net"}}});
    fixture.say("of_the_future", {{"names", 1}}, {udp.get()});
    fixture.say("end", {{"pid", 4711}});
    const auto all = fixture.takeover.receive();
    REQUIRE(all);
    REQUIRE(all->sockets.size() == 2);
    CHECK(all->sockets[0].udp.size() == 3);
    CHECK(all->sockets[1].udp.empty());
    CHECK(base::to_string(all->sockets[0].wanted.address) == "127.0.0.1");
    CHECK(all->sockets[0].wanted.port == 5353);
    // Where it listens is asked of the socket: the site file may say port 0.
    CHECK(all->sockets[0].listen.port == net::local_address(tcp).port);
    CHECK(all->control.get() >= 0);
    CHECK(all->control_path == "/run/control.sock");
    CHECK(all->liveness.get() >= 0);
    CHECK(all->liveness_path == "/run/liveness.sock");
    CHECK(all->zones == std::vector<std::string>{"example.com", "example.org", "example.net"});
    REQUIRE(all->cookie_secret);
    CHECK(*all->cookie_secret == dns::CookieSecret{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
    CHECK(all->pid == 4711);
  }

  TEST_CASE("what is lent without what it needs is refused") {
    const auto tcp = loopback_socket(SOCK_STREAM);
    const int lent = tcp.get();
    struct Row {
      const char* why;
      const char* type;
      json::object body;
      std::vector<int> descriptors;
    };
    const Row rows[] = {
        {"control without its listener", "control", {{"path", "/x"}}, {}},
        {"control with two", "control", {{"path", "/x"}}, {lent, lent}},
        {"control without a path", "control", {}, {lent}},
        {"a path that is a number", "control", {{"path", 1}}, {lent}},
        {"liveness without its listener", "liveness", {{"path", "/x"}}, {}},
        {"liveness without a path", "liveness", {}, {lent}},
        {"zones without names", "zones", {}, {}},
        {"names that are no list", "zones", {{"names", "example.com"}}, {}},
        {"no address", "sockets", {{"port", 53}, {"more", false}}, {lent}},
        {"an address that is none", "sockets", {{"address", "::x"}, {"port", 53}, {"more", false}}, {lent}},
        {"no port", "sockets", {{"address", "::1"}, {"more", false}}, {lent}},
        {"a port in words", "sockets", {{"address", "::1"}, {"port", "53"}, {"more", false}}, {lent}},
        {"no more", "sockets", {{"address", "::1"}, {"port", 53}}, {lent}},
        {"no sockets", "sockets", {{"address", "::1"}, {"port", 53}, {"more", false}}, {}},
        {"more of nothing", "sockets", {{"address", "::1"}, {"port", 53}, {"more", true}}, {lent}},
        {"no secret", "cookie_secret", {{"version", 1}}, {}},
        {"half a secret", "cookie_secret", {{"version", 1}, {"secret", "00010203"}}, {}},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Fixture fixture;
      CHECK(fixture.error_after(row.type, row.body, row.descriptors)
                .starts_with("the old server lent something this version does not understand"));
    }
  }

  TEST_CASE("an old server that ends early or that lends no secret is told from one that lends all") {
    Fixture gone;
    gone.say("zones", {{"names", json::array{}}});
    gone.old.shut_down();
    const auto nothing = gone.takeover.receive();
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error() == "no sockets from the old server: it closed the connection");
    Fixture older;
    older.say("end");
    const auto all = older.takeover.receive();
    REQUIRE(all);
    CHECK_FALSE(all->cookie_secret);
    CHECK(all->pid == 0);
  }

  TEST_CASE("it is ready, takes the counts, and lets go with the word whether files were read again") {
    for (const bool was_reloaded : {false, true}) {
      CAPTURE(was_reloaded);
      Fixture fixture;
      fixture.say("counters", {{"totals", {{"udp_queries_total", 7}}}});
      fixture.say("go", {{"reload", was_reloaded}});
      const auto is_outdated = fixture.takeover.let_go_of_old();
      REQUIRE(is_outdated);
      CHECK(*is_outdated == was_reloaded);
      CHECK(fixture.counters.total(Counter::UdpQueries) == 7);
      CHECK(fixture.old.receive(soon())->type == "ready");
    }
    Fixture gone;
    gone.say("counters", {{"totals", {{"udp_queries_total", 7}}}});
    gone.old.shut_down();
    CHECK_FALSE(gone.takeover.let_go_of_old());
  }

  TEST_CASE("overrides arrive, and the last word on them stands") {
    const auto entry = [](int id, const char* target) {
      return json::object{{"id", id},          {"kind", "drain"},   {"target", target}, {"share", 65536},
                          {"reason", "works"}, {"author", "alice"}, {"created", 7},     {"begins", 7}};
    };
    Fixture fixture;
    fixture.say("overrides", {{"entries", json::array{entry(1, "ams")}}, {"first", true}});
    fixture.say("overrides", {{"entries", json::array{entry(2, "www.example.com@fra")}}, {"first", false}});
    fixture.say("end");
    REQUIRE(fixture.takeover.receive());
    REQUIRE(fixture.overrides.all().size() == 2);
    CHECK(fixture.overrides.all()[0].reason == "works");
    fixture.say("overrides", {{"entries", json::array{}}, {"first", true}});
    fixture.say("go", {{"reload", false}});
    REQUIRE(fixture.takeover.let_go_of_old());
    CHECK(fixture.overrides.all().empty());
    // A newer server may say it otherwise: what it lends beside must arrive nonetheless.
    Fixture newer;
    CHECK(newer.error_after("overrides", {{"entries", 1}}).empty());
  }

  TEST_CASE("what an older server kept of datacenters arrives as overrides") {
    const auto entry = [](const char* name, int share) {
      return json::object{
          {"datacenter", name}, {"share", share}, {"reason", "works"}, {"since", 7}, {"left_s", 60}};
    };
    Fixture fixture;
    fixture.say("shedding",
                {{"entries", json::array{entry("ams", 65'536), 1, json::object{{"datacenter", "x"}}}},
                 {"first", true}});
    fixture.say("shedding", {{"entries", json::array{entry("fra", 16'384)}}, {"first", false}});
    fixture.say("end");
    REQUIRE(fixture.takeover.receive());
    const auto all = fixture.overrides.all();
    REQUIRE(all.size() == 2);
    CHECK(all[0].kind == OverrideKind::Drain);
    CHECK(all[0].target_text == "ams");
    CHECK(all[0].ends_at == std::chrono::floor<std::chrono::seconds>(fixture.clock.wall()) + 60s);
    CHECK(all[1].kind == OverrideKind::Shed);
    CHECK(all[1].share == 16'384);
    CHECK(all[0].id != all[1].id);
  }

  TEST_CASE("after the hand-over the last counts are taken, and the end is told once") {
    Fixture fixture;
    boost::asio::io_context context{1};
    int ended = 0;
    fixture.takeover.serve(context, [&] { ++ended; });
    CHECK(fixture.old.receive(soon())->type == "serving");
    fixture.say("counters", {{"totals", {{"tcp_queries_total", 3}}}});
    fixture.say("counters", {{"totals", {{"tcp_queries_total", 5}}}});
    fixture.old.shut_down();
    context.run();
    CHECK(fixture.counters.total(Counter::TcpQueries) == 5);
    CHECK(ended == 1);
  }

  TEST_CASE("why it cannot take over is told, cut to what a message holds") {
    Fixture fixture;
    fixture.takeover.fail(std::string(100'000, 'x'));
    const auto word = fixture.old.receive(soon());
    REQUIRE(word);
    CHECK(word->type == "failed");
    CHECK(word->body.at("error").as_string().size() == 8'000);
  }
}

}  // namespace meridian::control
