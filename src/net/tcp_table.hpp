// The TCP connections that are open: how many, of whom, and which one has been waiting for longest.
//
// Owns them, and decides nothing about their bytes. One thread (the TCP thread), which also tells the time.
#pragma once

#include "base/clock.hpp"
#include "net/handler.hpp"
#include "net/sockets.hpp"
#include "net/tcp_framing.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <vector>

namespace meridian::net {

/// What a connection waits for.
enum class TcpPhase : std::uint8_t {
  Idle,     ///< The first byte of a message.
  Reading,  ///< The rest of a message.
  Writing,  ///< The client to take its answers.
  Ready,    ///< Us: its turn is over, and there may be more to answer.
};
inline constexpr std::size_t kTcpPhaseCount = 4;

/// What an event of the kernel belongs to.
struct TcpSource {
  enum class Kind : std::uint8_t { Wake, Listener, Connection };
  explicit TcpSource(Kind is) noexcept : kind(is) {}
  Kind kind;
  bool watched = false;  ///< Epoll knows it.
};

struct TcpConnection : TcpSource {
  TcpConnection(FileDescriptor connected, const Peer& from) noexcept
      : TcpSource(Kind::Connection), socket(std::move(connected)), peer(from) {}

  FileDescriptor socket;
  std::shared_ptr<QueryCell> queries;  ///< Of the listener that it came to.
  Peer peer;                           ///< Behind a proxy: the client, once its header has come.
  bool awaits_proxy_header = false;    ///< Nothing else may come first.
  TcpFraming input;
  std::vector<std::uint8_t> output;  ///< Length-prefixed answers of which the kernel did not take all.
  std::size_t output_sent = 0;       ///< Bytes of `output` it has taken.
  std::uint64_t output_answers = 0;  ///< How many are in `output`.
  bool closes_after_output = false;

  // Kept by TcpTable.
  bool open = false;  ///< False once closed: events that were reported with it mean nothing any more.
  bool has_client = false;
  TcpPhase phase = TcpPhase::Idle;
  base::MonotonicTime opened;
  base::MonotonicTime since;  ///< In this phase.
  std::list<TcpConnection>::iterator place;
};

class TcpTable {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Open connections from the client network of `address`: the address itself, or its /64.
  [[nodiscard]] std::size_t client_count(const base::IpAddress& address) const;

  /// A new connection, idle and on nobody's account yet. Valid until bury() after close().
  TcpConnection& open(FileDescriptor socket, const Peer& peer, base::MonotonicTime now);
  /// From now it counts among those of its peer. Once only.
  void assign_client(TcpConnection& connection);
  /// Closes the socket and forgets the connection. Nothing happens when it is closed already.
  void close(TcpConnection& connection);
  /// Destroys what was closed: only when nobody holds on to a connection.
  void bury() noexcept { closed_.clear(); }

  /// From `now` the connection waits for something else, or for the same anew.
  void enter(TcpConnection& connection, TcpPhase phase, base::MonotonicTime now) noexcept;

  [[nodiscard]] std::size_t count(TcpPhase phase) const noexcept { return line(phase).size(); }
  /// The connection that is in `phase` for longest, or null.
  [[nodiscard]] TcpConnection* oldest(TcpPhase phase) noexcept;
  /// The same, but only one that entered it before `moment`.
  [[nodiscard]] TcpConnection* find_older(TcpPhase phase, base::MonotonicTime moment) noexcept;
  /// The longest idle one of the client network of `address`, or null.
  [[nodiscard]] TcpConnection* oldest_idle_of(const base::IpAddress& address) const;

  /// A copy, so that its members may be closed on the way.
  [[nodiscard]] std::vector<TcpConnection*> all();

 private:
  using Line = std::list<TcpConnection>;
  [[nodiscard]] Line& line(TcpPhase phase) noexcept { return lines_[static_cast<std::size_t>(phase)]; }
  [[nodiscard]] const Line& line(TcpPhase phase) const noexcept {
    return lines_[static_cast<std::size_t>(phase)];
  }

  /// One line a phase, in the order of entering it.
  std::array<Line, kTcpPhaseCount> lines_;
  Line closed_;
  std::map<base::IpAddress, std::vector<TcpConnection*>> clients_;
  std::size_t size_ = 0;
};

}  // namespace meridian::net
