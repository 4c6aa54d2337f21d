#include "probe/certificate.hpp"

#include "probe/cause.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <ctime>

namespace meridian::probe {

using std::chrono::system_clock;

void FreeStore::operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }

base::Expected<TrustStore, std::string> load_trust_store(const std::string& ca_file) {
  TrustStore store{X509_STORE_new()};
  // As curl and browsers: an authority in the file is trusted though it may not be a root.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  const bool is_read = ca_file.empty() ? X509_STORE_set_default_paths(store.get()) == 1
                                       : X509_STORE_load_file(store.get(), ca_file.c_str()) == 1;
  if (is_read) return store;
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return base::unexpected(fmt::format("TLS: cannot read the certificates of {}: {}",
                                      ca_file.empty() ? "the system" : ca_file,
                                      reason == nullptr ? "unknown reason" : reason));
}

std::optional<system_clock::time_point> end_of(const X509& certificate) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &end) != 1) return std::nullopt;
  return system_clock::from_time_t(::timegm(&end));
}

health::ProbeResult judge_end(const config::TlsCheck& tls, system_clock::time_point end,
                              system_clock::time_point now) {
  const auto days_left = std::chrono::floor<std::chrono::days>(end - now).count();
  const auto date = [&] { return fmt::format("{:%Y-%m-%d}", fmt::gmtime(system_clock::to_time_t(end))); };
  const auto text = [&] {
    if (end <= now) return fmt::format("certificate ended on {}", date());
    return fmt::format("certificate ends in {} day{}, on {}", days_left, days_left == 1 ? "" : "s", date());
  };
  if (tls.certificate_fail_d != 0 && days_left < std::int64_t{tls.certificate_fail_d}) return failure(text());
  health::ProbeResult result = success();
  if (days_left < std::int64_t{tls.certificate_warn_d}) result.warning = text();
  return result;
}

std::string verify_cause(long verify_result) {
  return fmt::format("certificate: {}", X509_verify_cert_error_string(verify_result));
}

std::string tls_name(const config::Check& check, const base::IpAddress& address) {
  if (!check.tls.sni.empty()) return check.tls.sni;
  return check.http.host.empty() ? base::to_string(address) : check.http.host;
}

}  // namespace meridian::probe
