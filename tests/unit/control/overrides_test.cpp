#include "control/overrides.hpp"

#include "query/decide.hpp"
#include "site_fixture.hpp"

#include <doctest/doctest.h>
#include <boost/json/serialize.hpp>

#include <cmath>
#include <optional>

namespace meridian::control {
namespace {

using namespace std::chrono_literals;
using health::EndpointState;

struct Fixture : test::SiteFixture {
  Fixture() {
    // www.example.com runs in three datacenters; half of it must stay.
    overrides.set_min_serving([](const query::Service&) { return 0.5; });
    start();
  }

  [[nodiscard]] std::shared_ptr<const Serving> serving() const { return reloader.serving().get(); }
  /// What the epoch that serves keeps of a datacenter, of 65536.
  [[nodiscard]] std::uint32_t kept(const std::string& name) const {
    const auto now = serving();
    const auto& datacenters = now->snapshot->datacenters;
    for (std::size_t i = 0; i < datacenters.size(); ++i) {
      if (datacenters[i].name == name) return now->tables->health.kept(static_cast<base::DatacenterId>(i));
    }
    FAIL("no such datacenter");
    return 0;
  }
  [[nodiscard]] std::optional<EndpointState> forced(const std::string& address) const {
    const auto now = serving();
    const auto& endpoints = now->snapshot->endpoints;
    for (std::uint32_t i = 0; i < endpoints.size(); ++i) {
      if (base::to_string(endpoints[i].address) == address)
        return now->tables->health.forced(base::EndpointId{i});
    }
    FAIL("no such endpoint");
    return std::nullopt;
  }
  static OverrideWish wish(OverrideKind kind, const std::string& target,
                           std::optional<base::WallTime> until = {}) {
    return {.kind = kind, .target = target, .reason = "CHG-7", .author = "alice", .ends_at = until};
  }
  std::int64_t drain(const std::string& target, std::optional<base::WallTime> until = {}) {
    return overrides.set(wish(OverrideKind::Drain, target, until)).value();
  }
  std::size_t end(const std::string& target, bool takes_clients = true) {
    return overrides.end({.target = target, .takes_clients = takes_clients, .author = "bob"}).value();
  }
  [[nodiscard]] std::uint64_t count(stats::Counter counter) const { return counters.total(counter); }
};

}  // namespace

TEST_SUITE("control/overrides") {
  TEST_CASE("a wish is written into the tables that serve, and taken back") {
    Fixture fixture;
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    fixture.drain("ams");
    CHECK(fixture.kept("ams") == 0);
    CHECK(fixture.kept("iad") == health::kKeepsAll);
    CHECK(fixture.overrides.shedding().at("ams").reason == "CHG-7");
    auto shed = Fixture::wish(OverrideKind::Shed, "ams");
    shed.share = steering::kFull / 4;
    REQUIRE(fixture.overrides.set(shed).has_value());
    CHECK(fixture.kept("ams") == health::kKeepsAll * 3 / 4);
    CHECK(fixture.overrides.all().size() == 1);
    CHECK(fixture.end("ams") == 1);
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    CHECK(fixture.overrides.all().empty());
    CHECK(fixture.count(stats::Counter::SheddingChanges) == 3);
    CHECK(fixture.count(stats::Counter::OverrideChanges) == 3);
    // Nothing to end is no change.
    CHECK(fixture.end("ams") == 0);
    CHECK(fixture.count(stats::Counter::OverrideChanges) == 3);
  }

  TEST_CASE("a pool sheds for its service alone, and the larger of its share and its datacenter's counts") {
    Fixture fixture;
    const auto serving = fixture.serving();
    const auto& service = serving->snapshot->services.front();
    fixture.drain(service.name + "@ams");
    const auto candidate = [&] {
      return query::candidate_at(*serving->snapshot, *serving->tables, service, base::DatacenterId{0});
    };
    REQUIRE(serving->snapshot->datacenters[0].name == "ams");
    CHECK(candidate().health == 0);
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    auto shed = Fixture::wish(OverrideKind::Shed, "ams");
    shed.share = steering::kFull / 4;
    REQUIRE(fixture.overrides.set(shed).has_value());
    CHECK(fixture.end(service.name + "@ams") == 1);
    CHECK(candidate().health == steering::kFull * 3 / 4);
  }

  TEST_CASE("an endpoint is forced up or down whatever is known of it, and the last one set wins") {
    Fixture fixture;
    REQUIRE(fixture.overrides.set(Fixture::wish(OverrideKind::ForceDown, "192.0.2.10")).has_value());
    CHECK(fixture.forced("192.0.2.10") == EndpointState::Down);
    CHECK_FALSE(fixture.forced("198.51.100.20").has_value());
    REQUIRE(fixture.overrides.set(Fixture::wish(OverrideKind::ForceUp, "www.example.com@ams/192.0.2.*"))
                .has_value());
    CHECK(fixture.forced("192.0.2.10") == EndpointState::Up);
    // Both hold, each for its target; a drain of one target does not touch what forces it.
    CHECK(fixture.overrides.all().size() == 2);
    CHECK(fixture.end("192.0.2.10") == 0);
    CHECK(fixture.end("www.example.com@ams/192.0.2.*", false) == 1);
    CHECK(fixture.forced("192.0.2.10") == EndpointState::Down);
    CHECK(fixture.end("192.0.2.10", false) == 1);
    CHECK_FALSE(fixture.forced("192.0.2.10").has_value());
  }

  TEST_CASE("what makes no sense is refused with what would be right") {
    Fixture fixture;
    const auto refused = [&](const OverrideWish& wish) {
      const auto set = fixture.overrides.set(wish);
      return set ? std::string{} : set.error();
    };
    CHECK(refused(Fixture::wish(OverrideKind::Drain, "asm")) ==
          "the map has no datacenter 'asm'; did you mean 'ams'?");
    CHECK(refused(Fixture::wish(OverrideKind::Drain, "www.example.com@asm")) ==
          "the map has no pool 'www.example.com@asm'; did you mean 'www.example.com@ams'?");
    CHECK(refused(Fixture::wish(OverrideKind::ForceUp, "192.0.2.99")) ==
          "the map has no endpoint '192.0.2.99'");
    CHECK(refused(Fixture::wish(OverrideKind::Shed, "192.0.2.10"))
              .starts_with("an endpoint cannot shed a part"));
    auto wish = Fixture::wish(OverrideKind::Drain, "ams");
    for (const std::string& reason :
         {std::string{"two\nlines"}, std::string(201, 'x'), std::string{"caf\xe9"}}) {
      wish.reason = reason;
      CHECK(refused(wish) == "a reason is one line of at most 200 bytes of UTF-8");
    }
    wish.reason = "";
    CHECK(refused(wish).starts_with("it needs a reason"));
    wish.reason = "CHG-7";
    const auto now = fixture.clock.wall();
    wish.ends_at = now;
    CHECK(refused(wish) == "it would end before it begins");
    wish.ends_at = now + 31 * 24h;
    CHECK(refused(wish).starts_with("it may last at most 30 days"));
    wish.begins_at = now + 93 * 24h;
    CHECK(refused(wish) == "it may begin at most 92 days ahead");
    CHECK(fixture.overrides.all().empty());
    CHECK(fixture.count(stats::Counter::OverrideChanges) == 0);
  }

  TEST_CASE("a reason is not asked of requests from before there was a need for one") {
    Fixture fixture;
    auto wish = Fixture::wish(OverrideKind::Drain, "ams");
    wish.reason = "";
    wish.may_lack_reason = true;
    CHECK(fixture.overrides.set(wish).has_value());
  }

  TEST_CASE("too little left of a service is refused with the numbers, and done when insisted on") {
    Fixture fixture;
    fixture.overrides.set_journal(fixture.journal);
    fixture.drain("ams");
    auto wish = Fixture::wish(OverrideKind::Drain, "iad");
    const auto refused = fixture.overrides.set(wish);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().starts_with("drain iad: www.example.com keeps "));
    CHECK(refused.error().find("less than 50%") != std::string::npos);
    CHECK(refused.error().ends_with("; --force insists"));
    CHECK(fixture.kept("iad") == health::kKeepsAll);
    CHECK(fixture.count(stats::Counter::OverridesRefused) == 1);
    CHECK(fixture.journal.audit(10).value()[0].result == "refused: " + refused.error());
    wish.is_insisted_on = true;
    CHECK(fixture.overrides.set(wish).has_value());
    CHECK(fixture.kept("iad") == 0);
    CHECK(fixture.journal.audit(10).value()[0].details == "forced");
    // What gives back is never refused.
    CHECK(fixture.end("iad") == 1);
  }

  TEST_CASE("nothing at all left is refused also where no minimum is asked for") {
    Fixture fixture;
    fixture.overrides.set_min_serving([](const query::Service&) { return 0.0; });
    fixture.drain("ams");
    fixture.drain("iad");
    const auto refused = fixture.overrides.set(Fixture::wish(OverrideKind::Drain, "sin"));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().find("keeps 0%") != std::string::npos);
    CHECK_FALSE(fixture.overrides.set(Fixture::wish(OverrideKind::ForceDown, "*@sin")).has_value());
  }

  TEST_CASE("a drain that takes nothing from what is down already is not refused") {
    Fixture fixture;
    fixture.overrides.set_min_serving([](const query::Service&) { return 1.0; });
    const auto serving = fixture.serving();
    for (std::uint32_t i = 0; i < serving->snapshot->endpoints.size(); ++i)
      serving->tables->health.set_state(base::EndpointId{i}, EndpointState::Down);
    CHECK(fixture.overrides.set(Fixture::wish(OverrideKind::Drain, "ams")).has_value());
  }

  TEST_CASE("it outlives a reload by name, also while the map has no such datacenter") {
    Fixture fixture;
    fixture.drain("sin");
    CHECK(fixture.reload().ok);
    CHECK(fixture.kept("sin") == 0);
    CHECK(fixture.kept("ams") == health::kKeepsAll);

    fixture.map.write_standard();
    fixture.map.write("datacenters.yaml",
                      "datacenters:\n  iad: {at: [38.94, -77.46]}\n  ams: {at: [52.31, 4.76]}\n");
    fixture.map.write("maps.yaml", "maps: {web: {}}\n");
    fixture.map.write("regions.yaml", "regions: {}\n");
    fixture.map.write("services.yaml", "services: {}\n");
    CHECK(fixture.reload({.force = true}).ok);
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    CHECK(fixture.overrides.shedding().contains("sin"));
    // It can still be ended, but not begun.
    CHECK_FALSE(fixture.overrides.set(Fixture::wish(OverrideKind::Drain, "sin")).has_value());
    CHECK(fixture.end("sin") == 1);
    CHECK(fixture.overrides.all().empty());
  }

  TEST_CASE("it begins and ends by itself when its time has come") {
    Fixture fixture;
    fixture.overrides.set_min_serving([](const query::Service&) { return 0.1; });
    int changes = 0;
    fixture.overrides.set_on_change([&] { ++changes; });
    const auto now = fixture.clock.wall();
    fixture.drain("ams", now + 60s);
    auto later = Fixture::wish(OverrideKind::Drain, "iad", now + 120s);
    later.begins_at = now + 90s;
    REQUIRE(fixture.overrides.set(later).has_value());
    CHECK(changes == 2);
    CHECK(fixture.kept("iad") == health::kKeepsAll);
    CHECK_FALSE(fixture.overrides.shedding().contains("iad"));
    CHECK(fixture.overrides.next_change() == now + 60s);
    fixture.clock.pass(60s);
    fixture.overrides.apply_due();
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    CHECK(fixture.overrides.next_change() == now + 90s);
    fixture.clock.pass(30s);
    fixture.overrides.apply_due();
    CHECK(fixture.kept("iad") == 0);
    CHECK(fixture.overrides.shedding().contains("iad"));
    fixture.clock.pass(30s);
    fixture.overrides.apply_due();
    CHECK(fixture.kept("iad") == health::kKeepsAll);
    CHECK_FALSE(fixture.overrides.next_change().has_value());
    CHECK(changes == 5);
  }

  TEST_CASE("a scheduled window stands beside what holds now, and what is set now replaces that alone") {
    Fixture fixture;
    const auto now = fixture.clock.wall();
    auto later = Fixture::wish(OverrideKind::Drain, "ams", now + 2h);
    later.begins_at = now + 1h;
    REQUIRE(fixture.overrides.set(later).has_value());
    const auto first = fixture.drain("ams");
    const auto second = fixture.drain("ams");
    const auto all = fixture.overrides.all();
    REQUIRE(all.size() == 2);
    CHECK(all[0].begins_at == now + 1h);
    CHECK(all[1].id == second);
    CHECK(first != second);
    CHECK(fixture.overrides.end({.id = second, .author = "bob"}).value() == 1);
    CHECK(fixture.overrides.all().size() == 1);
  }

  TEST_CASE("the journal brings them back, without those that ended meanwhile, and knows who did what") {
    test::TemporaryFolder state;
    Fixture first;
    const auto now = first.clock.wall();
    {
      journal::Journal journal(state.path(), first.clock, first.counters.register_block());
      first.overrides.set_journal(journal);
      first.drain("ams", now + 1h);
      auto shed = Fixture::wish(OverrideKind::Shed, "www.example.com@iad", now + 60s);
      shed.share = steering::kFull / 4;
      REQUIRE(first.overrides.set(shed).has_value());
      REQUIRE(first.overrides.set(Fixture::wish(OverrideKind::ForceDown, "192.0.2.10")).has_value());
      CHECK(first.end("192.0.2.10", false) == 1);
      const auto audit = journal.audit(10).value();
      REQUIRE(audit.size() == 4);
      CHECK(audit[0].who == "bob");
      CHECK(audit[0].action == "end");
      CHECK(audit[0].details == "force down 192.0.2.10");
      CHECK(audit[3].who == "alice");
      CHECK(audit[3].reason == "CHG-7");
    }
    test::SiteFixture second;
    second.clock.pass(60s);
    journal::Journal journal(state.path(), second.clock, second.counters.register_block());
    second.overrides.set_journal(journal);
    second.start();
    second.overrides.apply_due();
    const auto all = second.overrides.all();
    REQUIRE(all.size() == 1);
    CHECK(all[0].target_text == "ams");
    CHECK(all[0].ends_at == now + 1h);
    CHECK(second.reloader.serving().get()->tables->health.kept(base::DatacenterId{0}) == 0);
    REQUIRE(journal.overrides().value().size() == 1);
    CHECK(journal.audit(1).value()[0].who == "meridiand");
  }

  TEST_CASE("without a journal that can be written nothing is set, unless it is insisted on") {
    test::TemporaryFolder folder;
    folder.write("state", "a file");
    Fixture fixture;
    journal::Journal journal(folder.path() + "/state", fixture.clock, fixture.counters.register_block());
    fixture.overrides.set_journal(journal);
    auto wish = Fixture::wish(OverrideKind::Drain, "ams");
    const auto refused = fixture.overrides.set(wish);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().starts_with(
        "it could not be written down, so a restart would forget it: the journal "));
    CHECK(fixture.kept("ams") == health::kKeepsAll);
    wish.is_insisted_on = true;
    CHECK(fixture.overrides.set(wish).has_value());
    CHECK(fixture.kept("ams") == 0);
    CHECK(fixture.end("ams") == 1);
  }

  TEST_CASE("every share is told as it was written, and read back from the journal as it was") {
    CHECK(fraction_of(steering::kFull) == 1);
    for (steering::Share share = 1; share <= steering::kFull; ++share) {
      const Override one{.kind = OverrideKind::Shed,
                         .target_text = "ams",
                         .share = share,
                         .created_at = {},
                         .begins_at = {},
                         .ends_at = {}};
      REQUIRE(from_row(to_row(one))->share == share);
    }
    for (const double written : {0.3, 0.25, 0.001, 0.125, 0.99})
      CHECK(fraction_of(static_cast<steering::Share>(std::lround(written * steering::kFull))) == written);
  }

  TEST_CASE("another process takes them over whole, and leaves out what is malformed") {
    Fixture first;
    auto wish = Fixture::wish(OverrideKind::Drain, "ams", first.clock.wall() + 60s);
    wish.reason = "says \"why\"";
    REQUIRE(first.overrides.set(wish).has_value());
    REQUIRE(first.overrides.set(Fixture::wish(OverrideKind::ForceDown, "192.0.2.10")).has_value());
    const auto messages = first.overrides.to_json();
    REQUIRE(messages.size() == 1);

    Fixture second;
    second.drain("sin");
    second.overrides.restore(messages[0], true);
    const auto all = second.overrides.all();
    REQUIRE(all.size() == 2);
    CHECK(all[0].reason == "says \"why\"");
    CHECK(all[0].ends_at == second.clock.wall() + 60s);
    CHECK(second.kept("ams") == 0);
    CHECK(second.kept("sin") == health::kKeepsAll);
    CHECK(second.forced("192.0.2.10") == EndpointState::Down);

    auto good = messages[0][0].as_object();
    boost::json::array bad{1, good};
    for (const auto* const key : {"id", "kind", "target", "share", "created", "begins"}) {
      auto one = good;
      one.erase(key);
      if (std::string_view(key) == "target") one["target"] = "a b";
      bad.push_back(one);
    }
    second.overrides.restore(bad, true);
    CHECK(second.overrides.all().size() == 1);
  }

  TEST_CASE("as many as there may be fit messages of a bounded size") {
    Fixture fixture;
    boost::json::array many;
    for (int i = 0; i < 1'100; ++i) {
      many.push_back(boost::json::object{{"id", i + 1},
                                         {"kind", "drain"},
                                         {"target", std::string(320, '"')},
                                         {"share", 65'536},
                                         {"reason", std::string(200, '"')},
                                         {"author", std::string(64, '"')},
                                         {"created", 1},
                                         {"begins", 1}});
    }
    fixture.overrides.restore(many, true);
    CHECK(fixture.overrides.all().size() == base::limits::kOverridesMax);
    for (const auto& message : fixture.overrides.to_json())
      CHECK(boost::json::serialize(message).size() < base::limits::kHandoverMessageBytesMax);
  }
}

}  // namespace meridian::control
