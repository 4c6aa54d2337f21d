#include "importer/name_table.hpp"

#include "config/yaml_reader.hpp"

#include <doctest/doctest.h>

namespace meridian::importer {
namespace {

TEST_SUITE_BEGIN("importer/name_table");

TEST_CASE("names become names of a map, each another one, and the same each time") {
  NameTable names("dc-");
  CHECK(names.find_or_add("ams") == "ams");
  CHECK(names.find_or_add("DC-01") == "dc-01");
  CHECK(names.find_or_add("dc-01") == "dc-01-2");
  CHECK(names.find_or_add("DC-01") == "dc-01");
  CHECK(names.find_or_add("01.example") == "dc-01-example");
  CHECK(names.find_or_add("") == "dc-");
  CHECK(names.take("ams") == "ams-2");
}

TEST_CASE("the longest names are told apart and stay names") {
  NameTable names("dc-");
  const auto first = names.find_or_add(std::string(200, 'a') + "x");
  const auto second = names.find_or_add(std::string(200, 'a') + "y");
  CHECK(first != second);
  CHECK(config::is_name(first));
  CHECK(config::is_name(second));
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::importer
