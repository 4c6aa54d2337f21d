#include "query/answerer.hpp"

#include "query/locate.hpp"
#include "query/rate_limit.hpp"

namespace meridian::query {

void Answerer::begin_batch(const Snapshot& snapshot, const Tables& tables, std::uint64_t serving,
                           base::CoarseTime now) noexcept {
  snapshot_ = &snapshot;
  tables_ = &tables;
  worker_.now = now;
  // Before anything is looked up in them: a change that comes later shows at the next batch.
  cache_.begin_batch(serving, tables.health.generation());
}

[[gnu::flatten]] void Answerer::look(std::size_t slot, const Source& source,
                                     std::span<const std::uint8_t> packet) noexcept {
  Slot& here = slots_[slot];
  here.has_key = snapshot_->settings.answer_cache && here.key.read(packet, source.is_tcp, cache_.seed());
  if (!here.has_key) return;
  cache_.fetch_ahead(here.key);
  const auto& subnet = here.key.client_subnet();
  fetch_client_ahead(*snapshot_, subnet ? subnet->address : source.address);
}

[[gnu::flatten]] std::optional<std::size_t> Answerer::answer_kept(std::size_t slot, const Source& source,
                                                                  std::span<const std::uint8_t> packet,
                                                                  std::span<std::uint8_t> reply) noexcept {
  Slot& here = slots_[slot];
  here.is_wanted = false;
  if (here.has_key) {
    const auto place = cache_.find(*snapshot_, source, here.key, packet, reply, worker_);
    if (place.answer_bytes != 0)
      return limit_rate(*snapshot_, *tables_, source, packet, reply, place.answer_bytes, worker_);
    here.is_wanted = place.is_wanted;
  }
  here.asked.emplace(*snapshot_, source, packet);
  return std::nullopt;
}

std::size_t Answerer::answer_anew(std::size_t slot, const Source& source,
                                  std::span<const std::uint8_t> packet,
                                  std::span<std::uint8_t> reply) noexcept {
  const Slot& here = slots_[slot];
  if (!here.is_wanted) return answer_query(*snapshot_, *tables_, source, *here.asked, packet, reply, worker_);
  const AnswerCache::Before before(worker_);
  const std::size_t size = compose_reply(*snapshot_, *tables_, source, *here.asked, packet, reply, worker_);
  cache_.keep(*snapshot_, source, here.key, reply.first(size), before, worker_);
  return limit_rate(*snapshot_, *tables_, source, packet, reply, size, worker_);
}

}  // namespace meridian::query
