#include "plan/demand.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::plan {
namespace {

std::string problems(std::string_view text) {
  const auto demand = parse_demand(text, "demand.txt");
  return demand ? std::string{} : demand.error().to_text();
}

double density_at(const Demand& demand, std::string_view address) {
  const auto parsed = *base::parse_ip_address(address);
  return demand.density(demand.tree(parsed.family).lookup(parsed).value);
}

}  // namespace

TEST_SUITE("plan/demand") {
  TEST_CASE("networks have their counts, spread over their addresses") {
    const auto demand = parse_demand(
        "# client network, queries\n"
        "192.0.2.0/24 256   # a site\r\n"
        "\n"
        "  2001:db8::/47\t3.5\n"
        "192.0.2.0/24 256\n"
        "203.0.113.9 7",
        "demand.txt");
    REQUIRE_MESSAGE(demand.has_value(), (demand ? "" : demand.error().to_text()));
    CHECK(demand->total() == 522.5);
    CHECK(density_at(*demand, "192.0.2.77") == 2);
    CHECK(density_at(*demand, "2001:db8:1::") == 1.75);  // two /48s
    CHECK(density_at(*demand, "203.0.113.9") == 7);
    CHECK(density_at(*demand, "198.51.100.1") == 0);
  }

  TEST_CASE("a longer network takes its addresses out of the one around it") {
    const auto demand = parse_demand("192.0.2.0/24 128\n192.0.2.0/25 100\n", "demand.txt");
    REQUIRE(demand.has_value());
    CHECK(density_at(*demand, "192.0.2.200") == 1);
    CHECK(density_at(*demand, "192.0.2.1") == doctest::Approx(100.0 / 128));
  }

  TEST_CASE("a file may say what its numbers are") {
    CHECK(parse_demand("192.0.2.0/24 1\n", "demand.txt")->unit().empty());
    CHECK(parse_demand("# unit\n#unit queries\n# units of it\n", "demand.txt")->unit().empty());
    CHECK(parse_demand("# unit     queries a second\r\n192.0.2.0/24 1\n", "demand.txt")->unit() ==
          "queries a second");
    CHECK(parse_demand("# unit first\n# unit second\n", "demand.txt")->unit() == "first");
  }

  TEST_CASE("an empty file counts nothing") {
    CHECK(parse_demand("", "demand.txt")->total() == 0);
    CHECK(parse_demand("# nothing\n", "demand.txt")->total() == 0);
  }

  TEST_CASE("lines that are no counts are told, all at once") {
    struct Row {
      const char* why;
      const char* text;
      const char* message;
    };
    const Row rows[] = {
        {"no count", "192.0.2.0/24",
         "demand.txt:1:13: expected a number of queries behind 192.0.2.0/24, found nothing\n"},
        {"no number", "192.0.2.0/24 many",
         "demand.txt:1:14: expected a number of queries behind 192.0.2.0/24, found 'many'\n"},
        {"less than nothing", "192.0.2.0/24 -1",
         "demand.txt:1:14: expected a number of queries behind 192.0.2.0/24, found '-1'\n"},
        {"no number either", "192.0.2.0/24 inf",
         "demand.txt:1:14: expected a number of queries behind 192.0.2.0/24, found 'inf'\n"},
        {"host bits", "\n192.0.2.1/24 5",
         "demand.txt:2:1: '192.0.2.1/24' has host bits set; the network is 192.0.2.0/24\n"},
        {"too many words", "192.0.2.0/24 5 www",
         "demand.txt:1:16: a line is a network and a number of queries, and nothing else\n"},
        {"a carrier", "2002:c000:200::/40 5",
         "demand.txt:1:1: 2002:c000:200::/40 lies in 2002::/16, whose clients are looked up by the IPv4 "
         "address they carry; count the IPv4 network\n"},
        {"covered whole", "192.0.2.0/24 5\n192.0.2.0/25 1\n192.0.2.128/25 1",
         "demand.txt:1:1: longer networks of this file cover 192.0.2.0/24 whole, so nobody is left who asked "
         "these queries; take it out, or them\n"},
        {"two at once", "x 1\n192.0.2.0/24",
         "demand.txt:1:1: 'x' is not an IP network; write it like 192.0.2.0/24 or 2001:db8::/32\n"
         "demand.txt:2:13: expected a number of queries behind 192.0.2.0/24, found nothing\n"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(problems(row.text) == row.message);
    }
  }

  TEST_CASE("a file that is not there is told") {
    const auto demand = load_demand("/nowhere/demand.txt");
    REQUIRE_FALSE(demand.has_value());
    CHECK(demand.error().to_text() == "/nowhere/demand.txt: can't be read: No such file or directory\n");
  }
}

}  // namespace meridian::plan
