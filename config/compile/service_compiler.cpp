#include "config/compile/service_compiler.hpp"

#include "config/compile/check_compiler.hpp"

#include "dns/types.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace meridian::compile {
namespace {

std::optional<std::size_t> find_index(const auto& things, const std::string& name) {
  const auto found =
      std::find_if(things.begin(), things.end(), [&](const auto& thing) { return thing.name.text == name; });
  if (found == things.end()) return std::nullopt;
  return static_cast<std::size_t>(found - things.begin());
}

std::vector<std::string> names_of(const auto& things) {
  std::vector<std::string> names;
  for (const auto& thing : things) names.push_back(thing.name.text);
  return names;
}

steering::Share to_share(double value) {
  return static_cast<steering::Share>(std::lround(value * steering::kFull));
}

void put_16(std::vector<std::uint8_t>& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

/// A pool that is another name has no weight to hold against the others', and may carry all clients there
/// are: such a service never has too little.
steering::Share min_capacity_of(const config::Service& service) {
  const bool has_alias =
      std::any_of(service.pools.begin(), service.pools.end(),
                  [](const config::Pool& pool) { return !pool.cname.empty() && !pool.force_down; });
  return has_alias ? 0 : to_share(service.min_serving_capacity);
}

class ServiceCompiler {
 public:
  ServiceCompiler(const config::LoadedMap& loaded, const config::MapDirectory& model,
                  const std::vector<MapRules>& maps, query::Snapshot& snapshot,
                  base::Diagnostics& diagnostics)
      : loaded_(loaded), model_(model), maps_(maps), snapshot_(snapshot), diagnostics_(diagnostics) {}

  std::vector<OwnPool> run() {
    for (const auto& service : model_.services) {
      auto compiled = compile_service(service);
      compiled.id = static_cast<base::ServiceId>(snapshot_.services.size());
      snapshot_.services.push_back(std::move(compiled));
    }
    // Views look at pools of other services, so they come when all pools are there.
    for (std::size_t i = 0; i < model_.services.size(); ++i) {
      if (model_.services[i].view) compile_view(model_.services[i], snapshot_.services[i]);
    }
    return std::move(own_pools_);
  }

 private:
  query::Service compile_service(const config::Service& service) {
    query::Service compiled;
    compiled.name = dns::to_string(service.owner);
    compiled.key = query::stable_hash(compiled.name);
    compiled.ttl_s = service.ttl_s;
    compiled.ttl_min_s = service.ttl_min_s;
    compiled.min_capacity = min_capacity_of(service);
    compiled.answer = static_cast<std::uint8_t>(service.answer);
    compiled.sticky = service.sticky;
    compiled.use_client_subnet = service.use_client_subnet;
    compiled.overprovision = to_share(service.overprovision);
    compiled.pools.assign(snapshot_.datacenters.size(), base::kNoPool);
    if (service.view) return compiled;
    const auto map = find_index(model_.maps, service.map.text);
    if (map) {
      compiled.map = static_cast<base::MapId>(*map);
    } else if (loaded_.maps_complete) {
      diagnostics_.error(service.map.where,
                         fmt::format("map '{}' is not defined{}", service.map.text,
                                     base::suggestion(service.map.text, names_of(model_.maps))));
    }
    for (const auto& pool : service.pools) add_pool(service, pool, compiled);
    compile_on_all_down(service, compiled);
    if (map && !maps_.empty()) check_only_rules(service, compiled, maps_[*map]);
    return compiled;
  }

  void add_pool(const config::Service& service, const config::Pool& pool, query::Service& compiled) {
    const auto datacenter = find_index(model_.datacenters, pool.datacenter.text);
    if (!datacenter) {
      if (!loaded_.datacenters_complete) return;
      diagnostics_.error(pool.datacenter.where,
                         fmt::format("pool of '{}': datacenter '{}' is not defined{}", service.name.text,
                                     pool.datacenter.text,
                                     base::suggestion(pool.datacenter.text, names_of(model_.datacenters))));
      return;
    }
    const auto id = add_content(static_cast<base::DatacenterId>(*datacenter), pool, service);
    pool_ids_.emplace(&pool, id);
    own_pools_.push_back({&service, &pool, id});
    // Configured, not yet in use: no map may choose it, but a view of this datacenter can show it.
    if (!pool.force_down) compiled.pools[*datacenter] = id;
  }

  base::PoolId add_content(base::DatacenterId datacenter, const config::Pool& content,
                           const config::Service& service) {
    const auto& endpoints = content.endpoints;
    const auto ttl_s = service.ttl_s;
    query::Pool pool;
    pool.datacenter = datacenter;
    pool.at_least = to_share(content.at_least);
    add_targets(content, service, pool);
    pool.v4 = add_range(endpoints, base::Family::V4, ttl_s);
    pool.v6 = add_range(endpoints, base::Family::V6, ttl_s);
    for (const auto& endpoint : endpoints) pool.total_weight += endpoint.weight;
    snapshot_.pools.push_back(pool);
    return static_cast<base::PoolId>(snapshot_.pools.size() - 1);
  }

  void add_targets(const config::Pool& content, const config::Service& service, query::Pool& pool) {
    pool.targets_begin = static_cast<std::uint32_t>(snapshot_.targets.size());
    for (const auto& target : content.cname) {
      if (target.name == service.owner) {
        diagnostics_.error(target.where, fmt::format("'{}' is an alias for itself; name another name or list "
                                                     "addresses",
                                                     service.name.text));
      }
      const auto wire = target.name.view().wire();
      snapshot_.targets.push_back({query::stable_hash(dns::to_string(target.name)),
                                   static_cast<std::uint32_t>(snapshot_.records.size()),
                                   static_cast<std::uint16_t>(target.weight)});
      put_16(snapshot_.records, wire.size());
      snapshot_.records.insert(snapshot_.records.end(), wire.begin(), wire.end());
    }
    pool.targets_end = static_cast<std::uint32_t>(snapshot_.targets.size());
  }

  query::EndpointRange add_range(const std::vector<config::PoolEndpoint>& endpoints, base::Family family,
                                 std::uint32_t ttl_s) {
    query::EndpointRange range;
    range.begin = static_cast<std::uint32_t>(snapshot_.endpoints.size());
    for (const auto& endpoint : endpoints) {
      if (endpoint.address.family != family) continue;
      snapshot_.endpoints.push_back({endpoint.address, static_cast<std::uint16_t>(endpoint.weight)});
    }
    range.end = static_cast<std::uint32_t>(snapshot_.endpoints.size());
    render(range, ttl_s);
    return range;
  }

  void render(query::EndpointRange& range, std::uint32_t ttl_s) {
    range.records_at = static_cast<std::uint32_t>(snapshot_.records.size());
    for (std::size_t i = range.begin; i < range.end; ++i) render(snapshot_.endpoints[i].address, ttl_s);
  }

  /// owner 0xC00C · TYPE · CLASS IN · TTL (32 bits) · RDLENGTH · address
  void render(const base::IpAddress& address, std::uint32_t ttl_s) {
    auto& out = snapshot_.records;
    put_16(out, 0xc00c);
    put_16(out,
           static_cast<std::size_t>(address.family == base::Family::V4 ? dns::Rtype::A : dns::Rtype::Aaaa));
    put_16(out, static_cast<std::size_t>(dns::Rclass::In));
    put_16(out, ttl_s >> 16);
    put_16(out, ttl_s & 0xffff);
    put_16(out, address.span().size());
    out.insert(out.end(), address.span().begin(), address.span().end());
  }

  void compile_on_all_down(const config::Service& service, query::Service& compiled) {
    switch (service.on_all_down.action) {
      case config::OnAllDown::Action::AnswerAnyway:
        compiled.on_all_down = query::OnAllDown::AnswerAnyway;
        break;
      case config::OnAllDown::Action::NoData:
        compiled.on_all_down = query::OnAllDown::NoData;
        break;
      case config::OnAllDown::Action::ServFail:
        compiled.on_all_down = query::OnAllDown::ServFail;
        break;
      case config::OnAllDown::Action::SorryPool:
        compiled.on_all_down = query::OnAllDown::SorryPool;
        compiled.sorry_pool = add_content({}, service.on_all_down.sorry, service);
        break;
    }
  }

  /// A rule that keeps clients to datacenters in which the service does not run would answer them nothing.
  void check_only_rules(const config::Service& service, const query::Service& compiled, const MapRules& map) {
    // A pool whose datacenter is misspelt may be the very one that is missing here.
    const bool all_known =
        std::all_of(service.pools.begin(), service.pools.end(), [&](const config::Pool& pool) {
          return find_index(model_.datacenters, pool.datacenter.text).has_value();
        });
    if (!loaded_.datacenters_complete || !all_known) return;
    check_only_rules(service, compiled, map, map.rules.rules());
    if (map.resolvers) check_only_rules(service, compiled, map, map.resolvers->rules());
  }

  void check_only_rules(const config::Service& service, const query::Service& compiled, const MapRules& map,
                        const std::vector<config::Rule>& rules) {
    for (const auto& rule : rules) {
      if (rule.order != config::Rule::Order::Only || rule.tiers.empty()) continue;
      const auto tiers = map.order.tiers(rule, std::nullopt);
      const bool has_pool = std::any_of(tiers.begin(), tiers.end(), [&](const steering::TierEntry& entry) {
        return compiled.pools[base::index_of(entry.datacenter)] != base::kNoPool;
      });
      if (has_pool || tiers.empty()) continue;
      std::vector<std::string> names;
      for (const auto& entry : tiers)
        names.push_back(model_.datacenters[base::index_of(entry.datacenter)].name.text);
      diagnostics_.error(service.name.where,
                         fmt::format("'{}' has no pool in use in any datacenter of the rule at {} (only: "
                                     "[{}]); add a pool there, or "
                                     "write 'only: []' if these clients are to get no answer",
                                     service.name.text, base::to_string(rule.where), fmt::join(names, ", ")));
    }
  }

  std::vector<std::string> names_with_pools() const {
    std::vector<std::string> names;
    for (const auto& service : model_.services) {
      if (!service.view) names.push_back(service.name.text);
    }
    return names;
  }

  void compile_view(const config::Service& service, query::Service& compiled) {
    const auto of = find_index(model_.services, service.view->of.text);
    if (!of || model_.services[*of].view) {
      if (!loaded_.services_complete && !of) return;
      diagnostics_.error(service.view->of.where,
                         fmt::format("'{}' is not a service with pools of its own{}", service.view->of.text,
                                     base::suggestion(service.view->of.text, names_with_pools())));
      return;
    }
    const auto& target = model_.services[*of];
    const auto pool = std::find_if(target.pools.begin(), target.pools.end(), [&](const config::Pool& p) {
      return p.datacenter.text == service.view->datacenter.text;
    });
    if (pool == target.pools.end()) {
      std::vector<std::string> names;
      for (const auto& p : target.pools) names.push_back(p.datacenter.text);
      diagnostics_.error(
          service.view->datacenter.where,
          fmt::format("'{}' has no pool in datacenter '{}'{}", target.name.text,
                      service.view->datacenter.text, base::suggestion(service.view->datacenter.text, names)));
      return;
    }
    const auto id = pool_ids_.find(&*pool);
    if (id == pool_ids_.end()) return;  // told by add_pool
    // The same endpoints with records of their own: the TTL is the view's.
    auto copy = snapshot_.pools[base::index_of(id->second)];
    render(copy.v4, service.ttl_s);
    render(copy.v6, service.ttl_s);
    compiled.fixed_pool = static_cast<base::PoolId>(snapshot_.pools.size());
    snapshot_.pools.push_back(copy);
  }

  const config::LoadedMap& loaded_;
  const config::MapDirectory& model_;
  const std::vector<MapRules>& maps_;
  query::Snapshot& snapshot_;
  base::Diagnostics& diagnostics_;
  std::map<const config::Pool*, base::PoolId> pool_ids_;
  std::vector<OwnPool> own_pools_;
};

/// The types a name is steered for: all where an answer may be a CNAME.
zone::SteeredTypes steered_types(const config::Service& service, const std::vector<config::Service>& all) {
  const auto is_alias = [](const config::Pool& pool) { return !pool.cname.empty(); };
  bool has_alias = is_alias(service.on_all_down.sorry) ||
                   std::any_of(service.pools.begin(), service.pools.end(), is_alias);
  if (service.view) {
    const auto of = find_index(all, service.view->of.text);
    const auto& pools = of ? all[*of].pools : service.pools;
    has_alias = std::any_of(pools.begin(), pools.end(), [&](const config::Pool& pool) {
      return is_alias(pool) && pool.datacenter.text == service.view->datacenter.text;
    });
  }
  return has_alias ? zone::SteeredTypes::All : zone::SteeredTypes::Addresses;
}

}  // namespace

void compile_services(const config::LoadedMap& loaded, const config::MapDirectory& model,
                      const std::vector<MapRules>& maps, query::Snapshot& snapshot,
                      base::Diagnostics& diagnostics) {
  const auto pools = ServiceCompiler(loaded, model, maps, snapshot, diagnostics).run();
  compile_checks(loaded, model, pools, snapshot, diagnostics);
}

void add_steered_names(const config::MapDirectory& model, std::vector<zone::ZoneBuilder>& builders,
                       base::Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < model.services.size(); ++i) {
    const auto& service = model.services[i];
    // The innermost zone that holds the name: a name of a child zone is the child's.
    std::optional<std::size_t> best;
    for (std::size_t z = 0; z < model.zones.size(); ++z) {
      const auto& apex = model.zones[z].apex;
      if (!service.owner.view().is_at_or_under(apex)) continue;
      if (!best || apex.view().size() > model.zones[*best].apex.view().size()) best = z;
    }
    if (best) {
      builders[*best].add_steered(service.owner, static_cast<base::ServiceId>(i), service.name.where,
                                  steered_types(service, model.services));
    } else {
      diagnostics.error(
          service.name.where,
          fmt::format("'{}' lies in none of the zones under {}/zones; add the zone file, or correct the name",
                      service.name.text, model.path));
    }
  }
}

void check_aliases(const config::MapDirectory& model, const zone::ZoneSet& zones,
                   base::Diagnostics& warnings) {
  const auto check = [&](const config::Service& service, const config::Pool& pool) {
    for (const auto& target : pool.cname) {
      const auto* zone = zones.find(target.name);
      if (zone == nullptr || zone->lookup(target.name, dns::Rtype::A).outcome != zone::Outcome::NxDomain)
        continue;
      warnings.warning(target.where, fmt::format("'{}' leads to '{}', which does not exist in '{}'; add its "
                                                 "records there",
                                                 service.name.text, dns::to_string(target.name),
                                                 dns::to_string(zone->apex())));
    }
  };
  for (const auto& service : model.services) {
    for (const auto& pool : service.pools) check(service, pool);
    check(service, service.on_all_down.sorry);
  }
}

}  // namespace meridian::compile
