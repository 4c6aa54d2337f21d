#include "dns/name.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace meridian;
using dns::Name;
using dns::NameView;
using test::from_hex;
using test::name_of;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::vector<std::uint8_t> wire_of(NameView name) { return {name.wire().begin(), name.wire().end()}; }

}  // namespace

TEST_SUITE("dns/name") {
  TEST_CASE("presentation form becomes wire form") {
    struct Row {
      const char* why;
      std::string text;
      std::vector<std::uint8_t> wire;
    };
    const Row rows[] = {
        {"the root", ".", from_hex("00")},
        {"no final dot", "ab.c", from_hex("02 6162 01 63 00")},
        {"a final dot", "ab.c.", from_hex("02 6162 01 63 00")},
        {"letters keep their case", "aB", from_hex("02 6142 00")},
        {"an escaped dot is part of the label", "a\\.b.c", from_hex("03 612e62 01 63 00")},
        {"an escaped backslash", "a\\\\", from_hex("02 615c 00")},
        {"three digits are a byte", "\\000\\255", from_hex("02 00ff 00")},
        {"any other escaped character is itself", "\\@", from_hex("01 40 00")},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto name = Name::parse(row.text);
      REQUIRE(name.has_value());
      CHECK(wire_of(*name) == row.wire);
    }
  }

  TEST_CASE("text that is no name is refused with what is wrong") {
    struct Row {
      const char* why;
      std::string text;
      const char* message;
    };
    const Row rows[] = {
        {"nothing", "", "the name is empty"},
        {"empty first label", ".a", "'.a' has an empty label"},
        {"empty middle label", "a..b", "'a..b' has an empty label"},
        {"two dots only", "..", "'..' has an empty label"},
        {"two final dots", "a..", "'a..' has an empty label"},
        {"backslash at the end", "a\\", "bad escape"},
        {"one digit", "a\\1", "bad escape"},
        {"two digits", "a\\12", "bad escape"},
        {"two digits and a letter", "a\\12b", "bad escape"},
        {"past a byte", "a\\256", "bad escape"},
        {"a label of 64 bytes", repeated("a", 64), "more than 63 bytes"},
        {"256 bytes", repeated("a.", 126) + "bb.", "longer than 255 bytes"},
        {"128 labels", repeated("a.", 127) + "b", "longer than 255 bytes"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto name = Name::parse(row.text);
      REQUIRE_FALSE(name.has_value());
      CHECK(name.error().find(row.message) != std::string::npos);
    }
  }

  TEST_CASE("a label of 63 bytes and a name of 255 bytes are the longest") {
    const Name label = name_of(repeated("a", 63));
    CHECK(label.view().size() == 65);
    const Name longest = name_of(repeated("a.", 127));
    CHECK(longest.view().size() == 255);
    CHECK(longest.view().label_count() == 127);
  }

  TEST_CASE("text of any name parses back to the same bytes") {
    const Name odd = name_of("a\\.b\\\\.\\000\\032\\\"\\;\\(\\)\\@\\$\\255.Example");
    const auto again = Name::parse(to_string(odd));
    REQUIRE(again.has_value());
    CHECK(wire_of(*again) == wire_of(odd));
    CHECK(to_string(name_of("www.Example.com.")) == "www.Example.com");
    CHECK(to_string(Name{}) == ".");
  }

  TEST_CASE("names compare without regard to ASCII case") {
    CHECK(name_of("WWW.example.COM") == name_of("www.EXAMPLE.com"));
    CHECK_FALSE(name_of("www.example.com") == name_of("www.example.org"));
    CHECK_FALSE(name_of("www.example") == name_of("www.example.com"));
    CHECK_FALSE(name_of("a\\.b") == name_of("a.b"));
    // RFC 4343 folds ASCII only: 0xc0 and 0xe0 are upper and lower case in Latin-1, not here.
    CHECK_FALSE(name_of("\\192") == name_of("\\224"));
    CHECK_FALSE(name_of("[") == name_of("{"));
  }

  TEST_CASE("make_lower touches letters only") {
    Name name = name_of("AZ@[`{az");
    name.make_lower();
    CHECK(wire_of(name) == wire_of(name_of("az@[`{az")));
  }

  TEST_CASE("a name is at or under itself and its ancestors") {
    struct Row {
      const char* why;
      const char* name;
      const char* ancestor;
      bool expected;
    };
    const Row rows[] = {
        {"itself", "a.b", "a.b", true},
        {"a child", "x.a.b", "A.b", true},
        {"everything is under the root", "a", ".", true},
        {"the root is under itself", ".", ".", true},
        {"a parent", "b", "a.b", false},
        {"a sibling", "c.b", "a.b", false},
        {"same last letters, other label", "xa.b", "a.b", false},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(name_of(row.name).view().is_at_or_under(name_of(row.ancestor)) == row.expected);
    }
  }

  TEST_CASE("a view walks label by label") {
    const Name name = name_of("www.example.com");
    const NameView view = name;
    CHECK(view.label_count() == 3);
    CHECK(std::string(view.first_label().begin(), view.first_label().end()) == "www");
    CHECK(view.parent() == name_of("example.com"));
    CHECK(view.parent().parent().parent().is_root());
    CHECK(NameView{}.is_root());
    CHECK(NameView{}.first_label().empty());
    CHECK(NameView{}.label_count() == 0);
  }

  TEST_CASE("a wildcard starts with a label that is one asterisk") {
    CHECK(name_of("*.example").view().is_wildcard());
    CHECK_FALSE(name_of("*a.example").view().is_wildcard());
    CHECK_FALSE(name_of("a.*.example").view().is_wildcard());
    CHECK_FALSE(Name{}.view().is_wildcard());

    Name name;
    REQUIRE(name.assign_wildcard_of(name_of("example.com")));
    CHECK(name == name_of("*.example.com"));
    REQUIRE(name.assign_wildcard_of(Name{}));
    CHECK(name == name_of("*"));
    CHECK_FALSE(name.assign_wildcard_of(name_of(repeated("a.", 127))));
    CHECK(name == name_of("*"));
  }

  TEST_CASE("reading follows pointers backwards and returns where the name ended") {
    // 0: "b." + root   3: "a" + pointer to 0   7: pointer to 3
    const auto message = from_hex("01 62 00  01 61 c000  c003");
    struct Row {
      const char* why;
      std::size_t offset;
      std::size_t end;
      const char* name;
    };
    const Row rows[] = {
        {"spelled out", 0, 3, "b"},
        {"the root alone", 2, 3, "."},
        {"a label and a pointer", 3, 7, "a.b"},
        {"a pointer to a pointer", 7, 9, "a.b"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Name name;
      CHECK(name.read(message, row.offset) == row.end);
      CHECK(name == name_of(row.name));
    }
  }

  TEST_CASE("bytes that are no name are refused and leave the root") {
    struct Row {
      const char* why;
      std::vector<std::uint8_t> message;
      std::size_t offset;
    };
    std::vector<std::uint8_t> too_long;
    for (int i = 0; i < 127; ++i) test::append(too_long, from_hex("01 61"));
    test::append(too_long, from_hex("01 61 00"));
    const Row rows[] = {
        {"nothing there", from_hex(""), 0},
        {"offset past the end", from_hex("00"), 1},
        {"no final zero", from_hex("01 61"), 0},
        {"a label past the end", from_hex("05 6161"), 0},
        {"half a pointer", from_hex("01 61 c0"), 0},
        {"a pointer to itself", from_hex("c000"), 0},
        {"a pointer forward", from_hex("c002 00"), 0},
        {"a pointer past the end", from_hex("c0ff"), 0},
        {"two pointers in a circle", from_hex("01 61 c004 01 62 c000"), 4},
        {"a pointer into the name it ends", from_hex("01 61 01 62 c002"), 0},
        {"label type 01 (RFC 2673, given up)", from_hex("41 61 00"), 0},
        {"label type 10 (never assigned)", from_hex("80 00"), 0},
        {"256 bytes", too_long, 0},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Name name = name_of("before.example");
      CHECK(name.read(row.message, row.offset) == 0);
      CHECK(name.view().is_root());
      CHECK(name.view().label_count() == 0);
    }
  }

  TEST_CASE("find_name_end accepts uncompressed names only") {
    struct Row {
      const char* why;
      std::vector<std::uint8_t> bytes;
      std::size_t offset;
      std::size_t end;
    };
    std::vector<std::uint8_t> longest;
    for (int i = 0; i < 127; ++i) test::append(longest, from_hex("01 61"));
    auto too_long = longest;
    test::append(longest, from_hex("00"));
    test::append(too_long, from_hex("01 61 00"));
    const Row rows[] = {
        {"the root", from_hex("00"), 0, 1},
        {"something after it", from_hex("01 61 00 ffff"), 0, 3},
        {"something before it", from_hex("ffff 01 61 00"), 2, 5},
        {"255 bytes", longest, 0, 255},
        {"256 bytes", too_long, 0, 0},
        {"a pointer", from_hex("00 01 61 c000"), 1, 0},
        {"no final zero", from_hex("01 61"), 0, 0},
        {"a label past the end", from_hex("05 61"), 0, 0},
        {"a label of 64 bytes", from_hex("40"), 0, 0},
        {"nothing there", from_hex(""), 0, 0},
        {"offset past the end", from_hex("00"), 5, 0},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(dns::find_name_end(row.bytes, row.offset) == row.end);
    }
  }
}
