#include "bgp/agent/bridge_server.hpp"

#include "base/limits.hpp"
#include "net/unix_socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace meridian::agent {

using boost::system::error_code;

BridgeServer::BridgeServer(boost::asio::io_context& context, const base::Clock& clock,
                           std::function<void()> on_connect, std::function<void()> on_change)
    : context_(context),
      clock_(clock),
      on_connect_(std::move(on_connect)),
      on_change_(std::move(on_change)),
      listener_(context),
      room_(base::limits::kBgpStatusBytesMax) {}

BridgeServer::~BridgeServer() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

base::Expected<void, std::string> BridgeServer::listen(const std::string& path) {
  auto listener = net::listen_unix(path, SOCK_SEQPACKET, kBridgesMax);
  if (!listener) {
    return base::unexpected(
        fmt::format("cannot listen for the bridge at {}: {}; choose another path with 'bridge' under "
                    "'anycast: {{agent: …}}', or make its folder writable",
                    path, listener.error().message()));
  }
  path_ = path;
  listener_.assign(listener->release());
  await_connection();
  return {};
}

void BridgeServer::await_connection() {
  listener_.async_wait(Connection::wait_read, [this](error_code ended) {
    if (ended) return;
    take_connections();
    await_connection();
  });
}

void BridgeServer::take_connections() {
  for (;;) {
    const int accepted = ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) return;
    // The newest counts: a bridge that was replaced may not have noticed yet.
    if (bridges_.size() == kBridgesMax) drop(bridges_.front());
    bridges_.push_back(std::make_shared<Connection>(context_, accepted));
    await_status(bridges_.back());
    on_connect_();
    on_change_();
  }
}

void BridgeServer::await_status(const std::shared_ptr<Connection>& bridge) {
  bridge->async_wait(Connection::wait_read, [this, bridge](error_code ended) {
    if (ended) return;
    take_statuses(bridge);
  });
}

void BridgeServer::take_statuses(const std::shared_ptr<Connection>& bridge) {
  for (int i = 0; i < base::limits::kBgpMessagesATurn; ++i) {
    const auto size = ::recv(bridge->native_handle(), room_.data(), room_.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (size <= 0) {
      drop(bridge);
      return on_change_();
    }
    take_status({room_.data(), static_cast<std::size_t>(size)});
  }
  await_status(bridge);
}

/// A status that is not understood is of a bridge of another version, which knows what it does: the last good
/// one stays, and its age tells.
void BridgeServer::take_status(std::string_view text) {
  auto status = bgp::parse_status(text);
  if (!status) return;
  last_ = std::move(*status);
  heard_at_ = clock_.monotonic();
  on_change_();
}

void BridgeServer::drop(const std::shared_ptr<Connection>& bridge) {
  error_code ignored;
  bridge->close(ignored);
  bridges_.erase(std::remove(bridges_.begin(), bridges_.end(), bridge), bridges_.end());
}

void BridgeServer::say(const bgp::Wanted& wanted) {
  const auto text = bgp::format_wanted(wanted);
  for (const auto& bridge : bridges_) {
    // A bridge that is gone is noticed by its end of the connection; one that hangs is not waited for.
    static_cast<void>(::send(bridge->native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
}

}  // namespace meridian::agent
