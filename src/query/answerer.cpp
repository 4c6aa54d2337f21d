#include "query/answerer.hpp"

#include "query/locate.hpp"
#include "query/rate_limit.hpp"

namespace meridian::query {

void Answerer::begin_batch(const Snapshot& snapshot, const Tables& tables, std::uint64_t serving,
                           base::CoarseTime now, bool is_noted) noexcept {
  snapshot_ = &snapshot;
  tables_ = &tables;
  worker_.now = now;
  worker_.tally = tables.tally_of(thread_);
  // Before anything is looked up in them: a change that comes later shows at the next batch.
  cache_.begin_batch(serving, tables.health.generation(), is_noted || tables.rates != nullptr);
}

[[gnu::flatten]] void Answerer::look(std::size_t slot, const Source& source,
                                     std::span<const std::uint8_t> packet) noexcept {
  Look& here = looks_[slot];
  here.source = source;
  here.packet = packet;
  here.hash = snapshot_->settings.answer_cache && worth_.is_due()
                  ? hash_form(packet, source.is_tcp, cache_.seed())
                  : 0;
  if (here.hash != 0) cache_.look(here.hash, here.place);
}

[[gnu::flatten]] void Answerer::find(std::size_t count) noexcept {
  const auto slots = std::span{looks_}.first(count);
  for (auto& here : slots) {
    if (here.hash != 0) cache_.match(*snapshot_, here.source, here.packet, here.hash, here.place);
  }
  for (auto& here : slots) {
    if (here.hash != 0) cache_.approach(*snapshot_, here.source, here.place);
  }
  for (auto& here : slots) {
    if (here.hash != 0) cache_.locate(*snapshot_, here.source, here.place);
  }
}

[[gnu::flatten]] std::optional<std::size_t> Answerer::answer_kept(std::size_t slot,
                                                                  std::span<std::uint8_t> reply) noexcept {
  Look& here = looks_[slot];
  if (here.hash == 0) return std::nullopt;
  const std::size_t size = cache_.write(here.place, here.packet, reply, worker_);
  worth_.count(size != 0);
  if (size == 0) return std::nullopt;
  // limit_rate() would say so too, but the call alone is a fourteenth of an answer.
  if (tables_->rates == nullptr) return size;
  return limit_rate(*snapshot_, *tables_, here.source, here.packet, reply, size, worker_);
}

std::size_t Answerer::answer_anew(std::size_t slot, std::span<std::uint8_t> reply) noexcept {
  Look& here = looks_[slot];
  const Asked& asked = *asked_[slot];
  std::optional<QueryForm> form;
  std::optional<AnswerCache::Before> before;
  if (here.hash != 0 && here.place.is_wanted) form = QueryForm::make(here.packet, here.source.is_tcp);
  if (form) before.emplace(worker_);
  const std::size_t size =
      compose_reply(*snapshot_, *tables_, here.source, asked, here.packet, reply, worker_);
  if (worker_.tally != nullptr) {
    const auto& summary = worker_.summary;
    worker_.tally->add(worker_.tally->cells_of(summary, here.source.is_tcp), summary.scope_bits);
  }
  if (form) {
    cache_.keep(*snapshot_, here.source, {.form = *form, .hash = here.hash, .packet = here.packet},
                here.place, reply.first(size), *before, worker_);
  }
  return limit_rate(*snapshot_, *tables_, here.source, here.packet, reply, size, worker_);
}

}  // namespace meridian::query
