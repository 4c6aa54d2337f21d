#include "bgp/bridge/bridge.hpp"

#include "base/limits.hpp"
#include "support/manual_clock.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace meridian::bgp {
namespace {

using namespace std::chrono_literals;

std::uint64_t to_ms(base::MonotonicTime time) {
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

/// Plays a script with a bridge, a line a step:
///   > LINE        this is what the bridge says to ExaBGP now; nothing: it says nothing
///   < LINE        ExaBGP says this
///   +MS           so many milliseconds pass, in which the bridge says nothing and the agent sends its
///   heartbeat want ROUTE | ROUTE   the agent wants this; nothing: no route at all agent TEXT    the agent
///   sends this text silent        the agent sends no more heartbeats restart [other]   a new bridge follows,
///   of the same or another ExaBGP status LINE   a line that the status has logged TEXT   what the last line
///   of the log contains
class Player {
 public:
  explicit Player(const std::string& script) {
    std::istringstream lines(script);
    for (std::string line; std::getline(lines, line);) {
      ++line_number_;
      step(line);
    }
  }

 private:
  base::MonotonicTime now() const { return clock_.monotonic(); }

  void step(const std::string& line) {
    CAPTURE(line_number_);
    CAPTURE(line);
    const auto rest = line.substr(std::min(line.size(), line.find(' ') + 1));
    if (line.starts_with("> ") || line == ">") {
      const auto said = bridge_.next_command(now());
      CHECK(said == (line == ">" ? "" : rest));
      if (!said.empty()) bridge_.written(now());
    } else if (line.starts_with("< ") || line == "<") {
      alive_ = bridge_.hear_exabgp(line == "<" ? "" : rest, now());
      CHECK(alive_ == !line.starts_with("< shutdown 4"));
    } else if (line.starts_with("+")) {
      pass(std::chrono::milliseconds(std::stoi(line.substr(1))));
    } else if (line.starts_with("want")) {
      wanted_ = line == "want" ? "" : "route " + rest + "\n";
      for (auto at = wanted_->find(" | "); at != std::string::npos; at = wanted_->find(" | "))
        wanted_->replace(at, 3, "\nroute ");
      heartbeat();
      next_heartbeat_ = now() + 1s;
    } else if (line.starts_with("agent ")) {
      bridge_.hear_agent(rest, now());
    } else if (line == "silent") {
      wanted_.reset();
    } else if (line.starts_with("restart")) {
      const auto saved = parse_saved(format_saved(bridge_.saved(now())));
      REQUIRE(saved.has_value());
      if (line == "restart late")
        clock_.pass(std::chrono::milliseconds(saved->sent_ms) + 5s - now().time_since_epoch());
      bridge_ = Bridge(line == "restart other" ? 2 : 1, [this](const std::string& text) { log_ = text; });
      bridge_.start_with(*saved, now());
    } else if (line.starts_with("status ")) {
      const auto status = format_status(bridge_.status(now()));
      REQUIRE(parse_status(status).has_value());
      const bool has_line = ("\n" + status).find("\n" + rest + "\n") != std::string::npos;
      CHECK_MESSAGE(has_line, status);
    } else if (line.starts_with("logged ")) {
      CHECK_MESSAGE(log_.find(rest) != std::string::npos, log_);
    } else {
      CHECK_MESSAGE(line.empty(), "unknown step");
    }
  }

  void heartbeat() {
    bridge_.hear_agent("meridian-bgp wanted 1\nsent " + std::to_string(to_ms(now())) + "\n" + *wanted_,
                       now());
  }

  /// By the bridge's own deadlines, so that one that it forgets shows.
  void pass(std::chrono::milliseconds time) {
    const auto end = now() + time;
    while (now() < end) {
      auto next = std::min(end, bridge_.next_deadline(now()));
      REQUIRE(next > now());
      if (wanted_) next = std::min(next, next_heartbeat_);
      clock_.pass(next - now());
      if (wanted_ && now() >= next_heartbeat_) {
        heartbeat();
        next_heartbeat_ = now() + 1s;
      }
      if (now() == end) return;
      const auto ms_too_early = to_ms(end) - to_ms(now());
      CAPTURE(ms_too_early);
      REQUIRE(bridge_.next_command(now()) == "");
    }
  }

  test::ManualClock clock_;
  std::string log_;
  Bridge bridge_{1, [this](const std::string& text) { log_ = text; }};
  std::optional<std::string> wanted_;
  base::MonotonicTime next_heartbeat_ = base::MonotonicTime::max();
  bool alive_ = true;
  int line_number_ = 0;
};

struct Row {
  const char* why;
  std::string script;
};

void play(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.why);
    Player player(row.script);
  }
}

// Shared beginnings. `kUp` ends with one session up and nothing wanted, a second after the start.
const std::string kHello = "> version\n< exabgp 4.2.21\n< done\n+50\n";
const std::string kUp = kHello +
                        "> show neighbor summary\n< Peer AS up/down state | #sent #recvd\n"
                        "< 192.0.2.1 65000 0:00:12 established 3 1\n< done\n>\n+950\n>\n";
const std::string kRoute = "* 198.51.100.0/24 announce next-hop self";
const std::string kDown = "* 198.51.100.0/24 withdraw next-hop self";
const std::string kAnnounce = "neighbor 192.0.2.1 announce route 198.51.100.0/24 next-hop self";
const std::string kWithdraw = "withdraw route 198.51.100.0/24 next-hop self";
/// One route is announced, a while ago.
const std::string kAnnounced =
    kUp + "want " + kRoute + " med 1\n> " + kAnnounce + " med 1\n< done\n+500\n>\n";

TEST_SUITE("bridge/bridge") {
  TEST_CASE("the bridge speaks when ExaBGP has answered what was said before") {
    play({
        {"the version and the sessions first", kUp},
        {"an answer to what a bridge before it said is not taken for its own",
         "> version\n< done\nstatus acks 0\n>\n< error\n>\n+1000\n> version\n< exabgp 4.2.21\n< done\n< "
         "done\n>\n+50\n"
         "> show neighbor summary\n"},
        {"an error to the version is not the end",
         "> version\n< error\n>\n+1000\n> version\n< exabgp 4.2.21\n"},
        {"the version may take long",
         "> version\n+60000\n>\n< exabgp 4.2.21\n+50\n> show neighbor summary\n"},
        {"one command at a time", kUp + "want " + kRoute + " | * 203.0.113.0/24 announce next-hop self\n> " +
                                      kAnnounce +
                                      "\n>\n+1500\n>\n< done\n> neighbor 192.0.2.1 announce route "
                                      "203.0.113.0/24 next-hop self\n>\n< done\n>\n"},
        {"blank lines and events in the midst answer nothing",
         kUp + "want " + kRoute + " | * 203.0.113.0/24 announce next-hop self\n> " + kAnnounce +
             "\n<\n>\n< neighbor 192.0.2.9 connected\n<\n>\n< done\n> neighbor 192.0.2.1 announce route "
             "203.0.113.0/24 next-hop "
             "self\n"},
        {"what nobody asked for is no answer", kAnnounced + "< done\n< error\n>\nstatus errors 0\n"},
        {"ExaBGP's last word ends it", kUp + "< shutdown in progress\n< done\n< shutdown 4711 1\n"},
    });
  }

  TEST_CASE("a command without an answer is counted after 2 s, and the next one waits for a sign of life") {
    play({
        {"the answer never comes",
         kUp + "want " + kRoute + "\n> " + kAnnounce + "\nstatus ack-timeouts 0\n+2000\n> version\n" +
             "status ack-timeouts 1\nlogged does not answer within 2 s: neighbor 192.0.2.1 announce "
             "route\n+30000\n>\n" +
             "status ack-timeouts 1\n< exabgp 4.2.21\nlogged answers again\n< done\n>\n+50\n> " + kAnnounce +
             "\n< done\n>\nstatus route * 198.51.100.0/24 announce settled 0 next-hop self\n"},
        {"a stopped ExaBGP finds the newest command only",
         kAnnounced + "want " + kDown + "\n> " + kWithdraw + " med 1\n+2000\n> version\nwant " + kRoute +
             " med 2\n>\n+1000\nwant " + kDown + "\n>\n+1000\n>\nwant " + kRoute + " med 3\n" +
             "< done\n< exabgp 4.2.21\n< done\n+50\n> " + kAnnounce + " med 3\n"},
        {"a late answer is not taken for the one of the next command",
         kUp + "want " + kRoute + "\n> " + kAnnounce +
             "\n+2000\n> version\n< done\n>\n< exabgp 4.2.21\n< done\n< done\n>\n" + "+50\n> " + kAnnounce +
             "\nstatus route * 198.51.100.0/24 unknown pending never next-hop self\n"},
        {"whether a route is in force is not known meanwhile",
         kAnnounced + "want " + kRoute + " med 2\n> " + kAnnounce + " med 2\n+2000\n> version\n" +
             "status route * 198.51.100.0/24 unknown pending 2500 next-hop self med 2\n"},
    });
  }

  TEST_CASE("a refused command is counted, told and tried again after a second") {
    play({{"an unknown neighbor",
           kUp + "want 192.0.2.1 198.51.100.0/24 announce next-hop self\n> " + kAnnounce +
               "\n< error\nlogged ExaBGP refuses: neighbor 192.0.2.1 announce\n" + "status errors 1\n" +
               "status route 192.0.2.1 198.51.100.0/24 unknown pending never next-hop self\n>\n" +
               "+1000\n> " + kAnnounce + "\n< done\n>\n"}});
  }

  TEST_CASE("only the newest wanted state counts") {
    play({
        {"several while one command is on its way",
         kUp + "want " + kRoute + " med 1\n> " + kAnnounce + " med 1\nwant " + kRoute + " med 2\nwant " +
             kRoute + " med 3\n+60\n< done\n> " + kAnnounce + " med 3\n< done\n>\n"},
        {"there and back again", kAnnounced + "want " + kDown + "\nwant " + kRoute + " med 1\n>\n"},
        {"there and back again while the first is on its way",
         kAnnounced + "want " + kDown + "\n> " + kWithdraw + " med 1\nwant " + kRoute +
             " med 1\n>\n+10\n< done\n>\n+40\n> " + kAnnounce + " med 1\n"},
    });
  }

  TEST_CASE("different commands for a route are 50 ms apart") {
    play({
        {"announced, and withdrawn at once", kUp + "want " + kRoute + "\n> " + kAnnounce + "\n< done\nwant " +
                                                 kDown + "\n>\n+50\n> " + kWithdraw + "\n"},
        {"after a longer while at once", kAnnounced + "want " + kDown + "\n> " + kWithdraw + " med 1\n"},
        {"routes of other networks, and of other neighbors, do not wait",
         kUp + "< neighbor 192.0.2.2 up\n+3000\nwant 192.0.2.1 198.51.100.0/24 announce next-hop self" +
             " | 192.0.2.2 198.51.100.0/24 announce next-hop self med 1 | * 203.0.113.0/24 announce next-hop "
             "self\n" +
             "> neighbor 192.0.2.1 , neighbor 192.0.2.2 announce route 203.0.113.0/24 next-hop self\n< "
             "done\n> " +
             kAnnounce +
             "\n< done\n> neighbor 192.0.2.2 announce route 198.51.100.0/24 next-hop self med 1\n"},
    });
  }

  TEST_CASE("a withdrawal has the attributes that the route was announced with") {
    play({
        {"whatever the agent says now",
         kUp + "want " + kRoute + " med 7 community 65535:0 as-path 65101,65101\n> " + kAnnounce +
             " med 7 community [65535:0] as-path [65101 65101]\n< done\n+50\nwant " + kDown + " med 9\n> " +
             kWithdraw + " med 7 community [65535:0] as-path [65101 65101]\n< done\n>\n"},
        {"those that were said last, acknowledged or not", kAnnounced + "want " + kRoute + " med 2\n> " +
                                                               kAnnounce + " med 2\n< error\n+50\nwant " +
                                                               kDown + "\n+950\n> " + kWithdraw + " med 2\n"},
        {"across a restart", kAnnounced + "want " + kDown + " med 9\nrestart\nwant " + kDown + " med 9\n" +
                                 kHello + "> " + kWithdraw + " med 1\n"},
        {"the agent's own for one that was never announced",
         kUp + "want " + kDown + " med 9\n> " + kWithdraw + " med 9\n"},
    });
  }

  TEST_CASE("a session that comes up is told everything at once, after 0.2 s and after 2 s") {
    const std::string other = "* 203.0.113.0/24 withdraw next-hop self";
    const std::string both = "neighbor 192.0.2.2 announce route 198.51.100.0/24 next-hop self med 1";
    play({
        {"announced routes also with a flush, once",
         kAnnounced + "< neighbor 192.0.2.1 down - peer reset\n<\n>\n+100\n< neighbor 192.0.2.1 up\n<\n> " +
             kAnnounce + " med 1\n< done\n>\n+200\n> " + kAnnounce +
             " med 1\n< done\n> neighbor 192.0.2.1 flush adj-rib out\n< done\n>\n+1800\n> " + kAnnounce +
             " med 1\n< done\n>\n+20000\n>\n"},
        {"withdrawn ones without",
         kUp + "want " + kDown + "\n> " + kWithdraw +
             "\n< done\n< neighbor 192.0.2.1 down - x\n< neighbor 192.0.2.1 up\n> " + kWithdraw +
             "\n< done\n>\n+200\n> " + kWithdraw + "\n< done\n>\n+1800\n> " + kWithdraw + "\n< done\n>\n"},
        {"withdrawn ones first",
         kUp + "want " + kRoute + " | " + other +
             "\n> withdraw route 203.0.113.0/24 next-hop self\n< done\n> " + kAnnounce +
             "\n< done\n< neighbor 192.0.2.1 up\n> withdraw route 203.0.113.0/24 next-hop self\n< done\n> " +
             kAnnounce + "\n< done\n+200\n> withdraw route 203.0.113.0/24 next-hop self\n< done\n> " +
             kAnnounce + "\n< done\n> neighbor 192.0.2.1 flush adj-rib out\n< done\n>\n"},
        {"what is for it, and nothing else",
         kAnnounced + "want 192.0.2.1 203.0.113.0/24 announce next-hop self | " + kRoute +
             " med 1\n> neighbor 192.0.2.1 announce route 203.0.113.0/24 next-hop self\n< done\n" +
             "< neighbor 192.0.2.2 up\n> neighbor 192.0.2.1 , " + both +
             "\n< done\n>\n+200\n> neighbor 192.0.2.1 , " + both +
             "\n< done\n> neighbor 192.0.2.2 flush adj-rib out\n< done\n>\n+1800\n> neighbor 192.0.2.1 , " +
             both + "\n< done\n>\n"},
        {"not if it went down before", kAnnounced + "< neighbor 192.0.2.1 up\n> " + kAnnounce +
                                           " med 1\n< done\n+100\n< neighbor 192.0.2.1 down - x\n+5000\n>\n"},
        {"also when the time before is not yet answered",
         kAnnounced + "< neighbor 192.0.2.1 up\n> " + kAnnounce + " med 1\n< done\n+200\n> " + kAnnounce +
             " med 1\n+1800\n>\n< done\n> " + kAnnounce + " med 1\n"},
    });
  }

  TEST_CASE("a route that is down is withdrawn again each 10 s, an announced one is left alone") {
    play({
        {"down", kUp + "want " + kDown + "\n> " + kWithdraw + "\n< done\n+10000\n> " + kWithdraw +
                     "\n< done\n+10000\n> " + kWithdraw + "\n"},
        {"down while no session is up",
         kUp + "< neighbor 192.0.2.1 down - x\nwant " + kDown + "\n> " + kWithdraw +
             "\n< done\n>\n+9050\n> show neighbor summary\n< done\n+950\n> " + kWithdraw + "\n"},
        {"announced", kAnnounced + "+60000\n>\n"},
    });
  }

  TEST_CASE("while its session is not up a route is only withdrawn") {
    const std::string one = "192.0.2.1 198.51.100.0/24 ";
    play({
        {"before anything is known of sessions", "want " + kRoute + "\n> version\n< exabgp 4.2.21\n+50\n" +
                                                     "> show neighbor summary\n>\n< done\n>\n+5000\n>\n"},
        {"announced as soon as one is up", kHello + "> show neighbor summary\n< done\nwant " + kRoute +
                                               "\n>\n+500\n< neighbor 192.0.2.1 up\n> " + kAnnounce + "\n"},
        {"another neighbor's session does not count",
         kUp + "want 192.0.2.2 198.51.100.0/24 announce next-hop self\n>\n+500\n< neighbor 192.0.2.2 up\n" +
             "> neighbor 192.0.2.2 announce route 198.51.100.0/24 next-hop self\n"},
        {"changes wait for the session, the withdrawal does not",
         kAnnounced + "< neighbor 192.0.2.1 down - x\nwant " + kRoute + " med 2\n>\nwant " + kRoute +
             " med 3\n>\n" +
             "status route * 198.51.100.0/24 announce pending 500 next-hop self med 1\nwant " + kDown +
             "\n> " + kWithdraw + " med 1\n"},
        {"of all neighbors those are told whose session is up, and the others when it comes up",
         kUp + "< neighbor 192.0.2.2 up\n< neighbor 192.0.2.1 down - x\n>\n+3000\nwant " + kRoute +
             "\n> neighbor 192.0.2.2 announce route 198.51.100.0/24 next-hop self\n< done\n>\n+500\n" +
             "< neighbor 192.0.2.1 up\n" +
             "> neighbor 192.0.2.1 , neighbor 192.0.2.2 announce route 198.51.100.0/24 next-hop self\n"},
        {"a neighbor that was never up is withdrawn by its address",
         kUp + "want " + one + "withdraw next-hop self\n> neighbor 192.0.2.1 " + kWithdraw + "\n"},
    });
  }

  TEST_CASE("which sessions are up is asked at the start, and each 10 s while none is known to be") {
    play({
        {"none", kHello +
                     "> show neighbor summary\n< done\n>\n+10000\n> show neighbor summary\n< done\n+10000\n" +
                     "> show neighbor summary\n"},
        {"not while one is up", kUp + "+60000\n>\n"},
        {"at the start also when an event tells of one",
         kHello + "< neighbor 192.0.2.2 up\n> show neighbor summary\n"},
        {"again when the answer failed",
         kHello +
             "< neighbor 192.0.2.2 up\n> show neighbor summary\n< error\n+10000\n> show neighbor summary\n"},
        {"a session that is not listed is down",
         kHello + "< neighbor 192.0.2.2 up\n+10\n> show neighbor summary\n+10\n< done\n" +
             "status neighbor 192.0.2.2 down not among the established ones\n"},
        {"an event is newer than the answer",
         kHello +
             "< neighbor 192.0.2.2 up\n+10\n> show neighbor summary\n+5\n< neighbor 192.0.2.2 down - peer "
             "reset\n" +
             "< neighbor 192.0.2.3 up\n< 192.0.2.2 65000 0:00:12 established 3 1\n< done\n" +
             "status neighbor 192.0.2.2 down peer reset\nstatus neighbor 192.0.2.3 up -\n"},
        {"a list that nobody asked for is not heeded",
         kUp + "< 192.0.2.7 65000 0:00:12 established 3 1\nwant 192.0.2.7 198.51.100.0/24 announce next-hop "
               "self\n>\n"},
        {"neighbors are spelled as ExaBGP does",
         kUp + "< neighbor 2001:db8:0::1 up\nwant 2001:db8::1 2001:db8:53::/48 announce next-hop self\n" +
             "> neighbor 2001:db8:0::1 announce route 2001:db8:53::/48 next-hop self\n"},
    });
  }

  TEST_CASE("an agent that is not heard for 3 s has its routes withdrawn") {
    play({
        {"it is silent",
         kAnnounced + "silent\n+2500\n> " + kWithdraw + " med 1\n< done\nlogged has not heard the agent\n" +
             "status route * 198.51.100.0/24 withdraw settled 0 next-hop self med 1\n+10000\n> " + kWithdraw +
             " med 1\n"},
        {"it comes back in time", kAnnounced + "silent\n+2400\nwant " + kRoute + " med 1\n>\n+60000\n>\n"},
        {"it comes back later", kAnnounced + "silent\n+2500\n> " + kWithdraw + " med 1\n< done\n+100\nwant " +
                                    kRoute + " med 1\nlogged hears the agent\n> " + kAnnounce + " med 1\n"},
        {"what counts is when it spoke, not when that was read",
         kAnnounced + "silent\n+2000\nagent meridian-bgp wanted 1\n+500\n"},
        {"nothing is known of it at the start", kUp + "+20000\n>\n"},
    });
  }

  TEST_CASE("what counts is when the agent spoke, not when that was read") {
    test::ManualClock clock;
    Bridge bridge(1, [](const std::string&) {});
    const auto now = clock.monotonic();
    const auto old = format_wanted({to_ms(now) - 3'000, {}});
    const auto newer = format_wanted({to_ms(now) - 1'000, {}});
    bridge.hear_agent(old, now);
    CHECK(bridge.next_deadline(now) == base::MonotonicTime::max());
    bridge.hear_agent(newer, now);
    CHECK(bridge.next_deadline(now) == now + 2s);
  }

  TEST_CASE("a message that is refused changes nothing, and is told back") {
    play({
        {"the last good state stays, however long",
         kAnnounced +
             "silent\n+2000\nagent x\n>\nstatus refused 1\nstatus refusal message:1:1: here is to stand "
             "'meridian-bgp'\n" +
             "logged refuses this one: message:1:1\n+2900\nagent x\n+2900\n>\nstatus refused 2\n+100\n> " +
             kWithdraw + " med 1\n"},
        {"it does not bring back an agent that was silent",
         kAnnounced + "silent\n+2500\n> " + kWithdraw +
             " med 1\n< done\nagent x\n>\n+9000\nagent x\n>\n+1000\n> " + kWithdraw + " med 1\n"},
    });
    test::ManualClock clock;
    Bridge bridge(1, [](const std::string&) {});
    const auto now = clock.monotonic();
    bridge.hear_agent(format_wanted({to_ms(now) + 1, {}}), now);
    CHECK(bridge.status(now).refusal == "message:2:6: it was sent later than now; was it by this machine?");
    bridge.hear_agent(format_wanted({to_ms(now), {}}), now);
    CHECK(bridge.status(now).refused == 1);
    bridge.hear_agent(format_wanted({to_ms(now) - 1, {}}), now);
    CHECK(bridge.status(now).refusal == "message:2:6: it was sent before the last one");
    CHECK(bridge.status(now).refused == 2);
  }

  TEST_CASE("routes that are to go are bounded, too") {
    test::ManualClock clock;
    Bridge bridge(1, [](const std::string&) {});
    for (std::uint32_t turn = 0; turn < 3; ++turn) {
      Wanted wanted{to_ms(clock.monotonic()), {}};
      for (std::uint32_t i = 0; i < base::limits::kBgpRoutesMax; ++i) {
        wanted.routes.push_back(
            {{{}, {base::IpAddress::v4((turn << 16) + (i << 8)), 24}}, Level::Announce, {}});
      }
      bridge.hear_agent(format_wanted(wanted), clock.monotonic());
    }
    const auto status = bridge.status(clock.monotonic());
    CHECK(status.refused == 1);
    CHECK(status.refusal == "message:3:1: too many routes are yet to be withdrawn before others may come");
    CHECK(status.routes.size() == 2 * base::limits::kBgpRoutesMax);
    CHECK(parse_status(format_status(status)).has_value());
    CHECK(parse_saved(format_saved(bridge.saved(clock.monotonic()))).has_value());
  }

  TEST_CASE("what is wanted no longer is withdrawn and forgotten") {
    play({
        {"all of it", kAnnounced + "want\n> " + kWithdraw +
                          " med 1\nstatus route * 198.51.100.0/24 announce pending 500 " +
                          "next-hop self med 1\n< done\n>\n+60000\n>\n"},
        {"it is wanted again before it is gone",
         kAnnounced + "want\nwant " + kRoute + " med 1\n>\n+60000\n>\n"},
        {"a neighbor that ExaBGP no longer has",
         kAnnounced + "want\n> " + kWithdraw + " med 1\n< error\n>\n+60000\n>\n"},
        {"what is said to all undoes what was said to one",
         kUp + "want 192.0.2.1 198.51.100.0/24 announce next-hop self\n> " + kAnnounce +
             "\n< done\n+50\nwant " + kDown + "\n> " + kWithdraw +
             "\n+50\nwant 192.0.2.1 198.51.100.0/24 announce next-hop self\n< done\n" +
             "status route 192.0.2.1 198.51.100.0/24 unknown pending 100 next-hop self\n> " + kAnnounce +
             "\n< done\n>\n"},
        {"before one neighbor gets what all had",
         kAnnounced + "want 192.0.2.1 198.51.100.0/24 announce next-hop self med 1\n> " + kWithdraw +
             " med 1\n>\n+20\n>\n< done\n>\n+30\n> " + kAnnounce +
             " med 1\n< done\n>\n+60000\n>\nstatus route 192.0.2.1 198.51.100.0/24 announce settled 60000 "
             "next-hop self med 1\n"},
    });
  }

  TEST_CASE("a bridge that follows another goes on where that one was") {
    play({
        {"the same is announced again, which is no UPDATE",
         kAnnounced + "restart\n" + kUp.substr(0, kUp.size() - 9) + "> " + kAnnounce + " med 1\n"},
        {"with sessions unknown it says nothing of it",
         kAnnounced + "restart\n" + kHello + "> show neighbor summary\n>\n"},
        {"an agent that is not back in time has its routes withdrawn 3 s after it was heard",
         kAnnounced + "silent\nrestart\n" + kHello +
             "> show neighbor summary\n< 192.0.2.1 65000 0:00:12 established 3 1\n< done\n> " + kAnnounce +
             " med 1\n< done\n+2450\n> " + kWithdraw + " med 1\n"},
        {"or 0.5 s after the start if that is later",
         kAnnounced + "silent\n+2400\nrestart\n" + kHello +
             "> show neighbor summary\n< 192.0.2.1 65000 0:00:12 established 3 1\n< done\n> " + kAnnounce +
             " med 1\n< done\n+450\n> " + kWithdraw + " med 1\n"},
        {"it was silent already: withdrawn first", kAnnounced + "silent\n+2500\n> " + kWithdraw +
                                                       " med 1\n< done\n+100\nrestart\n" + kHello + "> " +
                                                       kWithdraw + " med 1\n"},
        {"a session that came up just before is told everything again",
         kAnnounced + "restart\n" + kHello +
             "> show neighbor summary\n< 192.0.2.1 65000 down established 3 1\n< done\n> " + kAnnounce +
             " med 1\n< done\n+200\n> " + kAnnounce +
             " med 1\n< done\n> neighbor 192.0.2.1 flush adj-rib out\n" + "< done\n+1800\n> " + kAnnounce +
             " med 1\n"},
        {"5 s later: withdrawn first, announced once the agent is heard",
         kAnnounced + "silent\n+2500\n> " + kWithdraw + " med 1\n< done\n+2000\nrestart\n" + kHello + "> " +
             kWithdraw +
             " med 1\n< done\n> show neighbor summary\n< 192.0.2.1 65000 0:00:12 established 3 1\n< "
             "done\nwant " +
             kRoute + " med 1\n>\n+50\n> " + kAnnounce + " med 1\n"},
        {"it was dead for long: withdrawn first",
         kAnnounced + "silent\nrestart late\n" + kHello + "> " + kWithdraw + " med 1\n"},
        {"another ExaBGP: withdrawn first",
         kAnnounced + "silent\nrestart other\n" + kHello + "> " + kWithdraw + " med 1\n"},
        {"what was wanted and not yet said is said",
         kAnnounced + "want " + kRoute + " med 2\nrestart\n" + kHello +
             "> show neighbor summary\n< 192.0.2.1 65000 0:00:12 established 3 1\n< done\n> " + kAnnounce +
             " med 2\n"},
        {"what was to be forgotten is withdrawn", kAnnounced + "want\nrestart\n" + kHello + "> " + kWithdraw +
                                                      " med 1\n< done\n> show neighbor summary\n"},
    });
  }

  TEST_CASE("the status tells of sessions, versions and counts") {
    play({{"all of it", kAnnounced + "status exabgp 4.2.21\nstatus acks 2\nstatus neighbor 192.0.2.1 up -\n" +
                            "status route * 198.51.100.0/24 announce settled 500 next-hop self med 1\n" +
                            "< neighbor 192.0.2.1 down - peer reset, message [x]\n" +
                            "status neighbor 192.0.2.1 down peer reset, message [x]\n"}});
  }

  TEST_CASE("no more neighbors are known than the limit says") {
    test::ManualClock clock;
    Bridge bridge(1, [](const std::string&) {});
    for (std::uint32_t i = 0; i < 2 * base::limits::kBgpNeighborsMax; ++i) {
      CHECK(bridge.hear_exabgp("neighbor " + to_string(base::IpAddress::v4(i)) + " up", clock.monotonic()));
    }
    CHECK(bridge.status(clock.monotonic()).sessions.size() == base::limits::kBgpNeighborsMax);
  }
}

}  // namespace
}  // namespace meridian::bgp
