#include "config/parse.hpp"

#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::config {
namespace {

using test::messages;
using test::Row;

Site parse_good(std::string_view text) {
  const auto loaded = parse_site_text(text, "/etc/meridian/meridian.yaml");
  CHECK(messages(loaded.diagnostics) == "");
  return loaded.site;
}

std::string show(const ListenAddress& listen) {
  return base::to_string(listen.address) + " " + std::to_string(listen.port);
}

TEST_SUITE_BEGIN("config/parse_site");

TEST_CASE("a site file that names its map only has the defaults of the model") {
  const auto site = parse_good("map: map");
  CHECK(site.path == "/etc/meridian/meridian.yaml");
  CHECK(site.site == "unnamed");
  CHECK(site.map == "/etc/meridian/map");
  CHECK(site.geoip.empty());
  REQUIRE(site.listen.size() == 2);
  CHECK(show(site.listen[0]) == "127.0.0.1 53");
  CHECK(show(site.listen[1]) == "::1 53");
  CHECK(site.control_unix == "/run/meridian/control.sock");
  CHECK(site.workers == 0);
}

TEST_CASE("what class CH tells can be worded, left to its default, or refused") {
  const auto site = parse_good("map: m\nidentity: {name: none, version: \"a name server\"}");
  CHECK(site.identity_name == "");
  CHECK(site.identity_version == "a name server");
  const auto defaults = parse_good("map: m\nidentity: {}");
  CHECK_FALSE(defaults.identity_name.has_value());
  CHECK_FALSE(defaults.identity_version.has_value());
  CHECK(parse_good("map: m\nidentity: {version: " + std::string(255, 'v') + "}").identity_version->size() ==
        255);
}

TEST_CASE("everything a site file can say") {
  const auto site = parse_good(
      "site: ams1.example\n"
      "map: ../map/\n"
      "geoip: {city: [city-v4.mmdb, /var/lib/city-v6.mmdb], asn: asn.mmdb}\n"
      "listen: {dns: [\"0.0.0.0:5353\", \"[2001:db8::53]:53\", 192.0.2.53, \"[::]\", \"127.0.0.1:0\", "
      "\"127.0.0.1:0\"]}\n"
      "control: {unix: run/control.sock, http: \"[::1]:8053\", tokens: tokens}\n"
      "workers: 4\n");
  CHECK(site.site == "ams1.example");
  CHECK(site.map == "/etc/map/");
  REQUIRE(site.geoip.size() == 2);
  CHECK(site.geoip[0].name == "city");
  CHECK(site.geoip[0].files ==
        std::vector<std::string>{"/etc/meridian/city-v4.mmdb", "/var/lib/city-v6.mmdb"});
  CHECK(base::to_string(site.geoip[0].where) == "/etc/meridian/meridian.yaml:3:9");
  CHECK(site.geoip[1].files == std::vector<std::string>{"/etc/meridian/asn.mmdb"});
  REQUIRE(site.listen.size() == 6);
  CHECK(show(site.listen[0]) == "0.0.0.0 5353");
  CHECK(show(site.listen[1]) == "2001:db8::53 53");
  CHECK(show(site.listen[2]) == "192.0.2.53 53");
  CHECK(show(site.listen[3]) == ":: 53");
  CHECK(show(site.listen[4]) == "127.0.0.1 0");
  CHECK(site.control_unix == "/etc/meridian/run/control.sock");
  REQUIRE(site.control_http.has_value());
  CHECK(base::to_string(site.control_http->address) == "::1");
  CHECK(site.control_http->port == 8053);
  CHECK(site.control_tokens == "/etc/meridian/tokens");
  CHECK(site.workers == 4);
}

TEST_CASE("a plain list of databases is the one called default, and workers may be automatic") {
  const auto site = parse_good("map: map\ngeoip: [a.mmdb, b.mmdb]\nworkers: auto\n");
  REQUIRE(site.geoip.size() == 1);
  CHECK(site.geoip[0].name == "default");
  CHECK(site.geoip[0].files.size() == 2);
  CHECK(site.workers == 0);
}

TEST_CASE("rate limits: what is left out follows what is there") {
  CHECK_FALSE(parse_good("map: m").rate_limit.enabled);
  CHECK_FALSE(parse_good("map: m\nrate_limit: off").rate_limit.enabled);
  const auto some = parse_good("map: m\nrate_limit: {responses: 20, errors: none}").rate_limit;
  CHECK(some.enabled);
  CHECK(some.nxdomain == 20);
  CHECK(some.errors == 0);
  CHECK(some.all == 0);
  const auto full =
      parse_good(
          "map: m\nrate_limit: {responses: 20, nodata: 5, nxdomain: 6, referrals: 7, errors: 8, "
          "all: 100, window: 5s, slip: 1, ipv4_prefix: 32, ipv6_prefix: 48, table: 2048, "
          "exempt: [10.0.0.0/8, \"2001:db8::/32\"], log_only: true}")
          .rate_limit;
  CHECK(full.responses == 20);
  CHECK(full.nodata == 5);
  CHECK(full.nxdomain == 6);
  CHECK(full.referrals == 7);
  CHECK(full.errors == 8);
  CHECK(full.all == 100);
  CHECK(full.window_s == 5);
  CHECK(full.slip == 1);
  CHECK(full.v4_bits == 32);
  CHECK(full.v6_bits == 48);
  CHECK(full.entries == 2048);
  CHECK(full.exempt.size() == 2);
  CHECK(full.log_only);
}

TEST_CASE("cookies are on without a word, and their files are relative to the site file") {
  CHECK(parse_good("map: m").cookies.mode == Cookies::Mode::On);
  CHECK(parse_good("map: m").cookies.secrets.empty());
  CHECK(parse_good("map: m\ncookies: {}").cookies.mode == Cookies::Mode::On);
  CHECK(parse_good("map: m\ncookies: {mode: off}").cookies.mode == Cookies::Mode::Off);
  const auto cookies =
      parse_good("map: m\ncookies: {mode: on, secrets: [00112233445566778899aabbccddeeff, {file: key}]}")
          .cookies;
  CHECK(cookies.mode == Cookies::Mode::On);
  REQUIRE(cookies.secrets.size() == 2);
  CHECK(cookies.secrets[0].secret[1] == 0x11);
  CHECK(cookies.secrets[1].file == "/etc/meridian/key");
}

TEST_CASE("limits of TCP and addresses for proxies") {
  const auto site = parse_good(
      "map: m\n"
      "listen: {dns: [127.0.0.1], proxy: [{address: \"192.0.2.53:5300\", from: [10.0.0.0/8, 192.0.2.1]}, "
      "{address: \"[::1]\", from: [\"2001:db8::/32\"]}]}\n"
      "tcp: {idle: 30s, transfer: 2, lifetime: 1d, connections: 65536, per_client: 1}\n");
  REQUIRE(site.proxy_listen.size() == 2);
  CHECK(show(site.proxy_listen[0].address) == "192.0.2.53 5300");
  REQUIRE(site.proxy_listen[0].from.size() == 2);
  CHECK(base::to_string(site.proxy_listen[0].from[1]) == "192.0.2.1/32");
  CHECK(show(site.proxy_listen[1].address) == "::1 53");
  CHECK(site.listen.size() == 1);
  CHECK(site.tcp.idle_s == 30);
  CHECK(site.tcp.transfer_s == 2);
  CHECK(site.tcp.lifetime_s == 86'400);
  CHECK(site.tcp.connections == 65'536);
  CHECK(site.tcp.per_client == 1);
}

TEST_CASE("paths are relative to the folder of the site file, also without one") {
  CHECK(parse_site_text("map: map", "meridian.yaml").site.map == "map");
  CHECK(parse_site_text("map: map", "config/meridian.yaml").site.map == "config/map");
  CHECK(parse_site_text("map: ./map", "./meridian.yaml").site.map == "map");
}

TEST_CASE("what a site file can't say") {
  const std::string long_identity = "map: m\nidentity: {version: " + std::string(256, 'v') + "}";
  const Row rows[] = {
      {"empty", "", "1:1: the key 'map' is missing"},
      {"unknown key", "map: m\nlisen: {}", "2:1: unknown key 'lisen'; did you mean 'listen'?"},
      {"state", "map: m\nstate: [a]", "2:8: 'state': expected text, found a list"},
      {"gate", "map: m\ngeoip_gate: 5%",
       "2:13: 'geoip_gate': expected off or on or false or true, found '5%'"},
      {"a gate's share", "map: m\ngeoip_gate: {max_moved: 500%}",
       "2:25: 'max_moved': expected a share from 0% to 100%, such as 50% or 0.5, found '500%'"},
      {"rate_limit as a word", "map: m\nrate_limit: on",
       "2:13: 'rate_limit': expected `off`, or a mapping with `responses`, found 'on'"},
      {"rate_limit without a rate", "map: m\nrate_limit: {slip: 2}",
       "2:13: 'rate_limit': the key 'responses' is missing"},
      {"rate 0", "map: m\nrate_limit: {responses: 0}",
       "2:25: 'responses': expected none or a whole number from 1 to 10000, found '0'"},
      {"rate_limit slip", "map: m\nrate_limit: {responses: 5, slip: 11}",
       "2:34: 'slip': expected a whole number from 0 to 10, found '11'"},
      {"rate_limit window", "map: m\nrate_limit: {responses: 5, window: 0}",
       "2:36: 'window': a window of 0 seconds remembers nothing; use 1 or more"},
      {"rate_limit prefix", "map: m\nrate_limit: {responses: 5, ipv6_prefix: 65}",
       "2:41: 'ipv6_prefix': expected a whole number from 1 to 64, found '65'"},
      {"rate_limit table", "map: m\nrate_limit: {responses: 5, table: 10}",
       "2:35: 'table': expected a whole number from 1024 to 67108864, found '10'"},
      {"rate_limit network", "map: m\nrate_limit: {responses: 5, exempt: [10.0.0.1/8]}",
       "2:37: '10.0.0.1/8' has host bits set; the network is 10.0.0.0/8"},
      {"cookies as a word", "map: m\ncookies: on", "2:10: 'cookies': expected a mapping, found 'on'"},
      {"cookie mode", "map: m\ncookies: {mode: always}",
       "2:17: 'mode': expected on or off or require, found 'always'"},
      {"no secret", "map: m\ncookies: {secrets: []}",
       "2:20: 'secrets' lists none; leave the key out for one made at the start"},
      {"a secret that is none, which is not repeated", "map: m\ncookies: {secrets: [abc]}",
       "2:21: is no secret: write 32 hexadecimal digits, as `meridianctl cookie-secret` makes them, or "
       "{file: …}"},
      {"five secrets", "map: m\ncookies: {secrets: [a, b, c, d, e]}",
       "2:20: 'secrets' lists 5; at most 4 are taken"},
      {"a secret without its file", "map: m\ncookies: {secrets: [{}]}",
       "2:21: 'secrets': the key 'file' is missing"},
      {"http for everyone", "map: m\ncontrol: {http: \"192.0.2.1:8053\"}",
       "2:17: 192.0.2.1 is no loopback address; tokens would cross the network in the clear. Write "
       "\"127.0.0.1:8053\" and put a proxy with TLS before it, or 'loopback_only: off' where that network is "
       "yours alone"},
      {"http over IPv6 for everyone", "map: m\ncontrol: {http: \"[2001:db8::1]:8053\"}",
       "2:17: 2001:db8::1 is no loopback address; tokens would cross the network in the clear. Write "
       "\"127.0.0.1:8053\" and put a proxy with TLS before it, or 'loopback_only: off' where that network is "
       "yours alone"},
      {"http for everyone, without tokens", "map: m\ncontrol: {http: \"192.0.2.1:8053\", loopback_only: off}",
       "2:17: 192.0.2.1 is no loopback address, and without 'tokens: FILE' anybody could read there"},
      {"control as a path", "map: m\ncontrol: /run/x", "2:10: 'control': expected a mapping, found '/run/x'"},
      {"socket path", "map: m\ncontrol: {unix: [a]}", "2:17: 'unix': expected text, found a list"},
      {"map as a list", "map: [m]", "1:6: 'map': expected text, found a list"},
      {"site with a space", "map: m\nsite: my site",
       "2:7: 'my site' is no site name; use letters, digits, '-', '_' and '.', at most 64"},
      {"site first", "map: m\nsite: -a",
       "2:7: '-a' is no site name; use letters, digits, '-', '_' and '.', at most 64"},
      {"site empty", "map: m\nsite: ''", "2:7: 'site': expected text, found ''"},
      {"one database", "map: m\ngeoip: a.mmdb", "2:8: 'geoip': expected a list ([a.mmdb]), found 'a.mmdb'"},
      {"no database", "map: m\ngeoip: []", "2:8: 'geoip' lists no file"},
      {"no named database", "map: m\ngeoip: {}",
       "2:8: 'geoip' names no database; leave the key out for the shipped one"},
      {"database without files", "map: m\ngeoip: {city: []}", "2:15: 'city' lists no file"},
      {"database name", "map: m\ngeoip: {City: a}",
       "2:9: 'City' is no name for a database; use lower-case letters, digits, '-' and '_', a letter first, "
       "at most 63"},
      {"listen as a list", "map: m\nlisten: [\"127.0.0.1:53\"]",
       "2:9: 'listen': expected a mapping, found a list"},
      {"listen without dns", "map: m\nlisten: {}", "2:9: 'listen': the key 'dns' is missing"},
      {"one address", "map: m\nlisten: {dns: \"127.0.0.1:53\"}",
       "2:15: 'dns': expected a list ([\"127.0.0.1:53\"]), found '127.0.0.1:53'"},
      {"no address", "map: m\nlisten: {dns: []}", "2:15: 'dns' lists no address"},
      {"no brackets", "map: m\nlisten: {dns: [\"2001:db8::53\"]}",
       "2:16: '2001:db8::53' needs brackets; write \"[2001:db8::53]:53\""},
      {"host name", "map: m\nlisten: {dns: [\"localhost:53\"]}",
       "2:16: 'localhost:53' is no address to listen on; write \"192.0.2.53:53\" or \"[2001:db8::53]:53\""},
      {"port too large", "map: m\nlisten: {dns: [\"127.0.0.1:65536\"]}",
       "2:16: '127.0.0.1:65536' is no address to listen on; write \"192.0.2.53:53\" or "
       "\"[2001:db8::53]:53\""},
      {"port missing", "map: m\nlisten: {dns: [\"127.0.0.1:\"]}",
       "2:16: '127.0.0.1:' is no address to listen on; write \"192.0.2.53:53\" or \"[2001:db8::53]:53\""},
      {"open bracket", "map: m\nlisten: {dns: [\"[::1\"]}",
       "2:16: '[::1' is no address to listen on; write \"192.0.2.53:53\" or \"[2001:db8::53]:53\""},
      {"v4 in brackets", "map: m\nlisten: {dns: [\"[127.0.0.1]:53\"]}",
       "2:16: '[127.0.0.1]:53' is no address to listen on; write \"192.0.2.53:53\" or \"[2001:db8::53]:53\""},
      {"multicast", "map: m\nlisten: {dns: [\"224.0.0.1:53\"]}",
       "2:16: '224.0.0.1:53' is a multicast address"},
      {"multicast v6", "map: m\nlisten: {dns: [\"[ff02::1]:53\"]}",
       "2:16: '[ff02::1]:53' is a multicast address"},
      {"twice", "map: m\nlisten: {dns: [127.0.0.1, \"127.0.0.1:53\"]}",
       "2:27: 127.0.0.1 port 53 stands twice here"},
      {"proxy without networks", "map: m\nlisten: {dns: [127.0.0.1], proxy: [{address: 127.0.0.2}]}",
       "2:36: 'proxy': the key 'from' is missing"},
      {"no network", "map: m\nlisten: {dns: [127.0.0.1], proxy: [{address: 127.0.0.2, from: []}]}",
       "2:63: 'from' lists no network; without a proxy nobody could ask here"},
      {"proxy network",
       "map: m\nlisten: {dns: [127.0.0.1], proxy: [{address: 127.0.0.2, from: [10.1.0.0/8]}]}",
       "2:64: '10.1.0.0/8' has host bits set; the network is 10.0.0.0/8"},
      {"proxy where clients are",
       "map: m\nlisten: {dns: [127.0.0.1], proxy: [{address: 127.0.0.1, from: [::1]}]}",
       "2:46: 127.0.0.1 port 53 stands twice here"},
      {"no proxy", "map: m\nlisten: {dns: [127.0.0.1], proxy: []}", "2:35: 'proxy' lists no address"},
      {"tcp idle", "map: m\ntcp: {idle: 0}",
       "2:13: 'idle': 0 seconds would end every connection; use 1 or more"},
      {"tcp lifetime", "map: m\ntcp: {lifetime: 2d}",
       "2:17: 'lifetime': expected seconds from 0 to 86400, or a time such as 30s, 5m, 1h, 1d, found '2d'"},
      {"tcp connections", "map: m\ntcp: {connections: 0}",
       "2:20: 'connections': expected a whole number from 1 to 65536, found '0'"},
      {"workers", "map: m\nworkers: 0",
       "2:10: 'workers': expected auto or a whole number from 1 to 256, found '0'"},
      {"watch as a number", "map: m\nwatch: 3",
       "2:8: 'watch': expected off or on or false or true, found '3'"},
      {"settle without a unit we know", "map: m\nwatch: {settle: 2w}",
       "2:17: 'settle': expected seconds from 0 to 600, or a time such as 30s, 5m, 1h, 1d, found '2w'"},
      {"another key of watch", "map: m\nwatch: {setle: 2s}",
       "2:9: unknown key 'setle'; did you mean 'settle'?"},
      {"workers as text", "map: m\nworkers: all",
       "2:10: 'workers': expected auto or a whole number from 1 to 256, found 'all'"},
      {"identity as a word", "map: m\nidentity: none", "2:11: 'identity': expected a mapping, found 'none'"},
      {"identity of another key", "map: m\nidentity: {hostname: a}",
       "2:12: unknown key 'hostname'; the keys here are name, version"},
      {"identity too long", long_identity.c_str(),
       "2:21: the text has 256 bytes; write at most 255, or none to answer REFUSED"},
      {"identity as a list", "map: m\nidentity: {name: [a]}", "2:18: 'name': expected text, found a list"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    CHECK(messages(parse_site_text(row.text, "file.yaml").diagnostics) == row.message);
  }
}

TEST_CASE("watching is off unless it is asked for") {
  struct WatchRow {
    const char* text;
    Watch watch;
  };
  const WatchRow rows[] = {
      {"map: m", {.on = false, .settle_s = 2}},
      {"map: m\nwatch: off", {.on = false, .settle_s = 2}},
      {"map: m\nwatch: on", {.on = true, .settle_s = 2}},
      {"map: m\nwatch: true", {.on = true, .settle_s = 2}},
      {"map: m\nwatch: {settle: 5s}", {.on = true, .settle_s = 5}},
      {"map: m\nwatch: {settle: 0}", {.on = true, .settle_s = 0}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto loaded = parse_site_text(row.text, "file.yaml");
    CHECK_FALSE(loaded.diagnostics.has_errors());
    CHECK(loaded.site.watch == row.watch);
  }
}

TEST_CASE("changed databases may move five per cent unless the site says otherwise") {
  struct GateRow {
    const char* text;
    GeoipGate gate;
  };
  const GateRow rows[] = {
      {"map: m", {.on = true, .max_moved = 0.05, .demand = ""}},
      {"map: m\ngeoip_gate: off", {.on = false, .max_moved = 0.05, .demand = ""}},
      {"map: m\ngeoip_gate: {max_moved: 10%}", {.on = true, .max_moved = 0.1, .demand = ""}},
      {"map: m\ngeoip_gate: {max_moved: 0.02, demand: d.txt}",
       {.on = true, .max_moved = 0.02, .demand = "etc/d.txt"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto loaded = parse_site_text(row.text, "etc/file.yaml");
    CHECK_FALSE(loaded.diagnostics.has_errors());
    CHECK(loaded.site.geoip_gate == row.gate);
  }
  CHECK(parse_site_text("map: m", "etc/file.yaml").site.state.empty());
  CHECK(parse_site_text("map: m\nstate: var", "etc/file.yaml").site.state == "etc/var");
}

TEST_CASE("answers are kept unless that is switched off") {
  CHECK(parse_site_text("map: m", "file.yaml").site.answer_cache);
  CHECK(parse_site_text("map: m\nanswer_cache: on", "file.yaml").site.answer_cache);
  CHECK_FALSE(parse_site_text("map: m\nanswer_cache: off", "file.yaml").site.answer_cache);
  CHECK(messages(parse_site_text("map: m\nanswer_cache: 7", "file.yaml").diagnostics) ==
        "2:15: 'answer_cache': expected off or on or false or true, found '7'");
}

TEST_CASE("limits of a site file") {
  std::string many = "map: m\nlisten: {dns: [127.0.0.1";
  for (int i = 0; i < 64; ++i) many += ", \"127.0.0.1:" + std::to_string(1000 + i) + "\"";
  CHECK(messages(parse_site_text(many + "]}", "file.yaml").diagnostics) ==
        "2:15: 'dns' lists more than 64 addresses");
  const auto long_path = "map: m\ncontrol: {unix: /" + std::string(107, 'a') + "}";
  CHECK(messages(parse_site_text(long_path, "file.yaml").diagnostics) ==
        "1:1: the control socket's path has 108 bytes; a Unix socket's path has at most 107");
  CHECK(parse_site_text("map: m\nsite: " + std::string(65, 'a'), "file.yaml").diagnostics.has_errors());
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config
