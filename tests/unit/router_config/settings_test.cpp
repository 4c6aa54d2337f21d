#include "bgp/router_config/settings.hpp"

#include "unit/router_config/site_of.hpp"

#include <unistd.h>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace meridian::bgp {
namespace {

using test::settings_of;
using test::site_of;

/// What is wrong with this password, or "".
std::string problem_of(const std::string& password) {
  const auto site = site_of(
      "    up: {address: 192.0.2.9, local: 192.0.2.10, as: 65000}\n"
      "    up6: {address: \"2001:db8::9\", local: \"2001:db8::10\", as: 65000}\n");
  const auto made = make_settings(site, {password, ""}, {});
  return made ? "" : made.error().to_text();
}

/// A file with these bytes and rights, gone with it.
struct Secret {
  explicit Secret(const std::string& bytes, std::filesystem::perms rights = std::filesystem::perms{0600})
      : path(std::filesystem::temp_directory_path() / fmt::format("meridian-{}", ::getpid())) {
    std::ofstream(path, std::ios::binary) << bytes;
    std::filesystem::permissions(path, rights);
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

base::Expected<std::vector<std::string>, base::Diagnostics> read_from(const std::filesystem::path& path) {
  auto site = site_of();
  site.anycast->neighbors.front().password_file = path.string();
  return read_passwords(*site.anycast);
}

}  // namespace

TEST_SUITE("router_config/settings") {
  TEST_CASE("a session has the prefixes of its family, the covering ones too") {
    const auto settings =
        settings_of(site_of(test::kNeighbors, "  covering: [198.51.100.0/23, \"2001:db8:52::/47\"]\n"));
    REQUIRE(settings.sessions.size() == 2);
    CHECK(joined(settings.sessions[0].prefixes, " ") == "198.51.100.0/24 198.51.100.0/23");
    CHECK(joined(settings.sessions[1].prefixes, ", ") == "2001:db8:53::/48, 2001:db8:52::/47");
  }

  TEST_CASE("a local router has a session of each family that there is") {
    CHECK(first_of_each_family(settings_of(site_of())).size() == 2);
    auto site = site_of(test::kNeighbors + "    other: {address: 192.0.2.8, local: 192.0.2.10, as: 65001}\n");
    const auto settings = settings_of(site);
    const auto first = first_of_each_family(settings);
    REQUIRE(first.size() == 2);
    CHECK(first[0]->name == "transit");
    CHECK(base::to_string(loopback_address(base::Family::V4)) == "127.0.0.1");
    CHECK(base::to_string(loopback_address(base::Family::V6)) == "::1");
  }

  TEST_CASE("a password that ends a word or a string somewhere is refused, and not shown") {
    CHECK(problem_of("deadbeef") == "");
    CHECK(problem_of("a-b$!%&*+=@^_~|.,:;<>(){}[]#`/x") == "");
    for (const auto* const password :
         {"se\"cret", "se'cret", "se\\cret", "se cret", "se\ncret", "se\tcret", "secret?",
          "s\xc3\xa9"
          "cret",
          "secret\n}\nprotocol static { }"}) {
      CAPTURE(password);
      const auto problem = problem_of(password);
      CHECK(problem.find("'up': its password can't be quoted") != std::string::npos);
      CHECK(problem.find("cret") == std::string::npos);
    }
  }

  TEST_CASE("a path that ends a word in ExaBGP's file is refused") {
    struct Row {
      const char* program;
      const char* state;
      bool is_good;
    };
    for (const auto& row : {Row{"/usr/bin/meridian-bgp", "/run/x_1/a@b+c.state", true},
                            Row{"meridian-bgp", "/run/a", false}, Row{"/usr/bin/a b", "/run/a", false},
                            Row{"/usr/bin/a;", "/run/a", false}, Row{"/usr/bin/a", "/run/\"a", false},
                            Row{"/usr/bin/a", "/run/a\n", false}, Row{"", "/run/a", false}}) {
      CAPTURE(row.program);
      CAPTURE(row.state);
      CHECK(make_settings(site_of(), {"", ""}, {row.program, row.state}).has_value() == row.is_good);
    }
    const auto site = site_of(test::kNeighbors, "  agent: {bridge: \"/run/a } b\"}\n");
    CHECK_FALSE(make_settings(site, {"", ""}, {}));
  }

  TEST_CASE("names are as long as BIRD takes them") {
    const std::string longest(54, 'n');
    const auto neighbors = [](const std::string& name) {
      return fmt::format("    {}: {{address: 192.0.2.9, local: 192.0.2.10, as: 65000}}\n", name) +
             "    up6: {address: \"2001:db8::9\", local: \"2001:db8::10\", as: 65000}\n";
    };
    CHECK(make_settings(site_of(neighbors(longest)), {"", ""}, {}));
    const auto made = make_settings(site_of(neighbors(longest + "n")), {"", ""}, {});
    REQUIRE_FALSE(made);
    CHECK(made.error().to_text().find("is too long: BIRD's names of it and of the site have 58 bytes") !=
          std::string::npos);
  }

  TEST_CASE("a password is read from its file, with one end of line or none") {
    for (const auto* const bytes : {"secret", "secret\n", "secret\r\n"}) {
      const Secret secret(bytes);
      const auto passwords = read_from(secret.path);
      REQUIRE(passwords);
      CHECK(*passwords == std::vector<std::string>{"secret", ""});
    }
    const std::string longest(80, 'x');
    CHECK(read_from(Secret(longest + "\n").path));
  }

  TEST_CASE("a file without a usable password is told, with the neighbour") {
    struct Row {
      std::string bytes;
      const char* expected;
    };
    for (const auto& row : {Row{"", "must hold a password of 1 to 80 bytes"},
                            Row{"\n", "must hold a password of 1 to 80 bytes"},
                            Row{std::string(81, 'x'), "must hold a password of 1 to 80 bytes"},
                            Row{std::string(83, 'x'), "it has 83 bytes"}, Row{"a b", "printable ASCII"},
                            Row{"a\nb\n", "printable ASCII"}}) {
      CAPTURE(row.bytes);
      const Secret secret(row.bytes);
      const auto read = read_from(secret.path);
      REQUIRE_FALSE(read);
      const auto text = read.error().to_text();
      CAPTURE(text);
      CHECK(text.find("meridian.yaml:11:5: 'transit': ") == 0);
      CHECK(text.find(row.expected) != std::string::npos);
    }
    const auto gone = read_from("/nonexistent/password");
    REQUIRE_FALSE(gone);
    CHECK(gone.error().to_text().find("there is no such file") != std::string::npos);
    const auto open = read_from(Secret("secret\n", std::filesystem::perms{0644}).path);
    REQUIRE_FALSE(open);
    CHECK(open.error().to_text().find("everyone can read") != std::string::npos);
  }
}

}  // namespace meridian::bgp
