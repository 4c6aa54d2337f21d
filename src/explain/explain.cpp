#include "explain/explain.hpp"

#include "base/random.hpp"
#include "config/compile/decider.hpp"
#include "config/compile/expiry.hpp"
#include "config/place_ref.hpp"
#include "query/chain.hpp"
#include "steering/choose.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::explain {
namespace {

std::string outcome_word(zone::Outcome outcome) {
  switch (outcome) {
    case zone::Outcome::Answer:
      return "static";
    case zone::Outcome::Steered:
      return "steered";
    case zone::Outcome::Delegation:
      return "delegation";
    case zone::Outcome::NoData:
      return "nodata";
    case zone::Outcome::NxDomain:
      return "nxdomain";
    case zone::Outcome::Cname:  // a chain does not end there
    case zone::Outcome::Dname:
      break;
  }
  return "unknown";
}

RuleStep explain_rule(const compile::RuleIndex& rules, const compile::Win& win) {
  RuleStep step;
  if (win.rule == compile::kImplicitRule) {
    step.implicit = true;
    return step;
  }
  const auto& rule = rules.rules()[win.rule];
  step.place = config::to_string(win.atom->place);
  if (rule.place.kind == config::PlaceRef::Kind::Region) step.region = rule.place.code;
  step.rule_at = rule.where;
  step.place_at = win.atom->place.where;
  step.note = rule.note;
  if (rule.until) step.until = compile::to_date(*rule.until);
  if (win.atom->place.kind == config::PlaceRef::Kind::NetworksFile) {
    const auto& file = rules.file_of(win);
    const auto& entry = rules.entry_of(win);
    step.place = base::to_string(entry.network);
    step.file = file.path;
    step.place_at = {file.file, static_cast<int>(entry.line), 0};
  }
  return step;
}

std::uint32_t count_up(const query::EndpointRange& range, const health::HealthTable& health) {
  std::uint32_t up = 0;
  for (std::uint32_t i = range.begin; i < range.end; ++i)
    up += health.is_serving(base::EndpointId{i}) ? 1u : 0u;
  return up;
}

MemberStep explain_member(const steering::TierEntry& entry, const query::Service& service,
                          const query::Snapshot& snapshot, const query::Tables& tables) {
  MemberStep step;
  step.datacenter = snapshot.datacenters[base::index_of(entry.datacenter)].name;
  step.weight = entry.weight;
  const auto candidate = query::candidate_at(snapshot, tables, service, entry.datacenter);
  step.has_pool = candidate.has_pool;
  step.health = static_cast<double>(candidate.health) / steering::kFull;
  const auto shed_of = [](std::uint32_t kept) { return 1 - static_cast<double>(kept) / health::kKeepsAll; };
  step.shed = shed_of(tables.health.kept(entry.datacenter));
  if (!candidate.has_pool) return step;
  const auto id = service.pools[base::index_of(entry.datacenter)];
  step.shed = std::max(step.shed, shed_of(tables.health.kept(id)));
  const auto& pool = snapshot.pools[base::index_of(id)];
  step.is_alias = pool.is_alias();
  step.endpoints = pool.v4.count() + pool.v6.count();
  step.endpoints_up = count_up(pool.v4, tables.health) + count_up(pool.v6, tables.health);
  return step;
}

std::vector<TierStep> explain_tiers(std::span<const steering::TierEntry> list, const query::Service& service,
                                    const query::Snapshot& snapshot, const query::Tables& tables) {
  std::vector<TierStep> steps;
  for (std::size_t begin = 0, end = 0; begin < list.size(); begin = end) {
    end = steering::tier_end(list, begin);
    const auto members = list.subspan(begin, end - begin);
    TierStep step;
    for (const auto& member : members)
      step.members.push_back(explain_member(member, service, snapshot, tables));
    const auto total = steering::weigh(members, [&](base::DatacenterId datacenter) {
      return query::candidate_at(snapshot, tables, service, datacenter);
    });
    step.share = static_cast<double>(total.share(service.overprovision)) / steering::kWhole;
    steps.push_back(std::move(step));
  }
  return steps;
}

/// The place and the rule behind the leaf the client fell into, and whether the leaf agrees with them.
void explain_client(const compile::MapRules& map, const query::Snapshot& snapshot, Explanation& explanation) {
  const auto& client = explanation.decision.client;
  const auto located = map.database.locate(client.address);
  const auto& place = located.merged.place;
  explanation.place.place = place;
  explanation.place.centre_of_country = located.merged.at_country_centre;
  for (const auto& source : located.sources) {
    if (source.place == 0) continue;
    explanation.place.records.push_back({map.database.files()[source.file_index]->path, source.block});
  }
  const auto find = [&](const compile::RuleIndex& rules) {
    return rules.find(place, rules.network_tree(client.address.family).lookup(client.address).value);
  };
  const auto& rules = client.by_resolver_rule ? *map.resolvers : map.rules;
  const auto win = find(rules);
  explanation.rule = explain_rule(rules, win);
  explanation.rule.is_resolvers = client.by_resolver_rule;
  const auto expected = compile::tiers_of(rules, map.order, win, place);
  const auto list = snapshot.tiers.list(client.tiers);
  explanation.agrees = std::equal(expected.begin(), expected.end(), list.begin(), list.end());
}

dns::Name name_of(const query::Target& target, const query::Snapshot& snapshot) {
  return dns::Name{dns::NameView{snapshot.target_rdata(target).subspan(2)}};
}

void explain_alias(const query::Pool& pool, const query::Snapshot& snapshot, Explanation& explanation) {
  explanation.alias = dns::to_string(name_of(snapshot.targets[explanation.decision.target], snapshot));
  const bool has_weights = pool.targets_end - pool.targets_begin > 1;
  for (auto i = pool.targets_begin; i < pool.targets_end; ++i) {
    const auto& target = snapshot.targets[i];
    const auto name = dns::to_string(name_of(target, snapshot));
    explanation.aliases.push_back(has_weights ? fmt::format("{} weight {}", name, target.weight) : name);
  }
}

void explain_addresses(const query::Service& service, const query::Snapshot& snapshot,
                       const query::Tables& tables, Explanation& explanation) {
  const auto& decision = explanation.decision;
  explanation.answer_most = service.answer;
  explanation.ttl_s = query::ttl_of(service, decision);
  explanation.ttl_shaped = explanation.ttl_s != service.ttl_s;
  if (decision.verdict != query::Verdict::Answer) return;
  const auto& pool = snapshot.pools[base::index_of(decision.pool)];
  if (decision.pool != service.sorry_pool) {
    explanation.datacenter = snapshot.datacenters[base::index_of(pool.datacenter)].name;
  }
  if (pool.is_alias()) return explain_alias(pool, snapshot, explanation);
  if (explanation.question.type != dns::Rtype::A && explanation.question.type != dns::Rtype::Aaaa) return;
  const auto& range = explanation.question.type == dns::Rtype::Aaaa ? pool.v6 : pool.v4;
  for (std::uint32_t i = range.begin; i < range.end; ++i) {
    const auto word = tables.health.word(base::EndpointId{i});
    if (!decision.ignore_health && (!word.is_serving() || word.weight_percent == 0)) continue;
    explanation.addresses.push_back(base::to_string(snapshot.endpoints[i].address));
  }
}

std::string stop_word(query::ChainStop stop) {
  switch (stop) {
    case query::ChainStop::Loop:
      return "loop";
    case query::ChainStop::TooLong:
      return "too_long";
    case query::ChainStop::NameTooLong:
      return "yxdomain";
    case query::ChainStop::None:
      break;
  }
  return "unknown";
}

/// Goes on from the steered alias as answer_query does.
void follow_alias(query::Chain& chain, const query::Snapshot& snapshot, Explanation& explanation) {
  const auto& type = explanation.question.type;
  if (type == dns::Rtype::Cname || type == dns::Rtype::Any) return;
  const auto target = name_of(snapshot.targets[explanation.decision.target], snapshot);
  auto stop = chain.follow_to(target);
  while (stop == query::ChainStop::None && chain.is_at_alias()) stop = chain.follow();
  if (stop != query::ChainStop::None) {
    explanation.alias_outcome = stop_word(stop);
  } else {
    explanation.alias_outcome = chain.zone() == nullptr ? "outside" : outcome_word(chain.found().outcome);
  }
}

/// Goes where answer_query goes, through CNAMEs and DNAMEs, and tells each name on the way.
zone::Found follow(query::Chain& chain, Explanation& explanation) {
  while (chain.is_at_alias()) {
    explanation.zone = dns::to_string(chain.zone()->apex());
    if (const auto target = chain.target()) explanation.chain.push_back(dns::to_string(*target));
    const auto stop = chain.follow();
    if (stop == query::ChainStop::None) continue;
    explanation.outcome = stop_word(stop);
    return {};
  }
  if (chain.zone() == nullptr) {
    explanation.zone = {};
    explanation.outcome = chain.link_count() == 0 ? "refused" : "cname";
    return {};
  }
  explanation.zone = dns::to_string(chain.zone()->apex());
  explanation.outcome = outcome_word(chain.found().outcome);
  return chain.found();
}

base::Expected<base::IpPrefix, std::string> parse_client(const std::string& from) {
  auto prefix = base::parse_ip_prefix(from);
  if (!prefix || from.find('/') != std::string::npos) return prefix;
  // What resolvers send for one client: RFC 7871 11.1 recommends at most /24 and /56.
  const auto bits = query::unit_bits(prefix->address.family);
  return base::IpPrefix{base::masked(prefix->address, bits), bits};
}

}  // namespace

base::Expected<Question, std::string> parse_question(const std::string& name, const std::string& type,
                                                     const std::string& from, const std::string& resolver) {
  Question question;
  auto parsed_name = dns::Name::parse(name);
  if (!parsed_name) return base::unexpected(parsed_name.error());
  question.name = *parsed_name;
  question.name.make_lower();
  const auto parsed_type = dns::parse_rtype(type.empty() ? "A" : type);
  if (!parsed_type)
    return base::unexpected(fmt::format("'{}' is not a record type; write A, AAAA, TXT, TYPE65280 …", type));
  question.type = *parsed_type;
  if (!from.empty()) {
    auto client = parse_client(from);
    if (!client) return base::unexpected(client.error());
    question.client_subnet = *client;
  }
  const auto address = base::parse_ip_address(resolver.empty() ? "127.0.0.1" : resolver);
  if (!address) return base::unexpected(fmt::format("'{}' is not an IP address", resolver));
  question.resolver = *address;
  return question;
}

Explanation explain(const Question& question, const query::Snapshot& snapshot, const query::Tables& tables,
                    const compile::Rulebook& rulebook) {
  Explanation explanation;
  explanation.question = question;
  explanation.epoch = snapshot.epoch;
  query::Chain names(snapshot.zones, question.name, question.type);
  const auto found = follow(names, explanation);
  if (found.outcome != zone::Outcome::Steered) return explanation;

  const auto& service = snapshot.services[base::index_of(found.service)];
  explanation.service = service.name;
  explanation.fixed = service.fixed_pool != base::kNoPool;
  // The draw of addresses is random per query; what is told is the set they are drawn from.
  base::Random random(0);
  explanation.decision =
      query::decide(snapshot, tables, service, question.resolver, question.client_subnet, random);
  if (!explanation.fixed) {
    explanation.map = snapshot.maps[base::index_of(service.map)].name;
    explanation.has_rules = rulebook.has_rules();
    if (explanation.has_rules)
      explain_client(rulebook.maps[base::index_of(service.map)], snapshot, explanation);
    explanation.tiers =
        explain_tiers(snapshot.tiers.list(explanation.decision.client.tiers), service, snapshot, tables);
  }
  explain_addresses(service, snapshot, tables, explanation);
  if (!explanation.alias.empty()) follow_alias(names, snapshot, explanation);
  return explanation;
}

}  // namespace meridian::explain
