// How many queries come from where: a file of counted networks, so that a plan can weigh what moves.
//
// Text → networks with their counts; nothing of maps. Immutable once read.
#pragma once

#include "base/diagnostics.hpp"
#include "base/expected.hpp"
#include "base/ip.hpp"
#include "geo/prefix_tree.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::plan {

class Demand {
 public:
  /// A tree per family; a value is an index for density(), 0 where nothing was counted.
  [[nodiscard]] const geo::PrefixTree& tree(base::Family family) const noexcept {
    return family == base::Family::V4 ? v4_ : v6_;
  }
  /// Queries for each address (IPv4) or each /48 (IPv6): a network's count is spread evenly over those of its
  /// addresses that no longer network of the file counts.
  [[nodiscard]] double density(std::uint32_t value) const noexcept { return densities_[value]; }
  [[nodiscard]] double total() const noexcept { return total_; }
  /// What the text says of its numbers in a comment `# unit …`; empty: nothing.
  [[nodiscard]] const std::string& unit() const noexcept { return unit_; }

 private:
  friend class DemandBuilder;
  geo::PrefixTree v4_{base::Family::V4, 0};
  geo::PrefixTree v6_{base::Family::V6, 0};
  std::vector<double> densities_{0};
  double total_ = 0;
  std::string unit_;
};

/// 1 for networks that carry IPv4 addresses (base::carrier_networks), by which their clients are looked up:
/// nothing is counted there.
[[nodiscard]] geo::PrefixTree carrier_tree(base::Family family);

/// A line is a network and a number of queries; `#` starts a comment. Counts of one network add up. `file` is
/// how the errors name the text.
[[nodiscard]] base::Expected<Demand, base::Diagnostics> parse_demand(std::string_view text,
                                                                     const std::string& file);

[[nodiscard]] base::Expected<Demand, base::Diagnostics> load_demand(const std::string& path);

}  // namespace meridian::plan
