// Where a lane's records end: a file, a collector. A true seam, for the channel and its tests.
//
// Used by one writer thread. Nothing here may wait without a limit, and nothing fails: what is lost is
// counted.
#pragma once

#include "querylog/record.hpp"

namespace meridian::querylog {

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  /// Ends the stream; what was put and not flushed is lost.
  virtual ~Sink() = default;

  /// Once, before the first put(), on the writer thread.
  virtual void open() = 0;
  /// Takes one record, which is gone after the call.
  virtual void put(const Record& record) = 0;
  /// Writes out what was put. Called at least every limits::kQueryRecordPauseMs.
  virtual void flush() = 0;
};

}  // namespace meridian::querylog
