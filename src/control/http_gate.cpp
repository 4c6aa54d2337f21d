#include "control/http_gate.hpp"

#include "http/parameters.hpp"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

namespace meridian::control {
namespace {

/// The token of `Authorization: Bearer …` (RFC 6750 2.1).
std::optional<std::string_view> bearer_of(std::string_view authorization) noexcept {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  return authorization;
}

}  // namespace

void HttpGate::set_tokens(std::shared_ptr<const TokenBook> tokens) {
  const std::lock_guard lock(mutex_);
  tokens_ = std::move(tokens);
}

void HttpGate::handle(const http::Request& request, http::Respond respond) {
  std::shared_ptr<const TokenBook> tokens;
  {
    const std::lock_guard lock(mutex_);
    tokens = tokens_;
  }
  const auto deny = [&](unsigned status, std::string_view why) {
    counters_.add(stats::Counter::ControlDenied);
    respond(http::error_response(status, why));
  };
  const bool only_reads = request.method == "GET" || request.method == "HEAD";
  if (!tokens) {
    if (!only_reads || (request.path != "/metrics" && request.path != "/v1/status"))
      return deny(403, "without 'control: {tokens: FILE}' only /metrics and /v1/status are answered here");
    return handler_(request, std::move(respond));
  }
  const auto secret = bearer_of(request.authorization);
  const auto* const token = secret ? tokens->find(*secret) : nullptr;
  if (token == nullptr)
    return deny(401, "send 'Authorization: Bearer TOKEN' with a token of the tokens file");
  if (!only_reads && token->role != Role::Operate)
    return deny(403, fmt::format("'{}' may read; this needs the role operate", token->name));
  auto known = request;
  known.who = "token " + token->name;
  handler_(known, std::move(respond));
}

}  // namespace meridian::control
