#include "net/tcp_table.hpp"

#include <utility>

namespace meridian::net {
namespace {

/// An IPv6 site has at least a /64 to itself, so a limit per address would bind nobody.
constexpr std::uint8_t kClientBitsV6 = 64;

base::IpAddress client_network(const base::IpAddress& address) noexcept {
  return address.family == base::Family::V4 ? address : base::masked(address, kClientBitsV6);
}

}  // namespace

TcpTable::TcpTable(Limits limits) noexcept : limits_(limits) {}

std::size_t TcpTable::client_count(const base::IpAddress& address) const {
  const auto found = clients_.find(client_network(address));
  return found == clients_.end() ? 0 : found->second;
}

void TcpTable::open(TcpConnection& connection) {
  auto& idle = line(TcpPhase::Idle);
  connection.place = idle.insert(idle.end(), &connection);
  connection.open = true;
  ++clients_[client_network(connection.peer.address)];
  ++size_;
  connection.phase = TcpPhase::Idle;
  enter(connection, TcpPhase::Idle);
}

void TcpTable::close(TcpConnection& connection) {
  if (!connection.open) return;
  connection.open = false;
  line(connection.phase).erase(connection.place);
  const auto client = clients_.find(client_network(connection.peer.address));
  if (--client->second == 0) clients_.erase(client);
  --size_;
  // Wakes whoever waits on the socket. An error here changes nothing: the descriptor is gone either way.
  boost::system::error_code ignored;
  connection.socket.close(ignored);
}

void TcpTable::enter(TcpConnection& connection, TcpPhase phase) {
  const auto wait = phase == TcpPhase::Idle ? limits_.idle : limits_.transfer;
  connection.deadline = std::chrono::steady_clock::now() + wait;
  auto& next = line(phase);
  next.splice(next.end(), line(connection.phase), connection.place);
  connection.phase = phase;
}

TcpConnection* TcpTable::oldest(TcpPhase phase) const noexcept {
  return line(phase).empty() ? nullptr : line(phase).front();
}

TcpConnection* TcpTable::find_expired(TcpPhase phase) const noexcept {
  auto* const connection = oldest(phase);
  if (connection == nullptr || connection->deadline > std::chrono::steady_clock::now()) return nullptr;
  return connection;
}

std::vector<TcpConnection*> TcpTable::all() const {
  std::vector<TcpConnection*> connections;
  connections.reserve(size_);
  for (const auto& one : lines_) connections.insert(connections.end(), one.begin(), one.end());
  return connections;
}

}  // namespace meridian::net
