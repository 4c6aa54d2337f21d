// How many lines of the log endpoints may fill: so many at once, and then so many a second.
//
// What is left out is counted, and told in one line now and then. Pure; one thread.
#pragma once

#include "base/clock.hpp"

#include <cstdint>
#include <optional>

namespace meridian::control {

class EventBudget {
 public:
  /// Whether there is room for another line at `now`; times never go back. If not, it is counted.
  [[nodiscard]] bool take(base::MonotonicTime now);

  /// How many lines were left out since this last said so; nothing: none, or it is too early to tell.
  [[nodiscard]] std::optional<std::uint64_t> take_left_out(base::MonotonicTime now);

 private:
  std::optional<base::MonotonicTime> full_at_;  ///< when all lines may be written at once again; nothing: now
  std::uint64_t left_out_ = 0;
  std::optional<base::MonotonicTime> told_at_;
};

}  // namespace meridian::control
