// One request and its reply as libcurl reports them: what came, where it ended, and what that says of the
// endpoint. Knows no io_context and starts nothing.
//
// One thread; must not move while its transfer runs.
#pragma once

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "config/check.hpp"
#include "health/probe_result.hpp"
#include "probe/certificate.hpp"
#include "probe/http_reply.hpp"

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::probe {

/// The parts of a check that are made once, for all its exchanges.
struct HttpParts {
  explicit HttpParts(const config::Check& check);
  ~HttpParts();
  HttpParts(const HttpParts&) = delete;
  HttpParts& operator=(const HttpParts&) = delete;

  curl_slist* headers = nullptr;
  std::optional<BodyRegex> regex;
  TrustStore trust;
  std::string grpc_request;
  std::string problem;  ///< why no probe can run; empty: none
};

class HttpExchange {
 public:
  /// All three must outlive it.
  HttpExchange(const config::Check& check, const HttpParts& parts, const base::IpAddress& address)
      : check_(check), parts_(parts), address_(address) {}
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  /// Options that are the same for every exchange of a check.
  static void set_check_options(CURL* transfer, const config::Check& check, const HttpParts& parts);
  /// Forgets what came before, and has `transfer` ask for `url`.
  void prepare(CURL* transfer, const std::string& url, std::chrono::milliseconds timeout);

  /// The transfer came to its end, or to as much as is read of a body.
  [[nodiscard]] bool is_complete(CURLcode result) const noexcept {
    return result == CURLE_OK || (result == CURLE_WRITE_ERROR && is_body_full_);
  }
  /// Where the reply redirects to, as an absolute URL; empty when it does not.
  [[nodiscard]] static std::string redirect_of(CURL* transfer);

  [[nodiscard]] health::ProbeResult judge(CURL* transfer, CURLcode result,
                                          std::chrono::system_clock::time_point now) const;

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* exchange);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* exchange);
  static curl_socket_t on_open(void* exchange, curlsocktype purpose, curl_sockaddr* address);
  static CURLcode on_tls(CURL* transfer, void* tls_context, void* exchange);
  static int on_certificate(X509_STORE_CTX* store, void* exchange);

  [[nodiscard]] bool take_header(std::string_view line);
  [[nodiscard]] std::string transfer_cause(CURL* transfer, CURLcode result) const;
  [[nodiscard]] std::string timeout_phase(CURL* transfer) const;
  [[nodiscard]] std::string body_cause() const;
  [[nodiscard]] std::string grpc_cause() const;
  void take_weight(health::ProbeResult& result) const;

  const config::Check& check_;
  const HttpParts& parts_;
  const base::IpAddress& address_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::size_t header_bytes_ = 0;
  std::string body_;
  bool is_body_full_ = false;
  bool has_begun_tls_ = false;
  int open_error_ = 0;  ///< errno of a socket that could not be made
  std::string weight_;
  std::string grpc_status_;
  std::string grpc_message_;
  long verify_result_ = 0;  ///< X509_V_OK
  std::optional<std::chrono::system_clock::time_point> certificate_end_;
};

}  // namespace meridian::probe
