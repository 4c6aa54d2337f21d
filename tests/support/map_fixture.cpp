#include "support/map_fixture.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace meridian::test {
namespace {

constexpr std::string_view kDatacenters = R"(datacenters:
  ams: {at: [52.31, 4.76]}
  sin: {at: [1.36, 103.99]}
  iad: {at: [38.94, -77.46]}
)";

constexpr std::string_view kRegions = R"(regions:
  europe: [continent:EU, not RU]
)";

constexpr std::string_view kMaps = R"(maps:
  web:
    rules:
      - {for: europe, prefer: [ams]}
      - {for: US, prefer: [iad]}
      - {for: CN, only: [sin]}
      - {for: JP, prefer: [{iad: 50, sin: 50}]}
      - {for: everyone, prefer: nearest}
)";

constexpr std::string_view kServices = R"(services:
  www.example.com:
    map: web
    ttl: 30
    pools:
      ams: [192.0.2.10, 192.0.2.11, "2001:db8:a::10"]
      iad: [198.51.100.10]
      sin: [203.0.113.10, "2001:db8:c::10"]
  "*.cdn.example.com":
    map: web
    pools: {ams: [192.0.2.20], iad: [198.51.100.20], sin: [203.0.113.20]}
  one.example.com: {datacenter: ams, of: www.example.com}
)";

constexpr std::string_view kZone = R"($TTL 3600
@       SOA ns1 hostmaster 1 7200 900 1209600 300
@       NS  ns1
@       NS  ns2.example.net.
ns1     A   192.0.2.53
static  A   192.0.2.80
static  AAAA 2001:db8::80
alias   CNAME www
deep    CNAME alias
away    CNAME www.example.net.
*.wild  TXT "any"
a.b.ent TXT "under an empty non-terminal"
sub     NS  ns.sub
sub     NS  ns.elsewhere.example.
ns.sub  A   192.0.2.54
old     DNAME new
x.new   A   192.0.2.90
)";

MmdbValue country(const char* continent, const char* code) {
  return mmdb_map(
      {{"continent", mmdb_map({{"code", continent}})}, {"country", mmdb_map({{"iso_code", code}})}});
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "meridian-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder like " + pattern);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TemporaryFolder::write(const std::string& name, std::string_view text) const {
  const auto path = std::filesystem::path(path_) / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

MapFixture::MapFixture(std::string data_folder) : data_folder_(std::move(data_folder)) {}

compile::Sources MapFixture::sources() const {
  return {map_folder(), {{"test", {folder_.path() + "/test.mmdb"}, {}}}, data_folder_};
}

base::Expected<compile::Compiled, base::Diagnostics> MapFixture::compile() const {
  return compile::load_and_compile(sources(), 1, {});
}

compile::Compiled MapFixture::must_compile() const {
  auto compiled = compile();
  if (!compiled) throw std::runtime_error("the map is not good:\n" + compiled.error().to_text());
  return std::move(*compiled);
}

std::string MapFixture::problems() const {
  const auto compiled = compile();
  std::string text = compiled ? compiled->warnings.to_text() : compiled.error().to_text();
  const std::string folder = map_folder() + "/";
  for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder, at))
    text.erase(at, folder.size());
  return text;
}

void MapFixture::write_standard() const {
  write("datacenters.yaml", kDatacenters);
  write("regions.yaml", kRegions);
  write("maps.yaml", kMaps);
  write("services.yaml", kServices);
  write("zones/example.com.zone", kZone);
  MmdbWriter writer;
  writer.insert("81.2.69.0/24", country("EU", "GB"));
  writer.insert("82.0.0.0/8", country("EU", "DE"));
  writer.insert("8.0.0.0/8", country("NA", "US"));
  writer.insert("27.0.0.0/16", country("AS", "SG"));
  writer.insert("58.0.0.0/8", country("AS", "JP"));
  writer.insert("59.0.0.0/8", country("AS", "CN"));
  writer.insert("2a00::/12", country("EU", "GB"));
  writer.insert("2600::/12", country("NA", "US"));
  set_database(writer);
}

}  // namespace meridian::test
