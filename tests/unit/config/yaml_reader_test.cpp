#include "config/yaml_reader.hpp"

#include "unit/config/messages.hpp"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <string>

namespace meridian::config {
namespace {

using test::messages;

constexpr KeySpec kColour[] = {
    {.name = "red", .kind = ValueKind::Text, .required = true},
    {.name = "green", .kind = ValueKind::Text},
    {.name = "blue", .refusal = "is not supported in this version"},
};
constexpr ObjectSpec kColours{.name = "colours", .title = "", .keys = kColour};

/// What `read` returns for the value of `v: text`, or else the message, without the place all share.
std::string read_with(const std::string& text, const std::function<std::string(const YamlValue&)>& read) {
  base::Diagnostics diagnostics;
  const auto tree = parse_yaml("v: " + text, "file.yaml", diagnostics);
  REQUIRE(tree);
  const YamlFile file{"file.yaml", diagnostics};
  const YamlValue root{tree->root(), "", file};
  const auto result = read((*root.read_entries())[0].value);
  return diagnostics.empty() ? result : messages(diagnostics);
}

template <typename T>
std::string show(const std::optional<T>& value) {
  return value ? std::to_string(*value) : "none";
}

struct Form {
  std::string text;
  std::string result;
};

TEST_SUITE_BEGIN("config/yaml_reader");

TEST_CASE("text is any scalar but an empty one") {
  const Form forms[] = {
      {"NO", "NO"},
      {"1e3", "1e3"},
      {"''", "1:4: 'v': expected text, found ''"},
      {"", "1:1: 'v': expected text, found nothing"},
      {"[a]", "1:4: 'v': expected text, found a list"},
      {"{a: b}", "1:4: 'v': expected text, found a mapping"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    CHECK(read_with(form.text, [](const YamlValue& v) { return v.read_text().value_or(Word{}).text; }) ==
          form.result);
  }
}

TEST_CASE("whole numbers are decimal digits within a range") {
  const Form forms[] = {
      {"1", "1"},
      {"65535", "65535"},
      {"\"7\"", "7"},
      {"0", "1:4: 'v': expected a whole number from 1 to 65535, found '0'"},
      {"65536", "1:4: 'v': expected a whole number from 1 to 65535, found '65536'"},
      {"99999999999999999999",
       "1:4: 'v': expected a whole number from 1 to 65535, found '99999999999999999999'"},
      {"-1", "1:4: 'v': expected a whole number from 1 to 65535, found '-1'"},
      {"1.5", "1:4: 'v': expected a whole number from 1 to 65535, found '1.5'"},
      {"0x10", "1:4: 'v': expected a whole number from 1 to 65535, found '0x10'"},
      {"1e3", "1:4: 'v': expected a whole number from 1 to 65535, found '1e3'"},
      {"010", "1:4: 'v': expected a whole number from 1 to 65535, found '010'"},
      {"[1]", "1:4: 'v': expected a whole number from 1 to 65535, found a list"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    CHECK(read_with(form.text, [](const YamlValue& v) { return show(v.read_integer(1, 65535)); }) ==
          form.result);
  }
}

TEST_CASE("real numbers are finite and within a range") {
  const Form forms[] = {
      {"1.4", "1.400000"},
      {"1e1", "10.000000"},
      {"0.99", "1:4: 'v': expected a number from 1 to 10, found '0.99'"},
      {"nan", "1:4: 'v': expected a number from 1 to 10, found 'nan'"},
      {"inf", "1:4: 'v': expected a number from 1 to 10, found 'inf'"},
      {"2x", "1:4: 'v': expected a number from 1 to 10, found '2x'"},
      {"1e999", "1:4: 'v': expected a number from 1 to 10, found '1e999'"},
      {"{}", "1:4: 'v': expected a number from 1 to 10, found a mapping"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    CHECK(read_with(form.text, [](const YamlValue& v) { return show(v.read_real(1, 10)); }) == form.result);
  }
}

TEST_CASE("booleans are true and false and nothing else") {
  const Form forms[] = {
      {"true", "1"},
      {"false", "0"},
      {"yes", "1:4: 'v': expected true or false, found 'yes'"},
      {"on", "1:4: 'v': expected true or false, found 'on'"},
      {"True", "1:4: 'v': expected true or false, found 'True'"},
      {"1", "1:4: 'v': expected true or false, found '1'"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    CHECK(read_with(form.text, [](const YamlValue& v) { return show(v.read_boolean()); }) == form.result);
  }
}

TEST_CASE("times are seconds or carry a unit") {
  const Form forms[] = {
      {"0", "0"},
      {"60", "60"},
      {"30s", "30"},
      {"5m", "300"},
      {"1h", "3600"},
      {"7d", "604800"},
      {"8d", "1:4: 'v': expected seconds from 0 to 604800, or a time such as 30s, 5m, 1h, 1d, found '8d'"},
      {"604801",
       "1:4: 'v': expected seconds from 0 to 604800, or a time such as 30s, 5m, 1h, 1d, found '604801'"},
      {"5 m", "1:4: 'v': expected seconds from 0 to 604800, or a time such as 30s, 5m, 1h, 1d, found '5 m'"},
      {"m", "1:4: 'v': expected seconds from 0 to 604800, or a time such as 30s, 5m, 1h, 1d, found 'm'"},
      {"1w", "1:4: 'v': expected seconds from 0 to 604800, or a time such as 30s, 5m, 1h, 1d, found '1w'"},
      {"1h30m",
       "1:4: 'v': expected seconds from 0 to 604800, or a time such as 30s, 5m, 1h, 1d, found '1h30m'"},
      {"''", "1:4: 'v': expected seconds from 0 to 604800, or a time such as 30s, 5m, 1h, 1d, found ''"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    CHECK(read_with(form.text, [](const YamlValue& v) { return show(v.read_seconds(604'800)); }) ==
          form.result);
  }
}

TEST_CASE("shares are percents or fractions") {
  const Form forms[] = {
      {"50%", "0.500000"},
      {"12.5%", "0.125000"},
      {"0.5", "0.500000"},
      {"1", "1.000000"},
      {"100%", "1.000000"},
      {"0", "0.000000"},
      {"50", "1:4: 'v': expected a share from 0% to 100%, such as 50% or 0.5, found '50'"},
      {"101%", "1:4: 'v': expected a share from 0% to 100%, such as 50% or 0.5, found '101%'"},
      {"-1%", "1:4: 'v': expected a share from 0% to 100%, such as 50% or 0.5, found '-1%'"},
      {"half", "1:4: 'v': expected a share from 0% to 100%, such as 50% or 0.5, found 'half'"},
      {"nan%", "1:4: 'v': expected a share from 0% to 100%, such as 50% or 0.5, found 'nan%'"},
      {"[]", "1:4: 'v': expected a share from 0% to 100%, such as 50% or 0.5, found a list"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    CHECK(read_with(form.text, [](const YamlValue& v) { return show(v.read_share()); }) == form.result);
  }
}

TEST_CASE("choices name what may stand there") {
  static constexpr std::array<std::string_view, 2> kChoices{"use", "ignore"};
  const auto read = [](const YamlValue& v) { return show(v.read_choice(kChoices)); };
  CHECK(read_with("ignore", read) == "1");
  CHECK(read_with("off", read) == "1:4: 'v': expected use or ignore, found 'off'");
  CHECK(read_with("[use]", read) == "1:4: 'v': expected use or ignore, found a list");
}

TEST_CASE("a single text where a list belongs gets brackets suggested") {
  const auto read = [](const YamlValue& v) {
    const auto list = v.read_list();
    return list ? std::to_string(list->size()) : std::string{"none"};
  };
  CHECK(read_with("[]", read) == "0");
  CHECK(read_with("[a, b]", read) == "2");
  CHECK(read_with("fra", read) == "1:4: 'v': expected a list ([fra]), found 'fra'");
  CHECK(read_with("2001:db8::1", read) ==
        "1:4: 'v': expected a list ([\"2001:db8::1\"]), found '2001:db8::1'");
  CHECK(read_with("{a: b}", read) == "1:4: 'v': expected a list, found a mapping");
  CHECK(read_with("", read) == "1:1: 'v': expected a list, found nothing");
}

TEST_CASE("a mapping with fixed keys refuses all others and says which there are") {
  const auto read = [](const YamlValue& v) {
    const auto mapping = v.read_mapping(kColours);
    return mapping && mapping->find("red") ? mapping->find("red")->read_text()->text : std::string{"none"};
  };
  const Form forms[] = {
      {"{red: a}", "a"},
      {"{red: a, green: b}", "a"},
      {"{red: a, gren: b}", "1:13: unknown key 'gren'; did you mean 'green'?"},
      {"{red: a, magenta: b}", "1:13: unknown key 'magenta'; the keys here are red, green"},
      {"{red: a, blue: b}", "1:13: 'blue' is not supported in this version"},
      {"{red: a, <<: {green: b}}",
       "1:13: merge keys ('<<') are not supported; write the keys out, or give a whole value by its alias"},
      {"{rad: b}", "1:5: unknown key 'rad'; did you mean 'red'?"},
      {"{blue: b}", "1:5: 'blue' is not supported in this version"},
      {"{magenta: b}",
       "1:4: 'v': the key 'red' is missing\n1:5: unknown key 'magenta'; the keys here are red, green"},
      {"{green: b}", "1:4: 'v': the key 'red' is missing"},
      {"{}", "1:4: 'v': the key 'red' is missing"},
      {"[red]", "1:4: 'v': expected a mapping, found a list"},
      {"red", "1:4: 'v': expected a mapping, found 'red'"},
      {"", "1:1: 'v': expected a mapping, found nothing"},
  };
  for (const auto& form : forms) {
    CAPTURE(form.text);
    CHECK(read_with(form.text, read) == form.result);
  }
}

TEST_CASE("names are lower-case words") {
  const auto read = [](const YamlValue& v) { return read_name(v, "datacenter").value_or(Word{}).text; };
  const std::string rule =
      " is no name for a datacenter; use lower-case letters, digits, '-' and '_', a letter first, at most 63";
  CHECK(read_with("fra", read) == "fra");
  CHECK(read_with("fra-2_b", read) == "fra-2_b");
  for (const std::string bad : {"FRA", "2fra", "-fra", "fra.eu", "fra eu", "frü"}) {
    CAPTURE(bad);
    CHECK(read_with(bad, read) == "1:4: '" + bad + "'" + rule);
  }
  CHECK(read_with(std::string(63, 'a'), read) == std::string(63, 'a'));
  CHECK(read_with(std::string(64, 'a'), read) == "1:4: '" + std::string(64, 'a') + "'" + rule);
}

TEST_CASE("a list of names has each once") {
  const auto read = [](const YamlValue& v) { return std::to_string(read_names(v, "datacenter").size()); };
  CHECK(read_with("[ams, fra]", read) == "2");
  CHECK(read_with("[ams, fra, ams]", read) ==
        "1:15: datacenter 'ams' stands twice here; the first is in line 1");
  CHECK(read_with("[]", read) == "1:4: 'v' names no datacenter; leave the key out for all");
  std::string many = "[a";
  for (int i = 0; i < 1024; ++i) many += ", a" + std::to_string(i);
  CHECK(read_with(many + "]", read) == "1:4: 'v' has more than 1024 items");
}

TEST_CASE("what a message repeats can't move a terminal's cursor") {
  const auto read = [](const YamlValue& v) { return show(v.read_boolean()); };
  CHECK(read_with("\"\\e[2J\"", read) == "1:4: 'v': expected true or false, found '\\x1b[2J'");
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config
