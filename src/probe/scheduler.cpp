#include "probe/scheduler.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace meridian::probe {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// The heap's order: what is due first stands first.
constexpr auto kIsLater = [](const auto& left, const auto& right) { return left.due > right.due; };

bool is_program(const Target& target) noexcept { return target.check->type == config::Check::Type::Exec; }

milliseconds every(const Target& target) noexcept { return milliseconds{target.check->every_ms}; }

}  // namespace

Scheduler::Scheduler(const base::Clock& clock, Prober& prober, stats::Counters& counters, std::uint64_t seed,
                     Handlers handlers)
    : clock_(clock),
      prober_(prober),
      counters_(counters),
      random_(seed),
      handlers_(std::move(handlers)),
      room_(base::limits::kProbesInFlightMax) {}

Scheduler::~Scheduler() {
  for (auto& [key, entry] : entries_) end(*entry);
}

void Scheduler::set_targets(const std::vector<Target>& targets) {
  Entries old = std::exchange(entries_, {});
  std::vector<Entry*> fresh;
  for (std::size_t index = 0; index < targets.size(); ++index) {
    const Target& target = targets[index];
    if (target.check->type == config::Check::Type::Push) continue;
    const std::string key = key_of(target);
    auto& entry = entries_[key];
    if (!entry) {
      if (const auto found = old.find(key); found != old.end()) {
        entry = std::move(found->second);
        old.erase(found);
        entry->indices.clear();
      } else {
        entry = std::make_unique<Entry>();
        fresh.push_back(entry.get());
      }
      entry->target = target;
    }
    entry->indices.push_back(index);
  }
  for (auto& [key, entry] : old) end(*entry);
  const auto is_gone = [](const Entry* entry) { return entry->state != State::Waiting; };
  std::erase_if(waiting_, is_gone);
  std::erase_if(waiting_programs_, is_gone);
  spread(fresh);
  turns_.clear();
  without_result_ = 0;
  for (auto& [key, entry] : entries_) {
    if (entry->state == State::Scheduled) turns_.push_back({entry->due, entry.get()});
    if (!entry->has_result) ++without_result_;
  }
  std::ranges::make_heap(turns_, kIsLater);
  first_round_end_ = last_run_ = clock_.monotonic();
  if (without_result_ != 0) *first_round_end_ += milliseconds{base::limits::kProbeFirstRoundMs};
  start_waiting();
}

/// Lets go of an entry that goes.
void Scheduler::end(Entry& entry) {
  if (entry.state == State::Running) {
    prober_.cancel(entry.probe);
    --in_flight_;
    if (is_program(entry.target)) --programs_;
  }
  entry.state = State::Scheduled;
}

void Scheduler::spread(const std::vector<Entry*>& fresh) {
  const auto now = clock_.monotonic();
  const microseconds wanted =
      std::max<microseconds>(milliseconds{base::limits::kProbeFirstRoundSpreadMs},
                             microseconds{base::limits::kProbeFirstRoundPaceUs} * fresh.size());
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const microseconds length = std::min<microseconds>(every(fresh[i]->target), wanted);
    fresh[i]->due = now + length * i / fresh.size();
  }
}

void Scheduler::push(Entry& entry) {
  entry.state = State::Scheduled;
  turns_.push_back({entry.due, &entry});
  std::ranges::push_heap(turns_, kIsLater);
}

Scheduler::Entry* Scheduler::pop_due(base::MonotonicTime now) {
  if (turns_.empty() || turns_.front().due > now) return nullptr;
  std::ranges::pop_heap(turns_, kIsLater);
  Entry* const entry = turns_.back().entry;
  turns_.pop_back();
  return entry;
}

void Scheduler::run_due() {
  const auto now = clock_.monotonic();
  look_for_stall(now);
  is_stalled_ = false;
  last_run_ = now;
  while (Entry* const entry = pop_due(now)) start_or_wait(*entry);
  if (first_round_end_ && *first_round_end_ <= now) end_first_round(without_result_ == 0);
}

std::optional<base::MonotonicTime> Scheduler::next_due() const {
  std::optional<base::MonotonicTime> next = first_round_end_;
  if (!turns_.empty() && (!next || turns_.front().due < *next)) next = turns_.front().due;
  // While probes are on their way a look at the clock must come, or a stall would pass unseen.
  const auto look = last_run_ + milliseconds{base::limits::kProbeStallMs} / 2;
  if (in_flight_ != 0 && (!next || look < *next)) next = look;
  return next;
}

/// Whoever owns this should have called run_due() at next_due().
void Scheduler::look_for_stall(base::MonotonicTime now) {
  const auto due = next_due();
  if (!due || now - *due <= milliseconds{base::limits::kProbeStallMs}) return;
  last_stall_ = now;
  if (!std::exchange(is_stalled_, true)) room_ = std::max(base::limits::kProbesInFlightMin, room_ / 2);
}

void Scheduler::start_or_wait(Entry& entry) {
  const bool has_program_room = !is_program(entry.target) || programs_ < base::limits::kProbeProgramsMax;
  if (has_room() && has_program_room) return start(entry);
  counters_.add(stats::Counter::ProbesDelayed);
  entry.state = State::Waiting;
  (has_program_room ? waiting_ : waiting_programs_).push_back(&entry);
}

void Scheduler::start(Entry& entry) {
  ++in_flight_;
  if (is_program(entry.target)) ++programs_;
  entry.due = draw_next(entry);
  entry.state = State::Running;
  entry.started = clock_.monotonic();
  // An entry that goes is cancelled first, so this one is there whenever its result comes.
  entry.probe = prober_.start(entry.target,
                              [this, &entry](const health::ProbeResult& result) { finish(entry, result); });
}

void Scheduler::finish(Entry& entry, const health::ProbeResult& result) {
  --in_flight_;
  if (is_program(entry.target)) --programs_;
  const auto now = clock_.monotonic();
  look_for_stall(now);
  entry.due = std::max(entry.due, now);  // its turn may be over already
  if (!result.is_ok && last_stall_ > entry.started) {
    counters_.add(stats::Counter::ProbesDisregarded);
    push(entry);
    return start_waiting();
  }
  room_ = std::min(room_ + 1, base::limits::kProbesInFlightMax);
  counters_.add(stats::Counter::Probes);
  if (!result.is_ok) counters_.add(stats::Counter::ProbeFailures);
  if (!result.warning.empty()) counters_.add(stats::Counter::ProbeWarnings);
  push(entry);
  for (const std::size_t index : entry.indices) handlers_.on_result(index, result);
  if (!std::exchange(entry.has_result, true)) --without_result_;
  if (without_result_ == 0 && first_round_end_) end_first_round(true);
  start_waiting();
}

void Scheduler::start_waiting() {
  const auto take = [this](std::deque<Entry*>& waiting) {
    Entry* const entry = waiting.front();
    waiting.pop_front();
    start(*entry);
  };
  while (has_room() && !waiting_programs_.empty() && programs_ < base::limits::kProbeProgramsMax)
    take(waiting_programs_);
  while (has_room() && !waiting_.empty()) take(waiting_);
}

void Scheduler::end_first_round(bool is_complete) {
  first_round_end_.reset();
  handlers_.on_first_round(is_complete);
}

base::MonotonicTime Scheduler::draw_next(Entry& entry) {
  const microseconds interval = every(entry.target);
  // The first turns lie within a second; the second ones are drawn anew, or every round would be a burst.
  const bool is_first = !std::exchange(entry.has_started, true);
  const std::uint32_t jitter_percent = is_first ? 100 : std::min(entry.target.check->jitter_percent, 100u);
  constexpr std::uint32_t kSteps = 1'000'000;
  const microseconds earlier = interval * jitter_percent / 100 * random_.below(kSteps) / kSteps;
  // Counted from when it was due, so that late wake-ups do not add up; from now when it had to wait.
  const auto from = std::max(entry.due, clock_.monotonic() - milliseconds{2 * base::limits::kProbeTickMs});
  return from + interval - earlier;
}

}  // namespace meridian::probe
