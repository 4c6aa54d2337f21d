// What is probed: an address, by a check. Plain values; both parts are immutable.
#pragma once

#include "base/ip.hpp"
#include "config/check.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace meridian::probe {

struct Target {
  std::shared_ptr<const config::Check> check;  ///< never nullptr
  base::IpAddress address;
};

/// The port that the check names, or its type's own; 0 for types without ports.
[[nodiscard]] std::uint16_t port_of(const config::Check& check) noexcept;

/// Whom the check wants probes of this family to come from; nullopt: the kernel chooses.
[[nodiscard]] const std::optional<base::IpAddress>& source_of(const config::Check& check,
                                                              base::Family family) noexcept;

/// The same bytes for checks that probe alike, whatever they are called and however their results are judged.
[[nodiscard]] std::string key_of(const config::Check& check);

/// key_of(), and the address: two targets with the same one are probed once.
[[nodiscard]] std::string key_of(const Target& target);

}  // namespace meridian::probe
