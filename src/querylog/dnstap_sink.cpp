#include "querylog/dnstap_sink.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace meridian::querylog {
namespace {

using stats::Counter;

constexpr const char* kContentType = "protobuf:dnstap.Dnstap";

}  // namespace

DnstapSink::DnstapSink(std::string unix_path, DnstapSender sender, const base::Clock& clock,
                       stats::Counters& counters)
    : path_(std::move(unix_path)),
      sender_(std::move(sender)),
      clock_(clock),
      counters_(counters),
      stream_(path_, kContentType, std::chrono::milliseconds{base::limits::kDnstapPatienceMs}) {}

void DnstapSink::open() { try_connect(); }

void DnstapSink::try_connect() {
  if (stream_.is_open() || !retry_.is_due(clock_.monotonic())) return;
  if (stream_.open()) {
    retry_.succeeded();
    is_told_lost_ = false;
    base::log_event(base::LogLevel::Info, "dnstap_connected", {{"unix", path_}});
    return;
  }
  retry_.failed(clock_.monotonic());
  if (std::exchange(is_told_lost_, true)) return;
  base::log_event(base::LogLevel::Warning, "dnstap_lost", {{"unix", path_}, {"error", stream_.error()}});
}

void DnstapSink::put(const Record& record) {
  // Without a collector a record costs its counter only.
  if (!stream_.is_open()) return counters_.add(Counter::DnstapDropped);
  append_dnstap_frame(bytes_, record, sender_);
  ends_.push_back(bytes_.size());
  if (ends_.size() == base::limits::kDnstapBatch) flush();
}

void DnstapSink::flush() {
  if (ends_.empty()) return try_connect();
  std::array<iovec, base::limits::kDnstapBatch> frames;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends_.size(); begin = ends_[i++])
    frames[i] = {.iov_base = bytes_.data() + begin, .iov_len = ends_[i] - begin};
  if (stream_.write(std::span{frames}.first(ends_.size()))) {
    counters_.add(Counter::DnstapFrames, ends_.size());
  } else {
    counters_.add(Counter::DnstapDropped, ends_.size());
    retry_.failed(clock_.monotonic());
    is_told_lost_ = true;
    base::log_event(base::LogLevel::Warning, "dnstap_lost", {{"unix", path_}, {"error", stream_.error()}});
  }
  forget_batch();
}

void DnstapSink::forget_batch() {
  bytes_.clear();
  ends_.clear();
}

}  // namespace meridian::querylog
