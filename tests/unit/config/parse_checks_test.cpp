#include "config/check.hpp"
#include "config/parse.hpp"

#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::config {
namespace {

using test::load_text;
using test::messages;
using test::Row;

/// Checks of one file, whose names stand in column 3 from line 2 on.
LoadedMap load_checks(const std::string& checks) {
  return load_text(FileKind::Services, "checks:\n" + checks + "\n");
}

/// The only check of a map, read from the keys of a flow mapping; the first key stands in line 2, column 10.
Check one(const std::string& keys) {
  const auto loaded = load_checks("  front: {" + keys + "}");
  CHECK(messages(loaded.diagnostics) == "");
  REQUIRE(loaded.model.checks.size() == 1);
  return loaded.model.checks.front();
}

}  // namespace

TEST_SUITE_BEGIN("config/parse_checks");

TEST_CASE("a check of each type needs little, and has the defaults of its type") {
  const auto http = one("type: http");
  CHECK(http.name == "front");
  CHECK(base::to_string(http.where) == "file.yaml:2:3");
  CHECK(http.type == Check::Type::Http);
  CHECK(http.every_ms == 5'000);
  CHECK(http.timeout_ms == 2'000);
  CHECK(http.jitter_percent == 10);
  CHECK(http.up_after == 5);
  CHECK(http.down_after == 3);
  CHECK(http.http.path == "/");
  CHECK(http.http.weight_header == "X-Meridian-Weight");
  CHECK(one("type: https").tls.verify);
  CHECK(one("type: tcp, port: 25").port == 25);
  CHECK(one("type: tcp, port: 25").http.weight_header.empty());
  CHECK(one("type: icmp").type == Check::Type::Icmp);
  CHECK(dns::to_string(one("type: dns, ask: Example.com").dns.name) == "example.com");
  CHECK(one("type: dns, ask: example.com").dns.type == "A");
  CHECK(one("type: grpc, port: 50051").grpc_service.empty());
  CHECK(one("type: exec, command: [/bin/true]").command.size() == 1);
  const auto push = one("type: push");
  CHECK(push.lease_s == 30);
  CHECK(push.up_after == 1);  // what a service says of itself needs no second time
  CHECK(push.down_after == 1);
  CHECK(one("type: push, up_after: 2").up_after == 2);
}

TEST_CASE("every key finds its place") {
  const auto http = one(
      "type: https, port: 8443, every: 10s, timeout: 1500ms, jitter: 20%, up_after: 2, down_after: 4, "
      "source: "
      "[192.0.2.1, \"2001:db8::1\"], method: POST, path: \"/healthz?x=1\", host: www.example.com, headers: "
      "{X-Token: abc}, status: [200-204, 301], body: ok, redirects: 3, http2: true, weight_header: X-Weight, "
      "weight_key: load, verify: false, sni: sni.example.com, ca_file: /etc/ca.pem, certificate_warn_days: "
      "30, "
      "certificate_fail_days: 3");
  CHECK(http.port == 8443);
  CHECK(http.every_ms == 10'000);
  CHECK(http.timeout_ms == 1'500);
  CHECK(http.jitter_percent == 20);
  CHECK(http.up_after == 2);
  CHECK(http.down_after == 4);
  CHECK(base::to_string(http.source_v4.value()) == "192.0.2.1");
  CHECK(base::to_string(http.source_v6.value()) == "2001:db8::1");
  CHECK(http.http.method == "POST");
  CHECK(http.http.path == "/healthz?x=1");
  CHECK(http.http.host == "www.example.com");
  REQUIRE(http.http.headers.size() == 1);
  CHECK(http.http.headers[0].first == "X-Token");
  CHECK(http.http.headers[0].second == "abc");
  CHECK(http.http.status == std::vector<HttpCheck::StatusRange>{{200, 204}, {301, 301}});
  CHECK(http.http.body == "ok");
  CHECK(http.http.redirects == 3);
  CHECK(http.http.http2);
  CHECK(http.http.weight_header == "X-Weight");
  CHECK(http.http.weight_key == "load");
  CHECK_FALSE(http.tls.verify);
  CHECK(http.tls.sni == "sni.example.com");
  CHECK(http.tls.ca_file == "/etc/ca.pem");
  CHECK(http.tls.certificate_warn_d == 30);
  CHECK(http.tls.certificate_fail_d == 3);
  CHECK(one("type: http, body_regex: '^(ok|fine)$', weight_header: none").http.weight_header.empty());
  CHECK(one("type: http, body_regex: '^(ok|fine)$'").http.body_regex == "^(ok|fine)$");
  CHECK(one("type: http, source: 192.0.2.9").source_v4.has_value());
  const auto tcp =
      one(R"(type: tcp, port: 25, send: "EHLO x\r\n", expect: "250", tls: true, sni: a.example)");
  CHECK(tcp.tcp.send == "EHLO x\r\n");
  CHECK(tcp.tcp.expect == "250");
  CHECK(tcp.tcp.tls);
  const auto dns = one("type: dns, ask: example.com, record: AAAA, answer: \"2001:db8::1\", over_tcp: true");
  CHECK(dns.dns.type == "AAAA");
  CHECK(dns.dns.answer == "2001:db8::1");
  CHECK(dns.dns.tcp);
  const auto grpc = one("type: grpc, port: 50051, service: shop.Cart, host: cart.example, tls: true");
  CHECK(grpc.grpc_service == "shop.Cart");
  CHECK(grpc.http.host == "cart.example");
  CHECK(grpc.tcp.tls);
  CHECK(one("type: exec, port: 80, command: [/bin/check, \"{address}\", -p, \"{port}\"]").command[3] ==
        "{port}");
  CHECK(one("type: push, lease: 2m").lease_s == 120);
}

TEST_CASE("what a check can't say is refused where it stands") {
  const Row rows[] = {
      {"no type", "port: 80", "2:10: 'front': the key 'type' is missing"},
      {"unknown type", "type: htpp",
       "2:17: 'type': expected http or https or tcp or icmp or dns or grpc or exec or push, found 'htpp'"},
      {"unknown key", "type: http, pth: /", "2:23: unknown key 'pth'; did you mean 'path'?"},
      {"a key of another type", "type: tcp, port: 25, path: /x",
       "2:38: 'path' is for checks of type http, https, and this one is tcp"},
      {"icmp has no port", "type: icmp, port: 7",
       "2:29: 'port' is for checks of type http, https, tcp, dns, grpc, exec, and this one is icmp"},
      {"push does not probe", "type: push, every: 5s",
       "2:30: 'every' is for checks of type http, https, tcp, icmp, dns, grpc, exec, and this one is push"},
      {"tcp needs a port", "type: tcp",
       "2:10: 'front': the key 'port' is missing; a check of type tcp needs it"},
      {"grpc needs a port", "type: grpc",
       "2:10: 'front': the key 'port' is missing; a check of type grpc needs it"},
      {"dns needs a name", "type: dns",
       "2:10: 'front': the key 'ask' is missing; a check of type dns needs it"},
      {"exec needs a command", "type: exec",
       "2:10: 'front': the key 'command' is missing; a check of type exec needs it"},
      {"port 0", "type: http, port: 0", "2:29: 'port': expected a whole number from 1 to 65535, found '0'"},
      {"every", "type: http, every: 100ms",
       "2:30: 'every': expected a time from 500ms to 3600s, such as 500ms, 5s or 1m, found '100ms'"},
      {"timeout", "type: http, timeout: 2", ""},
      {"timeout too long", "type: http, timeout: 5s",
       "2:32: a timeout of 5000 ms is not less than the 5000 ms from one probe to the next; shorten it"},
      {"interval too short for the timeout", "type: http, every: 1s",
       "2:30: a timeout of 2000 ms is not less than the 1000 ms from one probe to the next; write a shorter "
       "'timeout'"},
      {"jitter", "type: http, jitter: 60%", "2:31: 'jitter': expected at most 50%, found '60%'"},
      {"down_after", "type: http, down_after: 0",
       "2:35: 'down_after': expected a whole number from 1 to 100, found '0'"},
      {"source", "type: http, source: web1", "2:31: 'web1' is no IP address"},
      {"two sources of a family", "type: http, source: [192.0.2.1, 192.0.2.2]",
       "2:43: one address of each family is enough"},
      {"method", "type: http, method: get",
       "2:31: 'method': expected GET or HEAD or POST or OPTIONS, found 'get'"},
      {"path", "type: http, path: healthz",
       "2:29: 'healthz' is no path; it begins with '/' and has no blanks"},
      {"host", "type: http, host: http://a/",
       "2:29: 'http://a/' is no host name; write it without scheme and path"},
      {"header in two lines", R"(type: http, headers: {X-A: "a\r\nHost: b"})",
       "2:38: header 'X-A' has control characters; it is one line"},
      {"header name", "type: http, headers: {\"X A\": b}", "2:33: 'X A' is no header's name"},
      {"host as a header", "type: http, headers: {HOST: b}",
       "2:33: write 'host' beside 'headers' instead; TLS needs it, too"},
      {"path in two lines", R"(type: http, path: "/a\r\nb")",
       "2:29: 'path' has control characters; it is one line"},
      {"status", "type: http, status: 600",
       "2:31: 'status': expected a status from 100 to 599, or a range such as 200-299, found '600'"},
      {"status the wrong way round", "type: http, status: 299-200",
       "2:31: 'status': expected a status from 100 to 599, or a range such as 200-299, found '299-200'"},
      {"no status", "type: http, status: []", "2:31: 'status' lists no status"},
      {"body twice", "type: http, body: a, body_regex: b",
       "2:44: a check has either 'body' or 'body_regex', not both"},
      {"body of HEAD", "type: http, method: HEAD, body: a",
       "2:43: 'body' can't be seen with method HEAD; use GET"},
      {"empty body", "type: http, body: \"\"", "2:29: 'body': expected text, found ''"},
      {"regex", "type: http, body_regex: '(a'", "2:35: '(a' is no regular expression: Unmatched ( or \\("},
      {"redirects", "type: http, redirects: 21",
       "2:34: 'redirects': expected a whole number from 0 to 20, found '21'"},
      {"weight header", "type: http, weight_header: a b", "2:38: 'a b' is no header's name"},
      {"ca_file", "type: https, ca_file: ca.pem",
       "2:33: 'ca.pem' is no absolute path; the map is the same at every site, and stands in different "
       "folders"},
      {"tls key without tls", "type: tcp, port: 25, sni: a", "2:37: 'sni' is about TLS; add 'tls: true'"},
      {"tls key of http", "type: http, verify: false",
       "2:31: 'verify' is for checks of type https, tcp, grpc, and this one is http"},
      {"name", "type: dns, ask: a..b", "2:27: 'a..b' has an empty label"},
      {"record", "type: dns, ask: a.b, record: ANY",
       "2:40: 'ANY' is no type of records, such as A, AAAA or SOA"},
      {"command as text", "type: exec, command: /bin/true",
       "2:32: 'command': expected a list ([/bin/true]), found '/bin/true'"},
      {"command without", "type: exec, command: []", "2:32: 'command' names no program"},
      {"command without a path", "type: exec, command: [true]",
       "2:33: 'true' is no absolute path; no shell looks for the program"},
      {"lease", "type: push, lease: 0", "2:30: 'lease': expected a time from 1s on, found '0'"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(messages(load_checks("  front: {" + row.text + "}").diagnostics) == row.message);
  }
}

TEST_CASE("what grows has its limit") {
  const auto repeated = [](const std::string& text, std::size_t count) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += (i == 0 ? "" : ", ") + text;
    return all;
  };
  const auto message = [](const std::string& keys) {
    return messages(load_checks("  front: {" + keys + "}").diagnostics);
  };
  CHECK(message("type: http, status: [" + repeated("200", 16) + "]") == "");
  CHECK(message("type: http, status: [" + repeated("200", 17) + "]") ==
        "2:31: more than 16 statuses; write ranges such as 200-299");
  CHECK(message("type: exec, command: [" + repeated("/bin/true", 33) + "]") ==
        "2:32: 'command' has more than 32 words");
  CHECK(message("type: http, body: " + std::string(4'097, 'x')) == "2:29: 'body' is longer than 4096 bytes");
  std::string headers;
  for (int i = 0; i < 17; ++i) headers += "X-" + std::to_string(i) + ": a, ";
  CHECK(message("type: http, headers: {" + headers + "}") == "2:32: more than 16 headers");
  std::string many;
  for (int i = 0; i < 1'001; ++i) many += "  c" + std::to_string(i) + ": {type: icmp}\n";
  CHECK(messages(load_checks(many).diagnostics) == "2:3: more than 1000 checks");
}

TEST_CASE("a check's name is a name, stands once over all files, and is not the word for none") {
  CHECK(messages(load_checks("  none: {type: icmp}").diagnostics) ==
        "2:3: 'none' says that there is no check; take another name");
  CHECK(messages(load_checks("  Front: {type: icmp}").diagnostics).find("is no name for a check") !=
        std::string::npos);
  MapBuilder builder("map");
  builder.add_text(FileKind::Services, "checks: {a: {type: icmp}}", "one.yaml");
  builder.add_text(FileKind::Services, "checks: {a: {type: icmp}}", "two.yaml");
  const auto loaded = builder.take();
  CHECK(base::to_string(loaded.diagnostics.sorted().at(0)) ==
        "two.yaml:1:10: check 'a' is defined twice; the first is at one.yaml:1:10");
  CHECK(loaded.model.checks.size() == 1);
}

TEST_CASE("checks probe alike whatever they are called, and differ in all else") {
  const auto base = one("type: http");
  auto other = one("type: http, path: /");
  other.name = "back";
  CHECK(probes_alike(base, other));
  for (const char* keys :
       {"type: https", "type: http, port: 81", "type: http, every: 6s", "type: http, up_after: 4",
        "type: http, path: /x", "type: http, source: 192.0.2.1", "type: http, status: 200"}) {
    CAPTURE(keys);
    CHECK_FALSE(probes_alike(base, one(keys)));
  }
}

TEST_SUITE_END();

}  // namespace meridian::config
