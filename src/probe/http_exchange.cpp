#include "probe/http_exchange.hpp"

#include "base/limits.hpp"
#include "net/address.hpp"
#include "probe/cause.hpp"
#include "probe/grpc_health.hpp"
#include "probe/socket.hpp"
#include "probe/target.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cstring>

namespace meridian::probe {
namespace {

using enum config::Check::Type;

/// The status of gRPC is in a trailer; HTTP's own must be this.
constexpr std::array<config::HttpCheck::StatusRange, 1> kGrpcStatus{{{200, 200}}};

bool uses_tls(const config::Check& check) noexcept {
  return check.type == Https || (check.type == Grpc && check.tcp.tls);
}

bool wants_http2(const config::Check& check) noexcept { return check.type == Grpc || check.http.http2; }

void append(curl_slist*& list, const std::string& line) { list = curl_slist_append(list, line.c_str()); }

long status_of(CURL* transfer) {
  long status = 0;
  curl_easy_getinfo(transfer, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

void set_method(CURL* transfer, const config::Check& check, const HttpParts& parts) {
  if (check.type == Grpc) {
    curl_easy_setopt(transfer, CURLOPT_POSTFIELDS, parts.grpc_request.data());
    curl_easy_setopt(transfer, CURLOPT_POSTFIELDSIZE, static_cast<long>(parts.grpc_request.size()));
    return;
  }
  const std::string& method = check.http.method;
  if (method == "GET") return;
  if (method == "HEAD") {
    curl_easy_setopt(transfer, CURLOPT_NOBODY, 1L);
  } else if (method == "POST") {
    curl_easy_setopt(transfer, CURLOPT_POSTFIELDS, "");
  } else {
    curl_easy_setopt(transfer, CURLOPT_CUSTOMREQUEST, method.c_str());
  }
}

void set_version(CURL* transfer, const config::Check& check) {
  long version = CURL_HTTP_VERSION_1_1;
  // In the clear there is nobody to ask, so HTTP/2 is spoken at once (RFC 9113 3.3).
  if (wants_http2(check))
    version = uses_tls(check) ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
  curl_easy_setopt(transfer, CURLOPT_HTTP_VERSION, version);
}

}  // namespace

HttpParts::HttpParts(const config::Check& check) {
  if (!check.http.host.empty()) append(headers, "Host: " + check.http.host);
  if (check.type == Grpc) {
    append(headers, "Content-Type: application/grpc");
    append(headers, "TE: trailers");
    grpc_request = write_grpc_health_request(check.grpc_service);
  } else {
    // curl sends a header with an empty value only when it is written so.
    for (const auto& [name, value] : check.http.headers)
      append(headers, value.empty() ? name + ";" : name + ": " + value);
  }
  append(headers, "Expect:");
  if (!check.http.body_regex.empty()) {
    auto compiled = BodyRegex::compile(check.http.body_regex);
    if (compiled) {
      regex.emplace(std::move(*compiled));
    } else {
      problem = compiled.error();
    }
  }
  if (!uses_tls(check) && check.http.redirects == 0) return;
  auto store = load_trust_store(check.tls.ca_file);
  if (store) {
    trust = std::move(*store);
  } else {
    problem = store.error();
  }
}

HttpParts::~HttpParts() { curl_slist_free_all(headers); }

void HttpExchange::set_check_options(CURL* transfer, const config::Check& check, const HttpParts& parts) {
  curl_easy_setopt(transfer, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(transfer, CURLOPT_PROXY, "");  // none, whatever the environment says
  curl_easy_setopt(transfer, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(transfer, CURLOPT_FORBID_REUSE, 1L);
  // Addresses only; left in curl's cache they would be walked through after every transfer.
  curl_easy_setopt(transfer, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  // Read in small pieces: a health page is a line, and curl makes this room for every transfer.
  curl_easy_setopt(transfer, CURLOPT_BUFFERSIZE, 4'096L);
  curl_easy_setopt(transfer, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(transfer, CURLOPT_USERAGENT, "meridian-probe");
  curl_easy_setopt(transfer, CURLOPT_HTTPHEADER, parts.headers);
  set_method(transfer, check, parts);
  set_version(transfer, check);
  // Whom to trust is the store that on_tls() gives; curl is to read no files for each connection.
  curl_easy_setopt(transfer, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(transfer, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(transfer, CURLOPT_SSL_VERIFYPEER, check.tls.verify ? 1L : 0L);
  curl_easy_setopt(transfer, CURLOPT_SSL_VERIFYHOST, check.tls.verify ? 2L : 0L);
  // Each handshake whole: a resumed one shows no certificate.
  curl_easy_setopt(transfer, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  curl_easy_setopt(transfer, CURLOPT_SSL_CTX_FUNCTION, &HttpExchange::on_tls);
  curl_easy_setopt(transfer, CURLOPT_HEADERFUNCTION, &HttpExchange::on_header);
  curl_easy_setopt(transfer, CURLOPT_WRITEFUNCTION, &HttpExchange::on_body);
  curl_easy_setopt(transfer, CURLOPT_OPENSOCKETFUNCTION, &HttpExchange::on_open);
}

void HttpExchange::prepare(CURL* transfer, const std::string& url, std::chrono::milliseconds timeout) {
  error_[0] = '\0';
  header_bytes_ = 0;
  body_.clear();
  is_body_full_ = false;
  has_begun_tls_ = false;
  curl_easy_setopt(transfer, CURLOPT_URL, url.c_str());
  curl_easy_setopt(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout.count()));
  curl_easy_setopt(transfer, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(transfer, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(transfer, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(transfer, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(transfer, CURLOPT_SSL_CTX_DATA, this);
}

std::string HttpExchange::redirect_of(CURL* transfer) {
  const char* url = nullptr;
  curl_easy_getinfo(transfer, CURLINFO_REDIRECT_URL, &url);
  return url == nullptr ? std::string{} : url;
}

health::ProbeResult HttpExchange::judge(CURL* transfer, CURLcode result,
                                        std::chrono::system_clock::time_point now) const {
  const long status = status_of(transfer);
  const std::span<const config::HttpCheck::StatusRange> wanted =
      check_.type == Grpc ? std::span<const config::HttpCheck::StatusRange>{kGrpcStatus} : check_.http.status;
  // The status says more than that the body behind it never came.
  if (status >= 200 && !is_wanted(wanted, status)) return failure(status_cause(wanted, status));
  if (!is_complete(result)) return failure(transfer_cause(transfer, result));
  long version = 0;
  curl_easy_getinfo(transfer, CURLINFO_HTTP_VERSION, &version);
  if (wants_http2(check_) && version != CURL_HTTP_VERSION_2_0)
    return failure("answer: not in HTTP/2, which the check wants");
  if (const auto cause = check_.type == Grpc ? grpc_cause() : body_cause(); !cause.empty())
    return failure(cause);
  auto judged = certificate_end_ ? judge_end(check_.tls, *certificate_end_, now) : success();
  if (judged.is_ok && check_.type != Grpc) take_weight(judged);
  return judged;
}

std::string HttpExchange::body_cause() const {
  const std::string begin =
      body_.empty() ? "which is empty" : "which begins with '" + body_.substr(0, 60) + "'";
  if (!check_.http.body.empty() && body_.find(check_.http.body) == std::string::npos)
    return fmt::format("body: '{}' is not in it, {}", check_.http.body.substr(0, 40), begin);
  if (parts_.regex && !parts_.regex->matches(body_))
    return fmt::format("body: '{}' does not match it, {}", check_.http.body_regex.substr(0, 40), begin);
  return {};
}

std::string HttpExchange::grpc_cause() const {
  if (grpc_status_.empty()) return "grpc: a reply without grpc-status";
  if (grpc_status_ != "0") return "grpc: " + grpc_status_words(grpc_status_, grpc_message_);
  const auto status = read_grpc_health_reply(body_);
  if (!status) return "grpc: " + status.error();
  return *status == ServingStatus::Serving ? std::string{} : "grpc: " + to_string(*status);
}

void HttpExchange::take_weight(health::ProbeResult& result) const {
  std::string problem;
  if (!weight_.empty()) {
    const auto weight = parse_weight(weight_);
    if (weight) result.weight_percent = *weight;
    if (!weight) problem = weight.error();
  } else if (!check_.http.weight_key.empty()) {
    const auto weight = find_weight(body_, check_.http.weight_key);
    if (weight) result.weight_percent = *weight;
    if (!weight) problem = weight.error();
  }
  // A wrong weight is no outage: the endpoint keeps all of it.
  if (result.warning.empty()) result.warning = clean_text(problem);
}

std::string HttpExchange::timeout_phase(CURL* transfer) const {
  curl_off_t connected_us = 0;
  curl_off_t tls_us = 0;
  curl_easy_getinfo(transfer, CURLINFO_CONNECT_TIME_T, &connected_us);
  curl_easy_getinfo(transfer, CURLINFO_APPCONNECT_TIME_T, &tls_us);
  // With TLS curl counts a connection as made when both are; that it asked for TLS says that it had one.
  if (connected_us == 0 && !has_begun_tls_) return "connect";
  if (has_begun_tls_ && tls_us == 0) return "TLS";
  return status_of(transfer) < 200 ? "answer" : "body";
}

std::string HttpExchange::transfer_cause(CURL* transfer, CURLcode result) const {
  long error = 0;
  curl_easy_getinfo(transfer, CURLINFO_OS_ERRNO, &error);
  const auto reason = [&] { return error_words(static_cast<int>(error)); };
  const std::string words = error_[0] != '\0' ? error_.data() : curl_easy_strerror(result);
  switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
      return timeout_cause(timeout_phase(transfer), std::chrono::milliseconds{check_.timeout_ms});
    case CURLE_COULDNT_CONNECT:
      if (open_error_ != 0) return connect_cause(open_error_);
      return error != 0 ? connect_cause(static_cast<int>(error)) : "connect: " + words;
    case CURLE_PEER_FAILED_VERIFICATION:
      if (verify_result_ != X509_V_OK) return verify_cause(verify_result_);
      return fmt::format("certificate: is not for {}", tls_name(check_, address_));
    case CURLE_SSL_CONNECT_ERROR:
      return error != 0 ? "TLS: " + reason() : "TLS: " + words;
    case CURLE_GOT_NOTHING:
      return "answer: closed by the endpoint";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
      return error != 0 ? "answer: " + reason() : "answer: " + words;
    case CURLE_PARTIAL_FILE:
      return "body: cut off";
    case CURLE_WRITE_ERROR:
      return fmt::format("answer: headers of more than {} KiB", base::limits::kProbeHeaderBytesMax >> 10);
    default:
      return "answer: " + words;
  }
}

std::size_t HttpExchange::on_header(char* data, std::size_t size, std::size_t count, void* exchange) {
  const bool is_taken = static_cast<HttpExchange*>(exchange)->take_header({data, size * count});
  return is_taken ? size * count : 0;
}

bool HttpExchange::take_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > base::limits::kProbeHeaderBytesMax) return false;
  if (line.starts_with("HTTP/")) {
    weight_.clear();  // what came before was interim
    return true;
  }
  if (check_.type == Grpc) {
    if (const auto value = find_header_value(line, "grpc-status")) grpc_status_ = *value;
    if (const auto value = find_header_value(line, "grpc-message")) grpc_message_ = *value;
  } else if (!check_.http.weight_header.empty()) {
    if (const auto value = find_header_value(line, check_.http.weight_header)) weight_ = *value;
  }
  return true;
}

std::size_t HttpExchange::on_body(char* data, std::size_t size, std::size_t count, void* exchange) {
  auto& self = *static_cast<HttpExchange*>(exchange);
  const std::size_t room = base::limits::kProbeBodyBytesMax - self.body_.size();
  const std::size_t bytes = size * count;
  self.body_.append(data, std::min(bytes, room));
  self.is_body_full_ = self.body_.size() == base::limits::kProbeBodyBytesMax;
  // Ends the transfer: nobody looks at what follows.
  return self.is_body_full_ ? CURL_WRITEFUNC_ERROR : bytes;
}

curl_socket_t HttpExchange::on_open(void* exchange, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto& self = *static_cast<HttpExchange*>(exchange);
  sockaddr_storage storage{};
  std::memcpy(&storage, &address->addr, std::min<std::size_t>(address->addrlen, sizeof storage));
  // Whatever a reply or a setting says, no other host is probed.
  if (net::from_socket_address(storage).address != self.address_) return CURL_SOCKET_BAD;
  auto socket =
      open_socket(self.address_.family, SOCK_STREAM, 0, source_of(self.check_, self.address_.family));
  if (socket) return socket->release();
  self.open_error_ = socket.error();
  return CURL_SOCKET_BAD;
}

CURLcode HttpExchange::on_tls(CURL* /*transfer*/, void* tls_context, void* exchange) {
  auto& self = *static_cast<HttpExchange*>(exchange);
  auto* const context = static_cast<SSL_CTX*>(tls_context);
  self.has_begun_tls_ = true;
  if (self.parts_.trust) SSL_CTX_set1_cert_store(context, self.parts_.trust.get());
  SSL_CTX_set_cert_verify_callback(context, &HttpExchange::on_certificate, exchange);
  return CURLE_OK;
}

/// Verifies as OpenSSL does, and remembers what it said and when the certificate ends.
int HttpExchange::on_certificate(X509_STORE_CTX* store, void* exchange) {
  auto& self = *static_cast<HttpExchange*>(exchange);
  if (const X509* const certificate = X509_STORE_CTX_get0_cert(store))
    self.certificate_end_ = end_of(*certificate);
  const int is_good = X509_verify_cert(store);
  self.verify_result_ = is_good == 1 ? X509_V_OK : X509_STORE_CTX_get_error(store);
  return self.check_.tls.verify ? is_good : 1;
}

}  // namespace meridian::probe
