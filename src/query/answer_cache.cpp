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
    : seed_(seed), questions_(base::limits::kKeptQuestionsMax), kept_(base::limits::kKeptAnswersMax) {}

void AnswerCache::begin_batch(std::uint64_t serving, std::uint64_t health) noexcept {
  if (serving == serving_ && health == health_ && stamp_ != 0) [[likely]]
    return;
  serving_ = serving;
  health_ = health;
  if (++stamp_ != 0) return;
  // After 2^32 changes the stamps begin anew.
  std::fill(questions_.begin(), questions_.end(), Question{});
  for (auto& kept : kept_) kept.stamp = 0;
  stamp_ = 1;
}

/// True the second time that `key` is met: names that nobody asks for again take no room.
bool AnswerCache::meet(Question& question, const QueryKey& key) const noexcept {
  if (is_of(question, key)) return true;
  if (question.stamp == stamp_ && question.is_used) {
    question.is_used = false;  // whoever is asked for stays, unless another comes twice in between
    return false;
  }
  question = {.tag = static_cast<std::uint32_t>(key.hash() >> 32), .stamp = stamp_};
  return false;
}

bool AnswerCache::is_of(const Kept& kept, std::uint64_t hash, const Standing& standing,
                        const QueryKey& key) const noexcept {
  if (kept.hash != hash || kept.stamp != stamp_ || kept.packet_bytes != key.packet_bytes() ||
      !(kept.standing == standing))
    return false;
  const auto words = key.words();
  std::uint64_t difference = 0;
  for (std::size_t i = 0; i < words.size(); ++i) difference |= words.data()[i] ^ kept.words.data()[i];
  return difference == 0;
}

AnswerCache::Place AnswerCache::find(const Snapshot& snapshot, const Source& source, const QueryKey& key,
                                     std::span<const std::uint8_t> packet, std::span<std::uint8_t> reply,
                                     Worker& worker) noexcept {
  Question& question = question_at(key);
  if (!is_of(question, key) || question.is_seen_only) return {.is_wanted = meet(question, key)};
  if (!question.is_used) question.is_used = true;
  Standing standing{.map = question.map};
  Client client;
  if (standing.map != kNoMap) {
    client = locate(snapshot.maps.data()[standing.map], question.use_client_subnet, source.address,
                    key.client_subnet());
    standing.tiers = client.tiers;
    standing.whose = client.whose;
  }
  const std::uint64_t hash = hash_with(key, standing.map, standing.tiers, standing.whose);
  Kept& kept = kept_at(hash);
  if (!is_of(kept, hash, standing, key)) return {.is_wanted = true};
  if (!kept.is_used) kept.is_used = true;
  if (kept.answer_bytes == 0 || reply.size() < kept.answer.size()) return {};
  write(kept, client, key, packet, reply.data(), worker);
  return {.answer_bytes = kept.answer_bytes};
}

void AnswerCache::write(const Kept& kept, const Client& client, const QueryKey& key,
                        std::span<const std::uint8_t> packet, std::uint8_t* reply, Worker& worker) noexcept {
  constexpr std::size_t kStep = 16;  // both have room for whole steps
  static_assert(base::limits::kKeptAnswerBytesMax % kStep == 0);
  for (std::size_t at = 0; at < kept.answer_bytes; at += kStep)
    std::memcpy(reply + at, kept.answer.data() + at, kStep);
  std::memcpy(reply, packet.data(), 2);
  std::memcpy(reply + dns::kHeaderBytes, packet.data() + dns::kHeaderBytes,
              key.name_end() - dns::kHeaderBytes);
  worker.summary = kept.summary;
  if (kept.subnet_at != 0) {
    const auto address = key.subnet_address();
    std::uint8_t* const payload = reply + kept.subnet_at;
    std::memcpy(payload + dns::kClientSubnetFixedBytes, packet.data() + address.first, address.count);
    if (kept.standing.map != kNoMap) {
      worker.summary.scope_bits = scope_bits(client, false);
      payload[dns::kClientSubnetScopeAt] = worker.summary.scope_bits;
    }
  }
  if (kept.rotated != 0) {
    const std::uint8_t* const records = kept.answer.data() + kept.rotated_at;
    const std::size_t all = std::size_t{kept.rotated} * kept.record_bytes;
    const std::size_t skipped = std::size_t{worker.random.below(kept.rotated)} * kept.record_bytes;
    std::memcpy(reply + kept.rotated_at, records + skipped, all - skipped);
    std::memcpy(reply + kept.rotated_at + all - skipped, records, skipped);
  }
  for (std::size_t i = 0; i < kept.count; ++i) worker.counters.add(kept.counts.data()[i]);
  worker.counters.add(Counter::KeptAnswers);
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
  if (reply.empty() || reply.size() > kept.answer.size() || !is_repeatable(summary)) return false;
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
  std::copy(reply.begin(), reply.end(), kept.answer.begin());
  return true;
}

void AnswerCache::keep(const Snapshot& snapshot, const Source& source, const QueryKey& key,
                       std::span<const std::uint8_t> reply, const Before& before,
                       const Worker& worker) noexcept {
  Question& question = question_at(key);
  question = {.tag = static_cast<std::uint32_t>(key.hash() >> 32), .stamp = stamp_, .is_seen_only = false};
  Standing standing;
  const auto service_id = worker.summary.service;
  if (service_id != base::kNoService) {
    const Service& service = snapshot.services[base::index_of(service_id)];
    if (service.fixed_pool == base::kNoPool) {
      question.map = static_cast<std::uint32_t>(service.map);
      question.use_client_subnet = service.use_client_subnet;
      const Client client = locate(snapshot.maps[question.map], question.use_client_subnet, source.address,
                                   key.client_subnet());
      standing = {.map = question.map, .tiers = client.tiers, .whose = client.whose};
    }
  }
  const std::uint64_t hash = hash_with(key, standing.map, standing.tiers, standing.whose);
  Kept& kept = kept_at(hash);
  if (kept.stamp == stamp_ && kept.is_used) {
    kept.is_used = false;
    return;
  }
  kept.hash = hash;
  kept.stamp = stamp_;
  kept.standing = standing;
  kept.is_used = false;
  kept.packet_bytes = static_cast<std::uint16_t>(key.packet_bytes());
  std::copy(key.words().begin(), key.words().end(), kept.words.begin());
  kept.answer_bytes =
      take_answer(key, reply, before, worker, kept) ? static_cast<std::uint16_t>(reply.size()) : 0;
}

}  // namespace meridian::query
