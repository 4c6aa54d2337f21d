#include "probe/http_reply.hpp"

#include <doctest/doctest.h>

using namespace meridian;
using Ranges = std::vector<config::HttpCheck::StatusRange>;

TEST_SUITE("probe/http_reply") {
  TEST_CASE("a status is wanted when one of the ranges holds it") {
    const Ranges wanted{{200, 299}, {301, 301}};
    CHECK(probe::is_wanted(wanted, 200));
    CHECK(probe::is_wanted(wanted, 299));
    CHECK(probe::is_wanted(wanted, 301));
    CHECK_FALSE(probe::is_wanted(wanted, 300));
    CHECK_FALSE(probe::is_wanted(wanted, 199));
    CHECK_FALSE(probe::is_wanted({}, 200));
    CHECK(probe::status_cause(wanted, 503) == "status 503, wanted 200-299, 301");
  }

  TEST_CASE("a regular expression is found anywhere, beyond zero bytes and line ends") {
    const auto regex = probe::BodyRegex::compile("ok: [0-9]+$");
    REQUIRE(regex.has_value());
    using namespace std::string_view_literals;
    CHECK(regex->matches("x\n\0ok: 12"sv));
    CHECK_FALSE(regex->matches("ok: 12\n"sv));
    CHECK_FALSE(regex->matches(""sv));
    // A view that is not the whole string: what follows is not looked at.
    CHECK(regex->matches("ok: 12 later"sv.substr(0, 6)));
    CHECK_FALSE(probe::BodyRegex::compile("a(").has_value());
  }

  TEST_CASE("a weight is a whole number from 0 to 100") {
    struct Row {
      const char* text;
      std::optional<std::uint32_t> expected;
    };
    const Row rows[] = {{"0", 0},    {" 100\r", 100}, {"7", 7}, {"101", {}},        {"-1", {}},
                        {"5.5", {}}, {"50%", {}},     {"", {}}, {"99999999999", {}}};
    for (const auto& row : rows) {
      CAPTURE(row.text);
      const auto weight = probe::parse_weight(row.text);
      CHECK(weight.has_value() == row.expected.has_value());
      if (weight && row.expected) CHECK(*weight == *row.expected);
    }
  }

  TEST_CASE("a weight in a body stands under a key of its top level") {
    CHECK(probe::find_weight(R"({"weight": 40, "a": {"weight": 1}})", "weight").value() ==
          std::optional{40u});
    CHECK(probe::find_weight(R"({"weight": 40.0})", "weight").value() == std::optional{40u});
    CHECK(probe::find_weight(R"({"a": {"weight": 1}})", "weight").value() == std::optional<std::uint32_t>{});
    for (const char* const bad : {R"({"weight": 101})", R"({"weight": -1})", R"({"weight": "40"})",
                                  R"({"weight": 1.5})", R"([40])", "", "{", R"({"weight": null})"}) {
      CAPTURE(bad);
      CHECK_FALSE(probe::find_weight(bad, "weight").has_value());
    }
    const std::string deep(100'000, '[');
    CHECK_FALSE(probe::find_weight(deep, "weight").has_value());
  }

  TEST_CASE("a header is found whatever the case of its name") {
    CHECK(probe::find_header_value("X-Meridian-Weight:  40 \r\n", "x-meridian-weight") == "40");
    CHECK(probe::find_header_value("X-Other: 40\r\n", "X-Meridian-Weight") == std::nullopt);
    CHECK(probe::find_header_value("X-Meridian-Weights: 40\r\n", "X-Meridian-Weight") == std::nullopt);
    CHECK(probe::find_header_value("X-Meridian-Weight", "X-Meridian-Weight") == std::nullopt);
    CHECK(probe::find_header_value("X:\r\n", "X") == "");
  }

  TEST_CASE("a redirect may lead anywhere on the endpoint and nowhere else") {
    struct Row {
      const char* to;
      bool is_allowed;
    };
    const Row rows[] = {
        {"http://192.0.2.1/login", true},
        {"http://192.0.2.1:8080/", true},
        {"https://www.example.com/", true},
        {"https://WWW.Example.com:8443/x", true},
        {"https://other.example/", false},
        {"https://www.example.com.other.example/", false},
        {"https://www.example.com@other.example/", false},
        {"http://192.0.2.2/", false},
        {"ftp://192.0.2.1/", false},
        {"file:///etc/passwd", false},
        {"gopher://192.0.2.1/", false},
        {"", false},
    };
    for (const auto& row : rows) {
      CAPTURE(row.to);
      CHECK(probe::check_redirect("http://192.0.2.1:80/", row.to, "www.example.com").has_value() ==
            row.is_allowed);
    }
    CHECK(probe::check_redirect("http://[2001:db8::1]/", "http://[2001:db8::1]/x", "").has_value());
    CHECK_FALSE(probe::check_redirect("http://192.0.2.1/", "http://x.example/", "").has_value());
  }
}
