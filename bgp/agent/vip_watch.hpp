// One VIP: its questions, its past, and what is decided of it. One thread, the io_context's.
#pragma once

#include "base/clock.hpp"
#include "bgp/agent/agent_status.hpp"
#include "bgp/agent/self_asker.hpp"
#include "bgp/agent/server_load.hpp"
#include "bgp/policy/route_policy.hpp"
#include "config/anycast.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace meridian::agent {

/// From the beginning of a round to that of the next.
inline constexpr std::chrono::milliseconds kRoundPeriod{500};
/// The same after a round that was silent, which itself lasts kRoundTime: a server that hangs is known by its
/// third silent round, 1.5 s after it began to hang at the latest.
inline constexpr std::chrono::milliseconds kSuspiciousRoundPeriod{330};
/// Why a level is held is told so often at most, while it changes to and fro.
inline constexpr std::chrono::seconds kToldApart{10};

class VipWatch {
 public:
  VipWatch(boost::asio::io_context& context, config::AnycastVip vip, policy::RouteHistory history)
      : context_(context),
        vip_(std::move(vip)),
        timer_(context),
        told_level_(history.level),
        told_reason_(history.reason) {
    decision_.level = history.level;
    decision_.reason = history.reason;
    decision_.wanted = history.level;
    decision_.history = std::move(history);
  }

  [[nodiscard]] const config::AnycastVip& vip() const noexcept { return vip_; }
  [[nodiscard]] const policy::Decision& decision() const noexcept { return decision_; }
  [[nodiscard]] policy::Level level() const noexcept { return decision_.level; }
  /// Something was learned of it: enough to say what is wanted.
  [[nodiscard]] bool is_judged() const noexcept { return is_judged_; }

  /// What to ask from the next round on. Without questions nothing is asked.
  void set_target(SelfTarget target);
  /// Begins the first round, and goes on; `on_round` with each once it is over, from the context.
  void start(std::function<void(const policy::Round&)> on_round);

  /// Decides with what is seen now, and says whether the level is another one.
  bool decide(const policy::Observation& seen, const policy::Wish& wish, const policy::Settings& settings,
              base::MonotonicTime now);

  /// What the server has received at the VIP's own address by now; nothing: it does not tell of that alone.
  void note_queries(base::MonotonicTime now, std::optional<std::uint64_t> queries);
  /// By what was noted; nullptr: the server does not tell of the VIP alone.
  [[nodiscard]] const ServerLoad* load() const noexcept { return is_told_alone_ ? &load_ : nullptr; }
  /// It is the same VIP: goes on counting where `before` was.
  void take_load_of(const VipWatch& before);

  /// Tells the log what has changed. A step of its own: the bridge is told first.
  void tell(base::MonotonicTime now);

  /// Its own part; presence and wish are the caller's.
  [[nodiscard]] VipStatus status() const;

 private:
  void begin_round();
  void begin_round_at(std::chrono::steady_clock::time_point time);
  void take_round(const policy::Round& round, const std::vector<std::string>& faults);

  boost::asio::io_context& context_;
  const config::AnycastVip vip_;
  boost::asio::steady_timer timer_;
  std::function<void(const policy::Round&)> on_round_;
  std::chrono::steady_clock::time_point round_began_;
  std::unique_ptr<SelfAsker> asker_;
  policy::Decision decision_;
  bool is_judged_ = false;
  policy::Round last_round_;
  std::vector<std::string> faults_;
  std::uint64_t rounds_ = 0;
  std::uint64_t rounds_with_faults_ = 0;
  std::uint64_t level_changes_ = 0;
  ServerLoad load_;                ///< of the VIP's own address
  std::uint64_t own_queries_ = 0;  ///< that this asked, and had answered
  bool is_told_alone_ = false;
  policy::Level told_level_;
  policy::Reason told_reason_;
  policy::Brake told_brake_ = policy::Brake::None;
  base::MonotonicTime told_at_{};
};

}  // namespace meridian::agent
