// What operators want of datacenters, pools and endpoints for a while, whatever probes and the map say: a
// drained one gets no clients, one that sheds gets fewer, a forced endpoint is up or down.
//
// Kept by name, so that they outlive reloads, and in the journal, so that they outlive the process; written
// into the health table of each epoch. An override that would leave too little of a service is refused unless
// its operator insists. Thread-safe; changes come from the control thread, epochs from the builder.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "control/override.hpp"
#include "journal/journal.hpp"
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
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::control {

/// What an operator asks for.
struct OverrideWish {
  OverrideKind kind = OverrideKind::Drain;
  std::string target = {};
  steering::Share share = steering::kFull;  ///< with Shed
  std::string reason = {};
  std::string author = {};
  std::optional<base::WallTime> begins_at = {};  ///< absent: now
  std::optional<base::WallTime> ends_at = {};    ///< absent: until it is ended
  bool is_insisted_on = false;   ///< also when too little is left, or the journal cannot be written
  bool may_lack_reason = false;  ///< as requests from before reasons were asked for
};

/// Which to end: all of one target that take clients, or that force; or one by its number.
struct OverrideEnd {
  std::string target = {};
  bool takes_clients = true;
  std::int64_t id = 0;  ///< not 0: this one, whatever stands above
  std::string reason = {};
  std::string author = {};
};

class Overrides {
 public:
  /// `counters` is the control thread's block.
  Overrides(const base::Clock& clock, stats::Counters& counters) : clock_(clock), counters_(counters) {}
  Overrides(const Overrides&) = delete;
  Overrides& operator=(const Overrides&) = delete;

  /// Called after each change, on the thread that made it; before the first one.
  void set_on_change(std::function<void()> on_change) { on_change_ = std::move(on_change); }
  /// Told of every change as the audit log has it; before the first change.
  void set_on_audit(std::function<void(const journal::AuditRow&)> on_audit) {
    on_audit_ = std::move(on_audit);
  }

  /// Where they are written down, and takes what is there; before the first epoch. Without one they end with
  /// the process. It outlives this.
  void set_journal(journal::Journal& journal);

  /// Begins one, in place of those of the same target and sort that have begun. Its number. The error is one
  /// line for the operator, and nothing changed then.
  [[nodiscard]] base::Expected<std::int64_t, std::string> set(const OverrideWish& wish);
  /// How many were ended. The error is one line for the operator, and nothing changed then.
  [[nodiscard]] base::Expected<std::size_t, std::string> end(const OverrideEnd& wish);

  /// What is wrong with a target that means nothing here; "" when it means something.
  [[nodiscard]] std::string find_unknown(const std::string& target) const;

  /// Begins and ends what is due by now.
  void apply_due();
  /// When the next one begins or ends.
  [[nodiscard]] std::optional<base::WallTime> next_change() const;

  /// Writes them into the tables of a new epoch and then calls `publish`; no change comes between. From then
  /// on changes go into these tables.
  void publish(std::shared_ptr<const query::Snapshot> snapshot, std::shared_ptr<query::Tables> tables,
               const std::function<void()>& publish);

  /// The newest last. One whose target the map has no more keeps its place until it is ended.
  [[nodiscard]] std::vector<Override> all() const;

  /// Datacenters that are drained or shed clients now, with the override that takes most: by name, also those
  /// that the map has no more.
  [[nodiscard]] std::map<std::string, Override, std::less<>> shedding() const;

  /// For another process, in messages of bounded size; each array is to be given to restore().
  [[nodiscard]] std::vector<boost::json::array> to_json() const;
  /// Takes what another process had, in place of what is here when `is_first`. What is malformed is left out.
  void restore(const boost::json::array& entries, bool is_first);
  /// The same from a server of before overrides, which knew of datacenters only.
  void restore_sheds(const boost::json::array& entries, bool is_first);

 private:
  using Refusal = std::string;
  /// Numbers of those that no journal knows are above; it will never count so far.
  static constexpr std::int64_t kLocalIds = std::int64_t{1} << 40;

  struct Planned {
    Override begun;
    std::vector<std::int64_t> ended;
  };

  [[nodiscard]] base::Expected<Planned, Refusal> plan(const OverrideWish& wish) const;
  [[nodiscard]] std::optional<Refusal> find_shortage(const Planned& planned) const;
  [[nodiscard]] base::Expected<std::int64_t, Refusal> write_down(const Planned& planned,
                                                                 const OverrideWish& wish);
  /// Counts, logs and audits it; gives `why` back.
  [[nodiscard]] Refusal refuse(const OverrideWish& wish, std::string why);
  void erase(const std::vector<std::int64_t>& ids);
  void write();
  /// Counts and logs a change.
  void tell_set(const Override& one);
  void tell_ended(const Override& one, std::string_view reason);
  void tell_audit(const journal::AuditRow& row) const;

  const base::Clock& clock_;
  stats::Counters& counters_;
  std::function<void()> on_change_;
  std::function<void(const journal::AuditRow&)> on_audit_;
  journal::Journal* journal_ = nullptr;

  /// Held by who changes something, also while the disk is waited for; nobody else waits for that.
  std::mutex change_mutex_;
  mutable std::mutex mutex_;
  std::shared_ptr<const query::Snapshot> snapshot_;  ///< what serves; nullptr before the first epoch
  std::shared_ptr<query::Tables> tables_;
  std::vector<Override> overrides_;  ///< the newest last
  std::set<std::int64_t> begun_;     ///< of which it was told that they hold
  std::int64_t last_local_id_ = kLocalIds;
};

}  // namespace meridian::control
