#include "scenario/text_geoip.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

namespace meridian::test {
namespace {

MmdbValue record_of(std::map<std::string, std::string> fields) {
  MmdbValue::Map record;
  const auto take = [&](const std::string& key) {
    auto node = fields.extract(key);
    return node.empty() ? std::string{} : node.mapped();
  };
  if (const auto code = take("continent"); !code.empty())
    record.emplace_back("continent", mmdb_map({{"code", code}}));
  if (const auto code = take("country"); !code.empty())
    record.emplace_back("country", mmdb_map({{"iso_code", code}}));
  if (const auto codes = take("subdivision"); !codes.empty()) {
    MmdbValue::List levels;
    std::istringstream in(codes);
    for (std::string code; std::getline(in, code, ',');) levels.push_back(mmdb_map({{"iso_code", code}}));
    record.emplace_back("subdivisions", mmdb_list(std::move(levels)));
  }
  auto name = take("city");
  std::replace(name.begin(), name.end(), '_', ' ');
  const auto id = take("geoname_id");
  MmdbValue::Map city;
  if (!name.empty()) city.emplace_back("names", mmdb_map({{"en", name}}));
  if (!id.empty()) city.emplace_back("geoname_id", static_cast<std::uint32_t>(std::stoul(id)));
  if (!city.empty()) record.emplace_back("city", mmdb_map(std::move(city)));
  const auto latitude = take("latitude");
  const auto longitude = take("longitude");
  if (!latitude.empty() && !longitude.empty()) {
    record.emplace_back("location",
                        mmdb_map({{"latitude", std::stod(latitude)}, {"longitude", std::stod(longitude)}}));
  }
  if (const auto number = take("as_number"); !number.empty()) {
    record.emplace_back("autonomous_system_number", static_cast<std::uint32_t>(std::stoul(number)));
  }
  if (!fields.empty()) throw std::runtime_error("no field is called '" + fields.begin()->first + "'");
  return mmdb_map(std::move(record));
}

}  // namespace

std::string text_to_mmdb(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  MmdbWriter::Options options;
  options.database_type = "GeoIP2-City";  // by which gdnsd knows that there are coordinates
  MmdbWriter writer(options);
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    std::istringstream in(line);
    std::string network;
    if (!(in >> network) || network.starts_with('#')) continue;
    std::map<std::string, std::string> fields;
    for (std::string word; in >> word;)
      fields.emplace(word.substr(0, word.find('=')), word.substr(word.find('=') + 1));
    try {
      writer.insert(network, record_of(std::move(fields)));
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("{}:{}: {}", path, number, error.what()));
    }
  }
  return writer.bytes();
}

std::string empty_mmdb() {
  MmdbWriter writer;
  writer.insert("203.0.113.255/32", record_of({{"country", "NL"}}));
  return writer.bytes();
}

}  // namespace meridian::test
