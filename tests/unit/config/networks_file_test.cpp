#include "config/networks_file.hpp"

#include "config/load.hpp"
#include "unit/config/map_folder.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace meridian::config {
namespace {

struct Parsed {
  explicit Parsed(std::string_view text, std::size_t entries_max = 100) {
    file.path = "feed.nets";
    file.file = "map/feed.nets";
    parse_networks(text, entries_max, file, diagnostics);
  }
  /// "198.51.100.0/24@1[ams,fra]", …
  [[nodiscard]] std::string entries() const {
    std::string text;
    for (const auto& entry : file.entries) {
      text += fmt::format("{}{}@{}", text.empty() ? "" : " ", base::to_string(entry.network), entry.line);
      if (entry.list == NetworksFile::kNoList) continue;
      text += '[';
      for (const auto& word : file.lists[entry.list]) text += word.text + ";";
      text += ']';
    }
    return text;
  }
  NetworksFile file;
  base::Diagnostics diagnostics;
};

/// A map whose one rule names `place`.
void write_map(const test::MapFolder& folder, const std::string& place, const std::string& prefer) {
  folder.write("datacenters.yaml", "datacenters: {ams: {}}\n");
  folder.write(
      "maps.yaml",
      fmt::format("maps:\n  web:\n    rules:\n      - {{for: \"file:{}\", prefer: {}}}\n", place, prefer));
  folder.write("services.yaml", "services: {}\n");
  folder.write("zones/example.com.zone", "");
}

std::string problems(const test::MapFolder& folder) {
  return folder.without_path(load_map_directory(folder.path()).diagnostics.to_text());
}

TEST_SUITE_BEGIN("config/networks_file");

TEST_CASE("one network a line, comments, and datacenters where there are some") {
  const Parsed parsed(
      "\xef\xbb\xbf# a feed\r\n"
      "\n"
      "  203.0.113.7   # one address\r\n"
      "198.51.100.0/24\tams, fra\n"
      "2001:db8::/32 ams,fra#comment\n"
      "198.51.100.0/25");
  CHECK(parsed.diagnostics.to_text().empty());
  CHECK(parsed.entries() ==
        "198.51.100.0/24@4[ams;fra;] 198.51.100.0/25@6 203.0.113.7/32@3 2001:db8::/32@5[ams;fra;]");
  CHECK(parsed.file.lists.size() == 1);
  CHECK(base::to_string(parsed.file.lists[0][1].where) == "map/feed.nets:4:22");
}

TEST_CASE("a line that is none says where and what would be right") {
  struct Row {
    const char* text;
    const char* message;
  };
  const Row rows[] = {
      {"DE\n", "map/feed.nets:1:1: 'DE' is no network; a line holds one, such as 192.0.2.0/24\n"},
      {"\n  198.51.100.7/24\n",
       "map/feed.nets:2:3: '198.51.100.7/24' has host bits set; the network is 198.51.100.0/24\n"},
      {"2002::/16\n",
       "map/feed.nets:1:1: '2002::/16' lies in 2002::/16, where clients are looked up by the IPv4 address "
       "they "
       "carry; write the IPv4 network\n"},
      {"198.51.100.0/24 ams fra\n",
       "map/feed.nets:1:17: 'ams fra' is no name of a datacenter; write datacenters with commas between "
       "them, "
       "such as ams,fra\n"},
      {"198.51.100.0/24 ams,,fra\n",
       "map/feed.nets:1:21: '' is no name of a datacenter; write datacenters with commas between them, such "
       "as "
       "ams,fra\n"},
      {"198.51.100.0/24 ams,ams\n", "map/feed.nets:1:21: datacenter 'ams' stands twice in this line\n"},
      {"198.51.100.0/24 ams\n198.51.100.0/24\n",
       "map/feed.nets:2:1: 198.51.100.0/24 stands twice in this file, with other datacenters in line 1; keep "
       "one "
       "line\n"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(Parsed(row.text).diagnostics.to_text() == row.message);
  }
  CHECK(Parsed("198.51.100.0/24 ams\n198.51.100.0/24 ams\n").entries() == "198.51.100.0/24@1[ams;]");
}

TEST_CASE("lines past the limit are one error and no memory") {
  const Parsed parsed("10.0.0.0/8\n11.0.0.0/8\n12.0.0.0/8\n13.0.0.0/8\n", 2);
  CHECK(parsed.diagnostics.to_text() ==
        "map/feed.nets:3:1: more than 4000000 networks in the networks files of this map\n");
  CHECK(parsed.file.entries.size() == 3);
}

TEST_CASE("a file is read once, wherever the map names it") {
  const test::MapFolder folder;
  write_map(folder, "feeds/a.nets", "[ams]");
  folder.write("regions.yaml", "regions: {partner: [\"file:feeds/a.nets\", \"not file:b.nets\"]}\n");
  folder.write("feeds/a.nets", "198.51.100.0/24\n");
  folder.write("b.nets", "# none\n");
  const auto loaded = load_map_directory(folder.path());
  CHECK(loaded.diagnostics.to_text().empty());
  REQUIRE(loaded.model.networks_files.size() == 2);
  CHECK(loaded.model.networks_files[0].path == "feeds/a.nets");
  CHECK(loaded.model.networks_files[0].entries.size() == 1);
  CHECK(folder.without_path(loaded.model.networks_files[1].file) == "map/b.nets");
}

TEST_CASE("a file stays inside the map, links resolved, and is no pipe") {
  const test::MapFolder folder;
  const test::MapFolder elsewhere;
  elsewhere.write("secret", "198.51.100.0/24\n");
  const std::filesystem::path map(folder.path());
  std::filesystem::create_symlink(elsewhere.path() + "/secret", map / "out.nets");
  std::filesystem::create_directory_symlink(elsewhere.path(), map / "feeds");
  REQUIRE(::mkfifo((map / "pipe.nets").c_str(), 0600) == 0);
  folder.write("real/a.nets", "198.51.100.0/24\n");
  std::filesystem::create_symlink("real/a.nets", map / "in.nets");

  write_map(folder, "in.nets", "[ams]");
  CHECK(problems(folder) == "");
  for (const auto* path : {"out.nets", "feeds/secret"}) {
    CAPTURE(path);
    write_map(folder, path, "[ams]");
    CHECK(problems(folder) ==
          fmt::format(
              "map/maps.yaml:4:15: can't read the networks file '{}': it leads outside of the map directory, "
              "to '{}/secret'; move the file there\n",
              path, elsewhere.path()));
  }
  write_map(folder, "pipe.nets", "[ams]");
  CHECK(problems(folder) ==
        "map/maps.yaml:4:15: can't read the networks file 'pipe.nets': it is no regular file\n");
  write_map(folder, "absent.nets", "[ams]");
  CHECK(problems(folder) ==
        "map/maps.yaml:4:15: can't read the networks file 'absent.nets': there is no such file\n");
}

TEST_CASE("as_listed wants datacenters on every line") {
  const test::MapFolder folder;
  write_map(folder, "a.nets", "as_listed");
  folder.write("a.nets", "10.0.0.0/8\n198.51.100.0/24 ams\n9.0.0.0/8\n");
  CHECK(problems(folder) ==
        "map/a.nets:1:1: this line and 1 more have no datacenters, which the rule at map/maps.yaml:4:9 wants "
        "of "
        "each (as_listed); write them behind the network\n");
  folder.write("a.nets", "198.51.100.0/24 ams\n9.0.0.0/8\n");
  CHECK(problems(folder) ==
        "map/a.nets:2:1: this line has no datacenters, which the rule at map/maps.yaml:4:9 wants of each "
        "(as_listed); write them behind the network\n");
  // Who lists datacenters for one rule may use the file for another.
  write_map(folder, "a.nets", "[ams]");
  CHECK(problems(folder) == "");
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config
