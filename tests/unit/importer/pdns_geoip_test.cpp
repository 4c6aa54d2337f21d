#include "importer/pdns_geoip.hpp"

#include "unit/importer/import_result.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

namespace meridian::importer {
namespace {

using config::test::MapFolder;
using test::places;
using test::Result;

Result import_text(const std::string& text) {
  const MapFolder folder;
  folder.write("zones.yaml", text);
  return test::result_of(folder, [&](Report& report) {
    return import_pdns_geoip(folder.path() + "/zones.yaml", places(), report);
  });
}

/// A domain with these records and services, each line indented by two blanks more than here.
std::string domain(std::string_view records, std::string_view services, std::string_view more = {}) {
  return fmt::format(
      "domains:\n"
      "- domain: example.com\n"
      "  ttl: 30\n"
      "  records:\n"
      "    example.com:\n"
      "      - soa: ns1.example.com hostmaster.example.com 1 7200 3600 1209600 3600\n"
      "      - ns: ns1.example.com\n"
      "{}"
      "  services:\n"
      "{}"
      "{}",
      records, services, more);
}

TEST_SUITE_BEGIN("importer/pdns_geoip");

TEST_CASE(
    "templates become rules for the places that have records, and the first template that has one wins") {
  const auto result = import_text(domain(
      "    fi.eu.svc.example.com: [{a: 192.0.2.1}]\n"
      "    eu.svc.example.com: [{a: 192.0.2.2}, {aaaa: 2001:DB8::2}]\n"
      "    other.svc.example.com: [{a: 192.0.2.3}]\n",
      "    svc.example.com: ['%cc.%cn.svc.example.com', '%cn.svc.example.com', 'other.svc.example.com']\n"));
  CHECK(result.errors == "");
  CHECK(result.report == "");
  CHECK(result.rules("svc") == "FI: fi-eu-svc\ncontinent:EU: eu-svc\neveryone: other-svc\n");
  REQUIRE(result.imported.model.services.size() == 1);
  const auto& service = result.imported.model.services[0];
  CHECK(service.name.text == "svc.example.com");
  CHECK(service.ttl_s == 30);
  CHECK(service.pools.size() == 3);
}

TEST_CASE("a template that is asked first hides a narrower place, as in PowerDNS") {
  const auto result = import_text(domain(
      "    fi.svc.example.com: [{a: 192.0.2.1}]\n"
      "    eu.svc.example.com: [{a: 192.0.2.2}]\n"
      "    other.svc.example.com: [{a: 192.0.2.3}]\n",
      "    svc.example.com: ['%cn.svc.example.com', '%cc.svc.example.com', 'other.svc.example.com']\n"));
  // Both templates match both records by their form: only existing places are rules, and Europe is asked
  // first.
  CHECK(result.rules("svc") == "FI: eu-svc\ncontinent:EU: eu-svc\neveryone: other-svc\n");
}

TEST_CASE("custom mappings are taken apart, and unknown is who has none") {
  const auto result =
      import_text(domain("    west.svc.example.com: [{a: 192.0.2.1}]\n"
                         "    unknown.svc.example.com: [{a: 192.0.2.2}]\n",
                         "    svc.example.com: '%mp.svc.example.com'\n",
                         "  mapping_lookup_formats: ['%cc-%re', '%cc']\n"
                         "  custom_mapping: {us-ca: west, us-or: west, mx: west, jp: nowhere}\n"));
  CHECK(result.errors == "");
  CHECK(result.rules("svc") ==
        "JP:\nMX: west-svc\nUS-CA: west-svc\nUS-OR: west-svc\neveryone: unknown-svc\n");
  CHECK(result.report.find("svc.example.com for JP: PowerDNS answers with a CNAME") != std::string::npos);
}

TEST_CASE("networks have their own rule, and one with a template is left out and told") {
  const auto result =
      import_text(domain("    in.example.com: [{a: 192.0.2.1}]\n"
                         "    de.svc.example.com: [{a: 192.0.2.2}]\n"
                         "    all.example.com: [{a: 192.0.2.3}]\n",
                         "    svc.example.com:\n"
                         "      default: ['%cc.svc.example.com', all.example.com]\n"
                         "      10.0.0.0/8: in.example.com\n"
                         "      192.0.2.0/24: '%cc.svc.example.com'\n"));
  CHECK(result.rules("svc") == "DE: de-svc\neveryone: all\n10.0.0.0/8: in\n");
  CHECK(result.report ==
        "map/zones.yaml:15:7: not imported: network 192.0.2.0/24 of svc.example.com: a template with "
        "placeholders inside a "
        "network; a rule for a network has one list\n");
}

TEST_CASE("what a map can't say is told with its line") {
  struct Row {
    const char* records;
    const char* services;
    const char* told;
  };
  const Row rows[] = {
      {"    a.example.com: [{a: 192.0.2.1}]\n", "    s.example.com: ['%ci.example.com', a.example.com]\n",
       "map/zones.yaml:10:21: not imported: template '%ci.example.com' of s.example.com: no place of a map "
       "stands for "
       "%ci\n"},
      {"    de.example.com: [{a: 192.0.2.1}]\n", "    s.example.com: '%cc.example.com'\n",
       "map/zones.yaml:10:20: not imported: s.example.com for all other clients: PowerDNS answers with a "
       "CNAME to a name "
       "that is not among the records; here they get no address\n"},
      {"    a.example.com: [{a: 192.0.2.1}, {txt: x}]\n", "    s.example.com: a.example.com\n",
       "map/zones.yaml:8:5: not imported: a.example.com: other records than A and AAAA do not depend on the "
       "client here, "
       "so s.example.com does not have them\n"},
      {"    a.example.com: [{a: 192.0.2.1}, {a: '%ip4'}]\n", "    s.example.com: a.example.com\n",
       "map/zones.yaml:8:38: not imported: A '%ip4': the content depends on who asks; records can't here\n"},
      {"    a.example.org: [{a: 192.0.2.1}]\n", "    s.example.com: none.example.com\n",
       "map/zones.yaml:8:5: not imported: a.example.org lies outside example.com\n"
       "map/zones.yaml:10:5: not imported: s.example.com: none of its templates leads to an address; the "
       "name is not "
       "there\n"
       "map/zones.yaml:10:20: not imported: s.example.com for all other clients: PowerDNS answers with a "
       "CNAME to a name "
       "that is not among the records; here they get no address\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.records);
    CHECK(import_text(domain(row.records, row.services)).report == row.told);
  }
}

TEST_CASE("weights draw one address, of a service and of a plain name") {
  const auto result =
      import_text(domain("    w.example.com:\n"
                         "      - a: {content: 192.0.2.1, weight: 30}\n"
                         "      - a: {content: 192.0.2.2, weight: 70}\n",
                         "    s.example.com: w.example.com\n"));
  REQUIRE(result.imported.model.services.size() == 2);
  for (const auto& service : result.imported.model.services) {
    CHECK(service.answer == 1);
    CHECK(service.pools[0].endpoints[0].weight == 30);
  }
}

TEST_CASE("zone files have absolute names, quoted texts, and nothing that is steered") {
  const auto result = import_text(
      domain("    a.example.com: [{a: 192.0.2.1}, {mx: 10 mail.example.com}, {txt: hello \"you\"}]\n"
             "    '*.w.example.com': [{cname: {content: a.example.com, ttl: 5}}]\n",
             "    s.example.com: a.example.com\n"));
  REQUIRE(result.imported.zone_files.size() == 1);
  CHECK(result.imported.zone_files[0].name == "zones/example.com.zone");
  const auto& text = result.imported.zone_files[0].text;
  for (const auto* line :
       {"a.example.com. 30 IN A 192.0.2.1 ;", "a.example.com. 30 IN MX 10 mail.example.com. ;",
        "a.example.com. 30 IN TXT \"hello \\\"you\\\"\" ;", "*.w.example.com. 5 IN CNAME a.example.com. ;",
        "example.com. 30 IN SOA ns1.example.com. hostmaster.example.com. 1 7200 3600 1209600 3600 ;"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
  CHECK(text.find("s.example.com. ") == std::string::npos);
}

TEST_CASE("what is no zones file is an error with its place") {
  CHECK(import_text("zones: []\n").errors ==
        "map/zones.yaml: has no list 'domains'; this is no zones file of the geoip backend\n");
  CHECK(import_text("domains: [{ttl: 5}]\n").errors == "map/zones.yaml:1:11: a domain has no 'domain'\n");
  CHECK(import_text("domains: [{domain: x, ttl: y}]\n").errors ==
        "map/zones.yaml:1:28: 'y' is no whole number\n");
  CHECK(
      import_text(domain("    a.example.com: [{a: nine}]\n", "    s.example.com: a.example.com\n")).errors ==
      "map/zones.yaml:8:22: 'nine' is no IP address\n");
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::importer
