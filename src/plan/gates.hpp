// Conditions that a change must meet before it is rolled out: `max_moved=5%`, `capacity`, …
#pragma once

#include "base/expected.hpp"
#include "plan/compare.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::plan {

struct Gate {
  enum class Kind : std::uint8_t {
    MaxMoved,        ///< of any one service's address space, of either family
    MaxMovedDemand,  ///< of any one service's demand
    Capacity,        ///< no datacenter over its capacity, not with any single other one lost either
    Expectations,    ///< none is broken
  };
  Kind kind = Kind::MaxMoved;
  double limit = 0;  ///< Max…: 0 to 1
};

/// The error says what would be right.
[[nodiscard]] base::Expected<Gate, std::string> parse_gate(std::string_view text);

/// True when the gate means nothing without a demand file.
[[nodiscard]] bool needs_demand(const Gate& gate) noexcept;

/// A line for each gate that fails, saying by what.
[[nodiscard]] std::vector<std::string> failed_gates(std::span<const Gate> gates,
                                                    const Comparison& comparison);

}  // namespace meridian::plan
