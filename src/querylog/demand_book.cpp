#include "querylog/demand_book.hpp"

#include "base/limits.hpp"
#include "base/secret_bytes.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace meridian::querylog {
namespace {

constexpr std::uint8_t kV4Bits = 24;
constexpr std::uint8_t kV6Bits = 48;

/// A network as one number: bit 63 is the family, the lowest 24 or 48 bits are its own.
constexpr std::uint64_t kIsV6 = std::uint64_t{1} << 63;

std::uint64_t key_of(const base::IpPrefix& network) noexcept {
  if (network.address.family == base::Family::V4) return network.address.v4_word() >> (32 - kV4Bits);
  return kIsV6 | network.address.v6_half(0) >> (64 - kV6Bits);
}

base::IpPrefix network_of(std::uint64_t key) noexcept {
  if ((key & kIsV6) == 0)
    return {base::IpAddress::v4(static_cast<std::uint32_t>(key << (32 - kV4Bits))), kV4Bits};
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < kV6Bits / 8; ++i)
    bytes.at(i) = static_cast<std::uint8_t>(key >> (kV6Bits - 8 - 8 * i));
  return {base::IpAddress::v6(bytes), kV6Bits};
}

/// Clients choose their networks, and must not know which of these share a spot.
std::uint64_t secret_seed() noexcept {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  base::fill_secret(bytes);
  return std::bit_cast<std::uint64_t>(bytes);
}

}  // namespace

base::IpPrefix demand_network(const base::IpAddress& client) noexcept {
  // As query::locate() looks it up, and as plan wants it.
  const auto carried = base::find_carried_v4(client);
  const auto& address = carried ? carried->address : client;
  const auto bits = address.family == base::Family::V4 ? kV4Bits : kV6Bits;
  return {base::masked(address, bits), bits};
}

void DemandBook::set_sample(std::uint32_t sample) {
  const std::lock_guard lock(mutex_);
  sample_ = sample;
  if (sample == 0) return counts_.reset();
  if (counts_) return;
  counts_.emplace(base::limits::kDemandCountedMax, secret_seed());
  start_over();
}

bool DemandBook::add(const base::IpAddress& client, std::uint32_t queries) {
  const std::lock_guard lock(mutex_);
  return counts_ && counts_->add(key_of(demand_network(client)), queries);
}

std::optional<DemandTotals> DemandBook::totals() const {
  const std::lock_guard lock(mutex_);
  return counts_ ? std::optional{totals_now()} : std::nullopt;
}

std::optional<DemandReport> DemandBook::report() const {
  std::unique_lock lock(mutex_);
  if (!counts_) return std::nullopt;
  const auto totals = totals_now();
  const auto items = counts_->items();
  lock.unlock();
  return make_report(totals, items);
}

std::optional<DemandReport> DemandBook::take_report() {
  std::unique_lock lock(mutex_);
  if (!counts_) return std::nullopt;
  const auto totals = totals_now();
  const auto items = counts_->items();
  start_over();
  lock.unlock();
  return make_report(totals, items);
}

DemandTotals DemandBook::totals_now() const {
  return {.since = since_,
          .lasted = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.monotonic() - started_),
          .sample = sample_,
          .queries = counts_->total(),
          .networks = counts_->size(),
          .evicted = counts_->evicted(),
          .missing_max = counts_->missing_max()};
}

DemandReport DemandBook::make_report(const DemandTotals& totals,
                                     const std::vector<stats::HeavyHitters::Item>& items) {
  DemandReport report{.totals = totals, .networks = {}};
  report.networks.reserve(items.size());
  for (const auto& item : items) report.networks.push_back({network_of(item.key), item.count, item.error});
  std::sort(report.networks.begin(), report.networks.end(), [](const auto& one, const auto& other) {
    return one.queries != other.queries ? one.queries > other.queries : one.network < other.network;
  });
  return report;
}

void DemandBook::start_over() {
  counts_->clear();
  since_ = clock_.wall();
  started_ = clock_.monotonic();
}

}  // namespace meridian::querylog
