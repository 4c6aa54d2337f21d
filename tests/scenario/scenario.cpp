#include "scenario/scenario.hpp"

#include "config/compile/compile.hpp"
#include "config/yaml_reader.hpp"
#include "control/health_keeper.hpp"
#include "query/answer.hpp"
#include "query/capacity.hpp"
#include "scenario/records.hpp"
#include "scenario/text_geoip.hpp"
#include "support/manual_clock.hpp"
#include "support/packet_builder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

namespace meridian::test {
namespace {

using Words = std::vector<std::string>;

/// Splits at spaces; "quoted text" is one word; `#` ends the line.
Words split(const std::string& line) {
  Words words;
  std::istringstream in(line);
  for (std::string word; in >> std::ws;) {
    if (in.peek() == '#') break;
    if (in.peek() == '"') {
      in.get();
      std::getline(in, word, '"');
    } else if (!(in >> word)) {
      break;
    }
    words.push_back(word);
  }
  return words;
}

struct Step {
  int line = 0;
  Words words;
  std::vector<std::pair<int, std::string>> records;  ///< indented lines below, as written
};

std::vector<Step> read_steps(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw ScenarioError(fmt::format("{}: cannot be read", path));
  std::vector<Step> steps;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    auto words = split(line);
    if (words.empty()) continue;
    if (line.starts_with(' ') && !steps.empty()) {
      steps.back().records.emplace_back(number, line.substr(line.find_first_not_of(' ')));
    } else {
      steps.push_back({number, std::move(words), {}});
    }
  }
  return steps;
}

class Runner {
 public:
  Runner(std::string path, std::string data_folder)
      : path_(std::move(path)),
        folder_(std::filesystem::path(path_).parent_path().string()),
        data_folder_(std::move(data_folder)) {}

  std::size_t run() {
    for (const auto& step : read_steps(path_)) {
      line_ = step.line;
      run_step(step);
    }
    if (met_ == 0) fail("the file expects nothing");
    return met_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ScenarioError(fmt::format("{}:{}: {}", path_, line_, what));
  }

  const std::string& word(const Step& step, std::size_t index) const {
    if (index >= step.words.size()) fail(fmt::format("'{}' needs more words", step.words[0]));
    return step.words[index];
  }

  void run_step(const Step& step) {
    const auto& verb = step.words[0];
    if (verb == "geoip") return load_geoip(folder_ + "/" + word(step, 1));
    if (verb == "load") return load(word(step, 1));
    if (verb == "load-fails") return load_fails(word(step, 1), word(step, 2));
    if (verb == "probe") return probe(step);
    if (verb == "rounds") return rounds(step);
    if (verb == "expect-state") return expect_state(word(step, 1), word(step, 2));
    if (verb == "health") return set_health(word(step, 1), word(step, 2));
    if (verb == "shed") return shed(word(step, 1), word(step, 2));
    if (verb == "pass") return pass(word(step, 1));
    if (verb == "query") return query(step);
    if (verb == "expect") return expect(step);
    if (verb == "expect-same-query") {
      ask();
      return expect(step);
    }
    if (verb == "expect-each") return expect_each(step);
    fail(fmt::format("no step is called '{}'", verb));
  }

  void load_geoip(const std::string& path) {
    try {
      geoip_ = std::make_unique<MemoryFile>(text_to_mmdb(path));
    } catch (const std::exception& error) {
      fail(error.what());
    }
  }

  base::Expected<compile::Compiled, base::Diagnostics> compile(const std::string& folder) {
    if (!geoip_) geoip_ = std::make_unique<MemoryFile>(empty_mmdb());
    const compile::Sources sources{folder_ + "/" + folder, {{"test", {geoip_->path()}, {}}}, data_folder_};
    return compile::load_and_compile(sources, ++epoch_, clock_.wall());
  }

  void load(const std::string& folder) {
    auto compiled = compile(folder);
    if (!compiled) fail("the map is not good:\n" + compiled.error().to_text());
    compiled_ = std::move(*compiled);
    tables_ = std::make_shared<query::Tables>(*compiled_->snapshot);
    keeper_.publish(compiled_->snapshot, tables_, [] {});
  }

  void load_fails(const std::string& folder, const std::string& text) {
    const auto compiled = compile(folder);
    if (compiled) fail("the map is good");
    const auto told = compiled.error().to_text();
    if (told.find(text) == std::string::npos) fail(fmt::format("no problem says '{}', but:\n{}", text, told));
    ++met_;
  }

  const query::Snapshot& snapshot() const {
    if (!compiled_) fail("no map is loaded");
    return *compiled_->snapshot;
  }

  void set_health(const std::string& target, const std::string& word) {
    static const std::map<std::string, health::EndpointState> kStates{
        {"up", health::EndpointState::Up},
        {"down", health::EndpointState::Down},
        {"unknown", health::EndpointState::Unknown}};
    const auto state = kStates.find(word);
    if (state == kStates.end()) fail(fmt::format("no state is called '{}'", word));
    const auto datacenter = target.substr(0, target.find('/'));
    const auto address = target.find('/') == std::string::npos ? "" : target.substr(target.find('/') + 1);
    std::size_t changed = 0;
    for (const auto& pool : snapshot().pools) {
      if (snapshot().datacenters[base::index_of(pool.datacenter)].name != datacenter) continue;
      for (const auto* range : {&pool.v4, &pool.v6}) {
        for (std::uint32_t i = range->begin; i < range->end; ++i) {
          if (!address.empty() && base::to_string(snapshot().endpoints[i].address) != address) continue;
          tables_->health.set_state(base::EndpointId{i}, state->second);
          ++changed;
        }
      }
    }
    if (changed == 0) fail(fmt::format("'{}' has no endpoint", target));
    query::settle_capacities(snapshot(), *tables_);
  }

  /// `probe ADDRESS ok|fail [CAUSE] [weight N]`: a probe of it ended just now.
  void probe(const Step& step) {
    health::ProbeResult result;
    result.is_ok = word(step, 2) == "ok";
    if (!result.is_ok && word(step, 2) != "fail") fail("a probe is ok or fail");
    for (std::size_t i = 3; i < step.words.size(); ++i) {
      if (step.words[i] == "weight") {
        result.weight_percent = static_cast<std::uint32_t>(std::stoul(word(step, ++i)));
      } else {
        result.cause = step.words[i];
      }
    }
    if (tell_result(word(step, 1), result) == 0) fail(fmt::format("no check probes '{}'", step.words[1]));
  }

  std::size_t tell_result(const std::string& address, const health::ProbeResult& result) {
    std::size_t told = 0;
    for (const auto& target : keeper_.targets()) {
      if (base::to_string(target.address) != address) continue;
      keeper_.on_result(*target.check, target.address, result);
      ++told;
    }
    return told;
  }

  /// `rounds N [fail ADDRESS…]`: N times five seconds pass and every address is probed; those named fail.
  void rounds(const Step& step) {
    std::set<std::string> failing;
    if (step.words.size() > 2 && word(step, 2) != "fail") fail("write: rounds N fail ADDRESS…");
    if (step.words.size() > 3) failing.insert(step.words.begin() + 3, step.words.end());
    for (int left = std::stoi(word(step, 1)); left > 0; --left) {
      pass("5s");
      for (const auto& target : keeper_.targets()) {
        health::ProbeResult result;
        result.is_ok = !failing.contains(base::to_string(target.address));
        if (!result.is_ok) result.cause = "connect: refused";
        keeper_.on_result(*target.check, target.address, result);
      }
    }
  }

  void expect_state(const std::string& address, const std::string& state) {
    for (std::uint32_t i = 0; i < snapshot().endpoints.size(); ++i) {
      if (base::to_string(snapshot().endpoints[i].address) != address) continue;
      const auto is = health::to_string(tables_->health.state(base::EndpointId{i}));
      if (is != state) fail(fmt::format("{} is {}", address, is));
      ++met_;
      return;
    }
    fail(fmt::format("no endpoint is called '{}'", address));
  }

  /// What an operator's `shed DC 30%`, `drain DC` (100%) and `undrain DC` (0%) write.
  void shed(const std::string& name, const std::string& text) {
    const auto share = config::parse_share(text);
    if (!share) fail("write a share like 30%");
    const auto& datacenters = snapshot().datacenters;
    const auto found = std::find_if(datacenters.begin(), datacenters.end(),
                                    [&](const query::Datacenter& one) { return one.name == name; });
    if (found == datacenters.end()) fail(fmt::format("no datacenter is called '{}'", name));
    const auto kept = static_cast<std::uint32_t>((1 - *share) * health::kKeepsAll);
    tables_->health.set_kept(static_cast<base::DatacenterId>(found - datacenters.begin()), kept);
  }

  void pass(const std::string& text) {
    if (text.size() < 2 || text.back() != 's') fail("write a time like 31s");
    for (int left = std::stoi(text); left > 0; --left) {
      clock_.pass(std::chrono::seconds(1));
      keeper_.advance();
    }
  }

  void query(const Step& step) {
    QuerySpec spec;
    spec.udp_size = 1232;
    source_ = {};
    const auto type = dns::parse_rtype(word(step, 2));
    if (!type) fail(fmt::format("no type is called '{}'", word(step, 2)));
    for (std::size_t i = 3; i < step.words.size(); ++i) {
      const auto& option = step.words[i];
      if (option == "from") {
        const auto address = base::parse_ip_address(word(step, ++i));
        if (!address) fail(fmt::format("'{}' is no address", step.words[i]));
        source_.address = *address;
      } else if (option == "client-subnet") {
        const auto network = base::parse_ip_prefix(word(step, ++i));
        if (!network) fail(network.error());
        spec.client_subnet = *network;
      } else if (option == "no-edns") {
        spec.udp_size.reset();
      } else if (option == "udp-size") {
        spec.udp_size = static_cast<std::uint16_t>(std::stoi(word(step, ++i)));
      } else if (option == "tcp") {
        source_.is_tcp = true;
      } else {
        fail(fmt::format("a query has no option '{}'", option));
      }
    }
    packet_ = build_query(word(step, 1), *type, spec);
    ask();
  }

  void ask() {
    for (const auto& row : stats::kCounterTable) before_[row.counter] = counters_.value(row.counter);
    std::vector<std::uint8_t> reply(source_.is_tcp ? base::limits::kTcpMessageBytesMax
                                                   : base::limits::kUdpAnswerBytesMax);
    const auto size = query::answer_query(snapshot(), *tables_, source_, packet_, reply, worker_);
    if (size == 0) fail("no reply");
    reply.resize(size);
    auto message = dns::read_message(reply);
    if (!message) fail("the reply is malformed: " + message.error());
    reply_ = std::move(*message);
  }

  void expect(const Step& step) {
    if (!reply_) fail("nothing was asked");
    if (dns::to_string(reply_->rcode) != word(step, 1)) {
      fail(fmt::format("the rcode is {}, expected {}", dns::to_string(reply_->rcode), word(step, 1)));
    }
    for (std::size_t i = 2; i < step.words.size(); ++i) expect_detail(step, i);
    for (const auto section : {dns::Section::Answer, dns::Section::Authority, dns::Section::Additional}) {
      line_ = step.line;
      expect_section(step, section);
    }
    ++met_;
  }

  void expect_detail(const Step& step, std::size_t& i) {
    const auto& what = step.words[i];
    const auto need = [&](bool is_met, const std::string& otherwise) {
      if (!is_met) fail(otherwise);
    };
    if (what == "aa") return need(reply_->is_authoritative(), "the reply is not authoritative");
    if (what == "no-aa") return need(!reply_->is_authoritative(), "the reply is authoritative");
    if (what == "tc") return need(reply_->is_truncated(), "the reply is not truncated");
    if (what == "no-tc") return need(!reply_->is_truncated(), "the reply is truncated");
    const bool has_subnet = reply_->edns && reply_->edns->client_subnet;
    if (what == "no-scope") return need(!has_subnet, "the reply has a client subnet");
    if (what == "scope") {
      need(has_subnet, "the reply has no client subnet");
      const auto scope = fmt::format("/{}", reply_->edns->client_subnet->scope_bits);
      const auto& expected = word(step, ++i);
      return need(scope == expected, fmt::format("the scope is {}, expected {}", scope, expected));
    }
    if (what == "counters") return;
    if (what.starts_with('+')) return expect_counter(what.substr(1));
    fail(fmt::format("nothing called '{}' can be expected", what));
  }

  void expect_counter(const std::string& name) {
    for (const auto& row : stats::kCounterTable) {
      if (row.name != name + "_total") continue;
      const auto moved = counters_.value(row.counter) - before_[row.counter];
      if (moved != 1) fail(fmt::format("counter {} moved by {}, expected 1", name, moved));
      return;
    }
    fail(fmt::format("no counter is called '{}'", name));
  }

  void expect_section(const Step& step, dns::Section section) {
    static const std::map<std::string, dns::Section> kSections{{"answer", dns::Section::Answer},
                                                               {"authority", dns::Section::Authority},
                                                               {"additional", dns::Section::Additional}};
    std::multiset<std::string> expected;
    bool is_named = false;
    for (const auto& [line, text] : step.records) {
      line_ = line;
      const auto name = text.substr(0, text.find(' '));
      const auto found = kSections.find(name);
      if (found == kSections.end()) fail(fmt::format("no section is called '{}'", name));
      if (found->second != section) continue;
      is_named = true;
      if (text == name + " none") continue;
      const auto record = canonical_record(text.substr(name.size()));
      if (!record) fail(record.error());
      expected.insert(*record);
    }
    if (!is_named) return;
    std::multiset<std::string> actual;
    for (const auto& record : reply_->section(section)) actual.insert(to_text(record));
    if (actual == expected) return;
    fail(fmt::format("the section is\n  {}\nexpected\n  {}", fmt::join(actual, "\n  "),
                     fmt::join(expected, "\n  ")));
  }

  void expect_each(const Step& step) {
    std::set<std::string> expected(step.words.begin() + 1, step.words.end());
    std::set<std::string> seen;
    for (int i = 0; i < 200; ++i) {
      ask();
      const auto records = reply_->section(dns::Section::Answer);
      if (records.size() != 1) fail(fmt::format("an answer has {} records", records.size()));
      seen.insert(address_of(records[0]));
    }
    if (seen != expected)
      fail(fmt::format("seen {}, expected {}", fmt::join(seen, " "), fmt::join(expected, " ")));
    ++met_;
  }

  std::string path_;
  std::string folder_;
  std::string data_folder_;
  int line_ = 0;
  std::size_t met_ = 0;
  std::uint64_t epoch_ = 0;
  ManualClock clock_;
  std::unique_ptr<MemoryFile> geoip_;
  std::optional<compile::Compiled> compiled_;
  std::shared_ptr<query::Tables> tables_;
  stats::Counters counters_;
  stats::Counters health_counters_;  ///< apart: a query's counters are those of its answer
  control::HealthKeeper keeper_{clock_, health_counters_};
  query::Worker worker_{.counters = counters_, .random = base::Random(1)};
  std::map<stats::Counter, std::uint64_t> before_;
  query::Source source_;
  Bytes packet_;
  std::optional<dns::Message> reply_;
};

}  // namespace

std::size_t run_scenario(const std::string& path, const std::string& data_folder) {
  return Runner(path, data_folder).run();
}

}  // namespace meridian::test
