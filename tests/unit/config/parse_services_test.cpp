#include "config/parse.hpp"

#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::config {
namespace {

using test::load_text;
using test::messages;
using test::Row;

/// The message for `keys` beside a map and a pool.
std::string service_message(const std::string& keys) {
  const std::string text =
      "services:\n  www.example.com:\n    map: web\n    pools: {ams: [192.0.2.1]}\n    " + keys + "\n";
  return messages(load_text(FileKind::Services, text).diagnostics);
}

/// The message for one pool, which starts in line 4, column 10.
std::string pool_message(const std::string& pool) {
  return messages(load_text(FileKind::Services,
                            "services:\n  www.example.com:\n    map: web\n    pools: {ams: " + pool + "}\n")
                      .diagnostics);
}

TEST_SUITE_BEGIN("config/parse_services");

TEST_CASE("a service has a map, pools and choices") {
  const auto loaded = load_text(FileKind::Services,
                                "services:\n"
                                "  WWW.Example.com.:\n"
                                "    map: web\n"
                                "    ttl: 5m\n"
                                "    pools:\n"
                                "      ams: [192.0.2.10, \"2001:db8:a::10\"]\n"
                                "      fra: {addresses: {192.0.2.20: 3, 192.0.2.21: 1}, at_least: 50%}\n"
                                "      sjc: {addresses: [192.0.2.30], force: down}\n"
                                "    answer: 2\n"
                                "    spread: random\n"
                                "    client_subnet: ignore\n"
                                "    overprovision: 2\n"
                                "    on_all_down: {addresses: [192.0.2.99]}\n"
                                "  \"*.cdn.example.com\": {map: web, pools: {ams: [192.0.2.10]}}\n");
  CHECK(messages(loaded.diagnostics) == "");
  CHECK(loaded.services_complete);
  REQUIRE(loaded.model.services.size() == 2);
  const auto& service = loaded.model.services[0];
  CHECK(service.name.text == "WWW.Example.com.");
  CHECK(base::to_string(service.name.where) == "file.yaml:2:3");
  CHECK(dns::to_string(service.owner) == "www.example.com");
  CHECK(service.map.text == "web");
  CHECK(service.ttl_s == 300);
  REQUIRE(service.pools.size() == 3);
  CHECK(service.pools[0].datacenter.text == "ams");
  REQUIRE(service.pools[0].endpoints.size() == 2);
  CHECK(base::to_string(service.pools[0].endpoints[1].address) == "2001:db8:a::10");
  CHECK(base::to_string(service.pools[0].endpoints[1].where) == "file.yaml:6:25");
  CHECK(service.pools[0].endpoints[1].weight == 1);
  CHECK(service.pools[1].endpoints[0].weight == 3);
  CHECK(service.pools[1].at_least == 0.5);
  CHECK(service.pools[2].force_down);
  CHECK_FALSE(service.pools[1].force_down);
  CHECK(service.answer == 2);
  CHECK_FALSE(service.sticky);
  CHECK_FALSE(service.use_client_subnet);
  CHECK(service.overprovision == 2);
  CHECK(service.on_all_down.action == OnAllDown::Action::SorryPool);
  REQUIRE(service.on_all_down.sorry.endpoints.size() == 1);
  CHECK(loaded.model.services[1].owner.view().is_wildcard());
}

TEST_CASE("a service that says no more than it must has the defaults of the model") {
  const auto loaded =
      load_text(FileKind::Services, "services: {example.com: {map: web, pools: {ams: [192.0.2.1]}}}");
  REQUIRE(loaded.model.services.size() == 1);
  const auto& service = loaded.model.services[0];
  CHECK(service.ttl_s == 60);
  CHECK(service.answer == 8);
  CHECK(service.sticky);
  CHECK(service.use_client_subnet);
  CHECK(service.overprovision == 1.4);
  CHECK(service.on_all_down.action == OnAllDown::Action::AnswerAnyway);
  CHECK_FALSE(service.view);
}

TEST_CASE("each word for everything being down is its action") {
  const auto action = [](const std::string& word) {
    const auto text =
        "services: {a.example: {map: web, pools: {ams: [192.0.2.1]}, on_all_down: " + word + "}}";
    return load_text(FileKind::Services, text).model.services[0].on_all_down.action;
  };
  CHECK(action("answer_anyway") == OnAllDown::Action::AnswerAnyway);
  CHECK(action("nodata") == OnAllDown::Action::NoData);
  CHECK(action("servfail") == OnAllDown::Action::ServFail);
}

TEST_CASE("a view is one datacenter's pool under a name of its own") {
  const auto loaded = load_text(FileKind::Services,
                                "services: {www-ams.example.com: {datacenter: ams, of: WWW.example.com}}");
  CHECK(messages(loaded.diagnostics) == "");
  REQUIRE(loaded.model.services.size() == 1);
  const auto& view = loaded.model.services[0].view;
  REQUIRE(view);
  CHECK(view->datacenter.text == "ams");
  CHECK(view->of.text == "WWW.example.com");
  CHECK(dns::to_string(view->of_owner) == "www.example.com");
  CHECK(loaded.model.services[0].map.text.empty());
}

TEST_CASE("what a service can't be called") {
  const Row rows[] = {
      {"empty label", "services: {a..b: {datacenter: ams, of: a.example}}",
       "1:12: 'a..b' has an empty label"},
      {"empty", "services: {'': {datacenter: ams, of: a.example}}",
       "1:12: 'services': expected text, found ''"},
      {"star in the middle", "services: {a.*.example: {datacenter: ams, of: a.example}}",
       "1:12: 'a.*.example' has a '*' that is no wildcard; only the whole first label can be one, as in "
       "*.example.com"},
      {"star in a label", "services: {w*.example: {datacenter: ams, of: a.example}}",
       "1:12: 'w*.example' has a '*' that is no wildcard; only the whole first label can be one, as in "
       "*.example.com"},
      {"same in other case",
       "services:\n  a.example: {datacenter: ams, of: b.example}\n  A.example.: {datacenter: ams, of: "
       "b.example}",
       "3:3: service 'A.example.' is defined twice; the first is at file.yaml:2:3"},
      {"same", "services:\n  a.example: {datacenter: ams, of: b.example}\n  a.example: {}",
       "3:3: 'a.example' stands twice in this mapping; the first is in line 2"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(messages(load_text(FileKind::Services, row.text).diagnostics) == row.message);
  }
  const auto message =
      messages(load_text(FileKind::Services, "services: {? " + std::string(1021, 'a') + ": {}}").diagnostics);
  CHECK(message.find("is longer than 255 bytes") != std::string::npos);
  CHECK_FALSE(load_text(FileKind::Services, "services: {a..b: {}}").services_complete);
}

TEST_CASE("what a service says of its health, and what it does not need to") {
  const auto load = [](const std::string& keys) {
    return load_text(FileKind::Services,
                     "services:\n  www.example.com:\n    map: web\n    pools: {ams: "
                     "[192.0.2.1]}\n    " +
                         keys + "\n")
        .model.services.at(0);
  };
  const auto plain = load("ttl: 60");
  CHECK(plain.check.text.empty());
  CHECK_FALSE(plain.unchecked_on_purpose);
  CHECK(plain.ttl_min_s == 5);
  CHECK(plain.min_serving_capacity == doctest::Approx(0.4));
  CHECK(load("check: front").check.text == "front");
  CHECK(base::to_string(load("check: front").check.where) == "file.yaml:5:12");
  CHECK(load("check: none").check.text.empty());
  CHECK(load("check: none").unchecked_on_purpose);
  CHECK(load("ttl: 3").ttl_min_s == 3);
  CHECK(load("ttl_min: 10s").ttl_min_s == 10);
  CHECK(load("min_serving_capacity: 0").min_serving_capacity == 0);
}

TEST_CASE("what a service can't say") {
  const Row rows[] = {
      {"unknown key", "tll: 5", "5:5: unknown key 'tll'; did you mean 'ttl'?"},
      {"unknown key far from all", "balance: x", "5:5: unknown key 'balance'"},
      {"check", "check: Front",
       "5:12: 'Front' is no name for a check; use lower-case letters, digits, '-' and '_', a letter first, "
       "at "
       "most 63"},
      {"ttl_min", "ttl_min: 61",
       "5:14: 'ttl_min' is 61 s, and 'ttl' is 60 s; the shortest TTL can't be the longer"},
      {"capacity", "min_serving_capacity: 140%",
       "5:27: 'min_serving_capacity': expected a share from 0% to 100%, such as 50% or 0.5, found '140%'"},
      {"ttl", "ttl: 8d",
       "5:10: 'ttl': expected seconds from 0 to 604800, or a time such as 30s, 5m, 1h, 1d, found '8d'"},
      {"no answer", "answer: 0", "5:13: 'answer': expected a whole number from 1 to 32, found '0'"},
      {"long answer", "answer: 33", "5:13: 'answer': expected a whole number from 1 to 32, found '33'"},
      {"spread", "spread: round-robin", "5:13: 'spread': expected sticky or random, found 'round-robin'"},
      {"client_subnet", "client_subnet: yes", "5:20: 'client_subnet': expected use or ignore, found 'yes'"},
      {"overprovision", "overprovision: 0.5",
       "5:20: 'overprovision': expected a number from 1 to 10, found '0.5'"},
      {"on_all_down", "on_all_down: refuse",
       "5:18: 'on_all_down': expected answer_anyway or nodata or servfail, found 'refuse'"},
      {"on_all_down list", "on_all_down: [192.0.2.1]",
       "5:18: 'on_all_down': expected answer_anyway, nodata, servfail, {addresses: [...]} or {cname: ...}, "
       "found a list"},
      {"sorry page without", "on_all_down: {}", "5:18: 'on_all_down': add 'addresses' or 'cname'"},
      {"sorry page empty", "on_all_down: {addresses: []}", "5:30: 'addresses' lists no address"},
      {"sorry page with weights", "on_all_down: {addresses: {192.0.2.1: 1}}",
       "5:30: 'addresses': expected a list; a sorry page's addresses have no weights, found a mapping"},
      {"view and map", "datacenter: ams\n    of: a.example",
       "3:5: unknown key 'map'; the keys here are datacenter, of\n4:5: unknown key 'pools'; the keys here "
       "are datacenter, of"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(service_message(row.text) == row.message);
  }
}

TEST_CASE("what is missing from a service is said once") {
  const Row rows[] = {
      {"empty file", "", "1:1: the key 'services' is missing"},
      {"checks alone", "checks: {}", ""},
      {"another key", "service: {}", "1:1: unknown key 'service'; did you mean 'services'?"},
      {"no map", "services: {a.example: {pools: {ams: [192.0.2.1]}}}",
       "1:23: 'a.example': the key 'map' is missing"},
      {"no pools", "services: {a.example: {map: web}}", "1:23: 'a.example': the key 'pools' is missing"},
      {"pools empty", "services: {a.example: {map: web, pools: {}}}", "1:41: 'pools' names no datacenter"},
      {"pools as a list", "services: {a.example: {map: web, pools: [192.0.2.1]}}",
       "1:41: 'pools': expected a mapping, found a list"},
      {"nothing", "services: {a.example: }", "1:12: 'a.example': expected a mapping, found nothing"},
      {"view without of", "services: {a.example: {datacenter: ams}}",
       "1:23: 'a.example': the key 'of' is missing"},
      {"view without datacenter", "services: {a.example: {of: b.example}}",
       "1:23: 'a.example': the key 'datacenter' is missing"},
      {"view of no name", "services: {a.example: {datacenter: ams, of: b..c}}",
       "1:45: 'b..c' has an empty label"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(messages(load_text(FileKind::Services, row.text).diagnostics) == row.message);
  }
}

TEST_CASE("what a pool can't be") {
  const Row rows[] = {
      {"single address", "192.0.2.1", "4:18: 'ams': expected a list ([192.0.2.1]), found '192.0.2.1'"},
      {"empty", "[]", "4:18: 'ams' lists no address"},
      {"empty long form", "{addresses: []}", "4:30: 'addresses' lists no address"},
      {"empty weights", "{addresses: {}}", "4:30: 'addresses' lists no address"},
      {"no addresses", "{at_least: 50%}", "4:18: 'ams': add 'addresses' or 'cname'"},
      {"no address", "[web1.example]", "4:19: 'web1.example' is no IP address"},
      {"network", "[192.0.2.0/24]", "4:19: '192.0.2.0/24' is no IP address; a pool lists single addresses"},
      {"twice", "[192.0.2.1, 192.0.2.1]",
       "4:30: address 192.0.2.1 stands twice in this pool; the first is in line 4"},
      {"twice, written otherwise", "[\"2001:db8::1\", \"2001:DB8:0::1\"]",
       "4:34: address 2001:db8::1 stands twice in this pool; the first is in line 4"},
      {"unspecified", "[0.0.0.0]", "4:19: '0.0.0.0' is in 0.0.0.0/8, which no host has"},
      {"multicast", "[224.0.0.1]", "4:19: '224.0.0.1' is a multicast address"},
      {"broadcast", "[255.255.255.255]", "4:19: '255.255.255.255' is in 240.0.0.0/4, which no host has"},
      {"unspecified v6", "[\"::\"]", "4:19: '::' is the unspecified address"},
      {"multicast v6", "[\"ff02::1\"]", "4:19: 'ff02::1' is a multicast address"},
      {"mapped", "[\"::ffff:192.0.2.1\"]",
       "4:19: '::ffff:192.0.2.1' only carries an IPv4 address; write the IPv4 address"},
      {"weight 0", "{addresses: {192.0.2.1: 0}}",
       "4:42: '192.0.2.1': expected a whole number from 1 to 65535, found '0'"},
      {"at_least", "{addresses: [192.0.2.1], at_least: 50}",
       "4:53: 'at_least': expected a share from 0% to 100%, such as 50% or 0.5, found '50'"},
      {"force", "{addresses: [192.0.2.1], force: up}", "4:50: 'force': expected down, found 'up'"},
      {"addresses and cname", "{addresses: [192.0.2.1], cname: www.example.net}",
       "4:50: a pool has either 'addresses' or 'cname', not both"},
      {"cname of no name", "{cname: a..b}", "4:26: 'a..b' has an empty label"},
      {"cname of the root", "{cname: .}", "4:26: the root is no name of a service"},
      {"cname as a list", "{cname: [a.example]}",
       "4:26: 'cname': expected a name, or names with weights such as {a.example.net: 70, b.example.net: "
       "30}, "
       "found a list"},
      {"cname of nothing", "{cname: {}}", "4:26: 'cname' names nothing"},
      {"cname twice", "{cname: {a.example: 1, A.example: 2}}",
       "4:41: 'A.example' stands twice in this pool; the first is in line 4"},
      {"cname without weight", "{cname: {a.example: 0}}",
       "4:38: 'a.example': expected a whole number from 1 to 65535, found '0'"},
      {"at_least of a cname", "{cname: a.example, at_least: 50%}",
       "4:47: 'at_least' counts addresses, and a pool with 'cname' has none; take it out"},
      {"bad datacenter", "[192.0.2.1], AMS: [192.0.2.1]",
       "4:31: 'AMS' is no name for a datacenter; use lower-case letters, digits, '-' and '_', a letter "
       "first, at most 63"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(pool_message(row.text) == row.message);
  }
}

TEST_CASE("a pool may be another name, or several with weights") {
  const auto loaded = load_text(FileKind::Services,
                                "services:\n"
                                "  a.example:\n"
                                "    map: web\n"
                                "    pools:\n"
                                "      ams: {cname: WWW.example.net}\n"
                                "      fra: {cname: {a.example.net: 70, b.example.net: 30}, force: down}\n"
                                "    on_all_down: {cname: sorry.example.net.}\n");
  CHECK(messages(loaded.diagnostics) == "");
  REQUIRE(loaded.model.services.size() == 1);
  const auto& service = loaded.model.services[0];
  REQUIRE(service.pools[0].cname.size() == 1);
  CHECK(dns::to_string(service.pools[0].cname[0].name) == "www.example.net");
  CHECK(service.pools[0].endpoints.empty());
  REQUIRE(service.pools[1].cname.size() == 2);
  CHECK(service.pools[1].cname[1].weight == 30);
  CHECK(service.pools[1].force_down);
  CHECK(service.on_all_down.action == OnAllDown::Action::SorryPool);
  REQUIRE(service.on_all_down.sorry.cname.size() == 1);
  CHECK(dns::to_string(service.on_all_down.sorry.cname[0].name) == "sorry.example.net");
}

TEST_CASE("a pool past the limit is one error") {
  std::string pool = "[";
  for (int i = 0; i < 300; ++i) {
    pool += (i == 0 ? "10.0." : ", 10.0.") + std::to_string(i / 200) + "." + std::to_string(i % 200);
  }
  const auto message = pool_message(pool + "]");
  CHECK(message.find("more than 256 addresses in one pool") != std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config
