#include "base/limits.hpp"
#include "config/anycast.hpp"
#include "config/parse.hpp"
#include "config/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace meridian::config {
namespace {

namespace limits = base::limits;

/// RFC 7607: 0 is no system. RFC 6793: 23456 stands for those that do not fit into 16 bits.
constexpr std::uint32_t kAsTrans = 23'456;

std::optional<base::IpAddress> read_address(const YamlValue& value) {
  const auto text = value.read_text();
  if (!text) return std::nullopt;
  const auto address = base::parse_ip_address(text->text);
  if (!address) value.error(fmt::format("{} is no IP address", quoted(text->text)));
  return address;
}

std::optional<base::IpPrefix> read_prefix(const YamlValue& value) {
  const auto text = value.read_text();
  if (!text) return std::nullopt;
  const auto prefix = base::parse_ip_prefix(text->text);
  if (prefix) return *prefix;
  value.error(prefix.error());
  return std::nullopt;
}

std::uint32_t read_as(const YamlValue& value) {
  const auto number = value.read_integer(1, 0xffff'ffff);
  if (!number) return 0;
  if (*number != kAsTrans) return *number;
  value.error("23456 is no system of anybody: it stands for numbers that do not fit into 16 bits (RFC 6793)");
  return 0;
}

/// Entries with names of the operator's own, each at most once and not too many.
template <typename Item, typename Parse>
std::vector<Item> read_named(const YamlValue& value, std::string_view what, std::size_t max, Parse parse) {
  std::vector<Item> items;
  const auto entries = value.read_entries();
  if (!entries) return items;
  if (entries->empty()) value.error(fmt::format("{} names none", quoted(value.label())));
  if (entries->size() > max) {
    value.error(
        fmt::format("{} names {}; at most {} are taken", quoted(value.label()), entries->size(), max));
    return items;
  }
  for (const auto& entry : *entries) {
    const auto name = read_name(entry.key, what);
    auto item = parse(entry.value);
    if (!name || !item) continue;
    item->name = name->text;
    item->where = entry.key.where();
    items.push_back(std::move(*item));
  }
  return items;
}

std::vector<YamlValue> read_items(const YamlValue& value, std::size_t max) {
  const auto items = value.read_list();
  if (!items) return {};
  if (items->size() <= max) return *items;
  value.error(fmt::format("{} lists {}; at most {} are taken", quoted(value.label()), items->size(), max));
  return {};
}

std::optional<AnycastVip> parse_vip(const YamlValue& value) {
  const auto keys = value.read_mapping(object_spec(ObjectKind::AnycastVip));
  if (!keys) return std::nullopt;
  const auto address_value = keys->find("address");
  const auto prefix_value = keys->find("prefix");
  const auto address = address_value ? read_address(*address_value) : std::nullopt;
  const auto prefix = prefix_value ? read_prefix(*prefix_value) : std::nullopt;
  if (!address || !prefix) return std::nullopt;
  if (address->family != prefix->address.family || !prefix->contains(*address)) {
    prefix_value->error(fmt::format("{} does not hold {}: nobody would find the way to it",
                                    base::to_string(*prefix), base::to_string(*address)));
    return std::nullopt;
  }
  return AnycastVip{.name = {}, .address = *address, .prefix = *prefix, .where = {}};
}

void parse_drain_communities(const YamlValue& value, AnycastNeighbor& neighbor) {
  for (const auto& item : read_items(value, ranges::kDrainCommunitiesMax)) {
    const auto text = item.read_text();
    if (!text) continue;
    if (const auto community = base::parse_community(text->text)) {
      neighbor.drain_communities.push_back(*community);
    } else if (const auto large = base::parse_large_community(text->text)) {
      neighbor.drain_large_communities.push_back(*large);
    } else {
      item.error(
          fmt::format("{} is no community; write its numbers, 64496:80 or 64496:1:2", quoted(text->text)));
    }
  }
}

std::optional<AnycastNeighbor> parse_neighbor(const YamlValue& value) {
  const auto keys = value.read_mapping(object_spec(ObjectKind::AnycastNeighbor));
  if (!keys) return std::nullopt;
  AnycastNeighbor neighbor;
  const auto address_value = keys->find("address");
  const auto local_value = keys->find("local");
  const auto address = address_value ? read_address(*address_value) : std::nullopt;
  const auto local = local_value ? read_address(*local_value) : std::nullopt;
  if (const auto as = keys->find("as")) neighbor.as = read_as(*as);
  if (const auto hold = keys->find("hold"))
    neighbor.hold_s = hold->read_integer(ranges::kHoldSecondsMin, ranges::kHoldSecondsMax).value_or(9);
  if (const auto multihop = keys->find("multihop"))
    neighbor.is_multihop = multihop->read_boolean().value_or(false);
  if (const auto file = keys->find("password"))
    neighbor.password_file = file->read_text().value_or(Word{}).text;
  if (const auto drain = keys->find("drain_communities")) parse_drain_communities(*drain, neighbor);
  if (!address || !local || neighbor.as == 0) return std::nullopt;
  if (address->family != local->family) {
    local_value->error(fmt::format("{} and {} are of different families", base::to_string(*local),
                                   base::to_string(*address)));
    return std::nullopt;
  }
  neighbor.address = *address;
  neighbor.local = *local;
  return neighbor;
}

void parse_expected(const YamlValue& value, AnycastQuery& query) {
  if (value.is_text()) {
    const auto text = value.read_text();
    if (text && text->text != "nxdomain")
      value.error(fmt::format("{} is neither `nxdomain` nor a list of addresses", quoted(text->text)));
    query.expects_nxdomain = true;
    return;
  }
  for (const auto& item : read_items(value, limits::kAnswerAddressesMax)) {
    const auto address = read_address(item);
    if (!address) continue;
    const auto wanted = query.type == dns::Rtype::A ? base::Family::V4 : base::Family::V6;
    if ((query.type != dns::Rtype::A && query.type != dns::Rtype::Aaaa) || address->family != wanted) {
      item.error(fmt::format("{} is in no {} record", base::to_string(*address), dns::to_string(query.type)));
      continue;
    }
    query.addresses.push_back(*address);
  }
}

std::optional<AnycastQuery> parse_query(const YamlValue& value) {
  const auto keys = value.read_mapping(object_spec(ObjectKind::AnycastQuery));
  if (!keys) return std::nullopt;
  AnycastQuery query;
  const auto name_value = keys->find("name");
  const auto name_text = name_value ? name_value->read_text() : std::nullopt;
  const auto name = name_text ? parse_dns_name(*name_value, name_text->text) : std::nullopt;
  if (const auto type = keys->find("type")) {
    const auto text = type->read_text();
    const auto known = text ? dns::parse_rtype(text->text) : std::nullopt;
    if (text && !known) type->error(fmt::format("{} is no record type", quoted(text->text)));
    query.type = known.value_or(query.type);
  }
  if (const auto subnet = keys->find("for")) query.client_subnet = read_prefix(*subnet);
  if (const auto expect = keys->find("expect")) parse_expected(*expect, query);
  if (!name) return std::nullopt;
  query.name = *name;
  return query;
}

std::optional<AnycastCheck> parse_local_check(const YamlValue& value) {
  const auto keys = value.read_mapping(object_spec(ObjectKind::AnycastCheck));
  if (!keys) return std::nullopt;
  AnycastCheck check;
  const auto command = keys->find("command");
  const auto file = keys->find("file");
  const auto unit = keys->find("unit");
  const auto age = keys->find("younger_than");
  const int count = int{command.has_value()} + int{file.has_value()} + int{unit.has_value()};
  if (count != 1) {
    value.error("a check is one of 'command', 'file' and 'unit'");
    return std::nullopt;
  }
  if (file.has_value() != age.has_value()) {
    value.error("'file' and 'younger_than' belong together");
    return std::nullopt;
  }
  if (command) {
    for (const auto& word : read_items(*command, limits::kCheckCommandWordsMax))
      check.command.push_back(word.read_text().value_or(Word{}).text);
    if (!check.command.empty() && check.command.front().starts_with('/')) return check;
    command->error("'command' begins with the path of a program, from / on");
    return std::nullopt;
  }
  if (file) {
    check.kind = AnycastCheck::Kind::File;
    check.file = file->read_text().value_or(Word{}).text;
    check.younger_than_s = age->read_seconds(ranges::kTtlSecondsMax).value_or(0);
    if (check.younger_than_s == 0) age->error("no file is younger than 0 seconds");
    return check;
  }
  check.kind = AnycastCheck::Kind::Unit;
  check.unit = unit->read_text().value_or(Word{}).text;
  return check;
}

void parse_drain(const YamlValue& value, Anycast& anycast) {
  const auto keys = value.read_mapping(object_spec(ObjectKind::DrainTimes));
  if (!keys) return;
  const auto read = [&](std::string_view key, std::uint32_t& into) {
    if (const auto time = keys->find(key)) into = time->read_seconds(ranges::kTtlSecondsMax).value_or(into);
  };
  read("at_least", anycast.drain_min_s);
  read("at_most", anycast.drain_max_s);
  if (anycast.drain_min_s > anycast.drain_max_s) value.error("'at_least' is more than 'at_most'");
}

AnycastAgent parse_agent(const YamlValue& value) {
  AnycastAgent agent;
  const auto keys = value.read_mapping(object_spec(ObjectKind::AnycastAgent));
  if (!keys) return agent;
  agent.where = value.where();
  const auto read = [&](std::string_view key, std::string& into) {
    if (const auto path = keys->find(key)) into = path->read_text().value_or(Word{}).text;
  };
  read("control", agent.control);
  read("bridge", agent.bridge);
  read("liveness", agent.liveness);
  read("state", agent.state);
  if (const auto http = keys->find("http")) agent.http = parse_loopback_http(*http);
  return agent;
}

/// The rules that more than one value has a part in.
class AnycastRules {
 public:
  AnycastRules(const YamlValue& value, const Anycast& anycast) : value_(value), anycast_(anycast) {}

  void check() const {
    for (const auto& vip : anycast_.vips) {
      check_length(vip.prefix, vip.where, vip.name);
      check_alone(vip);
      check_neighbor(vip);
    }
    for (const auto& prefix : anycast_.covering) check_covering(prefix);
    for (const auto& neighbor : anycast_.neighbors) check_ends(neighbor);
    check_router_id();
    check_route_count();
  }

 private:
  void error(const base::Location& where, std::string message) const {
    value_.diagnostics().error(where, std::move(message));
  }

  void check_length(const base::IpPrefix& prefix, const base::Location& where,
                    const std::string& name) const {
    const unsigned longest = prefix.address.family == base::Family::V4 ? 24 : 48;
    if (anycast_.is_internal || prefix.bits <= longest) return;
    error(where,
          fmt::format("'{}': {} is longer than /{}, which the Internet filters; 'internal: true' allows it "
                      "in a network of your own",
                      name, base::to_string(prefix), longest));
  }

  /// Were a prefix to lead to two VIPs, the fault of one would take the other away.
  void check_alone(const AnycastVip& vip) const {
    for (const auto& other : anycast_.vips) {
      if (&other == &vip) return;
      if (vip.address == other.address)
        error(vip.where, fmt::format("'{}' has the address of '{}'", vip.name, other.name));
      else if (vip.prefix.address.family == other.prefix.address.family &&
               (vip.prefix.contains(other.prefix) || other.prefix.contains(vip.prefix)))
        error(vip.where,
              fmt::format("'{}' and '{}' share {}: a route that one loses, the other loses too; give "
                          "each VIP a prefix of its own",
                          other.name, vip.name, base::to_string(vip.prefix)));
    }
  }

  void check_neighbor(const AnycastVip& vip) const {
    const auto is_same = [&](const AnycastNeighbor& neighbor) {
      return neighbor.address.family == vip.address.family;
    };
    if (std::any_of(anycast_.neighbors.begin(), anycast_.neighbors.end(), is_same)) return;
    error(vip.where, fmt::format("no neighbour has an {} address to announce '{}' over",
                                 vip.address.family == base::Family::V4 ? "IPv4" : "IPv6", vip.name));
  }

  void check_covering(const base::IpPrefix& prefix) const {
    const auto is_inside = [&](const AnycastVip& vip) {
      return prefix.address.family == vip.prefix.address.family && prefix.bits < vip.prefix.bits &&
             prefix.contains(vip.prefix);
    };
    if (std::any_of(anycast_.vips.begin(), anycast_.vips.end(), is_inside)) return;
    error(value_.where(),
          fmt::format("'covering': {} is wider than no VIP's prefix", base::to_string(prefix)));
  }

  [[nodiscard]] bool is_vip(const base::IpAddress& address) const {
    return std::any_of(anycast_.vips.begin(), anycast_.vips.end(),
                       [&](const AnycastVip& vip) { return vip.address == address; });
  }

  /// ExaBGP knows a neighbour by its address; a session from a VIP would end at any site.
  void check_ends(const AnycastNeighbor& neighbor) const {
    if (is_vip(neighbor.local))
      error(neighbor.where,
            fmt::format("'{}': 'local' is a VIP; a session needs an address of this host alone",
                        neighbor.name));
    // RFC 4456: what came over one session within a system goes to no other one.
    if (anycast_.has_local_router && neighbor.as == anycast_.as)
      error(neighbor.where,
            fmt::format("'{}' is of our own system {}, to which a local router passes nothing on; without "
                        "'local_router' ExaBGP speaks to it directly",
                        neighbor.name, anycast_.as));
    for (const auto& other : anycast_.neighbors) {
      if (&other == &neighbor) return;
      if (other.address == neighbor.address)
        error(neighbor.where, fmt::format("'{}' has the address of '{}'", neighbor.name, other.name));
    }
  }

  void check_router_id() const {
    if (is_vip(anycast_.router_id))
      error(value_.where(), "'router_id' is a VIP, which every site has; take an address of this host alone");
  }

  /// Each neighbour may be told something else of each prefix of its family.
  void check_route_count() const {
    std::size_t count = 0;
    for (const auto& neighbor : anycast_.neighbors) {
      const auto family = neighbor.address.family;
      count += static_cast<std::size_t>(
          std::count_if(anycast_.vips.begin(), anycast_.vips.end(),
                        [&](const AnycastVip& vip) { return vip.address.family == family; }));
      count += static_cast<std::size_t>(
          std::count_if(anycast_.covering.begin(), anycast_.covering.end(),
                        [&](const base::IpPrefix& prefix) { return prefix.address.family == family; }));
    }
    if (count <= limits::kBgpRoutesMax) return;
    error(value_.where(),
          fmt::format("its prefixes to its neighbours are {} routes; at most {} are announced", count,
                      limits::kBgpRoutesMax));
  }

  const YamlValue& value_;
  const Anycast& anycast_;
};

void parse_choices(const YamlMapping& keys, Anycast& anycast) {
  constexpr std::array<std::string_view, 2> kMayWithdraw{"hard", "never"};
  constexpr std::array<std::string_view, 2> kOnOverload{"absorb", "de-preference"};
  if (const auto may = keys.find("may_withdraw")) {
    if (const auto choice = may->read_choice(kMayWithdraw))
      anycast.may_withdraw = static_cast<Anycast::MayWithdraw>(*choice);
  }
  if (const auto overload = keys.find("on_overload")) {
    if (const auto choice = overload->read_choice(kOnOverload))
      anycast.on_overload = static_cast<Anycast::OnOverload>(*choice);
  }
  if (const auto stale = keys.find("stale_after"))
    anycast.stale_after_s = stale->read_seconds(ranges::kTtlSecondsMax).value_or(anycast.stale_after_s);
  if (const auto prepend = keys.find("prepend"))
    anycast.prepend = prepend->read_integer(0, ranges::kPrependMax).value_or(anycast.prepend);
  if (const auto internal = keys.find("internal"))
    anycast.is_internal = internal->read_boolean().value_or(false);
  if (const auto local = keys.find("local_router"))
    anycast.has_local_router = local->read_boolean().value_or(false);
  if (const auto drain = keys.find("drain")) parse_drain(*drain, anycast);
}

void parse_lists(const YamlMapping& keys, Anycast& anycast) {
  if (const auto vips = keys.find("vips"))
    anycast.vips = read_named<AnycastVip>(*vips, "VIP", ranges::kVipsMax, parse_vip);
  if (const auto neighbors = keys.find("neighbors")) {
    anycast.neighbors =
        read_named<AnycastNeighbor>(*neighbors, "neighbour", limits::kBgpNeighborsMax, parse_neighbor);
  }
  if (const auto covering = keys.find("covering")) {
    for (const auto& item : read_items(*covering, ranges::kVipsMax)) {
      if (const auto prefix = read_prefix(item)) anycast.covering.push_back(*prefix);
    }
  }
  if (const auto queries = keys.find("queries")) {
    for (const auto& item : read_items(*queries, ranges::kSelfQueriesMax)) {
      if (auto query = parse_query(item)) anycast.queries.push_back(std::move(*query));
    }
  }
  if (const auto checks = keys.find("checks")) {
    for (const auto& item : read_items(*checks, ranges::kLocalChecksMax)) {
      if (auto check = parse_local_check(item)) anycast.checks.push_back(std::move(*check));
    }
  }
}

}  // namespace

void parse_anycast(const YamlValue& value, Site& site) {
  const auto keys = value.read_mapping(object_spec(ObjectKind::Anycast));
  if (!keys) return;
  Anycast anycast;
  if (const auto as = keys->find("as")) anycast.as = read_as(*as);
  if (const auto id = keys->find("router_id")) {
    const auto address = read_address(*id);
    if (address && address->family != base::Family::V4) id->error("'router_id' is an IPv4 address");
    anycast.router_id = address.value_or(base::IpAddress{});
  }
  parse_choices(*keys, anycast);
  parse_lists(*keys, anycast);
  if (const auto agent = keys->find("agent")) anycast.agent = parse_agent(*agent);
  AnycastRules(value, anycast).check();
  if (site.site == Site{}.site)
    value.error("needs the key 'site': the agent tells this site's answers from another's by it");
  for (auto& vip : anycast.vips) {
    const auto takes = [&](const ListenAddress& listen) {
      return listen.address == vip.address ||
             (listen.address.bytes == base::IpAddress{}.bytes && listen.address.family == vip.address.family);
    };
    const auto listen = std::find_if(site.listen.begin(), site.listen.end(), takes);
    if (listen != site.listen.end()) {
      vip.port = listen->port;
    } else {
      value.diagnostics().error(vip.where, fmt::format("'{}': 'listen' takes no queries to {}", vip.name,
                                                       base::to_string(vip.address)));
    }
  }
  site.anycast = std::move(anycast);
}

}  // namespace meridian::config
