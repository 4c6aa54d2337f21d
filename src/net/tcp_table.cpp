#include "net/tcp_table.hpp"

#include <algorithm>
#include <utility>

namespace meridian::net {
namespace {

/// An IPv6 site has at least a /64 to itself, so a limit per address would bind nobody.
constexpr std::uint8_t kClientBitsV6 = 64;

base::IpAddress client_network(const base::IpAddress& address) noexcept {
  return address.family == base::Family::V4 ? address : base::masked(address, kClientBitsV6);
}

}  // namespace

std::size_t TcpTable::client_count(const base::IpAddress& address) const {
  const auto found = clients_.find(client_network(address));
  return found == clients_.end() ? 0 : found->second.size();
}

TcpConnection& TcpTable::open(FileDescriptor socket, const Peer& peer, base::MonotonicTime now) {
  auto& idle = line(TcpPhase::Idle);
  auto& connection = idle.emplace_back(std::move(socket), peer);
  connection.place = std::prev(idle.end());
  connection.open = true;
  connection.opened = now;
  connection.since = now;
  ++size_;
  return connection;
}

void TcpTable::assign_client(TcpConnection& connection) {
  clients_[client_network(connection.peer.address)].push_back(&connection);
  connection.has_client = true;
}

void TcpTable::close(TcpConnection& connection) {
  if (!connection.open) return;
  connection.open = false;
  if (connection.has_client) {
    const auto client = clients_.find(client_network(connection.peer.address));
    std::erase(client->second, &connection);
    if (client->second.empty()) clients_.erase(client);
  }
  connection.socket = FileDescriptor();
  closed_.splice(closed_.end(), line(connection.phase), connection.place);
  --size_;
}

void TcpTable::enter(TcpConnection& connection, TcpPhase phase, base::MonotonicTime now) noexcept {
  connection.since = now;
  auto& next = line(phase);
  next.splice(next.end(), line(connection.phase), connection.place);
  connection.phase = phase;
}

TcpConnection* TcpTable::oldest(TcpPhase phase) noexcept {
  return line(phase).empty() ? nullptr : &line(phase).front();
}

TcpConnection* TcpTable::find_older(TcpPhase phase, base::MonotonicTime moment) noexcept {
  auto* const connection = oldest(phase);
  return connection == nullptr || connection->since > moment ? nullptr : connection;
}

TcpConnection* TcpTable::oldest_idle_of(const base::IpAddress& address) const {
  const auto found = clients_.find(client_network(address));
  if (found == clients_.end()) return nullptr;
  TcpConnection* oldest = nullptr;
  for (auto* const connection : found->second) {
    if (connection->phase != TcpPhase::Idle) continue;
    if (oldest == nullptr || connection->since < oldest->since) oldest = connection;
  }
  return oldest;
}

std::vector<TcpConnection*> TcpTable::all() {
  std::vector<TcpConnection*> connections;
  connections.reserve(size_);
  for (auto& one : lines_) {
    for (auto& connection : one) connections.push_back(&connection);
  }
  return connections;
}

}  // namespace meridian::net
