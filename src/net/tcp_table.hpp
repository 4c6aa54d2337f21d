// The TCP connections that are open: how many, of whom, and which one has been waiting for longest.
//
// Decides nothing about their bytes. One thread (the TCP thread).
#pragma once

#include "base/clock.hpp"
#include "net/handler.hpp"
#include "net/tcp_framing.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <span>
#include <vector>

namespace meridian::net {

/// What a connection waits for.
enum class TcpPhase : std::uint8_t {
  Idle,     ///< The first byte of a message.
  Reading,  ///< The rest of a message.
  Writing,  ///< The client to take its answers.
};
inline constexpr std::size_t kTcpPhaseCount = 3;

struct TcpConnection {
  TcpConnection(boost::asio::ip::tcp::socket connected, const Peer& from)
      : socket(std::move(connected)), peer(from) {}

  boost::asio::ip::tcp::socket socket;
  Peer peer;
  TcpFraming input;
  std::vector<std::uint8_t> output;  ///< Length-prefixed answers not yet written.
  std::uint64_t output_answers = 0;  ///< How many.

  // Kept by TcpTable.
  bool open = false;  ///< False once closed, by whomever: whoever waited on the socket then just leaves.
  TcpPhase phase = TcpPhase::Idle;
  base::MonotonicTime deadline;
  std::list<TcpConnection*>::iterator place;
};

class TcpTable {
 public:
  struct Limits {
    std::chrono::milliseconds idle;
    std::chrono::milliseconds transfer;
  };
  explicit TcpTable(Limits limits) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Open connections from the client network of `address`: the address itself, or its /64.
  [[nodiscard]] std::size_t client_count(const base::IpAddress& address) const;

  /// Opens the connection, idle. The caller keeps it alive until close().
  void open(TcpConnection& connection);
  /// Closes the socket and forgets the connection. Nothing happens when it is closed already.
  void close(TcpConnection& connection);

  /// From now the connection waits for something else, or for the same anew.
  void enter(TcpConnection& connection, TcpPhase phase);

  /// The connection in `phase` with the nearest deadline, or null.
  [[nodiscard]] TcpConnection* oldest(TcpPhase phase) const noexcept;
  /// The same, but only one whose deadline is over.
  [[nodiscard]] TcpConnection* find_expired(TcpPhase phase) const noexcept;

  /// A copy, so that its members may be closed on the way.
  [[nodiscard]] std::vector<TcpConnection*> all() const;

 private:
  using Line = std::list<TcpConnection*>;
  [[nodiscard]] Line& line(TcpPhase phase) noexcept { return lines_[static_cast<std::size_t>(phase)]; }
  [[nodiscard]] const Line& line(TcpPhase phase) const noexcept {
    return lines_[static_cast<std::size_t>(phase)];
  }

  Limits limits_;
  /// One line a phase. All in a line wait equally long, so joining at the back keeps it sorted by deadline.
  std::array<Line, kTcpPhaseCount> lines_;
  std::map<base::IpAddress, std::size_t> clients_;
  std::size_t size_ = 0;
};

}  // namespace meridian::net
