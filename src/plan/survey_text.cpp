#include "plan/survey_text.hpp"

#include "base/limits.hpp"
#include "plan/amount_text.hpp"
#include "plan/text_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace meridian::plan {
namespace {

/// Codes in the row of an order; --json has all.
constexpr std::size_t kCodesMax = 12;

class TextSurvey {
 public:
  explicit TextSurvey(const Survey& survey) : s_(survey) {}

  std::string run() {
    text_ = s_.service.empty() ? fmt::format("map {}\n", s_.map)
                               : fmt::format("{} (map {})\n", s_.service, s_.map);
    add_datacenters();
    add_orders();
    add_places();
    add_rules();
    add_notes();
    return std::move(text_);
  }

 private:
  using Row = std::vector<std::string>;

  Row header(const char* title, std::initializer_list<const char*> rest) const {
    Row row{title, "IPv4", "IPv6"};
    if (s_.has_demand) row.emplace_back("demand");
    row.insert(row.end(), rest.begin(), rest.end());
    return row;
  }

  /// Parts in per cent of all there is.
  void append_parts(const Amount& amount, Row& row) const {
    const auto cell = [](double part, double whole) {
      return part == 0 ? std::string{"–"} : percent(part_of(part, whole));
    };
    row.push_back(cell(amount.v4, s_.known.v4));
    row.push_back(cell(amount.v6, s_.known.v6));
    if (s_.has_demand) row.push_back(cell(amount.demand, s_.known.demand));
  }

  void add_datacenters() {
    TextTable table;
    table.add(s_.has_demand ? Row{"datacenter", "IPv4", "IPv6", "demand", "of capacity"}
                            : Row{"datacenter", "IPv4", "IPv6"});
    for (const auto& datacenter : s_.datacenters) {
      const auto& amount = datacenter.amount;
      Row row{datacenter.name, percent(part_of(amount.v4, s_.known.v4)),
              percent(part_of(amount.v6, s_.known.v6))};
      if (s_.has_demand) {
        row.push_back(grouped(amount.demand));
        row.push_back(datacenter.capacity
                          ? fmt::format("{} of {}", percent(amount.demand / *datacenter.capacity),
                                        grouped(*datacenter.capacity))
                          : "–");
      }
      table.add(std::move(row));
    }
    text_ += table.text();
  }

  /// The countries that have this order alone, and how many others have parts of it.
  std::string codes_of(std::size_t order) const {
    Row codes;
    std::size_t in_part = 0;
    for (const auto& country : s_.countries) {
      const auto has_it = [&](const OrderPart& part) { return part.order == order; };
      if (std::none_of(country.parts.begin(), country.parts.end(), has_it)) continue;
      if (country.parts.size() > 1) {
        ++in_part;
      } else {
        codes.push_back(country.code.empty() ? "(unknown)" : country.code);
      }
    }
    const auto count = codes.size();
    codes.resize(std::min(count, kCodesMax));
    auto text = fmt::format("{}", fmt::join(codes, ", "));
    if (count > kCodesMax) text += fmt::format(" and {} more", count - kCodesMax);
    if (in_part > 0) text += fmt::format("{}parts of {}", text.empty() ? "" : "; ", in_part);
    return text;
  }

  void add_orders() {
    std::vector<OrderPart> sorted;
    for (std::size_t i = 0; i < s_.orders.size(); ++i) {
      if (!s_.order_amounts[i].is_zero()) sorted.push_back({i, s_.order_amounts[i]});
    }
    std::stable_sort(sorted.begin(), sorted.end(), [&](const OrderPart& left, const OrderPart& right) {
      return weight_of(left.amount, s_.known) > weight_of(right.amount, s_.known);
    });
    TextTable table(2);
    table.add(header("first", {"then", "places"}));
    for (std::size_t i = 0; i < std::min(base::limits::kPlanPlacesMax, sorted.size()); ++i) {
      const auto& order = s_.orders[sorted[i].order];
      Row row{first_text(order)};
      append_parts(sorted[i].amount, row);
      row.push_back(then_text(order));
      row.push_back(codes_of(sorted[i].order));
      table.add(std::move(row));
    }
    text_ += table.text() + rest_line(sorted.size(), base::limits::kPlanPlacesMax);
  }

  void add_places() {
    TextTable table(2);
    table.add(header("places", {"first", "then"}));
    for (std::size_t i = 0; i < std::min(base::limits::kPlanPlacesMax, s_.countries.size()); ++i)
      add_country(s_.countries[i], table);
    text_ += table.text() + rest_line(s_.countries.size(), base::limits::kPlanPlacesMax);
  }

  /// A country of one order is a row; another has a row for each of its parts below.
  void add_country(const CountryOrders& country, TextTable& table) const {
    Row row{place_text(country.code, country.name)};
    append_parts(country.amount, row);
    const bool is_split = country.parts.size() > 1;
    row.push_back(is_split ? "" : first_text(s_.orders[country.parts.front().order]));
    row.push_back(is_split ? "" : then_text(s_.orders[country.parts.front().order]));
    table.add(std::move(row));
    if (!is_split) return;
    for (const auto& part : country.parts) {
      Row below{"  of it"};
      append_within(part.amount, country.amount, below);
      below.push_back(first_text(s_.orders[part.order]));
      below.push_back(then_text(s_.orders[part.order]));
      table.add(std::move(below));
    }
  }

  /// Parts in per cent of the country.
  void append_within(const Amount& amount, const Amount& whole, Row& row) const {
    const auto cell = [](double part, double all) { return part == 0 ? "–" : percent(part_of(part, all)); };
    row.push_back(cell(amount.v4, whole.v4));
    row.push_back(cell(amount.v6, whole.v6));
    if (s_.has_demand) row.push_back(cell(amount.demand, whole.demand));
  }

  void add_rules() {
    TextTable table(1);
    table.add(header("rules", {"at"}));
    auto rules = s_.rules;
    std::stable_sort(rules.begin(), rules.end(), [&](const RuleAmount& left, const RuleAmount& right) {
      return weight_of(left.amount, s_.known) > weight_of(right.amount, s_.known);
    });
    for (std::size_t i = 0; i < std::min(base::limits::kPlanPlacesMax, rules.size()); ++i) {
      const auto& rule = rules[i];
      Row row{rule.place.empty() ? "(no rule)" : rule.place};
      if (rule.for_resolvers) row.front() += " (resolvers)";
      append_parts(rule.amount, row);
      row.push_back(rule.where.line == 0 ? "" : base::to_string(rule.where));
      if (!rule.note.empty()) row.back() += fmt::format(" ({})", rule.note);
      table.add(std::move(row));
    }
    text_ += table.text() + rest_line(rules.size(), base::limits::kPlanPlacesMax);
  }

  void add_notes() {
    for (const auto& part : s_.unknown_parts) {
      const auto& order = s_.orders[part.order];
      text_ += fmt::format("besides {} that no database knows: {}{}{}\n", space_text(part.amount),
                           first_text(order), order.then.empty() ? "" : ", then ",
                           order.then.empty() ? "" : then_text(order));
    }
    if (s_.resolver_rules > 0) {
      text_ += fmt::format("besides {} rule{} for queries without a client subnet\n", s_.resolver_rules,
                           s_.resolver_rules == 1 ? "" : "s");
    }
  }

  const Survey& s_;
  std::string text_;
};

}  // namespace

std::string first_text(const Order& order) {
  if (order.first.size() == 1) return order.first.front().end;
  std::vector<std::string> shares;
  for (const auto& share : order.first)
    shares.push_back(fmt::format("{} {}", share.end, percent(share.share)));
  return fmt::format("{}", fmt::join(shares, ", "));
}

std::string then_text(const Order& order) {
  return order.then.empty() ? "–" : fmt::format("{}", fmt::join(order.then, ", "));
}

std::string place_text(const std::string& code, const std::string& name) {
  if (code.empty()) return "(unknown)";
  return name.empty() ? code : fmt::format("{} {}", code, name);
}

std::string to_text(const Survey& survey) { return TextSurvey(survey).run(); }

}  // namespace meridian::plan
