#include "query/answer_cache.hpp"

#include "base/random.hpp"
#include "dns/client_subnet.hpp"
#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/reader.hpp"
#include "zone/hashed_name.hpp"

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

/// At least 16 bytes: in steps, of which the last overlaps the one before.
void copy_steps(std::uint8_t* to, const std::uint8_t* from, std::size_t size) noexcept {
  constexpr std::size_t kStep = 16;
  for (std::size_t at = 0; at + kStep < size; at += kStep) std::memcpy(to + at, from + at, kStep);
  std::memcpy(to + size - kStep, from + size - kStep, kStep);
}

/// The address of a client subnet, into the payload of one of the same family and length. In one or two steps
/// that end with it: what these repeat before it is the same there, but for the scope.
void copy_address(std::uint8_t* payload, const std::uint8_t* address, std::size_t count) noexcept {
  std::uint8_t* const to = payload + dns::kClientSubnetFixedBytes;
  if (count <= 4) {
    std::memcpy(to + count - 4, address + count - 4, 4);
    return;
  }
  if (count > 8) std::memcpy(to, address, 8);
  std::memcpy(to + count - 8, address + count - 8, 8);
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

void fetch_lines(const void* start, std::size_t count) noexcept {
  constexpr std::size_t kLine = 64;
  for (std::size_t line = 0; line < count; ++line)
    __builtin_prefetch(static_cast<const char*>(start) + line * kLine);
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

}  // namespace

AnswerCache::AnswerCache(std::uint64_t seed)
    : seed_(seed),
      question_tags_(kQuestionSets),
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
  for (auto& set : questions_) {
    for (auto& question : set) question.stamp = 0;
  }
  for (auto& set : kept_) {
    for (auto& kept : set) kept.stamp = 0;
  }
  stamp_ = 1;
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

/// True the second time in a row that a set is missed by the question of `hash`: names that nobody asks for
/// again take nobody's place.
bool AnswerCache::meet(std::uint64_t hash) noexcept {
  const std::size_t set = question_set(hash);
  if (rivals_[set] == tag_of(hash)) return find_victim(questions_[set]) != nullptr;
  rivals_[set] = tag_of(hash);
  return false;
}

std::uint64_t AnswerCache::hash_with(std::uint64_t question, base::TiersId tiers,
                                     Whose whose) const noexcept {
  const std::uint64_t standing =
      std::uint64_t{static_cast<std::uint32_t>(tiers)} << 8 | static_cast<std::uint64_t>(whose);
  return zone::detail::multiply_fold(question ^ seed_, standing ^ ~seed_);
}

void AnswerCache::look(std::uint64_t hash, Place& place) const noexcept {
  place.may_be_known = false;
  const std::size_t set = question_set(hash);
  const Tags& tags = question_tags_.data()[set];
  for (std::size_t way = 0; way < kWays; ++way) {
    if (tags.data()[way] != tag_of(hash)) continue;
    place.may_be_known = true;
    // The head and what a packet of 64 bytes is compared with.
    fetch_lines(&questions_.data()[set].data()[way], 3);
  }
}

void AnswerCache::match(const Snapshot& snapshot, const Source& source, std::span<const std::uint8_t> packet,
                        std::uint64_t hash, Place& place) noexcept {
  place.question = nullptr;
  place.kept = nullptr;
  Question* const question = place.may_be_known ? find_question(packet, source.is_tcp, hash) : nullptr;
  if (question == nullptr) {
    place.is_wanted = meet(hash);
    return;
  }
  place.is_wanted = true;
  if (question->stamp != stamp_) return;
  if (!question->is_used) question->is_used = true;
  set_question(*question, packet, place);
  if (place.question == nullptr || question->map == kNoMap) return;
  const auto& client = likely_client(source, place);
  snapshot.maps.data()[question->map].tree(client.family).fetch_ahead(client);
}

/// The one of the packet's form, of whatever stamp.
AnswerCache::Question* AnswerCache::find_question(std::span<const std::uint8_t> packet, bool is_tcp,
                                                  std::uint64_t hash) noexcept {
  const std::size_t set = question_set(hash);
  const Tags& tags = question_tags_.data()[set];
  for (std::size_t way = 0; way < kWays; ++way) {
    if (tags.data()[way] != tag_of(hash)) continue;
    Question& question = questions_.data()[set].data()[way];
    if (question.form.is_of(packet, is_tcp)) return &question;
  }
  return nullptr;
}

/// The address that decides, if nothing is odd about it: enough to fetch by. Of a place with a question.
const base::IpAddress& AnswerCache::likely_client(const Source& source, const Place& place) noexcept {
  return place.question->form.has_client_subnet() ? place.subnet.address : source.address;
}

void AnswerCache::set_question(const Question& question, std::span<const std::uint8_t> packet,
                               Place& place) noexcept {
  if (question.form.has_client_subnet() && !question.form.read_client_subnet(packet, place.subnet)) {
    place.is_wanted = false;
    return;
  }
  place.question = &question;
  place.serial = question.serial;
}

void AnswerCache::approach(const Snapshot& snapshot, const Source& source,
                           const Place& place) const noexcept {
  if (place.question == nullptr || place.question->map == kNoMap) return;
  const auto& client = likely_client(source, place);
  snapshot.maps.data()[place.question->map].tree(client.family).fetch_further_ahead(client);
}

void AnswerCache::locate(const Snapshot& snapshot, const Source& source, Place& place) noexcept {
  if (place.question == nullptr) return;
  const Question& question = *place.question;
  if (question.map == kNoMap) {
    place.tiers = {};
    place.whose = Whose::Resolver;
  } else {
    const Client client =
        query::locate(snapshot.maps.data()[question.map], question.use_client_subnet, source.address,
                      question.form.has_client_subnet() ? &place.subnet : nullptr);
    place.tiers = client.tiers;
    place.whose = client.whose;
    place.scope_bits = query::scope_bits(client, false);
  }
  place.hash = hash_with(place.serial, place.tiers, place.whose);
  const std::size_t set = kept_set(place.hash);
  const Tags& tags = kept_tags_.data()[set];
  for (std::size_t way = 0; way < kWays; ++way) {
    if (tags.data()[way] == tag_of(place.hash)) place.kept = &kept_.data()[set].data()[way];
  }
  // The head with most of a short answer, and what is left of that.
  if (place.kept != nullptr) fetch_lines(place.kept, 3);
}

std::size_t AnswerCache::write(Place& place, std::span<const std::uint8_t> packet,
                               std::span<std::uint8_t> reply, Worker& worker) noexcept {
  if (place.kept == nullptr) return 0;
  Kept& kept = *place.kept;
  place.is_wanted = kept.question != place.serial || kept.tiers != place.tiers || kept.whose != place.whose;
  if (place.is_wanted) return 0;
  if (!kept.is_used) kept.is_used = true;
  if (kept.answer_bytes == 0) return 0;
  // In steps, since both have room for whole ones.
  if (reply.size() < base::limits::kKeptAnswerBytesMax + Kept::kStep) return 0;
  std::uint8_t* const out = reply.data();
  const std::uint8_t* const answer = kept.answer.data();
  const QueryForm& form = place.question->form;
  copy_steps(out, packet.data(), form.question_end());
  std::memcpy(out + 2, answer + 2, 8);
  std::memcpy(out + 10, answer + 10, 2);
  for (std::size_t at = form.question_end(); at < kept.answer_bytes; at += Kept::kStep)
    std::memcpy(out + at, answer + at, Kept::kStep);
  if (needs_summary_) worker.summary = kept.summary;
  if (kept.subnet_at != 0) {
    copy_address(out + kept.subnet_at, packet.data() + form.address_at(), form.address_count());
    const std::size_t scope_at = kept.subnet_at + dns::kClientSubnetScopeAt;
    out[scope_at] = answer[scope_at];
    if (place.question->map != kNoMap) out[scope_at] = worker.summary.scope_bits = place.scope_bits;
  }
  if (kept.rotated != 0) write_rotated(kept, out, worker.random);
  for (std::size_t i = 0; i < kept.count; ++i) worker.counters.add(kept.counts.data()[i]);
  worker.counters.add(Counter::KeptAnswers);
  // With a scope to count it was set above.
  if (worker.tally != nullptr) worker.tally->add(kept.cells, worker.summary.scope_bits);
  return kept.answer_bytes;
}

void AnswerCache::write_rotated(const Kept& kept, std::uint8_t* out, base::Random& random) noexcept {
  std::uint8_t* to = out + kept.rotated_at;
  const std::uint8_t* const records = kept.answer.data() + kept.rotated_at;
  std::size_t from = random.below(kept.rotated);
  for (std::size_t left = kept.rotated; left != 0; --left, to += kept.record_bytes) {
    copy_record(to, records + from * kept.record_bytes, kept.record_bytes);
    if (++from == kept.rotated) from = 0;
  }
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

bool AnswerCache::take_answer(const QueryForm& form, std::span<const std::uint8_t> reply,
                              const Before& before, const Worker& worker, Kept& kept) noexcept {
  const auto& summary = worker.summary;
  if (reply.size() < form.question_end() || reply.size() > base::limits::kKeptAnswerBytesMax ||
      !is_repeatable(summary))
    return false;
  // Whatever else drew without saying so.
  if (summary.variation == Variation::None && worker.random != before.random_) return false;
  if (!take_counts(before, worker.counters, kept)) return false;
  const std::size_t subnet_at = find_subnet(reply, form.question_end());
  if ((subnet_at != 0) != form.has_client_subnet()) return false;
  kept.rotated = 0;
  if (summary.variation == Variation::Rotated) {
    const Records records = find_addresses(reply, form.question_end());
    if (records.count < 2 || records.count > base::limits::kAnswerAddressesMax) return false;
    kept.rotated_at = static_cast<std::uint16_t>(form.question_end());
    kept.rotated = static_cast<std::uint8_t>(records.count);
    kept.record_bytes = static_cast<std::uint8_t>(records.bytes_each);
  }
  kept.subnet_at = static_cast<std::uint16_t>(subnet_at);
  kept.summary = summary;
  std::copy(reply.begin(), reply.end(), kept.answer.begin());
  return true;
}

const AnswerCache::Question* AnswerCache::put(const Snapshot& snapshot, const Source& source,
                                              const Wanted& wanted, const Worker& worker) noexcept {
  const std::size_t set = question_set(wanted.hash);
  Question* question = find_question(wanted.packet, source.is_tcp, wanted.hash);
  // Another packet of the batch may have come before.
  if (question != nullptr && question->stamp == stamp_) return question;
  if (question == nullptr) question = find_victim(questions_[set]);
  if (question == nullptr) return nullptr;
  *question = {.serial = ++last_serial_, .stamp = stamp_, .form = wanted.form};
  question_tags_[set][static_cast<std::size_t>(question - questions_[set].data())] = tag_of(wanted.hash);
  const auto service_id = worker.summary.service;
  if (service_id == base::kNoService) return question;
  const Service& service = snapshot.services[base::index_of(service_id)];
  if (service.fixed_pool == base::kNoPool) question->map = static_cast<std::uint32_t>(service.map);
  question->use_client_subnet = service.use_client_subnet;
  return question;
}

/// For an answer at `place`: where one is already, or where one may go.
AnswerCache::Kept* AnswerCache::find_place(const Place& place) noexcept {
  const std::size_t set = kept_set(place.hash);
  Tags& tags = kept_tags_[set];
  auto& ways = kept_[set];
  const auto found = std::find(tags.begin(), tags.end(), tag_of(place.hash));
  if (found != tags.end()) return &ways[static_cast<std::size_t>(found - tags.begin())];
  Kept* const victim = find_victim(ways);
  if (victim != nullptr) tags[static_cast<std::size_t>(victim - ways.data())] = tag_of(place.hash);
  return victim;
}

void AnswerCache::keep(const Snapshot& snapshot, const Source& source, const Wanted& wanted, Place& place,
                       std::span<const std::uint8_t> reply, const Before& before,
                       const Worker& worker) noexcept {
  // A question that has lost its place to another of the batch leaves an answer that nobody finds.
  if (place.question == nullptr) {
    const Question* const question = put(snapshot, source, wanted, worker);
    if (question == nullptr) return;
    set_question(*question, wanted.packet, place);
    locate(snapshot, source, place);
    if (place.question == nullptr) return;
  }
  Kept* const found = find_place(place);
  if (found == nullptr) return;
  Kept& kept = *found;
  kept.question = place.serial;
  kept.tiers = place.tiers;
  kept.whose = place.whose;
  kept.stamp = stamp_;
  kept.is_used = false;
  if (worker.tally != nullptr) kept.cells = worker.tally->cells_of(worker.summary, source.is_tcp);
  kept.answer_bytes =
      take_answer(wanted.form, reply, before, worker, kept) ? static_cast<std::uint16_t>(reply.size()) : 0;
}

}  // namespace meridian::query
