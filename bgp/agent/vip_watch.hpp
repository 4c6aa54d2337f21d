// One VIP: its questions, its past, and what is decided of it. One thread, the io_context's.
#pragma once

#include "base/clock.hpp"
#include "bgp/agent/agent_status.hpp"
#include "bgp/agent/self_asker.hpp"
#include "bgp/policy/route_policy.hpp"
#include "config/anycast.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace meridian::agent {

/// Why a level is held is told so often at most, while it changes to and fro.
inline constexpr std::chrono::seconds kToldApart{10};

class VipWatch {
 public:
  VipWatch(boost::asio::io_context& context, config::AnycastVip vip, policy::RouteHistory history)
      : context_(context), vip_(std::move(vip)) {
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
  /// Begins a round; `done` with it once it is over, from the context.
  void ask(std::function<void(const policy::Round&)> done);

  /// Decides with what is seen now, tells it in the log, and says whether the level is another one.
  bool decide(const policy::Observation& seen, const policy::Wish& wish, const policy::Settings& settings,
              base::MonotonicTime now);

  /// Its own part; presence and wish are the caller's.
  [[nodiscard]] VipStatus status() const;

 private:
  void tell(policy::Level before, base::MonotonicTime now);

  boost::asio::io_context& context_;
  const config::AnycastVip vip_;
  std::unique_ptr<SelfAsker> asker_;
  policy::Decision decision_;
  bool is_judged_ = false;
  policy::Round last_round_;
  std::vector<std::string> faults_;
  std::uint64_t rounds_ = 0;
  std::uint64_t rounds_with_faults_ = 0;
  std::uint64_t level_changes_ = 0;
  policy::Reason told_reason_ = policy::Reason::Starting;
  policy::Brake told_brake_ = policy::Brake::None;
  base::MonotonicTime told_at_{};
};

}  // namespace meridian::agent
