// Makes ExaBGP announce what the agent wants, whatever ExaBGP, its sessions and the agent do meanwhile.
//
// A state machine: time and lines come in, the next line for ExaBGP comes out; it does no I/O.
// docs/anycast.md tells the traps of ExaBGP that its rules avoid. One thread.
#pragma once

#include "base/clock.hpp"
#include "bgp/link/exabgp_text.hpp"
#include "bgp/link/link.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::bgp {

class Bridge {
 public:
  using Time = base::MonotonicTime;
  using Log = std::function<void(const std::string&)>;

  /// `exabgp_process` is the parent's number; `log` takes lines for the operator.
  Bridge(std::uint64_t exabgp_process, Log log) : exabgp_process_(exabgp_process), log_(std::move(log)) {}

  /// What a bridge before this one left. If it told this very ExaBGP, and lately, this one goes on as if it
  /// were that one, and no router notices; else all of it is withdrawn until the agent is heard.
  void start_with(const Saved& saved, Time now);

  /// A message of the agent. One that is not understood changes nothing, and is but a sign of life.
  void hear_agent(std::string_view message, Time now);
  /// False when ExaBGP ends.
  [[nodiscard]] bool hear_exabgp(std::string_view line, Time now);

  /// The line to write now, without its newline, or "". It counts as said once `written` is called.
  [[nodiscard]] std::string next_command(Time now);
  void written(Time now);
  /// When to ask for the next command if nothing is heard before; later than `now`.
  [[nodiscard]] Time next_deadline(Time now) const;

  /// Moves with what the status and the saved state tell.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
  [[nodiscard]] Status status(Time now) const;
  [[nodiscard]] Saved saved(Time now) const;

 private:
  static constexpr Time kEver = Time::min();

  /// A route that ExaBGP knows or may know.
  struct Slot {
    Route wish;
    bool leaving = false;  ///< Wanted no longer: forgotten once it is withdrawn.
    bool assert_again = false;
    std::optional<Route> in_force;  ///< Acknowledged last; absent: not known.
    std::optional<Route> said;
    Time said_at = kEver;
    Time acked_at = kEver;
    Time retry_at = kEver;
  };
  struct Session {
    std::string spelling;
    std::string reason;
    bool up = false;
    bool flush = false;
    Time changed_at = kEver;
    std::vector<Time> assert_at;
  };
  struct Command {
    enum class Kind : std::uint8_t { Version, Sessions, Route, Flush };
    Kind kind = Kind::Version;
    std::string text;
    Route route;  ///< Of Flush only the neighbor.
  };

  [[nodiscard]] std::string reason_to_refuse(const base::Expected<Wanted, base::Diagnostic>& wanted,
                                             Time now) const;
  [[nodiscard]] bool is_up(const Neighbor& neighbor) const;
  [[nodiscard]] Route to_say(const Slot& slot, Time now) const;
  [[nodiscard]] Time due_at(const Slot& slot, Time now) const;
  [[nodiscard]] std::optional<Time> ask_sessions_at() const;
  [[nodiscard]] Command route_command_for(const Route& route) const;
  [[nodiscard]] std::optional<Command> choose(Time now) const;
  void pass_time(Time now);
  void give_up_waiting(Time now);
  void assert_routes_of(const base::IpAddress& neighbor, Session& session, Time now);
  void hear_answer(bool accepted, Time now);
  void hear_version(const std::string& version, Time now);
  void hear_session(const ExaBgpLine& line, Time now);
  void end_session_list(Time now);

  std::uint64_t exabgp_process_;
  Log log_;
  std::map<RouteKey, Slot> slots_;
  std::map<base::IpAddress, Session> sessions_;
  Status counts_;  ///< Its lists stay empty.
  std::uint64_t changes_ = 0;
  std::uint64_t heartbeat_ms_ = 0;
  Time agent_silent_at_ = kEver;
  bool agent_was_heard_ = false;
  std::optional<Command> chosen_;
  std::optional<Command> in_flight_;
  Time in_flight_since_ = kEver;
  bool in_step_ = false;  ///< All that was said is answered or never will be.
  Time quiet_until_ = kEver;
  bool sessions_known_ = false;
  Time sessions_asked_at_ = kEver;
};

}  // namespace meridian::bgp
