#include "plan/forecast_text.hpp"

#include "plan/amount_text.hpp"
#include "plan/text_table.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cstddef>

namespace meridian::plan {
namespace {

namespace json = boost::json;
using Verdict = SiteForecast::Verdict;

/// More are not read; --json has all.
constexpr std::size_t kListedCountriesMax = 20;

const char* word_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::Unknown:
      return "";
    case Verdict::Holds:
      return "holds";
    case Verdict::MayHold:
      return "may hold";
    case Verdict::TooLittle:
      break;
  }
  return "too little";
}

const char* meaning_of(std::size_t evidence) {
  static constexpr const char* kMeanings[kEvidenceCount] = {
      "the same network asks another site already",
      "neighbours in its IPv4 /16 or IPv6 /32 do",
      "others of its autonomous system in its country do",
      "others of its autonomous system do",
      "others of its country do",
      "others of its continent do",
      "nothing is known: split as all queries are"};
  return kMeanings[evidence];
}

std::string withdrawn_names(const Forecast& forecast) {
  std::string names;
  for (const auto& site : forecast.sites) {
    if (site.is_withdrawn) names += (names.empty() ? "" : ", ") + site.name;
  }
  return names;
}

std::string sites_text(const Forecast& forecast) {
  const bool has_capacity = std::any_of(forecast.sites.begin(), forecast.sites.end(),
                                        [](const SiteForecast& site) { return site.capacity.has_value(); });
  TextTable table(has_capacity ? 1 : 0);
  std::vector<std::string> head{"site", "now", "then", "at most"};
  if (has_capacity) head.insert(head.end(), {"capacity", ""});
  table.add(std::move(head));
  for (const auto& site : forecast.sites) {
    std::vector<std::string> row{site.name, grouped(site.now), site.is_withdrawn ? "-" : grouped(site.then()),
                                 site.is_withdrawn ? "-" : grouped(site.at_most())};
    if (has_capacity) {
      row.push_back(site.capacity && !site.is_withdrawn ? grouped(*site.capacity) : "");
      row.emplace_back(word_of(site.verdict()));
    }
    table.add(std::move(row));
  }
  return table.text();
}

std::string evidence_text(const Forecast& forecast) {
  TextTable table(1);
  for (std::size_t i = 0; i < kEvidenceCount; ++i) {
    const double amount = forecast.by_evidence[i];
    if (amount > 0) table.add({grouped(amount), percent(amount / forecast.moved), meaning_of(i)});
  }
  return table.text();
}

std::string countries_text(const Forecast& forecast) {
  TextTable table(1);
  for (std::size_t i = 0; i < std::min(forecast.countries.size(), kListedCountriesMax); ++i) {
    const auto& country = forecast.countries[i];
    std::string to;
    for (std::size_t site = 0; site < country.to.size(); ++site) {
      if (country.to[site] == 0) continue;
      to += fmt::format("{}{} {}", to.empty() ? "" : ", ", forecast.sites[site].name,
                        percent(country.to[site] / country.moved));
    }
    table.add(
        {country.code.empty() ? "(unknown)" : country.code + " " + country.name, grouped(country.moved), to});
  }
  return table.text() + rest_line(forecast.countries.size(), kListedCountriesMax);
}

json::object evidence_json(const ByEvidence& amounts) {
  json::object object;
  for (std::size_t i = 0; i < kEvidenceCount; ++i) object[to_string(static_cast<Evidence>(i))] = amounts[i];
  return object;
}

}  // namespace

std::string to_text(const Forecast& forecast, const std::string& unit) {
  auto text = fmt::format("without {}: {} of {} {} go elsewhere\n", withdrawn_names(forecast),
                          grouped(forecast.moved), grouped(forecast.total), unit.empty() ? "queries" : unit);
  text += sites_text(forecast);
  if (forecast.moved == 0) return text;
  text += "what that rests on\n" + evidence_text(forecast);
  text += "from where, to which site\n" + countries_text(forecast);
  return text;
}

std::string to_json(const Forecast& forecast, const std::string& unit) {
  json::array sites;
  for (const auto& site : forecast.sites) {
    json::object object{{"name", site.name},         {"withdrawn", site.is_withdrawn},
                        {"now", site.now},           {"then", site.then()},
                        {"at_most", site.at_most()}, {"gained", evidence_json(site.gained)}};
    object["capacity"] = site.capacity ? json::value(*site.capacity) : json::value(nullptr);
    object["verdict"] = site.verdict() == Verdict::Unknown ? json::value(nullptr) : word_of(site.verdict());
    sites.push_back(std::move(object));
  }
  json::array countries;
  for (const auto& country : forecast.countries) {
    json::object to;
    for (std::size_t i = 0; i < country.to.size(); ++i) {
      if (country.to[i] > 0) to[forecast.sites[i].name] = country.to[i];
    }
    countries.push_back(json::object{
        {"code", country.code}, {"name", country.name}, {"moved", country.moved}, {"to", std::move(to)}});
  }
  return json::serialize(json::object{{"unit", unit},
                                      {"total", forecast.total},
                                      {"moved", forecast.moved},
                                      {"evidence", evidence_json(forecast.by_evidence)},
                                      {"sites", std::move(sites)},
                                      {"countries", std::move(countries)}}) +
         "\n";
}

}  // namespace meridian::plan
