#include "plan/amount_text.hpp"
#include "plan/render.hpp"
#include "plan/text_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace meridian::plan {
namespace {

/// Flows and services listed before the rest is left to --json.
constexpr std::size_t kRowsMax = 20;

class TextReport {
 public:
  explicit TextReport(const Comparison& comparison) : c_(comparison) {}

  std::string run(std::span<const std::string> failed_gates) {
    for (const auto& gate : failed_gates) text_ += fmt::format("gate failed  {}\n", gate);
    for (const auto& problem : c_.broken.sorted()) {
      if (problem.severity == base::Severity::Error)
        text_ += fmt::format("broken  {}\n", base::to_string(problem));
    }
    if (!c_.emptied.empty())
      text_ +=
          fmt::format("emptied  {}: nobody would get an address any more\n", fmt::join(c_.emptied, ", "));
    add_movement();
    add_overloads();
    add_flows("from → to", c_.all.flows);
    if (c_.all_without_subnet) add_flows("from → to, without a client subnet", c_.all_without_subnet->flows);
    add_datacenters();
    add_places("places", c_.places);
    add_places("autonomous systems", c_.systems);
    add_services();
    if (!c_.removed.empty()) text_ += fmt::format("removed  {}\n", fmt::join(c_.removed, ", "));
    if (!c_.added.empty()) text_ += fmt::format("added  {}\n", fmt::join(c_.added, ", "));
    add_leaves();
    return std::move(text_);
  }

 private:
  /// "4.1 % of IPv4, 3.9 % of IPv6, 4.4 % of demand", or in figures of one part.
  std::vector<std::string> cells(const Amount& amount) const {
    const auto cell = [](double part, double whole) {
      return part == 0 ? std::string{"–"}
                       : fmt::format("{} ({})", grouped(part), percent(part_of(part, whole)));
    };
    const auto& total = c_.all.total;
    std::vector<std::string> row{cell(amount.v4, total.v4), cell(amount.v6, total.v6)};
    if (c_.has_demand) row.push_back(cell(amount.demand, total.demand));
    return row;
  }

  std::vector<std::string> header(std::string title) const {
    std::vector<std::string> row{std::move(title), "IPv4 addresses", "IPv6 /48s"};
    if (c_.has_demand) row.emplace_back("demand");
    return row;
  }

  static void join(std::vector<std::string>& row, std::vector<std::string> cells) {
    row.insert(row.end(), std::make_move_iterator(cells.begin()), std::make_move_iterator(cells.end()));
  }

  std::string moved_text(const Movement& movement) const {
    return parts_text(movement.moved, movement.total, c_.has_demand);
  }

  void add_movement() {
    if (c_.services.empty()) {
      if (c_.has_changes()) text_ += "moved  nothing\n";
      return;
    }
    const auto& all = c_.all;
    text_ += "moved  " + moved_text(all);
    text_ += c_.compared == 1 ? "\n" : fmt::format(" (mean of {} names)\n", c_.compared);
    if (c_.all_without_subnet)
      text_ +=
          fmt::format("       {}, of queries without a client subnet\n", moved_text(*c_.all_without_subnet));
    if (!all.unknown_moved.is_zero())
      text_ += fmt::format("       besides {} that no database knows\n", space_text(all.unknown_moved));
    if (!all.fallback_moved.is_zero()) {
      text_ +=
          fmt::format("       {} stay, but would go elsewhere than before if their datacenter were lost\n",
                      space_text(all.fallback_moved));
    }
  }

  void add_overloads() {
    if (c_.overloads.empty() || (!c_.has_changes() && text_.empty())) return;
    TextTable table;
    table.add({"over capacity", "before", "after", "capacity"});
    for (std::size_t i = 0; i < std::min(kRowsMax, c_.overloads.size()); ++i) {
      const auto& row = c_.overloads[i];
      auto name = row.lost.empty() ? row.datacenter : fmt::format("{}, {} lost", row.datacenter, row.lost);
      if (!row.was_before) name += " (new)";
      table.add({std::move(name), grouped(row.before), grouped(row.after), grouped(row.capacity)});
    }
    text_ += table.text();
    add_rest(c_.overloads.size());
  }

  void add_rest(std::size_t count) { text_ += rest_line(count, kRowsMax); }

  void add_flows(const std::string& title, const std::vector<Flow>& flows) {
    if (flows.empty()) return;
    TextTable table;
    table.add(header(title));
    for (std::size_t i = 0; i < std::min(kRowsMax, flows.size()); ++i) {
      const auto& flow = flows[i];
      std::vector<std::string> row{fmt::format("{} → {}", flow.from, flow.to)};
      join(row, cells(flow.amount));
      table.add(std::move(row));
    }
    text_ += table.text();
    add_rest(flows.size());
  }

  void add_datacenters() {
    if (c_.all.flows.empty()) return;
    const auto& total = c_.all.total;
    const auto cell = [](double before, double after, double whole) {
      return fmt::format("{} → {}", percent(part_of(before, whole)), percent(part_of(after, whole)));
    };
    TextTable table;
    table.add(c_.has_demand ? std::vector<std::string>{"datacenter", "IPv4", "IPv6", "demand", "of capacity"}
                            : std::vector<std::string>{"datacenter", "IPv4", "IPv6"});
    for (const auto& row : c_.datacenters) {
      std::vector<std::string> line{row.name, cell(row.before.v4, row.after.v4, total.v4),
                                    cell(row.before.v6, row.after.v6, total.v6)};
      if (c_.has_demand) {
        line.push_back(fmt::format("{} → {}", grouped(row.before.demand), grouped(row.after.demand)));
        line.push_back(row.capacity ? fmt::format("{} of {}", percent(row.after.demand / *row.capacity),
                                                  grouped(*row.capacity))
                                    : "–");
      }
      table.add(std::move(line));
    }
    text_ += table.text();
  }

  void add_places(const std::string& title, const std::vector<PlaceMovement>& places) {
    if (places.empty()) return;
    TextTable table;
    table.add(header(title));
    for (const auto& place : places) {
      std::vector<std::string> row{place.code.empty() ? "(unknown)"
                                                      : fmt::format("{} {}", place.code, place.name)};
      join(row, cells(place.moved));
      table.add(std::move(row));
    }
    text_ += table.text();
  }

  /// Only where it says more than the mean does.
  void add_services() {
    std::vector<const ServiceMovement*> rows;
    for (const auto& service : c_.services) {
      if (!service.movement.is_still()) rows.push_back(&service);
    }
    if (rows.empty() || c_.compared == 1) return;
    TextTable table;
    table.add(c_.has_demand ? std::vector<std::string>{"names", "IPv4", "IPv6", "demand"}
                            : std::vector<std::string>{"names", "IPv4", "IPv6"});
    for (std::size_t i = 0; i < std::min(kRowsMax, rows.size()); ++i) {
      const auto& names = rows[i]->names;
      const auto& [total, moved] = std::pair{rows[i]->movement.total, rows[i]->movement.moved};
      const auto more = names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : std::string{};
      std::vector<std::string> row{names.front() + more, percent(part_of(moved.v4, total.v4)),
                                   percent(part_of(moved.v6, total.v6))};
      if (c_.has_demand) row.push_back(percent(part_of(moved.demand, total.demand)));
      table.add(std::move(row));
    }
    text_ += table.text();
    add_rest(rows.size());
  }

  void add_leaves() {
    const auto count = [](std::size_t number) { return grouped(static_cast<double>(number)); };
    for (const auto& map : c_.leaves) {
      text_ += fmt::format("scopes  map {}: {} → {} IPv4, {} → {} IPv6\n", map.map, count(map.v4_before),
                           count(map.v4_after), count(map.v6_before), count(map.v6_after));
    }
  }

  const Comparison& c_;
  std::string text_;
};

}  // namespace

std::string to_text(const Comparison& comparison, std::span<const std::string> failed_gates) {
  if (!comparison.has_changes() && failed_gates.empty()) return {};
  return TextReport(comparison).run(failed_gates);
}

}  // namespace meridian::plan
