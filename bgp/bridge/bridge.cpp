#include "bgp/bridge/bridge.hpp"

#include "base/limits.hpp"

#include <algorithm>

namespace meridian::bgp {
namespace {

namespace limits = base::limits;
using namespace std::chrono_literals;

/// ExaBGP answers within its turn of 10 ms, within 40 ms while it loads a full table, and to some input
/// never.
constexpr auto kAnswerTimeout = 2s;
/// Different commands for a route that ExaBGP reads in one turn may reach its neighbors in the wrong order.
constexpr auto kBetweenCommands = 50ms;
/// What ExaBGP refused may be right after a reload of its configuration.
constexpr auto kRetry = 1s;
/// Two heartbeats may be lost.
constexpr auto kAgentSilent = 3s;
/// For an agent to be heard first by a new bridge; if it lives it speaks at once.
constexpr auto kFirstWord = 500ms;
/// A bridge that died is started again within 20 ms; what is much older says little of now.
constexpr auto kSavedFresh = 5s;
/// A session that comes up begins with what was announced, and loses withdrawals of that moment: say all
/// again after it, and once more in case ExaBGP was busy.
constexpr auto kAssertFirst = 200ms;
constexpr auto kAssertSecond = 2s;
/// A withdrawal said again is an UPDATE again, and cures a route that got stuck at a router.
constexpr auto kAssertWithdrawn = 10s;
constexpr auto kAskSessionsAgain = 10s;

std::uint64_t to_ms(Bridge::Time time) {
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

/// Both are of the same network. Two withdrawals are the same whatever their attributes.
bool differ(const std::optional<Route>& before, const Route& route) {
  if (!before) return false;
  return before->level != route.level ||
         (route.level == Level::Announce && before->attributes != route.attributes);
}

Bridge::Time to_time(std::uint64_t ms) { return Bridge::Time(std::chrono::milliseconds(ms)); }

}  // namespace

void Bridge::start_with(const Saved& saved, Time now) {
  for (const auto& route : saved.routes) {
    Slot& slot = slots_[route.key];
    slot.wish = route;
    slot.said = route;
    // Nobody knows whether that was done; if it is to stay withdrawn the agent will say so.
    slot.leaving = route.level == Level::Withdraw;
  }
  const bool is_recent = saved.sent_ms <= to_ms(now) && now - to_time(saved.sent_ms) < kSavedFresh;
  if (saved.exabgp_process != exabgp_process_ || !is_recent) return;
  heartbeat_ms_ = saved.sent_ms;
  agent_silent_at_ = std::max(to_time(saved.sent_ms) + kAgentSilent, now + kFirstWord);
  agent_was_heard_ = true;
}

std::string Bridge::reason_to_refuse(const base::Expected<Wanted, base::Diagnostic>& wanted, Time now) const {
  if (!wanted) return to_string(wanted.error());
  if (wanted->sent_ms > to_ms(now)) return "message:2:6: it was sent later than now; was it by this machine?";
  if (wanted->sent_ms < heartbeat_ms_) return "message:2:6: it was sent before the last one";
  const auto is_new = [this](const Route& route) { return !slots_.contains(route.key); };
  const auto added = std::count_if(wanted->routes.begin(), wanted->routes.end(), is_new);
  const bool fits = slots_.size() + static_cast<std::size_t>(added) <= 2 * limits::kBgpRoutesMax;
  return fits ? "" : "message:3:1: too many routes are yet to be withdrawn before others may come";
}

void Bridge::hear_agent(std::string_view message, Time now) {
  ++changes_;
  const auto wanted = parse_wanted(message);
  if (const auto reason = reason_to_refuse(wanted, now); !reason.empty()) {
    ++counts_.refused;
    if (reason != counts_.refusal)
      log_("goes on with the agent's last good message, since it refuses this one: " + reason);
    counts_.refusal = reason.substr(0, limits::kBgpTextBytesMax);
    // It lives, and a fault that all sites may share must not withdraw them all.
    if (now < agent_silent_at_) agent_silent_at_ = std::max(agent_silent_at_, now + kAgentSilent);
    return;
  }
  heartbeat_ms_ = wanted->sent_ms;
  agent_silent_at_ = to_time(wanted->sent_ms) + kAgentSilent;
  if (now < agent_silent_at_ && !std::exchange(agent_was_heard_, true)) log_("hears the agent");
  for (auto& [key, slot] : slots_) slot.leaving = true;
  for (const auto& route : wanted->routes) {
    slots_[route.key].wish = route;
    slots_[route.key].leaving = false;
  }
}

bool Bridge::is_up(const Neighbor& neighbor) const {
  return std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return entry.second.up && (!neighbor || *neighbor == entry.first);
  });
}

Route Bridge::to_say(const Slot& slot, Time now) const {
  if (slot.wish.level == Level::Announce && !slot.leaving && now < agent_silent_at_) return slot.wish;
  // With other attributes than it was announced with, ExaBGP may send the two in the wrong order.
  return {slot.wish.key, Level::Withdraw, slot.said ? slot.said->attributes : slot.wish.attributes};
}

/// Time::max(): not until something is heard.
Bridge::Time Bridge::due_at(const Slot& slot, Time now) const {
  const auto route = to_say(slot, now);
  const bool is_announcement = route.level == Level::Announce;
  // Announced twice while its session is down, and then withdrawn, a route would come up with the session.
  if (is_announcement && !is_up(route.key.neighbor)) return Time::max();
  Time at = slot.retry_at;
  if (slot.in_force == route && !slot.assert_again) {
    if (is_announcement) return Time::max();
    at = std::max(at, slot.said_at + kAssertWithdrawn);
  }
  for (const auto& [key, other] : slots_) {
    if (!overlap(key, route.key)) continue;
    if (differ(other.said, route)) at = std::max(at, other.said_at + kBetweenCommands);
  }
  return at;
}

Bridge::Command Bridge::route_command_for(const Route& route) const {
  std::vector<std::string> neighbors;
  for (const auto& [address, session] : sessions_) {
    const bool for_all = !route.key.neighbor && route.level == Level::Announce && session.up;
    if (for_all || route.key.neighbor == address) neighbors.push_back(session.spelling);
  }
  // One that was never up, whose spelling is not known.
  if (route.key.neighbor && neighbors.empty()) neighbors.push_back(to_string(*route.key.neighbor));
  return {Command::Kind::Route, route_command(route, neighbors), route};
}

/// Nothing: not while the events tell all there is to know.
std::optional<Bridge::Time> Bridge::ask_sessions_at() const {
  if (sessions_known_ && is_up({})) return std::nullopt;
  return sessions_asked_at_ == kEver ? kEver : sessions_asked_at_ + kAskSessionsAgain;
}

std::optional<Bridge::Command> Bridge::choose(Time now) const {
  if (in_flight_ || now < quiet_until_) return std::nullopt;
  if (!in_step_) return Command{Command::Kind::Version, std::string(kVersionCommand), {}};
  // Withdrawals first: a client that is sent to a dead site is lost.
  std::optional<Route> announcement;
  for (const auto& [key, slot] : slots_) {
    if (due_at(slot, now) > now) continue;
    const auto route = to_say(slot, now);
    if (route.level == Level::Withdraw) return route_command_for(route);
    if (!announcement) announcement = route;
  }
  if (ask_sessions_at().value_or(Time::max()) <= now)
    return Command{Command::Kind::Sessions, std::string(kSessionsCommand), {}};
  if (announcement) return route_command_for(*announcement);
  for (const auto& [neighbor, session] : sessions_) {
    if (session.flush)
      return Command{Command::Kind::Flush, flush_command(session.spelling), {{neighbor, {}}, {}, {}}};
  }
  return std::nullopt;
}

std::string Bridge::next_command(Time now) {
  pass_time(now);
  chosen_ = choose(now);
  return chosen_ ? chosen_->text : "";
}

void Bridge::written(Time now) {
  if (chosen_->kind == Command::Kind::Route) {
    Slot& slot = slots_[chosen_->route.key];
    slot.said = chosen_->route;
    slot.said_at = now;
    slot.assert_again = false;
    // What is said to all neighbors undoes what was said to one, and the other way round.
    for (auto& [key, other] : slots_) {
      if (&other != &slot && overlap(key, slot.wish.key) && differ(other.in_force, *slot.said))
        other.in_force.reset();
    }
  }
  if (chosen_->kind == Command::Kind::Sessions) sessions_asked_at_ = now;
  if (chosen_->kind == Command::Kind::Flush) sessions_[*chosen_->route.key.neighbor].flush = false;
  in_flight_ = std::exchange(chosen_, std::nullopt);
  in_flight_since_ = now;
}

bool Bridge::hear_exabgp(std::string_view text, Time now) {
  const auto line = read_exabgp_line(text);
  switch (line.kind) {
    case ExaBgpLine::Kind::Done:
      hear_answer(true, now);
      break;
    case ExaBgpLine::Kind::Error:
      hear_answer(false, now);
      break;
    case ExaBgpLine::Kind::Version:
      hear_version(line.text, now);
      break;
    case ExaBgpLine::Kind::Up:
    case ExaBgpLine::Kind::Down:
    case ExaBgpLine::Kind::Established:
      hear_session(line, now);
      break;
    case ExaBgpLine::Kind::Shutdown:
      return false;
    case ExaBgpLine::Kind::Other:
      break;
  }
  return true;
}

void Bridge::hear_answer(bool accepted, Time now) {
  if (!in_flight_) return;
  const bool is_version = in_flight_->kind == Command::Kind::Version;
  // A `done` may be for what a bridge before this one said; the version itself is what counts.
  if (is_version && accepted) return;
  if (is_version) quiet_until_ = now + kRetry;
  const auto command = *std::exchange(in_flight_, std::nullopt);
  ++(accepted ? counts_.acks : counts_.errors);
  ++changes_;
  if (!accepted) log_("ExaBGP refuses: " + command.text);
  if (command.kind == Command::Kind::Sessions && accepted) end_session_list(now);
  if (command.kind != Command::Kind::Route) return;
  Slot& slot = slots_[command.route.key];
  // A withdrawal is refused only for a neighbor that ExaBGP no longer has, nor any route of it.
  const bool done = accepted || (slot.leaving && command.route.level == Level::Withdraw);
  slot.in_force = done ? std::optional(command.route) : std::nullopt;
  slot.retry_at = done ? kEver : now + kRetry;
  if (accepted) slot.acked_at = now;
}

void Bridge::hear_version(const std::string& version, Time now) {
  if (in_step_) return;
  in_step_ = true;
  in_flight_.reset();
  // Its own `done`, and late ones of what was said before, must not be taken for answers to what comes next.
  quiet_until_ = now + kBetweenCommands;
  if (!counts_.exabgp_version.empty()) log_("ExaBGP answers again");
  counts_.exabgp_version = version;
  ++changes_;
}

void Bridge::hear_session(const ExaBgpLine& line, Time now) {
  const bool is_event = line.kind != ExaBgpLine::Kind::Established;
  if (!is_event && (!in_flight_ || in_flight_->kind != Command::Kind::Sessions)) return;
  if (!sessions_.contains(line.neighbor) && sessions_.size() == limits::kBgpNeighborsMax) return;
  Session& session = sessions_[line.neighbor];
  // An event that came since we asked is newer than the answer.
  if (!is_event && session.changed_at >= in_flight_since_) return;
  const bool is_news = is_event || !session.up;
  session.changed_at = now;
  if (!is_news) return;
  session = {line.spelling, line.text, line.kind != ExaBgpLine::Kind::Down, false, now, {}};
  if (session.up) session.assert_at = {now};
  // The bridge before this one may have died between the event and its assertions.
  if (session.up && (is_event || line.is_fresh))
    session.assert_at = {now, now + kAssertFirst, now + kAssertSecond};
  ++changes_;
}

void Bridge::end_session_list(Time now) {
  sessions_known_ = true;
  for (auto& [neighbor, session] : sessions_) {
    if (!session.up || session.changed_at >= in_flight_since_) continue;
    session = {session.spelling, "not among the established ones", false, false, now, {}};
  }
}

void Bridge::give_up_waiting(Time now) {
  ++counts_.ack_timeouts;
  ++changes_;
  log_("ExaBGP does not answer within 2 s: " + in_flight_->text);
  if (in_flight_->kind == Command::Kind::Route) slots_[in_flight_->route.key].in_force.reset();
  in_flight_.reset();
  // More commands would pile up and be read in one turn: none is said until ExaBGP answers a question.
  in_step_ = false;
  quiet_until_ = now;
}

void Bridge::pass_time(Time now) {
  const bool may_wait = !in_flight_ || in_flight_->kind == Command::Kind::Version;
  if (!may_wait && now - in_flight_since_ >= kAnswerTimeout) give_up_waiting(now);
  if (now >= agent_silent_at_ && std::exchange(agent_was_heard_, false)) {
    ++changes_;
    log_("has not heard the agent for 3 s, and withdraws all routes");
  }
  std::erase_if(slots_, [&](const auto& entry) {
    const Slot& slot = entry.second;
    const bool is_withdrawn = slot.in_force && slot.in_force->level == Level::Withdraw;
    return slot.leaving && is_withdrawn && now >= slot.said_at + kBetweenCommands && !in_flight_;
  });
  for (auto& [neighbor, session] : sessions_) {
    bool is_due = false;
    for (; !session.assert_at.empty() && session.assert_at.front() <= now; is_due = true) {
      session.flush = session.flush || session.assert_at.size() == 2;  // at kAssertFirst
      session.assert_at.erase(session.assert_at.begin());
    }
    if (is_due) assert_routes_of(neighbor, session, now);
  }
}

void Bridge::assert_routes_of(const base::IpAddress& neighbor, Session& session, Time now) {
  bool is_announced = false;
  for (auto& [key, slot] : slots_) {
    if (key.neighbor && *key.neighbor != neighbor) continue;
    slot.assert_again = true;
    is_announced = is_announced || to_say(slot, now).level == Level::Announce;
  }
  session.flush = session.flush && is_announced;
}

Bridge::Time Bridge::next_deadline(Time now) const {
  auto soonest = Time::max();
  const auto consider = [&](Time at) { soonest = at > now ? std::min(soonest, at) : soonest; };
  consider(agent_silent_at_);
  for (const auto& [neighbor, session] : sessions_) {
    if (!session.assert_at.empty()) consider(session.assert_at.front());
  }
  if (in_flight_) {
    consider(in_flight_since_ + kAnswerTimeout);
    return soonest;
  }
  consider(quiet_until_);
  consider(ask_sessions_at().value_or(Time::max()));
  for (const auto& [key, slot] : slots_) consider(due_at(slot, now));
  return soonest;
}

Status Bridge::status(Time now) const {
  Status status = counts_;
  status.sent_ms = to_ms(now);
  for (const auto& [neighbor, session] : sessions_)
    status.sessions.push_back({neighbor, session.up, session.reason});
  for (const auto& [key, slot] : slots_) {
    RouteStatus route{key, {}, slot.in_force != to_say(slot, now), {}, slot.wish.attributes};
    if (slot.in_force) route.in_force = slot.in_force->level;
    if (slot.in_force) route.attributes = slot.in_force->attributes;
    if (slot.acked_at != kEver) route.acked_ms_ago = to_ms(now) - to_ms(slot.acked_at);
    status.routes.push_back(std::move(route));
  }
  return status;
}

Saved Bridge::saved(Time now) const {
  Saved saved{exabgp_process_, heartbeat_ms_, {}};
  for (const auto& [key, slot] : slots_) saved.routes.push_back(to_say(slot, now));
  return saved;
}

}  // namespace meridian::bgp
