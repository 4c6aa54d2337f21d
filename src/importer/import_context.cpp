#include "importer/import_context.hpp"

#include "config/place_ref.hpp"

#include <algorithm>

namespace meridian::importer {

ImportContext::NamedDatacenter ImportContext::define_datacenter(std::string_view theirs,
                                                                const base::Location& where) {
  const auto& ours = datacenters.find_or_add(theirs);
  auto& known = out.model.datacenters;
  const bool is_new = std::ranges::none_of(
      known, [&](const config::Datacenter& datacenter) { return datacenter.name.text == ours; });
  if (is_new) known.push_back({{ours, where}, {}, {}, {}, false});
  return {ours, is_new};
}

base::Expected<config::Rule, std::string> rule_for(std::string_view place, const base::Location& where) {
  const auto parsed = config::parse_place(place);
  if (!parsed) return base::unexpected(parsed.error());
  config::Rule rule;
  rule.place = *parsed;
  rule.place.where = where;
  rule.where = where;
  return rule;
}

}  // namespace meridian::importer
