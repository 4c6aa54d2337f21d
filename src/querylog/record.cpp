#include "querylog/record.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "zone/zone.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace meridian::querylog {
namespace {

/// A record in memory:
///
///     Facts | Sizes | service | datacenter | zone | query | answer
///
/// It never leaves the process, so both structs are copied as they are.
struct Sizes {
  std::uint32_t answer = 0;
  std::uint16_t query = 0;
  std::uint8_t service = 0;
  std::uint8_t datacenter = 0;
  std::uint8_t zone = 0;
};
static_assert(std::is_trivially_copyable_v<Facts> && std::is_trivially_copyable_v<Sizes>);
static_assert(base::limits::kQueryRecordNameBytesMax <= 0xff && base::limits::kNameBytesMax <= 0xff);
static_assert(base::limits::kTcpMessageBytesMax <= 0xffff);

constexpr std::size_t kFixedBytes = sizeof(Facts) + sizeof(Sizes);

std::string_view short_name(std::string_view name) noexcept {
  return name.substr(0, base::limits::kQueryRecordNameBytesMax);
}

std::string_view service_of(const RecordSource& source) noexcept {
  const auto id = source.summary.service;
  if (id == base::kNoService) return {};
  return short_name(source.snapshot.services[base::index_of(id)].name);
}

std::string_view datacenter_of(const RecordSource& source) noexcept {
  const auto& snapshot = source.snapshot;
  const auto& summary = source.summary;
  if (summary.pool == base::kNoPool || summary.service == base::kNoService) return {};
  // A sorry page is of no datacenter, whatever its pool says.
  if (snapshot.services[base::index_of(summary.service)].sorry_pool == summary.pool) return {};
  const auto& pool = snapshot.pools[base::index_of(summary.pool)];
  return short_name(snapshot.datacenters[base::index_of(pool.datacenter)].name);
}

std::span<const std::uint8_t> zone_of(const RecordSource& source) noexcept {
  if (source.summary.zone == nullptr) return {};
  return source.summary.zone->apex().wire();
}

std::uint8_t* copy(std::uint8_t* to, const void* from, std::size_t size) noexcept {
  if (size > 0) std::memcpy(to, from, size);
  return to + size;
}

}  // namespace

void take_summary(Facts& facts, const query::Summary& summary) noexcept {
  facts.kind = summary.kind;
  facts.rcode = summary.rcode;
  facts.reason = summary.reason;
  facts.tier = summary.tier;
  facts.rate = summary.rate;
  facts.scope_bits = summary.scope_bits;
  facts.is_truncated = summary.is_truncated;
  facts.by_client_subnet = summary.by_client_subnet;
}

std::size_t record_bytes(const RecordSource& source) noexcept {
  return kFixedBytes + service_of(source).size() + datacenter_of(source).size() + zone_of(source).size() +
         source.query.size() + source.answer.size();
}

void write_record(const RecordSource& source, std::span<std::uint8_t> out) noexcept {
  const auto service = service_of(source);
  const auto datacenter = datacenter_of(source);
  const auto zone = zone_of(source);
  const Sizes sizes{.answer = static_cast<std::uint32_t>(source.answer.size()),
                    .query = static_cast<std::uint16_t>(source.query.size()),
                    .service = static_cast<std::uint8_t>(service.size()),
                    .datacenter = static_cast<std::uint8_t>(datacenter.size()),
                    .zone = static_cast<std::uint8_t>(zone.size())};
  std::uint8_t* to = copy(out.data(), &source.facts, sizeof(Facts));
  to = copy(to, &sizes, sizeof sizes);
  to = copy(to, service.data(), service.size());
  to = copy(to, datacenter.data(), datacenter.size());
  to = copy(to, zone.data(), zone.size());
  to = copy(to, source.query.data(), source.query.size());
  copy(to, source.answer.data(), source.answer.size());
}

Record read_record(std::span<const std::uint8_t> bytes) noexcept {
  Record record;
  Sizes sizes;
  std::memcpy(&record.facts, bytes.data(), sizeof(Facts));
  std::memcpy(&sizes, bytes.data() + sizeof(Facts), sizeof sizes);
  bytes = bytes.subspan(kFixedBytes);
  const auto take = [&bytes](std::size_t size) {
    const auto part = bytes.first(size);
    bytes = bytes.subspan(size);
    return part;
  };
  const auto take_text = [&take](std::size_t size) {
    const auto part = take(size);
    return std::string_view{reinterpret_cast<const char*>(part.data()), part.size()};
  };
  record.service = take_text(sizes.service);
  record.datacenter = take_text(sizes.datacenter);
  record.zone = take(sizes.zone);
  record.query = take(sizes.query);
  record.answer = take(sizes.answer);
  return record;
}

}  // namespace meridian::querylog
