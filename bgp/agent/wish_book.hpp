// What operators want of a VIP whatever is seen there: to drain it, to withdraw it, to announce it.
//
// At most one wish of each VIP and one of all that have none of their own. They are written into the agent's
// journal, with their lines of the audit log, before a call returns, so that neither a restart nor kill -9
// forgets them. A wish that cannot be written holds nevertheless: nobody is sent to mend a disk while a site
// burns. A call may wait for the disk: one thread, and not the agent's.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "base/utc.hpp"
#include "bgp/agent/server_load.hpp"
#include "bgp/policy/observation.hpp"
#include "journal/journal.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::agent {

struct StandingWish {
  std::int64_t id = 0;             ///< in the journal; 0: not written
  std::optional<std::string> vip;  ///< nothing: all
  policy::WishKind kind = policy::WishKind::None;
  std::string reason;
  std::string who;
  base::WallTime set_at;
  base::WallTime since;                 ///< a drain that was drained already goes on from there
  std::optional<base::WallTime> until;  ///< nothing: until an operator ends it
  ClientRates rates_before;             ///< as a drain began; nothing: not known, as after a restart
};

/// What an operator asks for.
struct WishOrder {
  std::optional<std::string> vip = {};  ///< of the site file
  policy::WishKind kind = policy::WishKind::None;
  std::string reason = {};
  std::string who = {};
  std::optional<base::WallTime> until = {};
  ClientRates rates_now = {};  ///< the VIPs that it is about
};

/// What came of it.
struct WishOutcome {
  std::size_t ended = 0;
  std::string not_written;  ///< why it would not outlive the agent; empty: it would
};

class WishBook {
 public:
  /// Called for each change: what holds of this VIP (nothing: of all) from now on, nullptr: nothing.
  using OnChange = std::function<void(const std::optional<std::string>& vip, const StandingWish* wish)>;

  /// All outlive it.
  WishBook(journal::Journal& journal, const base::Clock& clock) : journal_(journal), clock_(clock) {}

  void set_on_change(OnChange on_change) { on_change_ = std::move(on_change); }

  /// Takes what stood before; wishes whose time is over end.
  void load();

  /// Replaces what stands of that VIP; one of all VIPs replaces everything. The error is what is wrong with
  /// the order, a line for the operator.
  [[nodiscard]] base::Expected<WishOutcome, std::string> set(const WishOrder& order);
  /// Ends what stands of that VIP; without one everything. The error: the VIP has none of its own, and one of
  /// all VIPs holds.
  [[nodiscard]] base::Expected<WishOutcome, std::string> end(const std::optional<std::string>& vip,
                                                             const std::string& who,
                                                             const std::string& reason);
  /// Ends those whose time is over. The clock on the wall may jump: to be asked now and then.
  void end_due();
  [[nodiscard]] std::optional<base::WallTime> next_end() const noexcept;

  [[nodiscard]] const std::vector<StandingWish>& all() const noexcept { return wishes_; }
  /// What holds of it: its own, else the one of all.
  [[nodiscard]] const StandingWish* find(const std::string& vip) const noexcept;

 private:
  [[nodiscard]] std::string find_fault(const WishOrder& order) const;
  [[nodiscard]] StandingWish make_wish(const WishOrder& order) const;
  [[nodiscard]] std::vector<StandingWish> take(const std::optional<std::string>& vip);
  [[nodiscard]] WishOutcome finish(const std::vector<StandingWish>& ended, journal::AuditRow audit);
  [[nodiscard]] std::string write(const std::vector<StandingWish>& ended, StandingWish* begun,
                                  journal::AuditRow audit);
  void tell(const std::optional<std::string>& vip, const StandingWish* wish) const;

  journal::Journal& journal_;
  const base::Clock& clock_;
  OnChange on_change_;
  std::vector<StandingWish> wishes_;
};

}  // namespace meridian::agent
