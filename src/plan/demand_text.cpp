#include "plan/demand_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace meridian::plan {
namespace {

/// The shortest time that is divided by: the server tells milliseconds.
constexpr double kSecondsMin = 0.001;

struct Line {
  std::string_view network;
  std::uint64_t queries = 0;
};

/// What is in lines and what is not, in queries.
struct Sorted {
  std::vector<Line> lines;
  std::uint64_t error_max = 0;  ///< of the lines
  std::uint64_t left_out_networks = 0;
  std::uint64_t left_out = 0;          ///< certainly those networks'
  std::uint64_t doubtful = 0;          ///< of networks that lost their place
  std::uint64_t without_line_max = 0;  ///< what a network without a line has at most
};

Sorted sort_out(const CountedDemand& counted, std::uint64_t min_queries) {
  Sorted sorted{.lines = {}, .without_line_max = counted.missing_max};
  for (const auto& [network, queries, error] : counted.networks) {
    const std::uint64_t certain = queries - std::min(queries, error);
    sorted.doubtful += queries - certain;
    if (certain > 0 && certain >= std::max(min_queries, error)) {
      sorted.lines.push_back({network, certain});
      sorted.error_max = std::max(sorted.error_max, error);
    } else {
      ++sorted.left_out_networks;
      sorted.left_out += certain;
      sorted.without_line_max = std::max(sorted.without_line_max, queries);
    }
  }
  // Ordered by what is certain, which errors may have mixed up.
  std::stable_sort(sorted.lines.begin(), sorted.lines.end(),
                   [](const Line& one, const Line& other) { return one.queries > other.queries; });
  return sorted;
}

class Renderer {
 public:
  Renderer(const CountedDemand& counted, DemandUnit unit)
      : unit_(unit), seconds_(std::max(counted.seconds, kSecondsMin)) {}

  template <typename... Arguments>
  void comment(std::string_view key, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), "# {:<9}", key);
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }
  void line(std::string_view network, std::string_view amount) {
    fmt::format_to(std::back_inserter(text_), "{:<20} {}\n", network, amount);
  }

  [[nodiscard]] std::string amount(std::uint64_t queries) const {
    if (unit_ == DemandUnit::Queries) return std::to_string(queries);
    return fmt::format("{:.6g}", static_cast<double>(queries) / seconds_);
  }
  [[nodiscard]] std::string_view unit() const {
    return unit_ == DemandUnit::Queries ? "queries" : "queries a second";
  }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  DemandUnit unit_;
  double seconds_;
  std::string text_;
};

void write_rest(Renderer& out, const CountedDemand& counted, const Sorted& sorted,
                std::uint64_t min_queries) {
  if (sorted.left_out_networks > 0) {
    const auto why =
        min_queries > 1 ? fmt::format("with fewer than {} queries, or ", min_queries) : std::string{};
    out.comment("left out", "{} of {} networks {}of which more is doubtful than certain",
                out.amount(sorted.left_out), sorted.left_out_networks, why);
  }
  if (counted.networks_evicted > 0) {
    out.comment("unknown", "{} of networks that lost their place to others, {} times",
                out.amount(sorted.doubtful), counted.networks_evicted);
  }
  out.comment("error", "at most {} too low on a line; a network without a line had at most {}",
              out.amount(sorted.error_max), out.amount(sorted.without_line_max));
}

}  // namespace

std::string demand_text(const CountedDemand& counted, DemandUnit unit, std::uint64_t min_queries) {
  const auto sorted = sort_out(counted, min_queries);
  Renderer out(counted, unit);
  out.comment("site", "{}", counted.site);
  out.comment("since", "{}", counted.since);
  out.comment("until", "{}, {:.3f} s", counted.until, counted.seconds);
  out.comment("sample", "one steered query in {} is counted, as so many", counted.sample);
  out.comment("unit", "{}", out.unit());
  out.comment("total", "{} of {} networks", out.amount(counted.queries), counted.networks.size());
  write_rest(out, counted, sorted, min_queries);
  for (const auto& [network, queries] : sorted.lines) out.line(network, out.amount(queries));
  return std::move(out).text();
}

}  // namespace meridian::plan
