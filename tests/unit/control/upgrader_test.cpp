// The old server's side, against a shell that speaks for the new one: what a descriptor is told is a message.
#include "control/upgrader.hpp"

#include "control/child_process.hpp"
#include "site_fixture.hpp"

#include <doctest/doctest.h>
#include <boost/json/object.hpp>

#include <unistd.h>

#include <fstream>
#include <future>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace meridian::control {
namespace {

using namespace std::chrono_literals;
using stats::Counter;

static_assert(kChildDescriptor == 3, "the scripts say it");
const std::string kSayReady = R"(printf '{"type":"ready"}' >&3; )";
const std::string kSayServing = R"(printf '{"type":"serving"}' >&3; )";
/// Waits until everything is lent. dd takes one message a call, and fails when there is none yet.
const std::string kAwaitEnd =
    R"(until dd bs=65536 count=1 <&3 2>/dev/null | grep -q '"end"'; do sleep 0.01; done; )";

/// Takes everything, up to the old server's end, and writes it down.
std::string listen(const std::string& to = "/dev/null") {
  return "while :; do if word=$(dd bs=65536 count=1 <&3 2>/dev/null); then [ -n \"$word\" ] || exit 0; echo "
         "\"$word\" >>" +
         to + "; else sleep 0.01; fi; done";
}

struct Fixture : test::SiteFixture {
  Fixture() { start(); }

  void make(const std::string& script) {
    upgrader.emplace(UpgradeParts{.command = {"/bin/sh", "-c", script},
                                  .control_path = "/run/control.sock",
                                  .cookie_secret = {0xc0, 0x0c, 0x1e},
                                  .sockets = [] { return std::vector<net::ListenSockets>{}; },
                                  .control_listener = [] { return net::FileDescriptor(::dup(2)); },
                                  .serving = [this] { return reloader.serving().get(); },
                                  .overrides = [this] { return overrides.to_json(); },
                                  .pause_control = [this](bool is_paused) { on_pause(is_paused); },
                                  .hand_over = [this] { on_hand_over(); },
                                  .leave = [this] { left.set_value(); }},
                     counters, counters.register_block());
  }

  UpgradeResult upgrade(const std::string& script, std::chrono::seconds timeout = 20s) {
    make(script);
    std::promise<UpgradeResult> done;
    REQUIRE(upgrader->request(timeout, [&](const UpgradeResult& result) { done.set_value(result); }));
    return done.get_future().get();
  }

  void on_pause(bool is_paused) {
    pauses.push_back(is_paused);
    // Somebody asks a question between any two steps.
    queries.add(Counter::UdpQueries);
  }

  void on_hand_over() {
    before_last_queries = told(Counter::UdpQueries);
    queries.add(Counter::UdpQueries, 5);
    after_last_queries = told(Counter::UdpQueries);
  }

  [[nodiscard]] std::uint64_t told(Counter counter) const {
    return upgrader->totals().at(stats::info(counter).name).to_number<std::uint64_t>();
  }

  stats::Counters& queries = counters.register_block();
  std::vector<bool> pauses;
  std::promise<void> left;
  std::uint64_t before_last_queries = 0;
  std::uint64_t after_last_queries = 0;
  std::optional<Upgrader> upgrader;  // last: its thread uses the rest
};

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("control/upgrader") {
  TEST_CASE(
      "once the new server serves this one hands over and leaves, and tells of no count it did not hand on") {
    Fixture fixture;
    fixture.queries.add(Counter::UdpQueries, 7);
    const auto result = fixture.upgrade(kSayReady + kSayServing + listen());
    CHECK(result.ok);
    CHECK(result.pid > 0);
    fixture.left.get_future().get();
    CHECK(fixture.pauses == std::vector<bool>{true});
    // 7, and the one while control was paused: later ones are the new server's to tell.
    CHECK(fixture.before_last_queries == 8);
    CHECK(fixture.after_last_queries == 8);
    CHECK(fixture.counters.total(Counter::UdpQueries) == 13);
    CHECK(fixture.counters.total(Counter::UpgradesFailed) == 0);
    CHECK_FALSE(fixture.upgrader->request(20s, [](const UpgradeResult&) {}));
  }

  TEST_CASE("a new server that is ready and then fails leaves this one as it was") {
    Fixture fixture;
    const auto result = fixture.upgrade(kAwaitEnd + kSayReady + "exit 3");
    CHECK_FALSE(result.ok);
    CHECK(has(result.error, "(it ended with exit code 3)"));
    CHECK(fixture.pauses == std::vector<bool>{true, false});
    CHECK(fixture.counters.total(Counter::UpgradesFailed) == 1);
    const auto before = fixture.told(Counter::UdpQueries);
    fixture.queries.add(Counter::UdpQueries);
    CHECK(fixture.told(Counter::UdpQueries) == before + 1);
    CHECK_FALSE(fixture.upgrader->is_under_way());
    CHECK(fixture.upgrade(kSayReady + kSayServing + listen()).ok);
    fixture.left.get_future().get();  // until then the upgrader calls back
  }

  TEST_CASE("what the new server says instead is told") {
    struct Row {
      const char* why;
      std::string script;
      const char* error;
    };
    const Row rows[] = {
        {"a reason", R"(printf '{"type":"failed","error":"no map"}' >&3; exit 2)",
         ": no map (it ended with exit code 2)"},
        {"a reason that is none", R"(printf '{"type":"failed","error":7}' >&3; exit 2)",
         "it said 'failed' instead of being ready"},
        {"another word", R"(printf '{"type":"hello"}' >&3; exit 0)",
         "it said 'hello' instead of being ready"},
        {"nonsense", "printf hello >&3; exit 0", "it said something that is no message of a hand-over"},
        {"ready twice", kSayReady + kSayReady + listen(), "it said 'ready' instead of serving"},
        {"nothing", "exec 3<&-; exec sleep 600", "it closed the connection (it was ended by signal 9)"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Fixture fixture;
      const auto result = fixture.upgrade(row.script);
      CHECK_FALSE(result.ok);
      CHECK_MESSAGE(has(result.error, row.error), result.error);
    }
  }

  TEST_CASE("one that says nothing in time is ended") {
    Fixture fixture;
    const auto result = fixture.upgrade("exec sleep 600", 1s);
    CHECK_MESSAGE(has(result.error, "it did not answer in time (it was ended by signal 9)"), result.error);
  }

  TEST_CASE("a stop ends an upgrade that waits, and none begins afterwards") {
    Fixture fixture;
    fixture.make("exec sleep 600");
    std::promise<bool> told;
    REQUIRE(fixture.upgrader->request(600s, [&](const UpgradeResult& result) { told.set_value(result.ok); }));
    fixture.upgrader->stop();
    CHECK_FALSE(told.get_future().get());
    CHECK_FALSE(fixture.upgrader->request(20s, [](const UpgradeResult&) {}));
  }

  TEST_CASE("everything is lent: the control socket, the cookie secret, and the name of every zone") {
    Fixture fixture;
    const int more_than_one_message = 120;
    for (int i = 0; i < more_than_one_message; ++i) {
      fixture.map.write("zones/z" + std::to_string(i) + ".test.zone",
                        "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n");
    }
    REQUIRE(fixture.reload().ok);
    const auto heard = fixture.map.folder().path() + "/heard";
    const auto result = fixture.upgrade(kSayReady + kSayServing + listen(heard));
    REQUIRE(result.ok);
    fixture.left.get_future().get();
    fixture.upgrader.reset();  // closes the channel
    const auto is_whole = [&] { return has(text_of(heard), "udp_queries_total\":6"); };
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!is_whole() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    const auto text = text_of(heard);
    CHECK(has(text, R"("path":"/run/control.sock")"));
    CHECK(has(text, R"("secret":"c00c1e00000000000000000000000000")"));
    for (int i = 0; i < more_than_one_message; ++i) {
      CHECK(has(text, "\"z" + std::to_string(i) + ".test\""));
    }
    CHECK(has(text, "\"pid\":" + std::to_string(::getpid())));
    CHECK(has(text, R"("reload":false)"));
    CHECK(has(text, "udp_queries_total\":6"));  // the last counts, with what came during the hand-over
  }
}

}  // namespace meridian::control
