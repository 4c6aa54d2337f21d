#include "probe/target.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

using namespace meridian;

TEST_SUITE("probe/target") {
  TEST_CASE("checks that probe alike have one key, whatever they are called and however they are judged") {
    config::Check check;
    config::Check other;
    other.name = "other";
    other.up_after = 9;
    other.down_after = 9;
    other.where = {"a.yaml", 4, 2};
    CHECK(probe::key_of(check) == probe::key_of(other));
    check.type = other.type = config::Check::Type::Http;
    other.port = 80;
    CHECK(probe::key_of(check) == probe::key_of(other));
  }

  TEST_CASE("whatever changes the probe changes the key") {
    using Change = std::function<void(config::Check&)>;
    const Change changes[] = {
        [](auto& c) { c.type = config::Check::Type::Https; },
        [](auto& c) { c.port = 81; },
        [](auto& c) { c.every_ms = 1; },
        [](auto& c) { c.timeout_ms = 1; },
        [](auto& c) { c.jitter_percent = 1; },
        [](auto& c) { c.source_v4 = base::IpAddress::v4(1); },
        [](auto& c) { c.source_v6 = base::IpAddress{.family = base::Family::V6}; },
        [](auto& c) { c.http.method = "x"; },
        [](auto& c) { c.http.path = "x"; },
        [](auto& c) { c.http.host = "x"; },
        [](auto& c) {
          c.http.headers = {{"x", ""}};
        },
        [](auto& c) {
          c.http.headers = {{"", "x"}};
        },
        [](auto& c) {
          c.http.status = {{200, 204}};
        },
        [](auto& c) { c.http.status = {}; },
        [](auto& c) { c.http.body = "x"; },
        [](auto& c) { c.http.body_regex = "x"; },
        [](auto& c) { c.http.redirects = 1; },
        [](auto& c) { c.http.http2 = true; },
        [](auto& c) { c.http.weight_header = "x"; },
        [](auto& c) { c.http.weight_key = "x"; },
        [](auto& c) { c.tls.verify = false; },
        [](auto& c) { c.tls.sni = "x"; },
        [](auto& c) { c.tls.ca_file = "x"; },
        [](auto& c) { c.tls.certificate_warn_d = 1; },
        [](auto& c) { c.tls.certificate_fail_d = 1; },
        [](auto& c) { c.tcp.send = "x"; },
        [](auto& c) { c.tcp.expect = "x"; },
        [](auto& c) { c.tcp.tls = true; },
        [](auto& c) { c.dns.name = *dns::Name::parse("x"); },
        [](auto& c) { c.dns.type = "x"; },
        [](auto& c) { c.dns.answer = "x"; },
        [](auto& c) { c.dns.tcp = true; },
        [](auto& c) { c.grpc_service = "x"; },
        [](auto& c) { c.command = {"x"}; },
        [](auto& c) {
          c.command = {"x", ""};
        },
        [](auto& c) {
          c.command = {"", "x"};
        },
    };
    std::vector<std::string> keys{probe::key_of(config::Check{})};
    for (const auto& change : changes) {
      config::Check check;
      change(check);
      keys.push_back(probe::key_of(check));
    }
    std::ranges::sort(keys);
    CHECK(std::ranges::adjacent_find(keys) == keys.end());
  }

  TEST_CASE("ports are the check's own or its type's") {
    config::Check check;
    check.type = config::Check::Type::Https;
    CHECK(probe::port_of(check) == 443);
    check.type = config::Check::Type::Dns;
    CHECK(probe::port_of(check) == 53);
    check.port = 5353;
    CHECK(probe::port_of(check) == 5353);
  }
}
