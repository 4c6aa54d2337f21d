#include "importer/report.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace meridian::importer {
namespace {

boost::json::array to_array(const std::vector<Finding>& findings, Finding::Kind kind) {
  boost::json::array array;
  for (const auto& finding : findings) {
    if (finding.kind != kind) continue;
    array.push_back({{"file", finding.where.file},
                     {"line", finding.where.line},
                     {"column", finding.where.column},
                     {"what", finding.what}});
  }
  return array;
}

}  // namespace

void Report::add(Finding::Kind kind, base::Location where, std::string what) {
  if (known_.emplace(kind, where, what).second)
    findings_.push_back({kind, std::move(where), std::move(what)});
}

std::size_t Report::count(Finding::Kind kind) const noexcept {
  return static_cast<std::size_t>(std::ranges::count(findings_, kind, &Finding::kind));
}

std::vector<Finding> Report::sorted() const {
  auto findings = findings_;
  std::ranges::stable_sort(findings, {}, &Finding::where);
  return findings;
}

std::string Report::to_text() const {
  std::string text;
  for (const auto& finding : sorted()) {
    text += fmt::format("{}: {}: {}\n", base::to_string(finding.where),
                        finding.kind == Finding::Kind::Gap ? "not imported" : "note", finding.what);
  }
  return text;
}

std::string to_json(const Report& report, const Counts& counts, const std::string& directory) {
  const auto findings = report.sorted();
  const boost::json::object object{{"directory", directory},
                                   {"imported",
                                    {{"datacenters", counts.datacenters},
                                     {"maps", counts.maps},
                                     {"rules", counts.rules},
                                     {"services", counts.services},
                                     {"zones", counts.zones}}},
                                   {"gaps", to_array(findings, Finding::Kind::Gap)},
                                   {"notes", to_array(findings, Finding::Kind::Note)}};
  return boost::json::serialize(object);
}

}  // namespace meridian::importer
