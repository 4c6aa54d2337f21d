// What else has to be well on this host: the operator's programs, files and units, each looked at every 5 s.
//
// They fail open: a check that cannot be made keeps its last verdict. One thread, the io_context's.
#pragma once

#include "base/clock.hpp"
#include "bgp/agent/agent_status.hpp"
#include "bgp/agent/check_run.hpp"
#include "config/anycast.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace meridian::agent {

struct CheckTimes {
  /// They look at what changes slowly, and a program costs milliseconds.
  std::chrono::milliseconds period{5'000};
  /// For a program; docs/map-language.md promises it.
  std::chrono::milliseconds program{2'000};
};
/// Failures in a row that are believed; a single one may be a hiccup. One success is believed.
inline constexpr unsigned kChecksToFail = 3;

class LocalChecks {
 public:
  /// `on_news`: a verdict or a fault has changed. Context and clock must outlive this.
  LocalChecks(boost::asio::io_context& context, const base::Clock& clock,
              std::vector<config::AnycastCheck> checks, std::function<void()> on_news, CheckTimes times = {});
  /// Ends the programs that run.
  ~LocalChecks();
  LocalChecks(const LocalChecks&) = delete;
  LocalChecks& operator=(const LocalChecks&) = delete;

  /// Goes on with what another one found of the same checks.
  void inherit(const LocalChecks& before);
  void start();

  [[nodiscard]] bool any_fails() const noexcept;
  [[nodiscard]] std::vector<CheckStatus> statuses() const;

 private:
  /// What one look found.
  struct Finding {
    enum class Kind : std::uint8_t { Well, Failed, NotMade };
    Kind kind = Kind::Well;
    std::string fault;
  };
  struct Check {
    config::AnycastCheck config;
    CheckStatus status;
    unsigned failures = 0;  ///< in a row
    std::shared_ptr<CheckRun> run;
  };

  void look();
  void look_at(Check& check);
  [[nodiscard]] Finding look_at_file(const config::AnycastCheck& check) const;
  void run(Check& check, const std::vector<std::string>& command);
  void take(Check& check, Finding finding);
  [[nodiscard]] static Finding judge(const config::AnycastCheck& check, CheckEnd end);

  boost::asio::io_context& context_;
  const base::Clock& clock_;
  const std::function<void()> on_news_;
  const CheckTimes times_;
  boost::asio::steady_timer timer_;
  std::vector<Check> checks_;  ///< never grows: runs point into it
};

}  // namespace meridian::agent
