#include "bgp/agent/agent.hpp"

#include "base/log.hpp"
#include "bgp/agent/bridge_server.hpp"
#include "bgp/agent/liveness_client.hpp"
#include "bgp/agent/local_checks.hpp"
#include "bgp/agent/server_load.hpp"
#include "bgp/agent/state_writer.hpp"
#include "bgp/agent/vip_presence.hpp"
#include "bgp/agent/vip_watch.hpp"
#include "bgp/agent/wanted_routes.hpp"
#include "net/address.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace meridian::agent {
namespace {

using policy::Level;
using std::chrono::milliseconds;

policy::Settings settings_of(const config::Anycast& anycast) {
  using Anycast = config::Anycast;
  return {.may_withdraw = anycast.may_withdraw == Anycast::MayWithdraw::Never ? policy::MayWithdraw::Never
                                                                              : policy::MayWithdraw::Hard,
          .overload_de_preferences = anycast.on_overload == Anycast::OnOverload::DePreference,
          .stale_after = std::chrono::seconds(anycast.stale_after_s),
          .drain_min = std::chrono::seconds(anycast.drain_min_s),
          .drain_max = std::chrono::seconds(anycast.drain_max_s)};
}

/// The zones' own questions first, then those of the site file.
std::vector<SelfQuery> questions_of(const std::vector<dns::Name>& zones, const config::Anycast& anycast) {
  std::vector<SelfQuery> questions;
  for (const auto& zone : zones) {
    SelfQuery question;
    question.name = zone;
    questions.push_back(std::move(question));
  }
  for (const auto& query : anycast.queries) {
    questions.push_back(
        {.name = query.name,
         .type = query.type,
         .client_subnet = query.client_subnet,
         .expect = query.expects_nxdomain ? SelfQuery::Expect::NoAddress : SelfQuery::Expect::Answer,
         .addresses = query.addresses});
  }
  return questions;
}

bool is_same(const config::AnycastVip& vip, const base::IpAddress& address, const base::IpPrefix& prefix) {
  return vip.address == address && vip.prefix == prefix;
}

}  // namespace

class Agent::Implementation {
 public:
  Implementation(boost::asio::io_context& context, const base::Clock& clock, std::string site,
                 config::Anycast anycast)
      : context_(context),
        clock_(clock),
        site_(std::move(site)),
        anycast_(std::move(anycast)),
        settings_(settings_of(anycast_)),
        liveness_(context, clock, anycast_.agent.liveness, [this] { on_liveness(); }),
        presence_(context, [this] { on_presence(); }),
        checks_(make_checks()),
        bridge_(
            context, clock, [this] { say(); }, [this] { on_bridge(); }),
        tick_(context) {}

  base::Expected<void, std::string> start() {
    auto folder = StateFolder::open(anycast_.agent.state);
    if (!folder) return base::unexpected(folder.error());
    if (auto listening = bridge_.listen(anycast_.agent.bridge); !listening) return listening;
    started_at_ = clock_.monotonic();
    adopt(folder->find(started_at_));
    writer_ = std::make_unique<StateWriter>(context_, std::move(*folder), tell_state);
    writer_->beat(started_at_);
    checks_->start();
    // Both look before they return: the first thing that is said has the server's death in it.
    presence_.start();
    liveness_.start();
    is_started_ = true;
    set_targets();
    for (const auto& watch : vips_) ask_from_now_on(*watch);
    decide_all();
    on_tick();
    return {};
  }

  void reconfigure(config::Anycast anycast) {
    const auto before = std::exchange(vips_, {});
    // Sockets and state are those of the start; main says so where they differ.
    anycast.agent = anycast_.agent;
    anycast_ = std::move(anycast);
    settings_ = settings_of(anycast_);
    for (const auto& vip : anycast_.vips) {
      const auto found = std::find_if(before.begin(), before.end(), [&](const auto& watch) {
        return is_same(vip, watch->vip().address, watch->vip().prefix);
      });
      if (found == before.end()) {
        add_vip(vip, {});
      } else {
        add_vip(vip, (*found)->decision().history);
        vips_.back()->take_load_of(**found);
      }
    }
    auto checks = make_checks();
    checks->inherit(*checks_);
    checks_ = std::move(checks);
    checks_->start();
    set_targets();
    for (const auto& watch : vips_) ask_from_now_on(*watch);
    decide_all();
    say();
    save();
  }

  void set_wish(const std::optional<std::string>& vip, WishEntry wish) {
    wishes_[vip] = std::move(wish);
    decide_all();
  }

  void clear_wish(const std::optional<std::string>& vip) {
    wishes_.erase(vip);
    decide_all();
  }

  [[nodiscard]] AgentStatus status() const {
    AgentStatus status{.site = site_,
                       .is_decided = is_decided_,
                       .has_adopted = has_adopted_,
                       .server = {.state = liveness_.state(),
                                  .fault = liveness_.fault(),
                                  .report = liveness_.report(),
                                  .queries_per_s = load_.queries_per_s(),
                                  .is_overloaded = load_.is_overloaded()},
                       .bridge = {.is_connected = bridge_.is_connected(),
                                  .last = bridge_.last(),
                                  .heard_at = bridge_.heard_at()},
                       .vips = {},
                       .checks = checks_->statuses()};
    for (const auto& watch : vips_) {
      auto vip = watch->status();
      vip.presence = presence_.find(vip.address);
      if (const auto* const wish = find_wish(vip.name)) vip.wish = *wish;
      vip.is_quiet = wish_of(*watch).is_quiet;
      status.vips.push_back(std::move(vip));
    }
    return status;
  }

 private:
  static constexpr milliseconds kTick{500};
  /// Who knows nothing by now will not soon: the site is not announced then, and covering prefixes are.
  static constexpr std::chrono::seconds kFirstVerdict{3};

  // --- the start -----------------------------------------------------------------------------------

  void adopt(const FoundState& found) {
    if (!found.fault.empty())
      base::log_event(base::LogLevel::Warning, "state_unreadable", {{"why", found.fault}});
    has_adopted_ = found.age && *found.age <= kAdoptAge;
    zones_ = found.state.zones;
    for (const auto& vip : anycast_.vips) {
      policy::RouteHistory history;
      for (const auto& saved : found.state.vips) {
        if (is_same(vip, saved.address, saved.prefix)) history = saved.history;
      }
      // The past is worth keeping whoever lived how long ago; the level only while it still holds.
      if (!has_adopted_) {
        history.level = Level::Withdraw;
        history.reason = policy::Reason::Starting;
      }
      add_vip(vip, std::move(history));
    }
    is_decided_ = has_adopted_;
    if (has_adopted_)
      base::log_event(base::LogLevel::Info, "levels_adopted", {{"age_ms", found.age->count()}});
  }

  void add_vip(const config::AnycastVip& vip, policy::RouteHistory history) {
    vips_.push_back(std::make_unique<VipWatch>(context_, vip, std::move(history)));
  }

  [[nodiscard]] std::unique_ptr<LocalChecks> make_checks() {
    return std::make_unique<LocalChecks>(context_, clock_, anycast_.checks, [this] { on_checks(); });
  }

  void set_targets() {
    for (const auto& watch : vips_) {
      watch->set_target({.vip = watch->vip().address,
                         .port = watch->vip().port,
                         .site = site_,
                         .queries = questions_of(zones_, anycast_)});
    }
  }

  void ask_from_now_on(VipWatch& vip) {
    vip.start([this, &vip](const policy::Round& round) {
      own_queries_ += round.right + round.wrong;
      decide(vip, round);
      act();
    });
  }

  // --- what happens --------------------------------------------------------------------------------

  void on_tick() {
    tick_.expires_after(kTick);
    tick_.async_wait([this](boost::system::error_code ended) {
      if (!ended) on_tick();
    });
    decide_all();
    say();
    writer_->beat(clock_.monotonic());
  }

  void on_liveness() {
    if (const auto& report = liveness_.report()) {
      note_load(*report);
      if (report->zones != zones_ && report->is_ready) {
        zones_ = report->zones;
        if (is_started_) set_targets();
        save();
      }
    }
    decide_all();
    if (std::exchange(told_server_, liveness_.state()) == liveness_.state()) return;
    const bool is_well = liveness_.state() == policy::Server::Ready;
    base::log_event(is_well ? base::LogLevel::Info : base::LogLevel::Warning, "server_state",
                    {{"state", to_string(liveness_.state())}, {"why", liveness_.fault()}});
  }

  void note_load(const LivenessReport& report) {
    const auto now = clock_.monotonic();
    load_.note(now, report.queries, report.drops, own_queries_);
    for (const auto& watch : vips_) {
      const auto& vip = watch->vip();
      const auto told =
          report.queries_by_address.find(net::to_string({.address = vip.address, .port = vip.port}));
      const bool is_alone = told != report.queries_by_address.end();
      watch->note_queries(now, is_alone ? std::optional{told->second} : std::nullopt);
    }
  }

  void on_presence() {
    const auto& fault = presence_.fault();
    if (std::exchange(told_presence_fault_, fault) != fault) {
      if (fault.empty()) {
        base::log_event(base::LogLevel::Info, "addresses_readable");
      } else {
        base::log_event(base::LogLevel::Error, "addresses_unreadable", {{"why", fault}});
      }
    }
    decide_all();
  }

  void on_checks() {
    std::map<std::string, bool> failing;
    for (const auto& check : checks_->statuses()) {
      failing[check.name] = check.fails;
      if (told_checks_[check.name] == check.fails) continue;
      if (check.fails) {
        base::log_event(base::LogLevel::Warning, "local_check_fails",
                        {{"check", check.name}, {"why", check.fault}});
      } else {
        base::log_event(base::LogLevel::Info, "local_check_well", {{"check", check.name}});
      }
    }
    told_checks_ = std::move(failing);
    decide_all();
  }

  void on_bridge() {
    if (std::exchange(told_bridge_, bridge_.is_connected()) == bridge_.is_connected()) return;
    if (told_bridge_) {
      base::log_event(base::LogLevel::Info, "bridge_connected");
    } else {
      base::log_event(base::LogLevel::Warning, "bridge_lost");
    }
  }

  // --- decisions -----------------------------------------------------------------------------------

  [[nodiscard]] const WishEntry* find_wish(const std::string& vip) const {
    auto found = wishes_.find(vip);
    if (found == wishes_.end()) found = wishes_.find(std::nullopt);
    return found == wishes_.end() ? nullptr : &found->second;
  }

  /// By what comes to the VIP alone, if that is known now as it was then; else by what the whole server
  /// answers.
  [[nodiscard]] bool is_quiet(const VipWatch& vip, const ClientRates& before) const {
    const auto found = before.vips.find(vip.vip().name);
    if (vip.load() != nullptr && found != before.vips.end()) return vip.load()->is_quiet(found->second);
    return before.server && load_.is_quiet(*before.server);
  }

  [[nodiscard]] policy::Wish wish_of(const VipWatch& vip) const {
    const auto* const entry = find_wish(vip.vip().name);
    if (entry == nullptr) return {};
    const auto held = std::chrono::duration_cast<milliseconds>(clock_.monotonic() - entry->since);
    return {.kind = entry->kind,
            .held = std::max(held, milliseconds{0}),
            .is_quiet = is_quiet(vip, entry->rates_before)};
  }

  void decide(VipWatch& vip, std::optional<policy::Round> round) {
    policy::Observation seen{.server = liveness_.state(),
                             .vip = presence_.find(vip.vip().address),
                             .round = round,
                             .oldest_input = {},
                             .is_overloaded = load_.is_overloaded(),
                             .fails_local_check = checks_->any_fails()};
    if (const auto& report = liveness_.report()) seen.oldest_input = report->oldest_input;
    has_moved_ = vip.decide(seen, wish_of(vip), settings_, clock_.monotonic()) || has_moved_;
  }

  void decide_all() {
    if (!is_started_) return;
    for (const auto& watch : vips_) decide(*watch, std::nullopt);
    act();
  }

  /// Says what has changed, in the same turn in which it was learned.
  void act() {
    const auto knows_nothing = [](const auto& watch) { return !watch->is_judged(); };
    const bool has_waited = clock_.monotonic() - started_at_ >= kFirstVerdict;
    const bool was_decided = std::exchange(
        is_decided_, is_decided_ || has_waited || std::none_of(vips_.begin(), vips_.end(), knows_nothing));
    const bool is_news = std::exchange(has_moved_, false) || was_decided != is_decided_;
    // Before anything that could wait: the log and the disk.
    if (is_news) say();
    for (const auto& watch : vips_) watch->tell(clock_.monotonic());
    if (is_news) save();
  }

  void say() {
    if (!is_decided_ || !is_started_) return;
    std::vector<Level> levels;
    for (const auto& watch : vips_) levels.push_back(watch->level());
    const auto sent = std::chrono::duration_cast<milliseconds>(clock_.monotonic().time_since_epoch());
    bridge_.say({static_cast<std::uint64_t>(sent.count()), wanted_routes(anycast_, levels)});
  }

  void save() {
    if (!is_started_) return;
    SavedState state{.vips = {}, .zones = zones_};
    for (const auto& watch : vips_) {
      state.vips.push_back({.name = watch->vip().name,
                            .address = watch->vip().address,
                            .prefix = watch->vip().prefix,
                            .history = watch->decision().history});
    }
    writer_->save(std::move(state));
  }

  /// A state that cannot be written costs the next agent its predecessor's levels, and this one nothing.
  static void tell_state(const std::string& fault) {
    if (fault.empty()) return base::log_event(base::LogLevel::Info, "state_writable");
    base::log_event(base::LogLevel::Error, "state_unwritable", {{"why", fault}});
  }

  boost::asio::io_context& context_;
  const base::Clock& clock_;
  const std::string site_;
  config::Anycast anycast_;
  policy::Settings settings_;
  std::unique_ptr<StateWriter> writer_;
  LivenessClient liveness_;
  VipPresence presence_;
  std::unique_ptr<LocalChecks> checks_;
  BridgeServer bridge_;
  ServerLoad load_;
  boost::asio::steady_timer tick_;
  std::vector<std::unique_ptr<VipWatch>> vips_;  ///< in the order of anycast_.vips
  std::vector<dns::Name> zones_;                 ///< that the server named last
  std::map<std::optional<std::string>, WishEntry> wishes_;
  base::MonotonicTime started_at_{};
  std::uint64_t own_queries_ = 0;
  bool is_started_ = false;
  bool is_decided_ = false;
  bool has_adopted_ = false;
  bool has_moved_ = false;  ///< a level is another one than was said
  // What the log has told last.
  policy::Server told_server_ = policy::Server::Unknown;
  std::string told_presence_fault_;
  std::map<std::string, bool> told_checks_;
  bool told_bridge_ = false;
};

Agent::Agent(boost::asio::io_context& context, const base::Clock& clock, std::string site,
             config::Anycast anycast)
    : implementation_(std::make_unique<Implementation>(context, clock, std::move(site), std::move(anycast))) {
}

Agent::~Agent() = default;

base::Expected<void, std::string> Agent::start() { return implementation_->start(); }

void Agent::reconfigure(config::Anycast anycast) { implementation_->reconfigure(std::move(anycast)); }

void Agent::set_wish(const std::optional<std::string>& vip, WishEntry wish) {
  implementation_->set_wish(vip, std::move(wish));
}

void Agent::clear_wish(const std::optional<std::string>& vip) { implementation_->clear_wish(vip); }

AgentStatus Agent::status() const { return implementation_->status(); }

}  // namespace meridian::agent
