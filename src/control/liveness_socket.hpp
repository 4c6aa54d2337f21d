// The socket by which the anycast agent sees that this server lives: its connections end when the server
// does, however that comes, and the kernel tells the agent within the millisecond.
//
// A Unix SOCK_SEQPACKET socket. A client gets one JSON packet as it connects, one at each change and one a
// second; nothing is read from it. Nothing waits for a client either: what one does not take is left out for
// it. docs/anycast.md has the packet. A thread of its own, which nothing that serves waits for; calls from
// any.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "net/listen_tally.hpp"
#include "net/sockets.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace meridian::control {

/// How the server is.
struct Liveness {
  bool is_ready = false;  ///< it has a map, and answers
  std::uint64_t epoch = 0;
  std::string site = {};
  std::vector<std::string> zones = {};  ///< in the order in which they are told as far as there is room
  /// How long ago the oldest of map, GeoIP data and health went out of date; nothing: not known yet.
  std::optional<std::chrono::seconds> oldest_input = {};
  std::uint64_t queries = 0;  ///< answered so far
  /// That came to each address that is listened at; told as far as limits::kListenAddressesMax.
  std::vector<net::AddressQueries> queries_by_address = {};
  std::uint64_t drops = 0;  ///< that were not answered because there were too many
};

/// At most limits::kLivenessPacketBytesMax.
[[nodiscard]] std::string to_packet(const Liveness& liveness);

class LivenessSocket {
 public:
  /// Called on the socket's thread for each packet.
  using Look = std::function<Liveness()>;

  /// What `look` looks at outlives this.
  explicit LivenessSocket(Look look);
  ~LivenessSocket();
  LivenessSocket(const LivenessSocket&) = delete;
  LivenessSocket& operator=(const LivenessSocket&) = delete;

  /// Makes the socket, mode 0660; who connects waits for start(). The error is one line for the operator.
  [[nodiscard]] base::Expected<void, std::string> listen(const std::string& path);
  /// Takes a listener that another process made. Its file stays that one's until own_socket_file().
  void adopt(net::FileDescriptor listener);
  void own_socket_file(const std::string& path);
  /// For another process; without a descriptor where there is no socket.
  [[nodiscard]] net::FileDescriptor duplicate_listener() const;

  /// Speaks from now on; nothing happens where there is no socket.
  void start();
  /// Something has changed: everybody is told at once.
  void tell();

  /// Another process has the listener and speaks: ends all connections, so that clients hold to that one. The
  /// file stays.
  void hand_over();
  /// Ends all connections and removes the file. Whoever holds one knows at once.
  void stop();

 private:
  void end(bool keeps_file);
  void run();
  void wait(base::MonotonicTime until);
  void tell_full();
  void accept_one();
  [[nodiscard]] bool put(const net::FileDescriptor& client, std::string_view packet) const;
  void push();
  void wake() const noexcept;

  const Look look_;
  net::FileDescriptor wake_;
  net::FileDescriptor listener_;  ///< the thread's while it runs
  std::string path_;              ///< to be removed in the end; empty: not ours
  std::atomic<bool> has_news_{false};
  std::atomic<bool> stopping_{false};
  std::mutex stopping_mutex_;  ///< of whoever hands over or stops
  std::thread thread_;

  // The thread's.
  std::vector<net::FileDescriptor> clients_;
  bool was_full_ = false;
  bool was_refused_ = false;
};

}  // namespace meridian::control
