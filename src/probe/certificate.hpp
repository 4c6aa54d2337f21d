// What TLS probes ask of an endpoint's certificate: whom they trust, and for how long it must still be good.
//
// Off the hot path; reads the certificates of trusted authorities from disk. One thread an object.
#pragma once

#include "base/expected.hpp"
#include "config/check.hpp"
#include "health/probe_result.hpp"

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace meridian::probe {

struct FreeStore {
  void operator()(X509_STORE* store) const noexcept;
};
/// Shared by every connection of a check: read once.
using TrustStore = std::unique_ptr<X509_STORE, FreeStore>;

/// `ca_file`: PEM; empty: what the system trusts. The error is a clause: "cannot read …".
[[nodiscard]] base::Expected<TrustStore, std::string> load_trust_store(const std::string& ca_file);

/// When the certificate ends; nullopt for one whose date cannot be read.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> end_of(const X509& certificate);

/// Holds the end against the check's thresholds: a failure, or a success with a warning or without.
[[nodiscard]] health::ProbeResult judge_end(const config::TlsCheck& tls,
                                            std::chrono::system_clock::time_point end,
                                            std::chrono::system_clock::time_point now);

/// OpenSSL's words for why a certificate was not accepted, as a cause: "certificate: certificate has
/// expired".
[[nodiscard]] std::string verify_cause(long verify_result);

/// Whom the certificate must be for, and the name that is sent (SNI): `sni`, else `host`, else the address.
[[nodiscard]] std::string tls_name(const config::Check& check, const base::IpAddress& address);

}  // namespace meridian::probe
