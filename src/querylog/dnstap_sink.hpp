// dnstap's sink: frames in batches to a collector that may be slow, stop, or come back at any time.
//
// What can't be sent is counted and forgotten. The connection's changes of state are told once each.
#pragma once

#include "base/clock.hpp"
#include "querylog/dnstap_frame.hpp"
#include "querylog/frame_stream.hpp"
#include "querylog/retry.hpp"
#include "querylog/sink.hpp"
#include "stats/counters.hpp"

#include <string>
#include <vector>

namespace meridian::querylog {

class DnstapSink final : public Sink {
 public:
  /// `clock` and `counters`, the writer thread's block, outlive the sink.
  DnstapSink(std::string unix_path, DnstapSender sender, const base::Clock& clock, stats::Counters& counters);

  void open() override;
  void put(const Record& record) override;
  void flush() override;

 private:
  void try_connect();
  void forget_batch();

  const std::string path_;
  const DnstapSender sender_;
  const base::Clock& clock_;
  stats::Counters& counters_;
  FrameStream stream_;
  Retry retry_;
  bool is_told_lost_ = false;
  std::vector<std::uint8_t> bytes_;  ///< The batch's frames, one behind the other.
  std::vector<std::size_t> ends_;    ///< Where each of them ends.
};

}  // namespace meridian::querylog
