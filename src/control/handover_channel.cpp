#include "control/handover_channel.hpp"

#include "config/cookie_secrets.hpp"
#include "net/descriptor_message.hpp"

#include <sys/socket.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

namespace meridian::control {
namespace {

namespace json = boost::json;

/// RFC 9018 4.1: which hash a secret of this length is for. Another version may need another secret.
constexpr std::int64_t kCookieVersion = 1;

std::string clause(int error) {
  if (error == EPIPE) return std::string(HandoverChannel::kClosed);
  if (error == ETIMEDOUT) return std::string(HandoverChannel::kLate);
  return std::generic_category().message(error);
}

}  // namespace

base::Expected<void, std::string> HandoverChannel::send(std::string_view type, json::object body,
                                                        std::span<const int> descriptors,
                                                        base::MonotonicTime deadline) {
  body["type"] = type;
  const auto sent = net::send_message(socket_, json::serialize(body), descriptors, deadline);
  if (!sent) return base::unexpected(clause(sent.error()));
  return {};
}

base::Expected<HandoverChannel::Message, std::string> HandoverChannel::receive(base::MonotonicTime deadline) {
  auto received = net::receive_message(socket_, deadline);
  if (!received) return base::unexpected(clause(received.error()));
  boost::system::error_code error;
  auto value = json::parse(received->bytes, error);
  if (!error && value.is_object()) {
    auto& body = value.as_object();
    const auto* const type = body.if_contains("type");
    if (type != nullptr && type->is_string()) {
      std::string name(type->as_string());
      return Message{std::move(name), std::move(body), std::move(received->descriptors)};
    }
  }
  return base::unexpected(std::string{"it said something that is no message of a hand-over"});
}

void HandoverChannel::shut_down() noexcept { ::shutdown(socket_.get(), SHUT_RDWR); }

json::object secret_to_json(const dns::CookieSecret& secret) {
  return {{"version", kCookieVersion}, {"secret", config::to_hex(secret)}};
}

base::Expected<std::optional<dns::CookieSecret>, std::string> secret_from_json(const json::object& body) {
  const auto* const version = body.if_contains("version");
  const auto* const text = body.if_contains("secret");
  if (version == nullptr || !version->is_int64() || text == nullptr || !text->is_string())
    return base::unexpected(std::string{"a cookie secret without its version or its digits"});
  if (version->as_int64() != kCookieVersion) return std::nullopt;
  const auto secret = config::parse_cookie_secret(text->as_string());
  if (!secret) return base::unexpected(std::string{"a cookie secret that is none"});
  return secret;
}

json::object counters_to_json(const stats::CounterRegistry& counters) {
  json::object totals;
  for (const auto& row : stats::kCounterTable) totals[row.name] = counters.total(row.counter);
  return totals;
}

void CarriedCounters::take(const json::object& totals) {
  for (const auto& row : stats::kCounterTable) {
    const auto* const total = totals.if_contains(row.name);
    if (total == nullptr || !total->is_number()) continue;
    boost::system::error_code error;
    const auto value = total->to_number<std::uint64_t>(error);
    const auto had = block_.value(row.counter);
    if (!error && value > had) block_.add(row.counter, value - had);
  }
}

}  // namespace meridian::control
