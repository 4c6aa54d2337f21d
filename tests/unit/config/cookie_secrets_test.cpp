#include "config/cookie_secrets.hpp"

#include "config/load.hpp"
#include "unit/config/map_folder.hpp"
#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <string>

namespace meridian::config {
namespace {

using test::messages;

constexpr std::string_view kOne = "00112233445566778899aabbccddeeff";
constexpr std::string_view kTwo = "ffeeddccbbaa99887766554433221100";

/// A folder whose files have modes.
class Folder {
 public:
  std::string write(const std::string& name, std::string_view text, mode_t mode) const {
    folder_.write(name, text);
    const auto path = folder_.path() + "/" + name;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    return path;
  }
  /// The messages without this folder's name.
  std::string told(const base::Diagnostics& diagnostics) const {
    std::string text = messages(diagnostics);
    const auto prefix = folder_.path() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }

 private:
  test::MapFolder folder_;
};

TEST_SUITE_BEGIN("config/cookie_secrets");

TEST_CASE("a secret is 32 hexadecimal digits, and is written as it is read") {
  const auto secret = parse_cookie_secret(kOne);
  REQUIRE(secret.has_value());
  CHECK((*secret)[1] == 0x11);
  CHECK(to_hex(*secret) == kOne);
  CHECK(parse_cookie_secret("00112233445566778899AABBCCDDEEFF") == secret);
  CHECK_FALSE(parse_cookie_secret("").has_value());
  CHECK_FALSE(parse_cookie_secret("00112233445566778899aabbccddeef").has_value());
  CHECK_FALSE(parse_cookie_secret("00112233445566778899aabbccddeeff0").has_value());
  CHECK_FALSE(parse_cookie_secret("00112233445566778899aabbccddeefg").has_value());
  CHECK_FALSE(parse_cookie_secret("00112233445566778899aabbccddee f").has_value());
}

TEST_CASE("secrets come from the site file and from files beside it, in their order") {
  const Folder folder;
  folder.write("two", std::string(kTwo) + "\n", 0640);
  const auto site = folder.write(
      "meridian.yaml",
      "map: m\ncookies: {mode: require, secrets: [{file: two}, \"" + std::string(kOne) + "\"]}\n", 0640);
  const auto loaded = load_site_file(site);
  CHECK(folder.told(loaded.diagnostics) == "");
  CHECK(loaded.site.cookies.mode == Cookies::Mode::Require);
  REQUIRE(loaded.site.cookies.secrets.size() == 2);
  CHECK(to_hex(loaded.site.cookies.secrets[0].secret) == kTwo);
  CHECK(to_hex(loaded.site.cookies.secrets[1].secret) == kOne);
}

TEST_CASE("what is wrong with a file of secrets is told where it is named, and never what it holds") {
  struct Row {
    const char* why;
    std::string text;
    mode_t mode;
    const char* message;
  };
  const Row rows[] = {
      {"everyone can read it", std::string(kTwo), 0644,
       "2:21: everyone can read secret; chmod o-r secret, and make a new secret"},
      {"too short", std::string(kTwo).substr(1), 0600,
       "2:21: secret must hold 32 hexadecimal digits and an end of line; `meridianctl cookie-secret` makes "
       "them"},
      {"two lines", std::string(kTwo) + "\n\n", 0600,
       "2:21: secret must hold 32 hexadecimal digits and an end of line; `meridianctl cookie-secret` makes "
       "them"},
      {"the same as the one before", std::string(kOne), 0600,
       "2:21: the same secret stands before; a second one must differ"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const Folder folder;
    folder.write("secret", row.text, row.mode);
    folder.write("one", std::string(kOne), 0600);
    const auto site = folder.write(
        "meridian.yaml", "cookies: {secrets: [{file: one},\n                    {file: secret}]}\nmap: m\n",
        0644);
    const auto loaded = load_site_file(site);
    CHECK(folder.told(loaded.diagnostics) == row.message);
    CHECK(loaded.diagnostics.to_text().find(kTwo.substr(4, 20)) == std::string::npos);
    CHECK(load_site_file(site, SecretFiles::Skip).diagnostics.empty());
  }
}

TEST_CASE("a file that is not there is an error, a site file that shows its secrets a warning") {
  const Folder folder;
  const auto absent = folder.write("a.yaml", "map: m\ncookies: {secrets: [{file: nowhere}]}\n", 0644);
  CHECK(folder.told(load_site_file(absent).diagnostics) ==
        "2:21: nowhere can't be opened: No such file or directory");
  const auto open =
      folder.write("b.yaml", "map: m\ncookies: {secrets: [\"" + std::string(kOne) + "\"]}\n", 0644);
  const auto loaded = load_site_file(open);
  CHECK_FALSE(loaded.diagnostics.has_errors());
  CHECK(folder.told(loaded.diagnostics) ==
        "2:21: warning: everyone can read the secrets here; chmod o-r b.yaml, or put them into files");
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config
