#include "control/reloader.hpp"

#include "base/regular_file.hpp"
#include "site_fixture.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>

namespace meridian::control {
namespace {

namespace fs = std::filesystem;
using stats::Counter;

/// A site whose server can be stopped and started again over the same files.
struct Site {
  Site() {
    map.write_standard();
    write_site("state: state\n");
  }

  void write_site(const std::string& more) const {
    map.folder().write("meridian.yaml", "map: map\nsite: ams1\ngeoip: {test: [test.mmdb]}\n" + more);
  }
  /// Everything from `place` goes to `datacenter` first.
  void send(const std::string& datacenter) const {
    map.write("maps.yaml", "maps: {web: {rules: [{for: everyone, prefer: [" + datacenter + "]}]}}\n");
  }
  [[nodiscard]] std::string state() const { return map.folder().path() + "/state/epochs"; }

  test::MapFixture map{test::SiteFixture::data_folder()};
  test::ManualClock clock;
};

/// One run of a server.
struct Run {
  explicit Run(const Site& at) : site(at) {}
  ~Run() { reloader.stop(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Run& start(Reloader::StartFrom from = Reloader::StartFrom::LastEpoch) {
    const auto first = reloader.load_first(from);
    if (!first) FAIL(first.error().to_text());
    return *this;
  }
  /// Waits until what a start left for later is done as well.
  Run& complete() {
    reloader.start();
    // Anything that is asked for waits for it.
    std::promise<void> done;
    reloader.request({.rollback_to = 999'999}, [&](const ReloadResult&) { done.set_value(); });
    done.get_future().get();
    return *this;
  }
  ReloadResult load(const ReloadOrder& order = {}) {
    std::promise<ReloadResult> promise;
    reloader.request(order, [&](const ReloadResult& result) { promise.set_value(result); });
    return promise.get_future().get();
  }
  [[nodiscard]] std::shared_ptr<const Serving> serving() const { return reloader.serving().get(); }
  [[nodiscard]] std::uint64_t epoch() const { return serving()->snapshot->epoch; }
  /// Who gets an address nobody has a rule of its own for.
  [[nodiscard]] std::string first_datacenter() const {
    const auto& snapshot = *serving()->snapshot;
    const auto leaf = snapshot.maps[0].v4.lookup(base::IpAddress::v4(0xc6336401));  // 198.51.100.1
    const auto list = snapshot.tiers.list(static_cast<base::TiersId>(leaf.value));
    return snapshot.datacenters[base::index_of(list.front().datacenter)].name;
  }
  [[nodiscard]] std::vector<std::uint64_t> kept() const {
    std::vector<std::uint64_t> numbers;
    for (const auto& info : reloader.kept_epochs()) numbers.push_back(info.number);
    return numbers;
  }
  [[nodiscard]] std::uint64_t count(Counter counter) const { return counters.total(counter); }

  const Site& site;
  stats::CounterRegistry counters;
  stats::Counters& block = counters.register_block();
  Reloader reloader{read_site_from(site.map.folder().path() + "/meridian.yaml"),
                    test::SiteFixture::data_folder(), site.clock, block};
};

}  // namespace

TEST_SUITE("control/reloader_epochs") {
  TEST_CASE("each loaded map is kept, and one that decides alike only once") {
    const Site site;
    Run run(site);
    run.start().complete();
    CHECK(run.kept() == std::vector<std::uint64_t>{1});
    const auto hash = run.serving()->info.hash;
    CHECK(hash.size() == 64);
    REQUIRE(run.load().ok);
    CHECK(run.epoch() == 2);
    CHECK(run.serving()->info.hash == hash);
    CHECK(run.kept() == std::vector<std::uint64_t>{2});
    site.send("sin");
    REQUIRE(run.load().ok);
    CHECK(run.serving()->info.hash != hash);
    CHECK(run.kept() == std::vector<std::uint64_t>{3, 2});
  }

  TEST_CASE("a start whose sources did not change takes what is kept, and reads the rules behind it") {
    const Site site;
    site.send("sin");
    Run(site).start();
    Run run(site);
    run.start();
    CHECK(run.epoch() == 1);
    CHECK_FALSE(run.serving()->rulebook->has_rules());
    CHECK(run.first_datacenter() == "sin");
    CHECK(run.count(Counter::EpochsRestored) == 1);
    run.complete();
    CHECK(run.serving()->rulebook->has_rules());
    CHECK(run.epoch() == 1);
    CHECK(run.kept() == std::vector<std::uint64_t>{1});
    REQUIRE(run.load().ok);
    CHECK(run.epoch() == 2);
  }

  TEST_CASE("an epoch that another version compiled serves until this one has compiled its own") {
    const Site site;
    Run(site).start();
    const auto path = site.state() + "/0000000001/epoch.json";
    auto text = base::read_regular_file(path, 1'000'000).value();
    const auto at = text.find("\"version\":\"");
    REQUIRE(at != std::string::npos);
    text.insert(at + 11, "9");
    site.map.folder().write("state/epochs/0000000001/epoch.json", text);
    Run run(site);
    run.start();
    CHECK(run.epoch() == 1);
    run.complete();
    CHECK(run.epoch() == 2);
    CHECK(run.kept() == std::vector<std::uint64_t>{2});
  }

  TEST_CASE("a start whose sources changed serves the last epoch until they are read") {
    const Site site;
    site.send("iad");
    Run(site).start();
    site.send("sin");
    Run run(site);
    run.start();
    CHECK(run.epoch() == 1);
    CHECK(run.first_datacenter() == "iad");
    run.complete();
    CHECK(run.epoch() == 2);
    CHECK(run.first_datacenter() == "sin");
    CHECK(run.serving()->rulebook->has_rules());
    CHECK(run.count(Counter::ReloadsOk) == 1);
  }

  TEST_CASE("whoever takes over reads the sources first, and fails where they are broken") {
    const Site site;
    site.send("iad");
    Run(site).start();
    site.send("sin");
    Run run(site);
    run.start(Reloader::StartFrom::Sources);
    CHECK(run.epoch() == 2);
    CHECK(run.first_datacenter() == "sin");
    site.map.write("maps.yaml", "maps: 7\n");
    Run broken(site);
    CHECK_FALSE(broken.reloader.load_first(Reloader::StartFrom::Sources).has_value());
  }

  TEST_CASE("a start whose sources are broken goes on with the last good epoch") {
    struct Row {
      const char* why;
      void (*breaks)(const Site&);
    };
    const Row rows[] = {
        {"a broken map", [](const Site& site) { site.map.write("maps.yaml", "maps: 7\n"); }},
        {"no map", [](const Site& site) { fs::remove_all(site.map.map_folder()); }},
        {"a broken expectation",
         [](const Site& site) {
           site.map.write("expect.yaml", "expect: [{from: GB, map: web, never: [sin]}]\n");
         }},
        {"a broken database", [](const Site& site) { site.map.folder().write("test.mmdb", "nothing"); }},
        {"no database", [](const Site& site) { fs::remove(site.map.folder().path() + "/test.mmdb"); }},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const Site site;
      site.send("sin");
      Run(site).start();
      row.breaks(site);
      Run run(site);
      run.start();
      CHECK(run.epoch() == 1);
      CHECK(run.first_datacenter() == "sin");
      CHECK(run.reloader.last_result().ok);
      run.complete();
      CHECK(run.epoch() == 1);
      CHECK(run.first_datacenter() == "sin");
      CHECK(run.count(Counter::ReloadsFailed) >= 1);
    }
  }

  TEST_CASE("without an epoch to go on with, a start with broken sources fails") {
    const Site site;
    site.map.write("maps.yaml", "maps: 7\n");
    Run run(site);
    CHECK_FALSE(run.reloader.load_first().has_value());
  }

  TEST_CASE("a damaged epoch is passed over for the one before") {
    const Site site;
    site.send("iad");
    {
      Run run(site);
      run.start().complete();
      site.send("sin");
      REQUIRE(run.load().ok);
    }
    site.map.folder().write("state/epochs/0000000002/maps.bin", "damaged");
    site.map.write("maps.yaml", "maps: 7\n");
    Run run(site);
    run.start();
    CHECK(run.epoch() == 1);
    CHECK(run.first_datacenter() == "iad");
    run.complete();
    site.send("sin");
    REQUIRE(run.load().ok);
    CHECK_MESSAGE(run.epoch() == 3, "no number is given twice");
  }

  TEST_CASE("an operator can go back, and the map that was left stays away until it changes") {
    const Site site;
    site.send("iad");
    Run run(site);
    run.start().complete();
    site.send("sin");
    REQUIRE(run.load().ok);
    const auto back = run.load({.rollback_to = 1});
    CHECK(back.ok);
    CHECK(back.epoch == 1);
    CHECK(run.first_datacenter() == "iad");
    CHECK_MESSAGE(run.serving()->rulebook->has_rules(), "the databases are those it was made with");
    CHECK(run.count(Counter::Rollbacks) == 1);

    const auto refused = run.load();
    CHECK_FALSE(refused.ok);
    CHECK(refused.diagnostics.to_text().find("is the map that was gone back from") != std::string::npos);
    CHECK(run.epoch() == 1);
    {  // nor does it come back with a restart
      Run again(site);
      again.start();
      CHECK(again.epoch() == 1);
      CHECK(again.first_datacenter() == "iad");
      Run taking(site);
      taking.start(Reloader::StartFrom::Sources);
      CHECK(taking.epoch() == 1);
      again.complete();
      CHECK(again.epoch() == 1);
      CHECK(again.serving()->rulebook->has_rules());
      CHECK_FALSE(again.load().ok);
    }
    CHECK(run.load({.force = true}).ok);
    CHECK(run.first_datacenter() == "sin");
    CHECK(run.epoch() == 3);

    REQUIRE(run.load({.rollback_to = 1}).ok);
    site.send("ams");
    CHECK_MESSAGE(run.load().ok, "another map is welcome");
    CHECK(run.first_datacenter() == "ams");
  }

  TEST_CASE("going back to what is not kept changes nothing") {
    const Site site;
    Run run(site);
    run.start().complete();
    const auto result = run.load({.rollback_to = 7});
    CHECK_FALSE(result.ok);
    CHECK(result.diagnostics.to_text().find("epoch 7 is not kept") != std::string::npos);
    CHECK(run.epoch() == 1);
    site.write_site("");
    Run without(site);
    without.start().complete();
    CHECK(without.kept().empty());
    CHECK(without.load({.rollback_to = 1}).diagnostics.to_text().find("has had no 'state'") !=
          std::string::npos);
  }

  TEST_CASE("going back keeps decisions although the databases are others now") {
    const Site site;
    site.write_site("state: state\ngeoip_gate: off\n");
    site.map.write("maps.yaml",
                   "maps: {web: {rules: [{for: GB, prefer: [sin]}, {for: everyone, prefer: [iad]}]}}\n");
    Run run(site);
    run.start().complete();
    const auto gb = base::parse_ip_address("81.2.69.1").value();
    const auto tiers_of_gb = [&] {
      const auto& snapshot = *run.serving()->snapshot;
      const auto leaf = snapshot.maps[0].v4.lookup(gb);
      const auto list = snapshot.tiers.list(static_cast<base::TiersId>(leaf.value));
      return snapshot.datacenters[base::index_of(list.front().datacenter)].name;
    };
    CHECK(tiers_of_gb() == "sin");
    test::MmdbWriter writer;
    writer.insert("81.2.69.0/24", test::mmdb_map({{"country", test::mmdb_map({{"iso_code", "FR"}})}}));
    site.map.set_database(writer);
    REQUIRE(run.load().ok);
    REQUIRE(tiers_of_gb() == "iad");
    REQUIRE(run.load({.rollback_to = 1}).ok);
    CHECK(tiers_of_gb() == "sin");
    CHECK_MESSAGE(!run.serving()->rulebook->has_rules(), "its databases are gone, so nobody can tell why");
  }

  TEST_CASE("a state folder that cannot be written costs the epochs and nothing else") {
    const Site site;
    site.map.folder().write("state", "a file");
    Run run(site);
    run.start().complete();
    CHECK(run.epoch() == 1);
    CHECK(run.kept().empty());
    CHECK(run.count(Counter::EpochsNotKept) == 1);
    const auto result = run.load();
    CHECK(result.ok);
    CHECK(result.diagnostics.to_text().find("epoch not kept: ") != std::string::npos);
  }

  TEST_CASE("a site file that names another state folder, or none, changes that with the next start") {
    const Site site;
    Run run(site);
    run.start().complete();
    for (const char* more : {"", "state: other\n"}) {
      CAPTURE(more);
      site.write_site(more);
      site.send("sin");
      const auto result = run.load();
      CHECK(result.ok);
      CHECK(run.kept() == std::vector<std::uint64_t>{1});
      CHECK(run.count(Counter::EpochsNotKept) == 0);
    }
    CHECK_FALSE(fs::exists(site.map.folder().path() + "/other"));
  }

  TEST_CASE("a map that leaves a name without an answer needs force") {
    const Site site;
    Run run(site);
    run.start().complete();
    site.map.write("maps.yaml", "maps: {web: {rules: [{for: everyone, only: []}]}}\n");
    const auto refused = run.load();
    CHECK_FALSE(refused.ok);
    CHECK(refused.diagnostics.to_text().find(
              "would leave without an answer what has one now: *.cdn.example.com, www.example.com") !=
          std::string::npos);
    CHECK(run.count(Counter::ReloadsEmptied) == 1);
    CHECK(run.epoch() == 1);
    CHECK(run.load({.force = true}).ok);
    CHECK(run.load().ok);
    CHECK(run.count(Counter::ReloadsEmptied) == 1);
  }
}

}  // namespace meridian::control
