#include "control/handover_channel.hpp"

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
