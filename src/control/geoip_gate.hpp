// Whether a changed GeoIP or networks file may be taken without asking anybody: it is what it was and of its
// size, the map still compiles and proves its expectations with it, and no name's clients move by more than
// the site file allows.
//
// Pure but for the demand file; slow. The builder thread calls it when such a file changed, never per query.
#pragma once

#include "base/diagnostics.hpp"
#include "config/compile/compile.hpp"
#include "config/model.hpp"
#include "control/epoch_store.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace meridian::control {

/// Changed files that are not used until an operator agrees or other ones come.
struct HeldUpdate {
  std::vector<std::string> files;
  std::vector<std::string> reasons;  ///< at least one
  std::chrono::system_clock::time_point since;
  std::vector<std::string> stamps;  ///< what was held: other files are judged anew
};

/// What each file of `geography` is.
[[nodiscard]] std::vector<DatabaseFacts> facts_of(const compile::Geography& geography);

/// What was read of a file under its name in the site file; nullptr when it is none of `geography`.
[[nodiscard]] std::shared_ptr<const geo::GeoFile> find_file(const compile::Geography& geography,
                                                            const std::string& name, const std::string& path);

/// A line for each thing that looks wrong with `fresh` files beside those in use: another type, an older
/// build, half or twice the networks, a field that no record has any more.
[[nodiscard]] std::vector<std::string> probe_databases(const compile::Geography& in_use,
                                                       const compile::Geography& fresh);

/// A line for each limit that is passed by what moves from `old` to `now`, one map with two databases. A
/// demand file that cannot be read is a warning, and only address space counts.
[[nodiscard]] std::vector<std::string> judge_movement(const compile::Compiled& old,
                                                      const compile::Compiled& now,
                                                      const config::GeoipGate& gate,
                                                      base::Diagnostics& warnings);

/// One line: "geoip.mmdb is held: max_moved: … ; …".
[[nodiscard]] std::string to_text(const HeldUpdate& held);

}  // namespace meridian::control
