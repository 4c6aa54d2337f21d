#include "plan/gates.hpp"

#include "base/diagnostics.hpp"
#include "plan/amount_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace meridian::plan {
namespace {

struct Word {
  std::string_view name;
  Gate::Kind kind;
  bool has_limit;
};
constexpr std::array kWords{
    Word{"max_moved", Gate::Kind::MaxMoved, true}, Word{"max_moved_demand", Gate::Kind::MaxMovedDemand, true},
    Word{"capacity", Gate::Kind::Capacity, false}, Word{"expectations", Gate::Kind::Expectations, false}};

/// `5%` or `0.05`.
std::optional<double> parse_limit(std::string_view text) {
  const bool is_percent = text.ends_with('%');
  if (is_percent) text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (is_percent) value /= 100;
  return value >= 0 && value <= 1 ? std::optional{value} : std::nullopt;
}

std::string overload_text(const Overload& overload) {
  const auto when = overload.lost.empty() ? std::string{} : fmt::format(" when {} is lost", overload.lost);
  return fmt::format("{} gets {} of {}{}", overload.datacenter, grouped(overload.after),
                     grouped(overload.capacity), when);
}

std::string failure(const Gate& gate, const Comparison& comparison) {
  switch (gate.kind) {
    case Gate::Kind::MaxMoved: {
      const double moved = max_moved(comparison);
      if (moved <= gate.limit) return {};
      return fmt::format("max_moved: {} of a service's address space moves; at most {} may", percent(moved),
                         percent(gate.limit));
    }
    case Gate::Kind::MaxMovedDemand: {
      const double moved = max_moved_demand(comparison);
      if (moved <= gate.limit) return {};
      return fmt::format("max_moved_demand: {} of a service's demand moves; at most {} may", percent(moved),
                         percent(gate.limit));
    }
    case Gate::Kind::Capacity: {
      const auto& overloads = comparison.overloads;
      if (overloads.empty()) return {};
      const auto more =
          overloads.size() > 1 ? fmt::format(", and {} more", overloads.size() - 1) : std::string{};
      return fmt::format("capacity: {}{}", overload_text(overloads.front()), more);
    }
    case Gate::Kind::Expectations: {
      const auto count = comparison.broken.error_count();
      return count == 0 ? std::string{}
                        : fmt::format("expectations: {} {} broken", count, count == 1 ? "is" : "are");
    }
  }
  return {};
}

}  // namespace

base::Expected<Gate, std::string> parse_gate(std::string_view text) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  const auto word =
      std::find_if(kWords.begin(), kWords.end(), [&](const Word& known) { return known.name == name; });
  if (word == kWords.end()) {
    std::vector<std::string> names;
    for (const auto& known : kWords) names.emplace_back(known.name);
    const auto hint = base::suggestion(name, names);
    return base::unexpected(fmt::format(
        "no gate is called '{}'{}", name,
        hint.empty() ? "; there are max_moved=5%, max_moved_demand=5%, capacity and expectations" : hint));
  }
  if (!word->has_limit) {
    if (equals == std::string_view::npos) return Gate{word->kind, 0};
    return base::unexpected(fmt::format("the gate {} takes no value", name));
  }
  const auto limit = equals == std::string_view::npos ? std::nullopt : parse_limit(text.substr(equals + 1));
  if (limit) return Gate{word->kind, *limit};
  return base::unexpected(fmt::format("the gate {} needs a share, such as {}=5%", name, name));
}

bool needs_demand(const Gate& gate) noexcept {
  return gate.kind == Gate::Kind::MaxMovedDemand || gate.kind == Gate::Kind::Capacity;
}

std::vector<std::string> failed_gates(std::span<const Gate> gates, const Comparison& comparison) {
  std::vector<std::string> failed;
  for (const auto& gate : gates) {
    if (auto text = failure(gate, comparison); !text.empty()) failed.push_back(std::move(text));
  }
  return failed;
}

}  // namespace meridian::plan
