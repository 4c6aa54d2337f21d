#include "querylog/tap.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace meridian::querylog {
namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;

constexpr stats::Counter dropped_counter(Lane lane) noexcept {
  switch (lane) {
    case Lane::QueryLog:
      return stats::Counter::QueryLogDropped;
    case Lane::Dnstap:
      return stats::Counter::DnstapDropped;
    case Lane::Demand:
      break;
  }
  return stats::Counter::DemandDropped;
}

/// A client that now knows an address to go to. Whose answer was dropped or cut short asks again.
bool is_demand(const Facts& facts) noexcept {
  return facts.kind == query::AnswerKind::Steered && facts.answer_bytes > 0 && !facts.is_truncated;
}

/// The bytes that say who was steered, where the facts don't.
std::span<const std::uint8_t> subnet_source(const Facts& facts, const net::Exchange& exchange) noexcept {
  return facts.by_client_subnet ? std::span<const std::uint8_t>{exchange.query}
                                : std::span<const std::uint8_t>{};
}

/// Demand wants to know who, and nothing about the answer.
constexpr query::Summary kNoNames{};

constexpr Lane lane_at(std::size_t index) noexcept { return static_cast<Lane>(index); }
constexpr std::size_t index_of(Lane lane) noexcept { return static_cast<std::size_t>(lane); }

}  // namespace

std::shared_ptr<Ring> Tap::set_sample(Lane lane, std::uint32_t sample) {
  const std::lock_guard lock(mutex_);
  const auto index = index_of(lane);
  const bool is_first = sample > 0 && !rings_[index];
  if (is_first) {
    rings_[index] = std::make_shared<Ring>(base::limits::kQueryRecordRingBytes);
    shared_[index].ring.store(rings_[index].get(), std::memory_order_release);
  }
  shared_[index].sample.store(sample, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  return is_first ? rings_[index] : nullptr;
}

void Tap::start_noting() noexcept {
  if (generation_.load(std::memory_order_acquire) != generation_seen_) refresh();
  if (!is_timed_) return;
  // One look at each clock serves the batch; what took how long is told by the steady one.
  batch_wall_ = clock_.wall();
  batch_start_ = clock_.monotonic();
}

void Tap::refresh() noexcept {
  generation_seen_ = generation_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < kLaneCount; ++i) {
    auto& own = own_[i];
    own.ring = shared_[i].ring.load(std::memory_order_acquire);
    const auto sample = shared_[i].sample.load(std::memory_order_relaxed);
    if (sample == own.sample) continue;
    own.sample = sample;
    own.next = sample == 0 ? kNever : seen_ + draw_gap(sample, random_) - 1;
  }
  // Clocks are half of what demand would cost.
  is_timed_ = own_[index_of(Lane::QueryLog)].sample > 0 || own_[index_of(Lane::Dnstap)].sample > 0;
  find_next();
}

void Tap::find_next() noexcept {
  next_ = kNever;
  for (const auto& own : own_) next_ = std::min(next_, own.next);
}

void Tap::record(const net::Exchange& exchange, const query::Snapshot& snapshot,
                 const query::Summary& summary) noexcept {
  const std::uint64_t index = seen_ - 1;
  Facts facts{};
  if (is_timed_) {
    facts.received_ns = duration_cast<nanoseconds>(batch_wall_.time_since_epoch()).count();
    facts.took_ns =
        static_cast<std::uint64_t>(duration_cast<nanoseconds>(clock_.monotonic() - batch_start_).count());
  }
  facts.epoch = snapshot.epoch;
  facts.client = exchange.peer.address;
  facts.port = exchange.peer.port;
  facts.is_tcp = exchange.peer.tcp;
  facts.answer_bytes = static_cast<std::uint32_t>(exchange.reply_bytes);
  take_summary(facts, summary);
  for (std::size_t i = 0; i < kLaneCount; ++i) {
    auto& own = own_[i];
    if (own.next != index) continue;
    own.next += draw_gap(own.sample, random_);
    facts.sample = own.sample;
    if (lane_at(i) == Lane::Demand) {
      if (is_demand(facts))
        put(Lane::Demand, {facts, snapshot, kNoNames, subnet_source(facts, exchange), {}});
      continue;
    }
    // A line tells of the answer what the facts say; only dnstap wants its bytes.
    const std::span<const std::uint8_t> answer{exchange.reply.data(),
                                               lane_at(i) == Lane::Dnstap ? exchange.reply_bytes : 0};
    put(lane_at(i), {facts, snapshot, summary, exchange.query, answer});
  }
  find_next();
}

void Tap::put(Lane lane, const RecordSource& source) noexcept {
  auto& ring = *own_[index_of(lane)].ring;
  const auto room = ring.reserve(record_bytes(source));
  if (room.empty()) return counters_.add(dropped_counter(lane));
  write_record(source, room);
  ring.commit();
}

}  // namespace meridian::querylog
