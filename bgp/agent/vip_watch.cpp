#include "bgp/agent/vip_watch.hpp"

#include "base/log.hpp"

#include <utility>

namespace meridian::agent {

using policy::Level;

void VipWatch::set_target(SelfTarget target) {
  asker_.reset();
  if (!target.queries.empty()) asker_ = std::make_unique<SelfAsker>(context_, std::move(target));
}

void VipWatch::start(std::function<void(const policy::Round&)> on_round) {
  on_round_ = std::move(on_round);
  begin_round();
}

void VipWatch::begin_round() {
  round_began_ = std::chrono::steady_clock::now();
  begin_round_at(round_began_ + kRoundPeriod);
  if (!asker_) return;
  asker_->start([this](const policy::Round& round, const std::vector<std::string>& faults) {
    take_round(round, faults);
  });
}

void VipWatch::begin_round_at(std::chrono::steady_clock::time_point time) {
  timer_.expires_at(time);
  timer_.async_wait([this](boost::system::error_code ended) {
    if (!ended) begin_round();
  });
}

void VipWatch::take_round(const policy::Round& round, const std::vector<std::string>& faults) {
  ++rounds_;
  own_queries_ += round.right + round.wrong;
  if (!faults.empty()) ++rounds_with_faults_;
  last_round_ = round;
  faults_ = faults;
  if (round.is_silent()) begin_round_at(round_began_ + kSuspiciousRoundPeriod);
  on_round_(round);
}

bool VipWatch::decide(const policy::Observation& seen, const policy::Wish& wish,
                      const policy::Settings& settings, base::MonotonicTime now) {
  const auto before = decision_.level;
  decision_ = policy::decide_route(seen, wish, settings, std::move(decision_.history), now);
  const bool was_asked = seen.round && seen.round->was_asked();
  // A hard fact or an operator's word needs no round to be believed.
  is_judged_ = is_judged_ || was_asked || decision_.wanted == Level::Withdraw;
  if (decision_.level != before) ++level_changes_;
  return decision_.level != before;
}

void VipWatch::note_queries(base::MonotonicTime now, std::optional<std::uint64_t> queries) {
  is_told_alone_ = queries.has_value();
  if (!queries) {
    load_ = {};  // what comes after a gap is not to be divided by it
    return;
  }
  load_.note(now, *queries, 0, own_queries_);
}

void VipWatch::take_load_of(const VipWatch& before) {
  if (vip_.port != before.vip_.port) return;
  load_ = before.load_;
  own_queries_ = before.own_queries_;
  is_told_alone_ = before.is_told_alone_;
}

void VipWatch::tell(base::MonotonicTime now) {
  const auto before = std::exchange(told_level_, decision_.level);
  const bool has_moved = decision_.level != before;
  const bool is_other = decision_.reason != told_reason_ || decision_.brake != told_brake_;
  if (!has_moved && (!is_other || now - told_at_ < kToldApart)) return;
  told_reason_ = decision_.reason;
  told_brake_ = decision_.brake;
  told_at_ = now;
  const auto level = policy::to_string(decision_.level);
  const auto reason = policy::to_string(decision_.reason);
  const auto fault = faults_.empty() ? std::string{} : faults_.front();
  if (has_moved) {
    const bool is_worse = decision_.level < before;
    return base::log_event(is_worse ? base::LogLevel::Warning : base::LogLevel::Info, "vip_level",
                           {{"vip", vip_.name},
                            {"prefix", base::to_string(vip_.prefix)},
                            {"level", level},
                            {"was", policy::to_string(before)},
                            {"reason", reason},
                            {"fault", fault}});
  }
  base::log_event(base::LogLevel::Info, "vip_reason",
                  {{"vip", vip_.name},
                   {"level", level},
                   {"wanted", policy::to_string(decision_.wanted)},
                   {"reason", reason},
                   {"brake", policy::to_string(decision_.brake)},
                   {"fault", fault}});
}

VipStatus VipWatch::status() const {
  return {.name = vip_.name,
          .address = vip_.address,
          .prefix = vip_.prefix,
          .decision = decision_,
          .presence = policy::Vip::Unknown,
          .last_round = last_round_,
          .faults = faults_,
          .wish = {},
          .is_quiet = false,
          .queries_per_s = is_told_alone_ ? load_.queries_per_s() : std::nullopt,
          .rounds = rounds_,
          .rounds_with_faults = rounds_with_faults_,
          .level_changes = level_changes_};
}

}  // namespace meridian::agent
