#include "query/answer_cache.hpp"

#include "base/random.hpp"
#include "dns/client_subnet.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/reader.hpp"

#include <algorithm>
#include <cstring>

namespace meridian::query {
namespace {

using stats::Counter;

/// Where the payload of the client subnet option is in a reply of ours; 0: there is none.
std::size_t find_subnet(std::span<const std::uint8_t> reply, std::size_t question_end) noexcept {
  dns::Reader reader{reply, question_end};
  while (!reader.is_at_end() && reader.skip_name() && reader.has(dns::kRecordFixedBytes)) {
    const auto fixed = reader.take(dns::kRecordFixedBytes);
    const std::size_t length = dns::load_u16(fixed.data() + dns::kRecordFixedBytes - 2);
    if (static_cast<dns::Rtype>(dns::load_u16(fixed.data())) != dns::Rtype::Opt) {
      if (!reader.skip(length)) return 0;
      continue;
    }
    while (reader.has(dns::kOptionHeadBytes)) {
      const auto code = static_cast<dns::EdnsOption>(reader.u16());
      const std::size_t option_bytes = reader.u16();
      if (code == dns::EdnsOption::ClientSubnet) return reader.at();
      if (!reader.skip(option_bytes)) return 0;
    }
  }
  return 0;
}

/// Without a call, which for so few bytes costs more than they do.
void copy_short(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept {
  std::size_t at = 0;
  for (; at + 8 <= size; at += 8) std::memcpy(to + at, from + at, 8);
  for (; at < size; ++at) to[at] = from[at];
}

/// One address record, 16 or 28 bytes: its first and its last 16.
void copy_record(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept {
  static_assert(kARecordBytes == 16 && kAaaaRecordBytes <= 2 * kARecordBytes);
  std::memcpy(to, from, kARecordBytes);
  std::memcpy(to + size - kARecordBytes, from + size - kARecordBytes, kARecordBytes);
}

struct Records {
  std::size_t count = 0;
  std::size_t bytes_each = 0;
};

/// The address records that make up the whole answer section, when it consists of such; behind the question.
Records find_addresses(std::span<const std::uint8_t> reply, std::size_t question_end) noexcept {
  constexpr std::size_t kAnswerCountAt = 6;
  if (reply.size() < question_end + kARecordBytes) return {};
  const auto type = static_cast<dns::Rtype>(dns::load_u16(reply.data() + question_end + 2));
  if (type != dns::Rtype::A && type != dns::Rtype::Aaaa) return {};
  return {dns::load_u16(reply.data() + kAnswerCountAt),
          type == dns::Rtype::A ? kARecordBytes : kAaaaRecordBytes};
}

bool is_repeatable(const Summary& summary) noexcept {
  switch (summary.kind) {
    case AnswerKind::Dropped:
    case AnswerKind::Malformed:  // depends on what the key leaves out
    case AnswerKind::Cookie:
      return false;
    default:
      return summary.variation != Variation::Drawn;
  }
}

/// The rest of what decides an answer, into the hash of its key.
std::uint64_t hash_with(const QueryKey& key, std::uint32_t map, base::TiersId tiers, Whose whose) noexcept {
  const std::uint64_t standing =
      (std::uint64_t{map} << 32 | static_cast<std::uint32_t>(tiers)) * 8 + static_cast<std::uint64_t>(whose);
  return key.hash() ^ standing * 0x9e37'79b9'7f4a'7c15u >> 16;  // the bits that tell places apart
}

}  // namespace

AnswerCache::AnswerCache(std::uint64_t seed)
    : seed_(seed),
      questions_(kQuestionSets),
      rivals_(kQuestionSets),
      kept_tags_(kKeptSets),
      kept_(kKeptSets) {}

void AnswerCache::begin_batch(std::uint64_t serving, std::uint64_t health, bool needs_summary) noexcept {
  needs_summary_ = needs_summary;
  if (serving == serving_ && health == health_ && stamp_ != 0) [[likely]]
    return;
  serving_ = serving;
  health_ = health;
  if (++stamp_ != 0) return;
  // After 2^32 changes the stamps begin anew.
  std::fill(questions_.begin(), questions_.end(), QuestionSet{});
  for (auto& set : kept_) {
    for (auto& kept : set) kept.stamp = 0;
  }
  stamp_ = 1;
}

AnswerCache::Question* AnswerCache::find_question(const QueryKey& key) noexcept {
  const std::uint32_t tag = tag_of(key.hash());
  for (auto& question : set_of(key).ways) {
    if (question.tag == tag && question.stamp == stamp_) return &question;
  }
  return nullptr;
}

template <typename Ways>
typename Ways::value_type* AnswerCache::find_victim(Ways& ways) const noexcept {
  for (auto& way : ways) {
    if (way.stamp != stamp_) return &way;
  }
  for (auto& way : ways) {
    if (!way.is_used) return &way;
  }
  for (auto& way : ways) way.is_used = false;
  return nullptr;
}

/// True the second time in a row that a set is missed by `key`: names that nobody asks for again take
/// nobody's place.
bool AnswerCache::meet(const QueryKey& key) noexcept {
  const std::uint32_t tag = tag_of(key.hash());
  auto& set = set_of(key);
  for (const auto& question : set.ways) {
    if (question.tag == tag) return true;  // known before health or snapshot changed
  }
  auto& rival = rivals_[key.hash() & (kQuestionSets - 1)];
  if (rival == tag) return find_victim(set.ways) != nullptr;
  rival = tag;
  return false;
}

bool AnswerCache::is_of(const Kept& kept, std::uint64_t hash, const Standing& standing,
                        const QueryKey& key) const noexcept {
  if (kept.hash != hash || kept.stamp != stamp_ || kept.packet_bytes != key.packet_bytes() ||
      !(kept.standing == standing))
    return false;
  return std::memcmp(kept.room.data(), key.words().data(), key.words().size_bytes()) == 0;
}

AnswerCache::Standing AnswerCache::stand(const Snapshot& snapshot, const Source& source, const QueryKey& key,
                                         const Question& question, Client& client) noexcept {
  if (question.map == kNoMap) return {};
  client = locate(snapshot.maps.data()[question.map], question.use_client_subnet, source.address,
                  key.client_subnet());
  return {.map = question.map, .tiers = client.tiers, .whose = client.whose};
}

void AnswerCache::find(const Snapshot& snapshot, const Source& source, const QueryKey& key,
                       Place& place) noexcept {
  place.kept = nullptr;
  Question* const question = find_question(key);
  if (question == nullptr) {
    place.is_wanted = meet(key);
    return;
  }
  if (!question->is_used) question->is_used = true;
  place.standing = stand(snapshot, source, key, *question, place.client);
  place.hash = hash_with(key, place.standing.map, place.standing.tiers, place.standing.whose);
  place.is_wanted = true;
  const std::size_t set = place.hash & (kKeptSets - 1);
  const auto& tags = kept_tags_.data()[set];
  for (std::size_t way = 0; way < kWays; ++way) {
    if (tags.data()[way] == tag_of(place.hash)) place.kept = &kept_.data()[set].data()[way];
  }
  if (place.kept == nullptr) return;
  // The head with the first words, the rest of them with most of a short answer, and what is left of that.
  constexpr std::size_t kLine = 64;
  const auto* const start = static_cast<const char*>(static_cast<const void*>(place.kept));
  for (std::size_t line = 0; line < 3; ++line) __builtin_prefetch(start + line * kLine);
}

std::size_t AnswerCache::write(Place& place, const QueryKey& key, std::span<const std::uint8_t> packet,
                               std::span<std::uint8_t> reply, Worker& worker) noexcept {
  if (place.kept == nullptr) return 0;
  Kept& kept = *place.kept;
  place.is_wanted = !is_of(kept, place.hash, place.standing, key);
  if (place.is_wanted) return 0;
  if (!kept.is_used) kept.is_used = true;
  if (kept.answer_bytes == 0) return 0;
  // In steps, since both have room for whole ones.
  if (reply.size() < base::limits::kKeptAnswerBytesMax + Kept::kStep) return 0;
  const std::uint8_t* const answer = kept.answer(key);
  std::uint8_t* const out = reply.data();
  for (std::size_t at = 0; at < kept.answer_bytes; at += Kept::kStep)
    std::memcpy(out + at, answer + at, Kept::kStep);
  std::memcpy(out, packet.data(), 2);
  std::memcpy(out + dns::kHeaderBytes, packet.data() + dns::kHeaderBytes, key.name_end() - dns::kHeaderBytes);
  if (needs_summary_) worker.summary = kept.summary;
  if (kept.subnet_at != 0) {
    const auto address = key.subnet_address();
    std::uint8_t* const payload = out + kept.subnet_at;
    copy_short(payload + dns::kClientSubnetFixedBytes, packet.data() + address.first, address.count);
    if (kept.standing.map != kNoMap) {
      worker.summary.scope_bits = scope_bits(place.client, false);
      payload[dns::kClientSubnetScopeAt] = worker.summary.scope_bits;
    }
  }
  if (kept.rotated != 0) {
    std::size_t from = worker.random.below(kept.rotated);
    for (std::size_t to = 0; to < kept.rotated; ++to) {
      copy_record(out + kept.rotated_at + to * kept.record_bytes,
                  answer + kept.rotated_at + from * kept.record_bytes, kept.record_bytes);
      if (++from == kept.rotated) from = 0;
    }
  }
  for (std::size_t i = 0; i < kept.count; ++i) worker.counters.add(kept.counts.data()[i]);
  worker.counters.add(Counter::KeptAnswers);
  // With a scope to count it was set above.
  if (worker.tally != nullptr) worker.tally->add(kept.cells, worker.summary.scope_bits);
  return kept.answer_bytes;
}

AnswerCache::Before::Before(const Worker& worker) noexcept : random_(worker.random) {
  for (std::size_t i = 0; i < counts_.size(); ++i)
    counts_[i] = worker.counters.value(static_cast<Counter>(i));
}

bool AnswerCache::take_counts(const Before& before, const stats::Counters& counters, Kept& kept) noexcept {
  kept.count = 0;
  for (std::size_t i = 0; i < before.counts_.size(); ++i) {
    const std::uint64_t added = counters.value(static_cast<Counter>(i)) - before.counts_[i];
    if (added == 0) continue;
    if (added != 1 || kept.count == kept.counts.size()) return false;
    kept.counts[kept.count++] = static_cast<Counter>(i);
  }
  return true;
}

bool AnswerCache::take_answer(const QueryKey& key, std::span<const std::uint8_t> reply, const Before& before,
                              const Worker& worker, Kept& kept) noexcept {
  const auto& summary = worker.summary;
  if (reply.empty() || reply.size() > base::limits::kKeptAnswerBytesMax || !is_repeatable(summary))
    return false;
  // Whatever else drew without saying so.
  if (summary.variation == Variation::None && worker.random != before.random_) return false;
  if (!take_counts(before, worker.counters, kept)) return false;
  const std::size_t question_end = key.name_end() + dns::kQuestionFixedBytes;
  const std::size_t subnet_at = find_subnet(reply, question_end);
  if ((subnet_at != 0) != key.client_subnet().has_value()) return false;
  kept.rotated = 0;
  if (summary.variation == Variation::Rotated) {
    const Records records = find_addresses(reply, question_end);
    if (records.count < 2 || records.count > base::limits::kAnswerAddressesMax) return false;
    kept.rotated_at = static_cast<std::uint16_t>(question_end);
    kept.rotated = static_cast<std::uint8_t>(records.count);
    kept.record_bytes = static_cast<std::uint8_t>(records.bytes_each);
  }
  kept.subnet_at = static_cast<std::uint16_t>(subnet_at);
  kept.summary = summary;
  std::memcpy(kept.room.data() + key.words().size(), reply.data(), reply.size());
  return true;
}

void AnswerCache::put(const Question& question, const QueryKey& key) noexcept {
  auto& ways = set_of(key).ways;
  for (auto& way : ways) {
    if (way.tag == question.tag) {
      way = question;
      return;
    }
  }
  if (Question* const victim = find_victim(ways)) *victim = question;
}

/// For an answer of that hash: where one is already, or where one may go.
AnswerCache::Kept* AnswerCache::find_place(std::uint64_t hash) noexcept {
  const std::size_t set = hash & (kKeptSets - 1);
  auto& tags = kept_tags_[set];
  auto& ways = kept_[set];
  const auto found = std::find(tags.begin(), tags.end(), tag_of(hash));
  if (found != tags.end()) return &ways[static_cast<std::size_t>(found - tags.begin())];
  Kept* const victim = find_victim(ways);
  if (victim != nullptr) tags[static_cast<std::size_t>(victim - ways.data())] = tag_of(hash);
  return victim;
}

void AnswerCache::keep(const Snapshot& snapshot, const Source& source, const QueryKey& key,
                       std::span<const std::uint8_t> reply, const Before& before,
                       const Worker& worker) noexcept {
  Question question{.tag = tag_of(key.hash()), .stamp = stamp_};
  const auto service_id = worker.summary.service;
  if (service_id != base::kNoService) {
    const Service& service = snapshot.services[base::index_of(service_id)];
    if (service.fixed_pool == base::kNoPool) question.map = static_cast<std::uint32_t>(service.map);
    question.use_client_subnet = service.use_client_subnet;
  }
  Client client;
  const Standing standing = stand(snapshot, source, key, question, client);
  put(question, key);
  const std::uint64_t hash = hash_with(key, standing.map, standing.tiers, standing.whose);
  Kept* const place = find_place(hash);
  if (place == nullptr) return;
  Kept& kept = *place;
  kept.hash = hash;
  kept.stamp = stamp_;
  kept.standing = standing;
  kept.is_used = false;
  if (worker.tally != nullptr) kept.cells = worker.tally->cells_of(worker.summary, source.is_tcp);
  kept.packet_bytes = static_cast<std::uint16_t>(key.packet_bytes());
  std::copy(key.words().begin(), key.words().end(), kept.room.begin());
  kept.answer_bytes =
      take_answer(key, reply, before, worker, kept) ? static_cast<std::uint16_t>(reply.size()) : 0;
}

}  // namespace meridian::query
