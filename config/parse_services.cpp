#include "base/limits.hpp"
#include "config/parse.hpp"
#include "config/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <utility>

namespace meridian::config {
namespace {

/// True when `*` stands nowhere but alone in the first label (RFC 4592 2.1.1).
bool has_sound_wildcard(dns::NameView name) {
  if (name.is_wildcard()) name = name.parent();
  for (; !name.is_root(); name = name.parent()) {
    const auto label = name.first_label();
    if (std::find(label.begin(), label.end(), '*') != label.end()) return false;
  }
  return true;
}

std::optional<dns::Name> parse_owner(const YamlValue& key) {
  const auto text = key.read_text();
  const auto name = text ? parse_dns_name(key, text->text) : std::nullopt;
  if (!name || has_sound_wildcard(*name)) return name;
  key.error(fmt::format(
      "{} has a '*' that is no wildcard; only the whole first label can be one, as in *.example.com",
      quoted(text->text)));
  return std::nullopt;
}

/// Why no client could use the address, or nullptr.
const char* find_address_problem(const base::IpAddress& address) noexcept {
  const auto first = address.bytes[0];
  if (address.family == base::Family::V6) {
    if (first == 0xff) return "is a multicast address";
    if (address.v6_half(0) == 0 && address.v6_half(1) == 0) return "is the unspecified address";
    return base::find_carried_v4(address) ? "only carries an IPv4 address; write the IPv4 address" : nullptr;
  }
  if (first == 0) return "is in 0.0.0.0/8, which no host has";
  if (first >= 240) return "is in 240.0.0.0/4, which no host has";
  return first >= 224 ? "is a multicast address" : nullptr;
}

std::optional<base::IpAddress> parse_address(const YamlValue& value) {
  const auto text = value.read_text();
  if (!text) return std::nullopt;
  const auto address = base::parse_ip_address(text->text);
  if (!address) {
    const bool is_network = text->text.find('/') != std::string::npos;
    value.error(fmt::format("{} is no IP address{}", quoted(text->text),
                            is_network ? "; a pool lists single addresses" : ""));
    return std::nullopt;
  }
  if (const char* problem = find_address_problem(*address)) {
    value.error(fmt::format("'{}' {}", text->text, problem));
    return std::nullopt;
  }
  return address;
}

/// Collects a pool's endpoints and says what stands twice or is too much.
class EndpointList {
 public:
  void add(const YamlValue& value, std::uint32_t weight) {
    const auto address = parse_address(value);
    if (!address) return;
    const auto [first, is_new] = first_lines_.emplace(*address, value.where().line);
    if (!is_new) {
      value.error(fmt::format("address {} stands twice in this pool; the first is in line {}",
                              base::to_string(*address), first->second));
      return;
    }
    if (endpoints_.size() == base::limits::kPoolEndpointsMax) {
      value.error(fmt::format("more than {} addresses in one pool", base::limits::kPoolEndpointsMax));
    }
    // One past the limit is kept, so that only the first one too many is reported.
    if (endpoints_.size() <= base::limits::kPoolEndpointsMax)
      endpoints_.push_back({*address, weight, value.where()});
  }

  [[nodiscard]] std::vector<PoolEndpoint> take() { return std::move(endpoints_); }

 private:
  std::vector<PoolEndpoint> endpoints_;
  std::map<base::IpAddress, int> first_lines_;
};

std::vector<PoolEndpoint> parse_addresses(const YamlValue& value) {
  EndpointList list;
  if (value.is_mapping()) {
    const auto entries = value.read_entries();
    if (entries->empty()) value.error("'addresses' lists no address");
    for (const auto& entry : *entries) {
      list.add(entry.key, entry.value.read_integer(1, ranges::kWeightMax).value_or(1));
    }
    return list.take();
  }
  const auto items = value.read_list();
  if (!items) return {};
  if (items->empty()) value.error(fmt::format("{} lists no address", quoted(value.label())));
  for (const auto& item : *items) list.add(item, 1);
  return list.take();
}

void add_target(const YamlValue& value, std::uint32_t weight, std::vector<CnameTarget>& targets) {
  const auto text = value.read_text();
  const auto name = text ? parse_dns_name(value, text->text) : std::nullopt;
  if (!name) return;
  if (name->view().is_root()) return value.error("the root is no name of a service");
  const auto first = std::find_if(targets.begin(), targets.end(),
                                  [&](const CnameTarget& other) { return other.name == *name; });
  if (first != targets.end()) {
    return value.error(fmt::format("{} stands twice in this pool; the first is in line {}",
                                   quoted(text->text), first->where.line));
  }
  if (targets.size() == base::limits::kPoolTargetsMax) {
    return value.error(fmt::format("more than {} names in one pool", base::limits::kPoolTargetsMax));
  }
  targets.push_back({*name, weight, value.where()});
}

/// One name, or a mapping of names to weights.
std::vector<CnameTarget> parse_cname(const YamlValue& value) {
  std::vector<CnameTarget> targets;
  if (value.is_mapping()) {
    const auto entries = value.read_entries();
    if (entries->empty()) value.error("'cname' names nothing");
    for (const auto& entry : *entries) {
      add_target(entry.key, entry.value.read_integer(1, ranges::kWeightMax).value_or(1), targets);
    }
  } else if (value.is_text()) {
    add_target(value, 1, targets);
  } else {
    value.error_expected("a name, or names with weights such as {a.example.net: 70, b.example.net: 30}");
  }
  return targets;
}

/// What a pool answers with: addresses or another name.
void parse_content(const YamlValue& value, const YamlMapping& mapping, Pool& pool) {
  const auto addresses = mapping.find("addresses");
  const auto cname = mapping.find("cname");
  if (addresses && cname) {
    cname->error("a pool has either 'addresses' or 'cname', not both");
  } else if (!addresses && !cname) {
    value.error(fmt::format("{}: add 'addresses' or 'cname'", quoted(value.label())));
  }
  if (addresses) pool.endpoints = parse_addresses(*addresses);
  if (!addresses && cname) pool.cname = parse_cname(*cname);
}

void parse_pool(const YamlValue& value, Pool& pool) {
  if (!value.is_mapping()) {
    pool.endpoints = parse_addresses(value);
    return;
  }
  const auto mapping = value.read_mapping(object_spec(ObjectKind::Pool));
  parse_content(value, *mapping, pool);
  if (const auto at_least = mapping->find("at_least")) {
    pool.at_least = at_least->read_share().value_or(pool.at_least);
    if (!pool.cname.empty())
      at_least->error("'at_least' counts addresses, and a pool with 'cname' has none; take it out");
  }
  if (const auto force = mapping->find("force")) {
    static constexpr std::array<std::string_view, 1> kChoices{"down"};
    pool.force_down = force->read_choice(kChoices).has_value();
  }
}

void parse_pools(const YamlValue& value, Service& service) {
  const auto entries = value.read_entries();
  if (!entries) return;
  if (entries->empty()) value.error("'pools' names no datacenter");
  for (const auto& entry : *entries) {
    Pool pool;
    auto name = read_name(entry.key, "datacenter");
    parse_pool(entry.value, pool);
    if (!name) continue;
    pool.datacenter = std::move(*name);
    service.pools.push_back(std::move(pool));
  }
}

void parse_on_all_down(const YamlValue& value, OnAllDown& on_all_down) {
  if (value.is_mapping()) {
    const auto mapping = value.read_mapping(object_spec(ObjectKind::SorryPage));
    const auto addresses = mapping->find("addresses");
    on_all_down.action = OnAllDown::Action::SorryPool;
    if (addresses && addresses->is_mapping()) {
      addresses->error_expected("a list; a sorry page's addresses have no weights");
    } else {
      parse_content(value, *mapping, on_all_down.sorry);
    }
    return;
  }
  static constexpr std::array<std::string_view, 3> kChoices{"answer_anyway", "nodata", "servfail"};
  static constexpr std::array kActions{OnAllDown::Action::AnswerAnyway, OnAllDown::Action::NoData,
                                       OnAllDown::Action::ServFail};
  if (!value.is_text()) {
    value.error_expected("answer_anyway, nodata, servfail, {addresses: [...]} or {cname: ...}");
  } else if (const auto choice = value.read_choice(kChoices)) {
    on_all_down.action = kActions[*choice];
  }
}

void parse_view(const YamlValue& value, Service& service) {
  const auto mapping = value.read_mapping(object_spec(ObjectKind::View));
  const auto datacenter_value = mapping->find("datacenter");
  const auto of_value = mapping->find("of");
  Service::View view;
  if (datacenter_value) view.datacenter = read_name(*datacenter_value, "datacenter").value_or(Word{});
  const auto of = of_value ? of_value->read_text() : std::nullopt;
  const auto owner = of ? parse_dns_name(*of_value, of->text) : std::nullopt;
  if (owner) {
    view.of = *of;
    view.of_owner = *owner;
  }
  service.view = std::move(view);
}

void parse_choices(const YamlMapping& mapping, Service& service) {
  static constexpr std::array<std::string_view, 2> kSpreads{"sticky", "random"};
  static constexpr std::array<std::string_view, 2> kClientSubnets{"use", "ignore"};
  if (const auto spread = mapping.find("spread"))
    service.sticky = spread->read_choice(kSpreads).value_or(0) == 0;
  if (const auto subnet = mapping.find("client_subnet")) {
    service.use_client_subnet = subnet->read_choice(kClientSubnets).value_or(0) == 0;
  }
}

/// How its addresses are watched, and what follows from it.
void parse_health(const YamlMapping& mapping, Service& service) {
  if (const auto check = mapping.find("check")) {
    service.check = read_name(*check, "check").value_or(Word{});
    service.unchecked_on_purpose = service.check.text == kNoCheck;
    if (service.unchecked_on_purpose) service.check = {};
  }
  service.ttl_min_s = std::min(service.ttl_min_s, service.ttl_s);
  if (const auto ttl_min = mapping.find("ttl_min")) {
    service.ttl_min_s = ttl_min->read_seconds(ranges::kTtlSecondsMax).value_or(service.ttl_min_s);
    if (service.ttl_min_s > service.ttl_s) {
      ttl_min->error(fmt::format("'ttl_min' is {} s, and 'ttl' is {} s; the shortest TTL can't be the longer",
                                 service.ttl_min_s, service.ttl_s));
    }
  }
  if (const auto capacity = mapping.find("min_serving_capacity"))
    service.min_serving_capacity = capacity->read_share().value_or(service.min_serving_capacity);
}

void parse_service(const YamlValue& value, Service& service) {
  if (value.has_key("datacenter") || value.has_key("of")) return parse_view(value, service);
  const auto mapping = value.read_mapping(object_spec(ObjectKind::Service));
  if (!mapping) return;
  if (const auto map = mapping->find("map")) service.map = read_name(*map, "map").value_or(Word{});
  if (const auto ttl = mapping->find("ttl")) {
    service.ttl_s = ttl->read_seconds(ranges::kTtlSecondsMax).value_or(service.ttl_s);
  }
  if (const auto pools = mapping->find("pools")) parse_pools(*pools, service);
  if (const auto answer = mapping->find("answer")) {
    service.answer = answer->read_integer(1, base::limits::kAnswerAddressesMax).value_or(service.answer);
  }
  if (const auto overprovision = mapping->find("overprovision")) {
    service.overprovision = overprovision->read_real(ranges::kOverprovisionMin, ranges::kOverprovisionMax)
                                .value_or(service.overprovision);
  }
  if (const auto on_all_down = mapping->find("on_all_down"))
    parse_on_all_down(*on_all_down, service.on_all_down);
  parse_choices(*mapping, service);
  parse_health(*mapping, service);
}

}  // namespace

bool parse_services(const YamlValue& root, DefinedServices defined, MapDirectory& model) {
  const auto file = root.read_mapping(object_spec(ObjectKind::ServicesFile));
  if (!file) return false;
  const auto checks = file->find("checks");
  bool is_complete = !checks || parse_checks(*checks, defined.checks, model.checks);
  const auto value = file->find("services");
  // A key of another name has been told of, and may stand for this one.
  if (!value && !checks && root.read_entries()->empty()) root.error("the key 'services' is missing");
  const auto entries = value ? value->read_entries() : std::nullopt;
  if (!entries) return is_complete && !value && checks;
  for (const auto& entry : *entries) {
    const auto owner = parse_owner(entry.key);
    is_complete = is_complete && owner;
    Service service;
    parse_service(entry.value, service);
    if (!owner) continue;
    service.name = {std::string{entry.value.label()}, entry.key.where()};
    service.owner = *owner;
    if (defined.services.add(dns::to_string(*owner), service.name, root.diagnostics()))
      model.services.push_back(std::move(service));
  }
  return is_complete;
}

}  // namespace meridian::config
