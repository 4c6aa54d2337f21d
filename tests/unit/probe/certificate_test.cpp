#include "probe/certificate.hpp"

#include <doctest/doctest.h>

using namespace meridian;
using namespace std::chrono_literals;

TEST_SUITE("probe/certificate") {
  TEST_CASE("a certificate is held against both thresholds by whole days") {
    struct Row {
      const char* why;
      std::chrono::seconds left;
      bool is_ok;
      const char* text;  // of the cause or of the warning
    };
    const auto now = std::chrono::system_clock::from_time_t(1'767'225'600);  // 2026-01-01
    const Row rows[] = {
        {"far away", 24h * 90, true, ""},
        {"at the first threshold", 24h * 14, true, ""},
        {"a second less", 24h * 14 - 1s, true, "certificate ends in 13 days, on 2026-01-14"},
        {"at the second threshold", 24h * 3, true, "certificate ends in 3 days, on 2026-01-04"},
        {"a second less than that", 24h * 3 - 1s, false, "certificate ends in 2 days, on 2026-01-03"},
        {"a day", 24h, false, "certificate ends in 1 day, on 2026-01-02"},
        {"over", -1s, false, "certificate ended on 2025-12-31"},
    };
    const config::TlsCheck tls{
        .verify = true, .sni = {}, .ca_file = {}, .certificate_warn_d = 14, .certificate_fail_d = 3};
    for (const auto& row : rows) {
      CAPTURE(row.why);
      const auto result = probe::judge_end(tls, now + row.left, now);
      CHECK(result.is_ok == row.is_ok);
      CHECK((row.is_ok ? result.warning : result.cause) == row.text);
    }
  }

  TEST_CASE("without a threshold for failures the end is a warning only") {
    const auto now = std::chrono::system_clock::from_time_t(1'767'225'600);
    const auto result = probe::judge_end(config::TlsCheck{}, now - 24h, now);
    CHECK(result.is_ok);
    CHECK(result.warning == "certificate ended on 2025-12-31");
  }

  TEST_CASE("the name is the SNI, else the host, else the address") {
    config::Check check;
    const auto address = base::IpAddress::v4(0xc000'0201);
    CHECK(probe::tls_name(check, address) == "192.0.2.1");
    check.http.host = "www.example.com";
    CHECK(probe::tls_name(check, address) == "www.example.com");
    check.tls.sni = "tls.example.com";
    CHECK(probe::tls_name(check, address) == "tls.example.com");
  }

  TEST_CASE("a file that is no list of certificates is told") {
    const auto missing = probe::load_trust_store("/nowhere/ca.pem");
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().starts_with("TLS: cannot read the certificates of /nowhere/ca.pem: "));
    CHECK(probe::load_trust_store("").has_value());
  }
}
