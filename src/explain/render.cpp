#include "explain/explain.hpp"

#include "steering/reason_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json.hpp>

#include <cmath>

namespace meridian::explain {
namespace {

namespace json = boost::json;

std::string whose_text(const Explanation& e) {
  const auto& client = e.decision.client;
  const auto subnet = e.question.client_subnet ? base::to_string(*e.question.client_subnet) : std::string{};
  switch (client.whose) {
    case query::Whose::ClientSubnet:
      return fmt::format("{} (client subnet)", subnet);
    case query::Whose::Resolver:
      return fmt::format("{} (the resolver; no client subnet came)", base::to_string(client.address));
    case query::Whose::OptedOut:
      return fmt::format("{} (the resolver; the client opted out with /0)", base::to_string(client.address));
    case query::Whose::PrivateClientSubnet:
      return fmt::format("{} (the resolver; client subnet {} is private space nobody named)",
                         base::to_string(client.address), subnet);
    case query::Whose::Ignored:
      return fmt::format("{} (the resolver; this service ignores client subnets)",
                         base::to_string(client.address));
  }
  return {};
}

std::string_view whose_word(query::Whose whose) {
  switch (whose) {
    case query::Whose::ClientSubnet:
      return "client_subnet";
    case query::Whose::Resolver:
      return "resolver";
    case query::Whose::OptedOut:
      return "opted_out";
    case query::Whose::PrivateClientSubnet:
      return "private_client_subnet";
    case query::Whose::Ignored:
      return "ignored";
  }
  return "";
}

std::string place_text(const PlaceStep& step) {
  const auto& place = step.place;
  std::vector<std::string> words;
  for (const auto* word :
       {&place.city, &place.inner_subdivision, &place.outer_subdivision, &place.country, &place.continent}) {
    if (!word->empty()) words.push_back(*word);
  }
  if (words.empty() && place.as_number == 0) return "nothing known";
  auto text = fmt::format("{}", fmt::join(words, ", "));
  if (place.at) {
    text += fmt::format(" at {:.2f}, {:.2f}{}", place.at->latitude, place.at->longitude,
                        step.centre_of_country ? " (population centre of the country)" : "");
  }
  if (place.as_number != 0) text += fmt::format(" · AS{} {}", place.as_number, place.as_name);
  return text;
}

std::string rule_text(const RuleStep& rule) {
  if (rule.implicit) return "none names this client: nearest";
  auto text = rule.place;
  if (!rule.file.empty()) text += fmt::format(" in {}", base::to_string(rule.place_at));
  if (!rule.region.empty())
    text += fmt::format(" in region {}{}", rule.region,
                        rule.file.empty() ? fmt::format(" ({})", base::to_string(rule.place_at)) : "");
  text += fmt::format(" · {}{}", rule.is_resolvers ? "for resolvers, " : "", base::to_string(rule.rule_at));
  if (!rule.until.empty()) text += fmt::format(" · until {}", rule.until);
  if (!rule.note.empty()) text += fmt::format(" · note: {}", rule.note);
  return text;
}

std::string member_text(const MemberStep& member) {
  if (!member.has_pool) return fmt::format("{} (no pool)", member.datacenter);
  const auto weight = member.weight == 1 ? std::string{} : fmt::format(" weight {}", member.weight);
  const auto state = member.is_alias ? std::string{" cname"}
                                     : fmt::format(" up {}/{}", member.endpoints_up, member.endpoints);
  const auto shed = member.shed == 0   ? std::string{}
                    : member.shed == 1 ? std::string{" drained"}
                                       : fmt::format(" sheds {:.0f}%", member.shed * 100);
  return fmt::format("{}{}{}{}", member.datacenter, weight, state, shed);
}

std::string tiers_text(const std::vector<TierStep>& tiers) {
  std::vector<std::string> parts;
  for (const auto& tier : tiers) {
    std::vector<std::string> members;
    for (const auto& member : tier.members) members.push_back(member_text(member));
    parts.push_back(fmt::format("{} share {:.0f}%", fmt::join(members, " + "), tier.share * 100));
  }
  return fmt::format("{}", fmt::join(parts, " → "));
}

std::string choice_text(const Explanation& e) {
  const auto& choice = e.decision.choice;
  switch (e.decision.verdict) {
    case query::Verdict::NoData:
      return "no answer of this type (NODATA)";
    case query::Verdict::ServFail:
      return "SERVFAIL (on_all_down)";
    case query::Verdict::Answer:
      break;
  }
  const auto where = e.datacenter.empty() ? std::string{"the sorry page"} : e.datacenter;
  if (choice.reason == steering::Reason::AllDown)
    return fmt::format("{} · nothing is healthy: on_all_down", where);
  if (choice.reason == steering::Reason::LowCapacity)
    return fmt::format("{} · too little is healthy (min_serving_capacity): all of it counts", where);
  const auto word = choice.reason == steering::Reason::Preferred ? "preferred" : "fallback";
  return fmt::format("{} · {}, tier {}{}", where, word, choice.tier + 1,
                     choice.varies ? " · clients of this leaf are spread" : "");
}

std::string ttl_text(const Explanation& e) {
  if (!e.ttl_shaped) return fmt::format("{} s", e.ttl_s);
  return fmt::format("{} s, shortened: an address may go down or come up in {} s", e.ttl_s,
                     e.decision.change_in_s);
}

std::string alias_text(const std::string& outcome) {
  if (outcome == "outside") return "outside our zones: the resolver asks on";
  if (outcome == "steered") return "steered too: the resolver asks for it itself";
  return fmt::format("in our zones · {}", outcome);
}

json::array to_json_records(const std::vector<RecordStep>& records) {
  json::array array;
  for (const auto& record : records)
    array.push_back(json::object{{"file", record.file}, {"network", base::to_string(record.block)}});
  return array;
}

json::object to_json_place(const PlaceStep& step) {
  const auto& place = step.place;
  json::object object{{"records", to_json_records(step.records)}};
  const auto put = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) object[key] = value;
  };
  put("continent", place.continent);
  put("country", place.country);
  put("outer_subdivision", place.outer_subdivision);
  put("inner_subdivision", place.inner_subdivision);
  put("city", place.city);
  if (place.as_number != 0) object["as_number"] = place.as_number;
  if (place.at) {
    object["latitude"] = place.at->latitude;
    object["longitude"] = place.at->longitude;
    object["centre_of_country"] = step.centre_of_country;
  }
  return object;
}

json::object to_json_rule(const RuleStep& rule) {
  if (rule.implicit) return {{"implicit", true}};
  json::object object{{"implicit", false}, {"place", rule.place}, {"at", base::to_string(rule.rule_at)}};
  if (!rule.region.empty()) object["region"] = rule.region;
  if (!rule.file.empty()) object["file"] = rule.file;
  if (!rule.region.empty() || !rule.file.empty()) object["place_at"] = base::to_string(rule.place_at);
  if (rule.is_resolvers) object["resolvers"] = true;
  if (!rule.until.empty()) object["until"] = rule.until;
  if (!rule.note.empty()) object["note"] = rule.note;
  return object;
}

json::array to_json_tiers(const std::vector<TierStep>& tiers) {
  json::array array;
  for (const auto& tier : tiers) {
    json::array members;
    for (const auto& member : tier.members) {
      members.push_back(json::object{{"datacenter", member.datacenter},
                                     {"weight", member.weight},
                                     {"has_pool", member.has_pool},
                                     {"health", member.health},
                                     {"shed", member.shed},
                                     {"alias", member.is_alias},
                                     {"endpoints_up", member.endpoints_up},
                                     {"endpoints", member.endpoints}});
    }
    array.push_back(json::object{{"share", tier.share}, {"members", std::move(members)}});
  }
  return array;
}

void put_steered(const Explanation& e, json::object& object) {
  const auto& client = e.decision.client;
  object["service"] = e.service;
  object["fixed"] = e.fixed;
  object["verdict"] = e.decision.verdict == query::Verdict::Answer   ? "answer"
                      : e.decision.verdict == query::Verdict::NoData ? "nodata"
                                                                     : "servfail";
  object["reason"] = steering::to_string(e.decision.choice.reason);
  object["datacenter"] = e.datacenter;
  json::array addresses;
  for (const auto& address : e.addresses) addresses.push_back(json::string(address));
  object["addresses"] = std::move(addresses);
  if (!e.alias.empty()) {
    object["alias"] = e.alias;
    json::array aliases;
    for (const auto& alias : e.aliases) aliases.push_back(json::string(alias));
    object["aliases"] = std::move(aliases);
    object["alias_outcome"] = e.alias_outcome;
  }
  object["answer_most"] = e.answer_most;
  object["ttl_s"] = e.ttl_s;
  if (e.ttl_shaped) object["ttl_shaped"] = true;
  object["scope_bits"] = e.decision.scope_bits;
  object["agrees"] = e.agrees;
  if (e.fixed) return;
  object["map"] = e.map;
  object["client"] = json::object{{"address", base::to_string(client.address)},
                                  {"whose", whose_word(client.whose)},
                                  {"leaf_bits", client.leaf_bits},
                                  {"carrier_bits", client.carrier_bits}};
  object["place"] = e.has_rules ? json::value(to_json_place(e.place)) : json::value(nullptr);
  object["rule"] = e.has_rules ? json::value(to_json_rule(e.rule)) : json::value(nullptr);
  if (e.decision.choice.reason != steering::Reason::Nobody) object["tier"] = e.decision.choice.tier + 1;
  object["varies"] = e.decision.choice.varies;
  object["tiers"] = to_json_tiers(e.tiers);
}

}  // namespace

std::string to_text(const Explanation& e) {
  std::string text;
  const auto line = [&](std::string_view step, const std::string& what) {
    text += fmt::format("{:<9} {}\n", step, what);
  };
  line("query", fmt::format("{} {} · epoch {}", dns::to_string(e.question.name),
                            dns::to_string(e.question.type), e.epoch));
  if (!e.assumed.empty()) line("assumed", e.assumed);
  if (!e.chain.empty()) line("cname", fmt::format("→ {}", fmt::join(e.chain, " → ")));
  if (e.zone.empty()) {
    line("zone", e.chain.empty() ? "none of ours: REFUSED" : "none of ours: the resolver asks on");
    return text;
  }
  if (e.outcome != "steered") {
    line("zone", fmt::format("{} · {}: the same for every client, scope /0", e.zone, e.outcome));
    return text;
  }
  line("zone", fmt::format("{} · steered by service {}", e.zone, e.service));
  if (!e.fixed) {
    line("client", whose_text(e));
    const auto& records = e.place.records;
    for (const auto& record : records)
      line("record", fmt::format("{} {}", record.file, base::to_string(record.block)));
    if (e.has_rules) {
      line("place", place_text(e.place));
      line("rule", fmt::format("map {} · {}", e.map, rule_text(e.rule)));
    } else {
      line("rule", fmt::format("map {} · as it was kept on the disk: its rules were not read", e.map));
    }
    line("leaf", fmt::format("/{}{}", e.decision.client.leaf_bits,
                             e.decision.client.carrier_bits != 0
                                 ? fmt::format(" of the IPv4 address, {} bits of IPv6 before it",
                                               e.decision.client.carrier_bits)
                                 : ""));
    line("tiers", tiers_text(e.tiers));
  }
  line("choice", choice_text(e));
  if (!e.alias.empty()) {
    line("answer", fmt::format("CNAME {}{} · TTL {}", e.alias,
                               e.aliases.size() > 1 ? fmt::format(" of {}", fmt::join(e.aliases, ", ")) : "",
                               ttl_text(e)));
    if (!e.alias_outcome.empty()) line("alias", alias_text(e.alias_outcome));
  } else if (e.decision.verdict == query::Verdict::Answer) {
    if (e.addresses.empty()) {
      line("answer", fmt::format("no {} record there (NODATA)", dns::to_string(e.question.type)));
    } else {
      line("answer", fmt::format("{} · at most {} at once · TTL {}", fmt::join(e.addresses, ", "),
                                 e.answer_most, ttl_text(e)));
    }
  }
  line("scope", fmt::format("/{}", e.decision.scope_bits));
  if (!e.agrees) line("BUG", "the compiled map and its rules disagree; please report this with the map");
  return text;
}

std::string to_json(const Explanation& e) {
  json::object object{{"name", dns::to_string(e.question.name)},
                      {"type", dns::to_string(e.question.type)},
                      {"resolver", base::to_string(e.question.resolver)},
                      {"epoch", e.epoch},
                      {"zone", e.zone},
                      {"outcome", e.outcome}};
  json::array chain;
  for (const auto& name : e.chain) chain.push_back(json::string(name));
  object["chain"] = std::move(chain);
  if (!e.assumed.empty()) object["assumed"] = e.assumed;
  if (e.question.client_subnet) object["client_subnet"] = base::to_string(*e.question.client_subnet);
  if (e.outcome == "steered") put_steered(e, object);
  return json::serialize(object);
}

}  // namespace meridian::explain
