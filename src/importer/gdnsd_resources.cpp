// Resources of gdnsd's plugins → what a service needs: a map, pools, and how many addresses to answer.
#include "config/ranges.hpp"
#include "importer/gdnsd_parts.hpp"
#include "importer/gdnsd_pools.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian::importer {
namespace {

using Order = config::Rule::Order;

/// The most addresses of one family in a pool.
std::uint32_t family_count(const config::Pool& pool) {
  const auto v4 = std::ranges::count_if(pool.endpoints, [](const config::PoolEndpoint& endpoint) {
    return endpoint.address.family == base::Family::V4;
  });
  const auto all = std::ranges::ssize(pool.endpoints);
  return static_cast<std::uint32_t>(std::max(v4, all - v4));
}

class ResourceBuilder {
 public:
  ResourceBuilder(GdnsdContext& context, std::string_view name) : context_(context), name_(name) {}

  /// A resource of multifo, weighted or simplefo by itself.
  void build_plain(const GdnsdPool& pool, const base::Location& where) {
    if (!pool.cname.empty()) {
      result_.cname = pool.cname;
      return;
    }
    if (pool.pool.endpoints.empty()) return;
    if (pool.secondary.empty()) {
      add_pool(context_.datacenter("any", {}), pool, where);
      result_.map = context_.list_map("any", {"any"}, {});
      return finish(where);
    }
    const std::vector<std::string> both{context_.datacenter("primary", {}),
                                        context_.datacenter("secondary", {})};
    add_pool(both[0], pool, where);
    GdnsdPool secondary;
    secondary.pool.endpoints = pool.secondary;
    secondary.pool.force_down = pool.pool.force_down;
    add_pool(both[1], secondary, where);
    result_.map = context_.list_map("primary-secondary", both, {});
    finish(where);
  }

  void build_static(const VscfNode& value) {
    result_.address = base::parse_ip_address(value.text);
    if (!result_.address) result_.cname = value.text;
  }

  /// A resource of geoip or metafo; `only` is one datacenter of it, or empty. `top` is the plugin's hash.
  void build_meta(const VscfNode& node, const VscfNode& top, std::string_view plugin, std::string_view only) {
    const auto* dcmap = node.find("dcmap");
    if (dcmap == nullptr || !dcmap->is_hash()) {
      context_.errors.error(node.where, fmt::format("resource '{}' has no 'dcmap'", name_));
      return;
    }
    const auto datacenters = read_datacenters(node, plugin);
    if (datacenters.empty()) return;
    const GdnsdScopes scopes{&node, &top};
    std::string sole_cname;
    for (const auto& entry : dcmap->entries) {
      if (!only.empty() && entry.key != only) continue;
      if (std::ranges::find(datacenters, entry.key) == datacenters.end()) {
        context_.errors.error(
            entry.where, fmt::format("'{}' is not among the datacenters of resource '{}'{}", entry.key, name_,
                                     base::suggestion(entry.key, datacenters)));
        continue;
      }
      const auto pool = read_datacenter(entry, scopes);
      if (!pool.cname.empty()) tell_cname(entry, pool.cname, only, sole_cname);
      if (!pool.pool.endpoints.empty()) add_datacenter_pool(entry, pool);
    }
    result_.cname = sole_cname;
    if (result_.pools.empty()) return;
    if (only.empty()) {
      choose_map(node, plugin, datacenters);
    } else {
      result_.map = context_.list_map("only-" + result_.pools.front().datacenter.text,
                                      {result_.pools.front().datacenter.text}, {});
    }
    finish(node.where);
  }

  [[nodiscard]] GdnsdResource take() { return std::move(result_); }

 private:
  void gap(const base::Location& where, std::string what) { context_.report.gap(where, std::move(what)); }

  void add_pool(const std::string& datacenter, const GdnsdPool& from, const base::Location& where) {
    config::Pool pool = from.pool;
    pool.datacenter = {datacenter, where};
    const auto there = family_count(pool);
    wanted_.push_back(from.answer == 0 ? there : std::min(from.answer, there));
    is_all_ = is_all_ && wanted_.back() == there;
    result_.pools.push_back(std::move(pool));
  }

  void add_datacenter_pool(const VscfEntry& entry, const GdnsdPool& pool) {
    for (const auto& endpoint : pool.secondary) {
      gap(endpoint.where,
          fmt::format("secondary {} of datacenter '{}': a pool has no order of its own; only the primary "
                      "is in it",
                      base::to_string(endpoint.address), entry.key));
    }
    add_pool(context_.datacenter(entry.key, entry.where), pool, entry.where);
  }

  /// With one datacenter alone, a name of its own is a CNAME record; among others it would need a pool.
  void tell_cname(const VscfEntry& entry, const std::string& cname, std::string_view only,
                  std::string& sole) {
    if (!only.empty()) {
      sole = cname;
      return;
    }
    gap(entry.value.where,
        fmt::format("datacenter '{}' of resource '{}' answers with CNAME {}: pools of names are not in "
                    "this version; its clients get the next datacenter of their list",
                    entry.key, name_, cname));
  }

  std::vector<std::string> read_datacenters(const VscfNode& node, std::string_view plugin) {
    if (plugin == "geoip") {
      const auto* map = node.find("map");
      const auto found = map != nullptr ? context_.geoip_maps.find(map->text) : context_.geoip_maps.end();
      if (found != context_.geoip_maps.end()) return found->second.datacenters;
      context_.errors.error(map != nullptr ? map->where : node.where,
                            fmt::format("resource '{}' names no map of plugin geoip", name_));
      return {};
    }
    std::vector<std::string> names;
    const auto* list = node.find("datacenters");
    if (list == nullptr) {
      context_.errors.error(node.where, fmt::format("resource '{}' has no 'datacenters'", name_));
      return {};
    }
    for (const auto* item : list->values()) {
      if (std::ranges::find(names, item->text) == names.end()) names.push_back(item->text);
    }
    return names;
  }

  GdnsdPool read_reference(const VscfEntry& entry, std::string_view plugin, std::string_view resource) {
    const auto* top = context_.plugins->find(plugin);
    const auto* node = top != nullptr ? top->find(resource) : nullptr;
    if (plugin == "geoip" || plugin == "metafo") {
      gap(entry.value.where,
          fmt::format("datacenter '{}' of resource '{}' is the resource {} of plugin {}: a pool has "
                      "addresses only; its clients get the next datacenter of their list",
                      entry.key, name_, resource, plugin));
      return {};
    }
    if (node == nullptr) {
      context_.errors.error(entry.value.where,
                            fmt::format("there is no resource '{}' of plugin {}", resource, plugin));
      return {};
    }
    context_.used.insert(fmt::format("{}!{}", plugin, resource));
    return read_by_plugin(*node, plugin, {top}, entry);
  }

  GdnsdPool read_by_plugin(const VscfNode& node, std::string_view plugin, const GdnsdScopes& scopes,
                           const VscfEntry& entry) {
    if (plugin == "multifo") return read_multifo(node, scopes, context_);
    if (plugin == "weighted") return read_weighted(node, scopes, context_);
    if (plugin == "simplefo") return read_simplefo(node, scopes, context_);
    if (plugin == "static" && node.is_text()) {
      if (base::parse_ip_address(node.text)) return read_multifo(node, {}, context_);
      GdnsdPool pool;
      pool.cname = node.text;
      return pool;
    }
    gap(entry.value.where, fmt::format("datacenter '{}' of resource '{}' is made by plugin {}: it has no "
                                       "counterpart; its clients get the next datacenter of their list",
                                       entry.key, name_, plugin));
    return {};
  }

  std::string default_plugin(const GdnsdScopes& scopes) {
    const auto* plugin = find_inherited(scopes, "plugin");
    return plugin != nullptr ? plugin->text : "multifo";
  }

  /// `dc => …`: a reference, an address, a list of them, a name, or a hash for a plugin.
  GdnsdPool read_datacenter(const VscfEntry& entry, const GdnsdScopes& scopes) {
    const auto& value = entry.value;
    if (value.is_hash()) {
      GdnsdScopes own{&value};
      own.insert(own.end(), scopes.begin(), scopes.end());
      return read_by_plugin(value, default_plugin(own), scopes, entry);
    }
    if (value.is_list() || base::parse_ip_address(value.text)) return read_multifo(value, scopes, context_);
    if (value.text.starts_with('!'))
      return read_reference(entry, default_plugin(scopes), value.text.substr(1));
    if (value.text.starts_with('%')) {
      const auto sign = value.text.find('!');
      const auto resource = sign == std::string::npos ? std::string{} : value.text.substr(sign + 1);
      return read_reference(entry, value.text.substr(1, sign - 1), resource);
    }
    GdnsdPool pool;
    pool.cname = value.text;
    return pool;
  }

  [[nodiscard]] bool has_pool(std::string_view datacenter) const {
    return std::ranges::any_of(result_.pools,
                               [&](const config::Pool& pool) { return pool.datacenter.text == datacenter; });
  }

  void choose_map(const VscfNode& node, std::string_view plugin,
                  const std::vector<std::string>& datacenters) {
    const auto* skip = node.find("skip_first");
    const bool skip_first = skip != nullptr && read_bool(*skip, context_.errors);
    if (plugin == "metafo") {
      std::vector<std::string> ours;
      for (const auto& name : datacenters) ours.push_back(context_.datacenter(name, node.where));
      std::erase_if(ours, [&](const std::string& name) { return !has_pool(name); });
      if (skip_first && ours.size() > 1) ours.erase(ours.begin());
      result_.map = context_.list_map(name_, ours, node.where);
      return;
    }
    const auto& info = context_.geoip_maps.at(node.find("map")->text);
    result_.ignore_client_subnet = info.ignore_client_subnet;
    result_.map = fit_map(info.name, skip_first ? skip : nullptr);
  }

  /// The map itself, or a copy of it for this resource: without datacenters that come first and are to be
  /// skipped, and with no answer where none of a list's datacenters has addresses.
  std::string fit_map(const std::string& name, const VscfNode* skip_first) {
    config::Map copy = *context_.find_map(name);
    bool differs = false;
    for (auto& rule : copy.rules) {
      if (rule.order != Order::Only) {
        if (skip_first == nullptr) continue;
        gap(skip_first->where,
            fmt::format("skip_first of resource '{}' with a map that has automatic lists: the first of "
                        "the nearest can't be left out",
                        name_));
        return {};
      }
      auto tiers = rule.tiers;
      std::erase_if(tiers, [&](const config::Tier& tier) { return !has_pool(tier.front().name.text); });
      if (skip_first != nullptr && tiers.size() > 1) tiers.erase(tiers.begin());
      if (tiers.empty() != rule.tiers.empty() || skip_first != nullptr) {
        rule.tiers = std::move(tiers);
        differs = true;
      }
    }
    if (!differs) return name;
    copy.name.text = context_.maps.take(fmt::format("{}-{}", name, name_));
    context_.out.model.maps.push_back(copy);
    return copy.name.text;
  }

  /// How many addresses an answer has; pools of one service share that.
  void finish(const base::Location& where) {
    const auto most = *std::ranges::max_element(wanted_);
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (wanted_[i] < std::min(most, family_count(result_.pools[i]))) {
        gap(result_.pools[i].datacenter.where, fmt::format("resource '{}' answers with {} addresses here and "
                                                           "{} elsewhere: a service has one 'answer', {}",
                                                           name_, wanted_[i], most, most));
      }
    }
    if (most > base::limits::kAnswerAddressesMax) {
      gap(where, fmt::format("resource '{}' answers with {} addresses: an answer has at most {} here", name_,
                             most, base::limits::kAnswerAddressesMax));
    }
    const auto fitting = std::min<std::uint32_t>(most, base::limits::kAnswerAddressesMax);
    if (!is_all_ || fitting > result_.answer) result_.answer = fitting;
  }

  GdnsdContext& context_;
  std::string name_;
  GdnsdResource result_;
  std::vector<std::uint32_t> wanted_;  ///< addresses in one answer, for each pool
  bool is_all_ = true;                 ///< every pool answers with all it has
};

/// The hash that holds a plugin's resources.
const VscfNode* resources_of(const VscfNode& plugin_top, std::string_view plugin) {
  return plugin == "geoip" || plugin == "metafo" ? plugin_top.find("resources") : &plugin_top;
}

}  // namespace

const GdnsdResource* GdnsdResources::find(std::string_view plugin, std::string_view name) {
  const auto key = fmt::format("{}!{}", plugin, name);
  const auto known = built_.find(key);
  if (known != built_.end()) return &known->second;
  const bool is_meta = plugin == "geoip" || plugin == "metafo";
  const auto slash = is_meta ? name.find('/') : std::string_view::npos;
  const auto resource = name.substr(0, slash);
  const auto only = slash == std::string_view::npos ? std::string_view{} : name.substr(slash + 1);
  const auto* top = context_->plugins != nullptr ? context_->plugins->find(plugin) : nullptr;
  const auto* all = top != nullptr ? resources_of(*top, plugin) : nullptr;
  const auto* node = all != nullptr ? all->find(resource) : nullptr;
  if (node == nullptr) return nullptr;
  ResourceBuilder builder(*context_, resource);
  if (is_meta) {
    builder.build_meta(*node, *top, plugin, only);
  } else if (plugin == "static") {
    builder.build_static(*node);
  } else if (plugin == "multifo") {
    builder.build_plain(read_multifo(*node, {top}, *context_), node->where);
  } else if (plugin == "weighted") {
    builder.build_plain(read_weighted(*node, {top}, *context_), node->where);
  } else if (plugin == "simplefo") {
    builder.build_plain(read_simplefo(*node, {top}, *context_), node->where);
  }
  context_->used.insert(fmt::format("{}!{}", plugin, resource));
  return &built_.emplace(key, builder.take()).first->second;
}

void GdnsdResources::note_unused() const {
  if (context_->plugins == nullptr) return;
  for (const auto& plugin : context_->plugins->entries) {
    const auto* all = plugin.value.is_hash() ? resources_of(plugin.value, plugin.key) : nullptr;
    if (all == nullptr || plugin.key == "null" || plugin.key == "reflect") continue;
    for (const auto& entry : all->entries) {
      const bool is_setting = entry.key == "service_types" || entry.key == "up_thresh" ||
                              entry.key == "multi" || entry.key == "ignore_health";
      if (is_setting || context_->used.contains(fmt::format("{}!{}", plugin.key, entry.key))) continue;
      context_->report.note(entry.where,
                            fmt::format("resource {}!{}: no zone has a record for it, so no service has its "
                                        "addresses",
                                        plugin.key, entry.key));
    }
  }
}

}  // namespace meridian::importer
