#include "zone/zone_file.hpp"

#include "unit/zone/zone_fixture.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace meridian::test {
namespace {

using dns::Rtype;
namespace fs = std::filesystem;

constexpr std::string_view kHead =
    "$TTL 3600\n@ SOA ns h 1 2 3 4 600\n@ NS ns\nns A 192.0.2.53\n";  // lines 1 to 4

/// "ttl count hex" of one rrset, "" when it is absent.
std::string dump(const zone::Zone& zone, std::string_view name, Rtype type) {
  const auto rrset = zone.find_rrset(name_of(name), type);
  return rrset ? fmt::format("{} {} {}", rrset->ttl_s, rrset->count, test::hex_records(*rrset))
               : std::string{};
}

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "meridian-zone-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = fs::canonical(name);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  [[nodiscard]] const fs::path& path() const { return path_; }
  void write(const fs::path& name, std::string_view text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  /// The error text with this folder's path as FOLDER.
  [[nodiscard]] std::string shorten(std::string text) const {
    for (std::size_t at; (at = text.find(path_.string())) != std::string::npos;)
      text.replace(at, path_.string().size(), "FOLDER");
    return text;
  }

 private:
  fs::path path_;
};

struct Loaded {
  std::optional<zone::Zone> zone;
  std::string errors;
};

Loaded load(const Folder& folder, const fs::path& file, const fs::path& root) {
  zone::ZoneBuilder builder(name_of("example.com"));
  const auto problems = zone::load_zone_file(folder.path() / file, builder, root);
  base::Diagnostics warnings;
  auto zone = std::move(builder).build(warnings);
  Loaded loaded{std::nullopt, folder.shorten(problems.to_text())};
  if (zone) loaded.zone = std::move(*zone);
  return loaded;
}

}  // namespace

TEST_SUITE("zone/zone_file") {
  TEST_CASE("legal ways to write a record all give the same record") {
    struct Row {
      const char* why;
      std::string text;
    };
    const Row rows[] = {
        {"TTL, class", "www 300 IN A 192.0.2.1\n"},
        {"class, TTL", "www IN 300 A 192.0.2.1\n"},
        {"lower case", "www in 300 a 192.0.2.1\n"},
        {"CLASS1", "www CLASS1 300 A 192.0.2.1\n"},
        {"units", "www 5m A 192.0.2.1\n"},
        {"absolute", "www.example.com. 300 A 192.0.2.1\n"},
        {"upper case owner", "WWW 300 A 192.0.2.1\n"},
        {"generic type and data", "www 300 TYPE1 \\# 4 c0000201\n"},
        {"no final newline", "www 300 A 192.0.2.1"},
        {"CRLF", "www 300 A 192.0.2.1\r\n\r\n"},
        {"tabs and trailing blanks", "www\t300\tA\t192.0.2.1 \t \n"},
        {"comment behind", "www 300 A 192.0.2.1;comment ( \" \n"},
        {"comment lines", "; a ( \"\n  ; b\nwww 300 A 192.0.2.1\n;"},
        {"parentheses over lines", "www 300 A ( ; open\n\n 192.0.2.1 ; x\n)\n"},
        {"parentheses from the start", "www (\n300\nIN\nA\n192.0.2.1)\n"},
        {"parentheses without blanks", "www 300 A(192.0.2.1)\n"},
        {"nested parentheses", "www 300 ((A) (192.0.2.1))\n"},
        {"empty parentheses", "() www () 300 A 192.0.2.1 ()\n"},
        {"the last owner", "www 300 A 192.0.2.1\n 300 A 192.0.2.1\n"},
        {"the last owner after a directive", "www 300 A 192.0.2.1\n$TTL 5\n\t300 A 192.0.2.1\n"},
        {"$TTL", "$TTL 300\nwww A 192.0.2.1\n"},
        {"$ttl with a unit", "$ttl 5m\nwww A 192.0.2.1\n"},
        {"an owner with escapes", "w\\119\\w 300 A 192.0.2.1\n"},
        {"$ORIGIN", "$ORIGIN www.example.com.\n@ 300 A 192.0.2.1\n"},
        {"relative $ORIGIN", "$ORIGIN www\n@ 300 A 192.0.2.1\n"},
        {"relative $ORIGIN twice", "$ORIGIN x\n$origin www.example.com.\n@ 300 A 192.0.2.1\n"},
        {"$ORIGIN of the root", "$ORIGIN .\nwww.example.com 300 A 192.0.2.1\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto zone = zone_of(std::string{kHead} + row.text, "example.com");
      CHECK(dump(zone, "www.example.com", Rtype::A) == "300 1 0004c0000201");
      CHECK(zone.record_count() == 4);
    }
  }

  TEST_CASE("relative names in data follow the origin of their line") {
    const auto zone =
        zone_of(std::string{kHead} +
                    "a CNAME x\n$ORIGIN sub\nb CNAME x\nc CNAME @\nd CNAME x.\n$ORIGIN deep\ne MX 1 x\n",
                "example.com");
    CHECK(dump(zone, "a.example.com", Rtype::Cname) == "3600 1 000f0178076578616d706c6503636f6d00");
    CHECK(dump(zone, "b.sub.example.com", Rtype::Cname) ==
          "3600 1 0013017803737562076578616d706c6503636f6d00");
    CHECK(dump(zone, "c.sub.example.com", Rtype::Cname) == "3600 1 001103737562076578616d706c6503636f6d00");
    CHECK(dump(zone, "d.sub.example.com", Rtype::Cname) == "3600 1 0003017800");
    CHECK(dump(zone, "e.deep.sub.example.com", Rtype::Mx) ==
          "3600 1 001a00010178046465657003737562076578616d706c6503636f6d00");
  }

  TEST_CASE("a record without TTL takes $TTL, else the last one written, else the SOA's minimum") {
    struct Row {
      const char* why;
      const char* text;
      const char* soa_ttl;
      const char* www_ttl;
    };
    const Row rows[] = {
        {"$TTL", "$TTL 10\n@ SOA ns h 1 2 3 4 600\n@ NS ns.x.\nwww A 192.0.2.1\n", "10 ", "10 "},
        {"$TTL beats the last one", "$TTL 10\n@ 20 SOA ns h 1 2 3 4 600\n@ NS ns.x.\nwww A 192.0.2.1\n",
         "20 ", "10 "},
        {"the last one", "@ 20 SOA ns h 1 2 3 4 600\n@ NS ns.x.\nwww A 192.0.2.1\n", "20 ", "20 "},
        {"the SOA's minimum", "@ SOA ns h 1 2 3 4 600\n@ NS ns.x.\nwww A 192.0.2.1\n", "600 ", "600 "},
        {"a TTL of 0", "@ 0 SOA ns h 1 2 3 4 600\n@ NS ns.x.\nwww A 192.0.2.1\n", "0 ", "0 "},
        {"a later $TTL", "$TTL 10\n@ SOA ns h 1 2 3 4 600\n@ NS ns.x.\n$TTL 30\nwww A 192.0.2.1\n", "10 ",
         "30 "},
        {"a minimum past 31 bits", "@ SOA ns h 1 2 3 4 4294967295\n@ NS ns.x.\nwww 5 A 192.0.2.1\n",
         "2147483647 ", "5 "},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto zone = zone_of(row.text, "example.com");
      CHECK(dump(zone, "example.com", Rtype::Soa).starts_with(row.soa_ttl));
      CHECK(dump(zone, "www.example.com", Rtype::A).starts_with(row.www_ttl));
    }
  }

  TEST_CASE("what cannot be read is reported at its place with what would be right") {
    struct Row {
      const char* why;
      std::string text;
      const char* expected;
    };
    const Row rows[] = {
        {"bad address", "www A 300.1.2.3\n", "z:5:7: bad A rdata '300.1.2.3'; write an IPv4 address\n"},
        {"bad field of a long record", "www SOA a b (\n 1 ; serial\n x 2 3 4 )\n",
         "z:7:2: bad SOA rdata: 'x' is not a time; write seconds or 1h30m\n"},
        {"no data", "www A\n", "z:5:5: the A record has no data\n"},
        {"no type", "www 300 IN\n", "z:5:9: the record has no type; write owner, TTL, IN, type and data\n"},
        {"owner only", "www\n", "z:5:1: the record has no type; write owner, TTL, IN, type and data\n"},
        {"unknown type", "www CNAM x\n", "z:5:5: unknown type 'CNAM'; did you mean 'CNAME'?\n"},
        {"type in quotes", "www \"A\" 192.0.2.1\n",
         "z:5:5: unknown type '\"A\"'; write TYPEn for a type without a name here, and start the line with a "
         "blank to keep the last owner\n"},
        {"forgotten blank", "A 192.0.2.1\n",
         "z:5:3: bad TTL '192.0.2.1'; write at most 2147483647 seconds, or units like 1h30m\n"},
        {"query type", "www AXFR x\n", "z:5:5: AXFR is a type of queries, not of records\n"},
        {"query type by number", "www TYPE252 \\# 0\n",
         "z:5:5: TYPE252 is a type of queries, not of records\n"},
        {"other class", "www CH A 192.0.2.1\n", "z:5:5: class 'CH' is not served, only IN\n"},
        {"other class by number", "www 300 CLASS3 A 192.0.2.1\n",
         "z:5:9: class 'CLASS3' is not served, only IN\n"},
        {"class twice", "www IN IN A 192.0.2.1\n",
         "z:5:8: unknown type 'IN'; write TYPEn for a type without a name here, and start the line with a "
         "blank to keep the last owner\n"},
        {"TTL twice", "www 1 2 A 192.0.2.1\n", "z:5:7: unknown type '2'; did you mean 'A'?\n"},
        {"bad TTL", "www 3x A 192.0.2.1\n",
         "z:5:5: bad TTL '3x'; write at most 2147483647 seconds, or units like 1h30m\n"},
        {"TTL of 2^31", "www 2147483648 A 192.0.2.1\n",
         "z:5:5: bad TTL '2147483648'; write at most 2147483647 seconds, or units like 1h30m\n"},
        {"bad owner", "a..b A 192.0.2.1\n", "z:5:1: 'a..b' has an empty label\n"},
        {"quoted owner", "\"www\" A 192.0.2.1\n",
         "z:5:1: \"www\" is quoted; write the name without quotes\n"},
        {"a bad owner's other records say nothing about another name", "a..b A 192.0.2.1\n TXT t\n",
         "z:5:1: 'a..b' has an empty label\nz:6:2: the record has no owner: none stands before it in this "
         "file; start the line with a name\n"},
        {"quote not closed", "www TXT \"abc\nx A 192.0.2.1\n",
         "z:5:9: the quote is not closed on its line; write '\"' at its end, and '\\\"' for one inside\n"},
        {"quote closed by an escape only", "www TXT \"abc\\\"\n",
         "z:5:9: the quote is not closed on its line; write '\"' at its end, and '\\\"' for one inside\n"},
        {"quote open at the end of the file", "www TXT \"",
         "z:5:9: the quote is not closed on its line; write '\"' at its end, and '\\\"' for one inside\n"},
        {"quote open in a parenthesis: its lines go with it", "www TXT ( a\n \"b\n c )\nx A 1\n",
         "z:6:2: the quote is not closed on its line; write '\"' at its end, and '\\\"' for one "
         "inside\nz:8:5: bad A rdata '1'; write an IPv4 address\n"},
        {"parenthesis not closed", "www TXT ( a\nx A 192.0.2.1\n",
         "z:5:9: '(' is never closed; write ')' after the last line of the record\n"},
        {"parenthesis not opened", "www TXT a )\nx A 1\n",
         "z:5:11: ')' without a '(' before it; remove it\nz:6:5: bad A rdata '1'; write an IPv4 address\n"},
        {"backslash at the end of a line", "www TXT a\\\n",
         "z:5:10: '\\' at the end of the line escapes nothing; use parentheses to go on\n"},
        {"backslash at the end of the file", "www TXT a\\",
         "z:5:10: '\\' at the end of the line escapes nothing; use parentheses to go on\n"},
        {"backslash before CRLF", "www TXT a\\\r\n",
         "z:5:10: '\\' at the end of the line escapes nothing; use parentheses to go on\n"},
        {"$GENERATE", "$GENERATE 1-9 a$ A 192.0.2.$\n",
         "z:5:1: $GENERATE is not supported; write the records out\n"},
        {"unknown directive", "$FOO x\n",
         "z:5:1: unknown directive '$FOO'; there are $ORIGIN, $TTL and $INCLUDE\n"},
        {"$ORIGIN without name", "$ORIGIN\n", "z:5:1: write $ORIGIN and one name\n"},
        {"$ORIGIN with two", "$ORIGIN a b\n", "z:5:1: write $ORIGIN and one name\n"},
        {"$ORIGIN with a bad one", "$ORIGIN a..b\n", "z:5:9: 'a..b' has an empty label\n"},
        {"$TTL without time", "$TTL\n", "z:5:1: write $TTL and one time, like 3600 or 1h\n"},
        {"$TTL with a bad one", "$TTL soon\n",
         "z:5:6: bad TTL 'soon'; write at most 2147483647 seconds, or units like 1h30m\n"},
        {"$INCLUDE from memory", "$INCLUDE other\n", "z:5:10: $INCLUDE is not possible here\n"},
        {"$INCLUDE without file", "$INCLUDE\n", "z:5:1: write $INCLUDE, a file, and optionally an origin\n"},
        {"a zero byte", std::string("www A 192.0.2.1\n x\0y", 20),
         "z:6:3: a zero byte; this is no zone file but binary data\n"},
        {"two errors", "a A x\nb A y\n",
         "z:5:5: bad A rdata 'x'; write an IPv4 address\nz:6:5: bad A rdata 'y'; write an IPv4 address\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto loaded = load_text(std::string{kHead} + row.text, "example.com");
      CHECK(loaded.errors == row.expected);
      CHECK(!loaded.zone.has_value());
    }
  }

  TEST_CASE("the first record needs an owner and a TTL") {
    CHECK(load_text(" A 192.0.2.1\n", "example.com").errors ==
          "z:1:2: the record has no owner: none stands before it in this file; start the line with a name\n");
    CHECK(load_text("www A 192.0.2.1\n", "example.com").errors ==
          "z:1:5: the record has no TTL and none stands before it; write $TTL 3600 at the top\n");
  }

  TEST_CASE("a byte order mark is skipped") {
    const auto zone = zone_of("\xef\xbb\xbf" + std::string{kHead}, "example.com");
    CHECK(zone.record_count() == 3);
    CHECK(load_text("\xef\xbb\xbf$FOO\n", "example.com").errors.starts_with("z:1:1: "));
  }

  TEST_CASE("an entry has a limit, a comment has none") {
    const std::string long_comment = ";" + std::string(2 * base::limits::kZoneEntryBytesMax, 'x') + "\n";
    CHECK(zone_of(long_comment + std::string{kHead}, "example.com").record_count() == 3);
    std::string many = "www TXT";
    while (many.size() <= base::limits::kZoneEntryBytesMax)
      many += " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    CHECK(load_text(std::string{kHead} + many + "\nx A 1\n", "example.com").errors ==
          "z:5:1: the entry is longer than 524288 bytes\nz:6:5: bad A rdata '1'; write an IPv4 address\n");
    std::string open = "www TXT (\n";
    while (open.size() <= base::limits::kZoneEntryBytesMax) open += "x A 192.0.2.1\n";
    CHECK(load_text(std::string{kHead} + open, "example.com")
              .errors.starts_with(
                  "z:5:1: the entry is longer than 524288 bytes; is the '(' of line 5 closed?\n"));
  }

  TEST_CASE("files include files inside the root") {
    const Folder folder;
    folder.write(
        "zones/example.com.zone",
        std::string{kHead} +
            "$INCLUDE \"common/mail.inc\" sub\n AAAA ::1\nwww A 192.0.2.3\n$INCLUDE common/mail.inc\n");
    folder.write("zones/common/mail.inc", "$ORIGIN x\n@ MX 10 mail\n$INCLUDE ../leaf.inc\n");
    folder.write("zones/leaf.inc", "leaf TXT t\n");
    const auto loaded = load(folder, "zones/example.com.zone", folder.path() / "zones");
    CHECK(loaded.errors == "");
    REQUIRE(loaded.zone.has_value());
    CHECK(dump(*loaded.zone, "x.sub.example.com", Rtype::Mx) != "");
    CHECK(dump(*loaded.zone, "leaf.x.sub.example.com", Rtype::Txt) != "");
    CHECK(dump(*loaded.zone, "leaf.x.example.com", Rtype::Txt) != "");
    CHECK(dump(*loaded.zone, "ns.example.com", Rtype::Aaaa) != "");  // the owner from before the include
    CHECK(dump(*loaded.zone, "www.example.com", Rtype::A) != "");    // and the origin
  }

  TEST_CASE("an include that leaves the root, loops, nests too deep or is no file is refused") {
    const Folder folder;
    folder.write("outside.inc", "secret TXT t\n");
    folder.write("root/loop.inc", "$INCLUDE loop.inc\n");
    folder.write("root/owner.inc", " A 192.0.2.1\n");
    folder.write("root/bad.inc", "a A 1\n");
    fs::create_directories(folder.path() / "root/folder");
    fs::create_symlink(folder.path() / "outside.inc", folder.path() / "root/link.inc");
    for (std::size_t i = 0; i <= base::limits::kZoneIncludeDepthMax; ++i) {
      folder.write(fmt::format("root/deep{}.inc", i), fmt::format("$INCLUDE deep{}.inc\n", i + 1));
    }
    folder.write(fmt::format("root/deep{}.inc", base::limits::kZoneIncludeDepthMax + 1), "");
    struct Row {
      const char* why;
      const char* text;
      std::string expected;
    };
    const Row rows[] = {
        {"..", "$INCLUDE ../outside.inc\n",
         "FOLDER/root/z:5:10: cannot include 'FOLDER/root/../outside.inc': it is outside 'FOLDER/root'; move "
         "the file there\n"},
        {"absolute", "$INCLUDE /etc/passwd\n",
         "FOLDER/root/z:5:10: cannot include '/etc/passwd': it is outside 'FOLDER/root'; move the file "
         "there\n"},
        {"a link out", "$INCLUDE link.inc\n",
         "FOLDER/root/z:5:10: cannot include 'FOLDER/root/link.inc': it is outside 'FOLDER/root'; move the "
         "file there\n"},
        {"itself", "$INCLUDE z\n",
         "FOLDER/root/z:5:10: cannot include 'FOLDER/root/z': it includes itself\n"},
        {"a loop below", "$INCLUDE loop.inc\n",
         "FOLDER/root/loop.inc:1:10: cannot include 'FOLDER/root/loop.inc': it includes itself\n"},
        {"too deep", "$INCLUDE deep0.inc\n",
         "FOLDER/root/deep7.inc:1:10: cannot include 'FOLDER/root/deep8.inc': includes nest deeper than 8\n"},
        {"absent", "$INCLUDE gone.inc\n",
         "FOLDER/root/z:5:10: cannot include 'FOLDER/root/gone.inc': there is no such file\n"},
        {"a folder", "$INCLUDE folder\n",
         "FOLDER/root/z:5:10: cannot include 'FOLDER/root/folder': it is no regular file\n"},
        {"empty name", "$INCLUDE \"\"\n", "FOLDER/root/z:5:10: the name of the file is empty\n"},
        {"bad origin", "$INCLUDE bad.inc a..b\n", "FOLDER/root/z:5:18: 'a..b' has an empty label\n"},
        {"no owner at the start of an include", "$INCLUDE owner.inc\n",
         "FOLDER/root/owner.inc:1:2: the record has no owner: none stands before it in this file; start the "
         "line with a name\n"},
        {"an error inside", "$INCLUDE bad.inc\n",
         "FOLDER/root/bad.inc:1:5: bad A rdata '1'; write an IPv4 address\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      folder.write("root/z", std::string{kHead} + row.text);
      const auto loaded = load(folder, "root/z", folder.path() / "root");
      CHECK(loaded.errors == row.expected);
      CHECK(!loaded.zone.has_value());
    }
  }

  TEST_CASE("a zone includes a bounded number of files") {
    const Folder folder;
    folder.write("empty.inc", "");
    std::string text{kHead};
    for (std::size_t i = 0; i <= base::limits::kZoneIncludesMax; ++i) text += "$INCLUDE empty.inc\n";
    folder.write("z", text);
    CHECK(load(folder, "z", folder.path()).errors ==
          fmt::format(
              "FOLDER/z:{}:10: cannot include 'FOLDER/empty.inc': the zone includes more than 10000 files\n",
              5 + base::limits::kZoneIncludesMax));
  }

  TEST_CASE("a file that is absent, a folder, empty or too large is an error") {
    const Folder folder;
    folder.write("empty", "");
    folder.write("huge", "");
    fs::resize_file(folder.path() / "huge", base::limits::kZoneFileBytesMax + 1);  // sparse
    fs::create_directories(folder.path() / "folder");
    CHECK(load(folder, "absent", folder.path()).errors ==
          "FOLDER/absent: cannot read 'FOLDER/absent': there is no such file\n");
    CHECK(load(folder, "folder", folder.path()).errors ==
          "FOLDER/folder: cannot read 'FOLDER/folder': it is no regular file\n");
    CHECK(load(folder, "huge", folder.path()).errors ==
          "FOLDER/huge: cannot read 'FOLDER/huge': the zone is larger than 1073741824 bytes with it\n");
    const auto empty = load(folder, "empty", folder.path());
    CHECK(empty.errors == "");
    CHECK(!empty.zone.has_value());  // no SOA, no NS: the builder says so
  }

  TEST_CASE("garbage of any length is refused without harm") {
    std::string garbage;
    for (int i = 0; i < 200'000; ++i) garbage += static_cast<char>(1 + i * 7919 % 255);
    CHECK(!load_text(garbage, "example.com").zone.has_value());
    CHECK(!load_text(std::string(1u << 20, '('), "example.com").zone.has_value());
    CHECK(!load_text(std::string(1u << 20, '"'), "example.com").zone.has_value());
    CHECK(!load_text(std::string(1u << 20, 'a'), "example.com").zone.has_value());
  }
}

}  // namespace meridian::test
