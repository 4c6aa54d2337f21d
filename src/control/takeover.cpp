#include "control/takeover.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <fcntl.h>

#include <chrono>
#include <utility>

namespace meridian::control {
namespace {

namespace json = boost::json;

/// The old server has the shorter patience and ends us when it is over; this only ends a wait for one that
/// stands still.
base::MonotonicTime patience() {
  return std::chrono::steady_clock::now() + std::chrono::seconds{base::limits::kUpgradeTimeoutMaxS};
}

const std::string kMalformed = "the old server lent something this version does not understand";

/// What servers of before overrides call what they had instead.
constexpr std::string_view kSheds = "shedding";
bool is_overrides(std::string_view type) { return type == "overrides" || type == kSheds; }

}  // namespace

Takeover::Takeover(int descriptor, stats::Counters& block, Overrides& overrides)
    : channel_(net::FileDescriptor(descriptor)), carried_(block), overrides_(overrides) {
  // It came without: whatever we start must not hold the old server's end.
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

base::Expected<Inheritance, std::string> Takeover::receive() {
  Inheritance all;
  for (;;) {
    auto message = channel_.receive(patience());
    if (!message) return base::unexpected("no sockets from the old server: " + message.error());
    if (message->type == "end") {
      const auto* const pid = message->body.if_contains("pid");
      if (pid != nullptr && pid->is_int64()) all.pid = static_cast<int>(pid->as_int64());
      return all;
    }
    if (auto taken = take(std::move(*message), all); !taken)
      return base::unexpected(std::move(taken.error()));
  }
}

base::Expected<void, std::string> Takeover::take_listener(HandoverChannel::Message& message,
                                                          net::FileDescriptor& listener, std::string& path) {
  const auto* const named = message.body.if_contains("path");
  if (message.descriptors.size() != 1 || named == nullptr || !named->is_string())
    return base::unexpected(kMalformed);
  listener = std::move(message.descriptors.front());
  path = named->as_string();
  return {};
}

/// Words this version does not know are passed over: a newer server may lend more.
base::Expected<void, std::string> Takeover::take(HandoverChannel::Message message, Inheritance& all) {
  const auto find = [&](std::string_view key) { return message.body.if_contains(key); };
  if (message.type == "control") return take_listener(message, all.control, all.control_path);
  if (message.type == "liveness") return take_listener(message, all.liveness, all.liveness_path);
  if (is_overrides(message.type)) {
    take_overrides(message);
  } else if (message.type == "cookie_secret") {
    const auto secret = secret_from_json(message.body);
    if (!secret) return base::unexpected(fmt::format("{}: {}", kMalformed, secret.error()));
    all.cookie_secret = *secret;
  } else if (message.type == "zones") {
    const auto* const names = find("names");
    if (names == nullptr || !names->is_array()) return base::unexpected(kMalformed);
    for (const auto& name : names->as_array()) {
      if (name.is_string()) all.zones.emplace_back(name.as_string());
    }
  } else if (message.type == "sockets") {
    const auto* const address = find("address");
    const auto* const port = find("port");
    const auto* const more = find("more");
    if (address == nullptr || !address->is_string() || port == nullptr || !port->is_int64() ||
        more == nullptr || !more->is_bool() || message.descriptors.empty()) {
      return base::unexpected(kMalformed);
    }
    const auto parsed = base::parse_ip_address(std::string_view(address->as_string()));
    if (!parsed || (more->as_bool() && all.sockets.empty())) return base::unexpected(kMalformed);
    auto next = message.descriptors.begin();
    if (!more->as_bool()) {
      net::ListenSockets one;
      one.wanted = {.address = *parsed, .port = static_cast<std::uint16_t>(port->as_int64())};
      one.tcp = std::move(*next++);
      one.listen = net::local_address(one.tcp);
      all.sockets.push_back(std::move(one));
    }
    for (; next != message.descriptors.end(); ++next) all.sockets.back().udp.push_back(std::move(*next));
  }
  return {};
}

void Takeover::take_overrides(const HandoverChannel::Message& message) {
  const auto* const entries = message.body.if_contains("entries");
  const auto* const first = message.body.if_contains("first");
  if (entries == nullptr || !entries->is_array() || first == nullptr || !first->is_bool()) return;
  if (message.type == kSheds) return overrides_.restore_sheds(entries->as_array(), first->as_bool());
  overrides_.restore(entries->as_array(), first->as_bool());
}

void Takeover::fail(const std::string& error) {
  // A message has a limit; the first problems are the ones to mend first.
  constexpr std::size_t kErrorBytesMax = 8'000;
  static_cast<void>(channel_.send("failed", {{"error", std::string_view(error).substr(0, kErrorBytesMax)}},
                                  {}, std::chrono::steady_clock::now() + std::chrono::seconds{1}));
}

base::Expected<bool, std::string> Takeover::let_go_of_old() {
  if (auto sent = channel_.send("ready", {}, {}, patience()); !sent) return base::unexpected(sent.error());
  for (;;) {
    auto message = channel_.receive(patience());
    if (!message) return base::unexpected("the old server did not let go: " + message.error());
    const auto* const totals = message->body.if_contains("totals");
    if (message->type == "counters" && totals != nullptr && totals->is_object()) {
      carried_.take(totals->as_object());
    }
    if (is_overrides(message->type)) take_overrides(*message);
    if (message->type != "go") continue;
    const auto* const reload = message->body.if_contains("reload");
    return reload != nullptr && reload->is_bool() && reload->as_bool();
  }
}

void Takeover::serve(boost::asio::io_context& context, std::function<void()> ended) {
  // The old server waits for this word with a deadline; should it be gone, nobody is left to be told.
  static_cast<void>(channel_.send("serving", {}, {}, patience()));
  ended_ = std::move(ended);
  readable_.emplace(context, ::fcntl(channel_.descriptor(), F_DUPFD_CLOEXEC, 0));
  wait_for_more();
}

void Takeover::wait_for_more() {
  readable_->async_wait(
      boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error) return;
        const auto message = channel_.receive(std::chrono::steady_clock::now() + std::chrono::seconds{1});
        if (!message) {
          readable_.reset();
          return ended_();
        }
        const auto* const totals = message->body.if_contains("totals");
        if (message->type == "counters" && totals != nullptr && totals->is_object()) {
          carried_.take(totals->as_object());
        }
        wait_for_more();
      });
}

}  // namespace meridian::control
