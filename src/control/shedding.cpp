#include "control/shedding.hpp"

#include "base/diagnostics.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <utility>

namespace meridian::control {
namespace {

namespace json = boost::json;
using std::chrono::duration_cast;
using std::chrono::seconds;

static_assert(health::kKeepsAll == steering::kFull);

std::vector<std::string> names_of(const query::Snapshot& snapshot) {
  std::vector<std::string> names;
  for (const auto& datacenter : snapshot.datacenters) names.push_back(datacenter.name);
  return names;
}

/// Goes into logs and status lines: one line, no control characters. What is no UTF-8 could be written into a
/// message for another process, but not read from it.
bool is_sound_reason(std::string_view reason) {
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  };
  if (reason.size() > base::limits::kShedReasonBytesMax || std::ranges::any_of(reason, is_control))
    return false;
  boost::system::error_code error;
  json::parse(json::serialize(json::string(reason)), error);
  return !error;
}

/// How long until `end`; something, also when it is due.
seconds left_until(base::MonotonicTime end, base::MonotonicTime now) {
  return std::max(seconds{1}, std::chrono::ceil<seconds>(end - now));
}

/// An integer in a range, or nothing.
std::optional<std::int64_t> find_integer(const json::object& object, std::string_view key, std::int64_t max) {
  const auto* const value = object.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->as_int64() < 1 || value->as_int64() > max)
    return std::nullopt;
  return value->as_int64();
}

}  // namespace

base::Expected<void, std::string> Shedding::set(const std::string& datacenter, steering::Share share,
                                                std::string_view reason,
                                                std::optional<std::chrono::seconds> lasts) {
  if (!is_sound_reason(reason)) {
    return base::unexpected(
        fmt::format("a reason is one line of at most {} bytes of UTF-8", base::limits::kShedReasonBytesMax));
  }
  {
    const std::lock_guard lock(mutex_);
    const auto names = snapshot_ ? names_of(*snapshot_) : std::vector<std::string>{};
    const auto found = sheds_.find(datacenter);
    // What the map has lost can still be ended.
    const bool is_known = std::find(names.begin(), names.end(), datacenter) != names.end();
    if (!is_known && (share != 0 || found == sheds_.end())) {
      return base::unexpected(
          fmt::format("the map has no datacenter '{}'{}", datacenter, base::suggestion(datacenter, names)));
    }
    if (found == sheds_.end() && sheds_.size() == base::limits::kDatacentersMax)
      return base::unexpected("too many datacenters shed; undrain those that the map has no more");
    const Shed shed{share, std::string{reason}, clock_.wall(),
                    lasts ? std::optional{clock_.monotonic() + *lasts} : std::nullopt};
    if (share == 0 && found == sheds_.end()) return {};
    if (share == 0) {
      sheds_.erase(found);
    } else {
      sheds_[datacenter] = shed;
    }
    write();
    tell(datacenter, shed);
  }
  if (on_change_) on_change_();
  return {};
}

void Shedding::end_due() {
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.monotonic();
    const auto is_over = [&](const auto& entry) {
      const Shed& shed = entry.second;
      if (!shed.ends_at || *shed.ends_at > now) return false;
      tell(entry.first, {0, "its time is over", {}, {}});
      return true;
    };
    if (std::erase_if(sheds_, is_over) != 0) write();
  }
  if (on_change_) on_change_();
}

std::optional<base::MonotonicTime> Shedding::next_end() const {
  const std::lock_guard lock(mutex_);
  std::optional<base::MonotonicTime> next;
  for (const auto& [name, shed] : sheds_) {
    if (shed.ends_at && (!next || *shed.ends_at < *next)) next = shed.ends_at;
  }
  return next;
}

void Shedding::publish(std::shared_ptr<const query::Snapshot> snapshot, std::shared_ptr<query::Tables> tables,
                       const std::function<void()>& publish) {
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(snapshot);
  tables_ = std::move(tables);
  write();
  publish();
}

std::map<std::string, Shed, std::less<>> Shedding::all() const {
  const std::lock_guard lock(mutex_);
  return sheds_;
}

std::vector<json::array> Shedding::to_json() const {
  const std::lock_guard lock(mutex_);
  std::vector<json::array> messages(1);
  for (const auto& [name, shed] : sheds_) {
    json::object entry{{"datacenter", name},
                       {"share", static_cast<std::int64_t>(shed.share)},
                       {"reason", shed.reason},
                       {"since", duration_cast<seconds>(shed.since.time_since_epoch()).count()}};
    if (shed.ends_at) entry["left_s"] = left_until(*shed.ends_at, clock_.monotonic()).count();
    // A name, a reason and some numbers take under 600 bytes, so that 64 fit a message.
    if (messages.back().size() == 64) messages.emplace_back();
    messages.back().push_back(std::move(entry));
  }
  return messages;
}

void Shedding::restore(const json::array& entries, bool is_first) {
  const std::lock_guard lock(mutex_);
  if (is_first) sheds_.clear();
  for (const auto& value : entries) {
    const auto* const entry = value.if_object();
    const auto* const name = entry == nullptr ? nullptr : entry->if_contains("datacenter");
    if (name == nullptr || !name->is_string() || sheds_.size() == base::limits::kDatacentersMax) continue;
    const auto share = find_integer(*entry, "share", steering::kFull);
    const auto since = find_integer(*entry, "since", std::int64_t{1} << 40);
    if (!share || !since) continue;
    Shed shed;
    shed.share = static_cast<steering::Share>(*share);
    shed.since = std::chrono::system_clock::time_point{seconds{*since}};
    const auto* const reason = entry->if_contains("reason");
    if (reason != nullptr && reason->is_string() && is_sound_reason(std::string_view(reason->as_string())))
      shed.reason = reason->as_string();
    const auto left = find_integer(*entry, "left_s", base::limits::kShedSecondsMax);
    if (left) shed.ends_at = clock_.monotonic() + seconds{*left};
    sheds_.insert_or_assign(std::string{name->as_string()}, std::move(shed));
  }
  write();
}

void Shedding::write() const {
  if (!snapshot_) return;
  for (std::size_t i = 0; i < snapshot_->datacenters.size(); ++i) {
    const auto found = sheds_.find(snapshot_->datacenters[i].name);
    const auto share = found == sheds_.end() ? 0 : found->second.share;
    tables_->health.set_kept(static_cast<base::DatacenterId>(i), steering::kFull - share);
  }
}

void Shedding::tell(const std::string& datacenter, const Shed& shed) {
  counters_.add(stats::Counter::SheddingChanges);
  if (shed.share == 0) {
    return base::log_event(base::LogLevel::Info, "shedding_ended",
                           {{"datacenter", datacenter}, {"reason", shed.reason}});
  }
  const auto left = shed.ends_at ? left_until(*shed.ends_at, clock_.monotonic()).count() : 0;
  base::log_event(
      base::LogLevel::Warning, "shedding_set",
      {{"datacenter", datacenter},
       {"percent", fmt::format("{:.4g}", static_cast<double>(shed.share) * 100 / steering::kFull)},
       {"reason", shed.reason},
       {"for_s", left}});
}

}  // namespace meridian::control
