// What operators take away from datacenters for a while: a drained one gets no clients, one that sheds a part
// gets fewer.
//
// Kept by name, so that it outlives reloads and hand-overs, and written into the health table of each epoch.
// Thread-safe; changes come from the control thread, epochs from the builder.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "query/snapshot.hpp"
#include "stats/counters.hpp"

#include <boost/json/array.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::control {

/// An operator's wish for one datacenter.
struct Shed {
  steering::Share share = 0;  ///< of its health that is taken away; steering::kFull: drained
  std::string reason;         ///< may be empty
  std::chrono::system_clock::time_point since;
  std::optional<base::MonotonicTime> ends_at;
};

class Shedding {
 public:
  /// `counters` is the control thread's block.
  Shedding(const base::Clock& clock, stats::Counters& counters) : clock_(clock), counters_(counters) {}
  Shedding(const Shedding&) = delete;
  Shedding& operator=(const Shedding&) = delete;

  /// Called after each change, on the thread that made it; before the first one.
  void set_on_change(std::function<void()> on_change) { on_change_ = std::move(on_change); }

  /// Sheds `share` of a datacenter of the epoch that serves, in place of what it shed before; 0 ends it.
  /// `lasts`: nullopt is until further notice. The error is one line for the operator.
  [[nodiscard]] base::Expected<void, std::string> set(const std::string& datacenter, steering::Share share,
                                                      std::string_view reason,
                                                      std::optional<std::chrono::seconds> lasts);

  /// Ends what is over by now.
  void end_due();
  /// When the next one is over.
  [[nodiscard]] std::optional<base::MonotonicTime> next_end() const;

  /// Writes every wish into the tables of a new epoch and then calls `publish`; no change comes between. From
  /// then on changes go into these tables.
  void publish(std::shared_ptr<const query::Snapshot> snapshot, std::shared_ptr<query::Tables> tables,
               const std::function<void()>& publish);

  /// By the datacenter's name. One that the map has no more keeps its place here until it is ended.
  [[nodiscard]] std::map<std::string, Shed, std::less<>> all() const;

  /// For another process, in messages of bounded size; each array is to be given to restore().
  [[nodiscard]] std::vector<boost::json::array> to_json() const;
  /// Takes what another process had, in place of what is here when `is_first`. What is malformed is left out.
  void restore(const boost::json::array& entries, bool is_first);

 private:
  void write() const;
  /// Counts and logs a change.
  void tell(const std::string& datacenter, const Shed& shed);

  const base::Clock& clock_;
  stats::Counters& counters_;
  std::function<void()> on_change_;
  mutable std::mutex mutex_;
  std::shared_ptr<const query::Snapshot> snapshot_;  ///< what serves; nullptr before the first epoch
  std::shared_ptr<query::Tables> tables_;
  std::map<std::string, Shed, std::less<>> sheds_;
};

}  // namespace meridian::control
