// One wish of an operator over what probes and the map say: values, their words, and their JSON.
#pragma once

#include "base/utc.hpp"
#include "control/override_target.hpp"
#include "journal/rows.hpp"
#include "steering/spread.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::control {

enum class OverrideKind : std::uint8_t { Drain, Shed, ForceUp, ForceDown };

/// "drain", "shed", "force_up", "force_down"; as in the journal and in the API.
[[nodiscard]] std::string_view word_of(OverrideKind kind) noexcept;
[[nodiscard]] std::optional<OverrideKind> find_kind(std::string_view word) noexcept;

/// Drain and shed take clients away, the two others say what an endpoint's state is: one of each may hold for
/// a target at a time.
[[nodiscard]] constexpr bool takes_clients(OverrideKind kind) noexcept {
  return kind == OverrideKind::Drain || kind == OverrideKind::Shed;
}

struct Override {
  std::int64_t id = 0;
  OverrideKind kind = OverrideKind::Drain;
  std::string target_text = {};
  OverrideTarget target = {};
  steering::Share share = steering::kFull;  ///< with Drain and Shed: of its health that is taken away
  std::string reason = {};
  std::string author = {};
  base::WallTime created_at = {};
  base::WallTime begins_at = {};
  std::optional<base::WallTime> ends_at = {};

  [[nodiscard]] bool has_begun(base::WallTime now) const noexcept { return begins_at <= now; }
  [[nodiscard]] bool is_over(base::WallTime now) const noexcept { return ends_at && *ends_at <= now; }
};

/// The share as it was written: 0.3, not the 0.30000305 of the nearest unit.
[[nodiscard]] double fraction_of(steering::Share share) noexcept;

/// "drain ams", "shed 30% of www.example.com@ams", "force down 192.0.2.10"
[[nodiscard]] std::string describe(const Override& override_);

[[nodiscard]] journal::OverrideRow to_row(const Override& override_);
/// Nothing for a row that makes no sense: a hand may have written it.
[[nodiscard]] std::optional<Override> from_row(const journal::OverrideRow& row);

/// For another process.
[[nodiscard]] boost::json::object to_json(const Override& override_);
[[nodiscard]] std::optional<Override> from_json(const boost::json::object& object);

}  // namespace meridian::control
