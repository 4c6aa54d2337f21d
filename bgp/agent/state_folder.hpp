// What an agent leaves for the one that follows: the levels with their past, and when it last lived.
//
// `agent.json` is written at each change, whole or not at all; `alive` holds a time, and is written over
// twice a second: an agent that was killed wrote nothing as it went. Both are of use until the machine
// restarts, so nothing is flushed to the disk. `lock` is held, so that there is one agent at a time. One
// thread.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "base/ip.hpp"
#include "bgp/policy/route_policy.hpp"
#include "dns/name.hpp"
#include "net/sockets.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace meridian::agent {

/// An agent that starts so soon after the last one lived goes on with its levels. The bridge waits for 3 s;
/// within two more nothing has been learned that one could rely on.
inline constexpr std::chrono::seconds kAdoptAge{5};
/// With 16 VIPs and 64 zones some 30 KiB.
inline constexpr std::size_t kStateBytesMax = 1u << 20;

struct SavedVip {
  std::string name;
  base::IpAddress address;
  base::IpPrefix prefix;
  /// Without its rounds, which the next agent counts anew.
  policy::RouteHistory history;
};

struct SavedState {
  std::vector<SavedVip> vips;
  std::vector<dns::Name> zones;  ///< that the server named, to ask for while it hangs
};

/// What was found at the start.
struct FoundState {
  SavedState state;
  /// How long ago its agent last lived; nothing: not known, or before the machine restarted.
  std::optional<std::chrono::milliseconds> age;
  std::string fault;  ///< why nothing could be read; empty: it could, or nothing was there
};

[[nodiscard]] std::string format_state(const SavedState& state, const std::string& boot_id);
/// The error is a clause. Nothing: of another boot.
[[nodiscard]] base::Expected<std::optional<SavedState>, std::string> parse_state(std::string_view text,
                                                                                 const std::string& boot_id);

/// As the state's files have times.
[[nodiscard]] inline std::int64_t to_ms(base::MonotonicTime time) noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

class StateFolder {
 public:
  /// Makes the folder, and takes the lock for as long as this lives. The error is one line for the operator.
  [[nodiscard]] static base::Expected<StateFolder, std::string> open(const std::string& path);

  [[nodiscard]] FoundState find(base::MonotonicTime now) const;
  /// The error is a clause: "cannot write …: …".
  [[nodiscard]] base::Expected<void, std::string> save(const SavedState& state) const;
  [[nodiscard]] base::Expected<void, std::string> beat(base::MonotonicTime now) const;

 private:
  StateFolder(std::string path, std::string boot_id, net::FileDescriptor lock, net::FileDescriptor alive)
      : path_(std::move(path)),
        boot_id_(std::move(boot_id)),
        lock_(std::move(lock)),
        alive_(std::move(alive)) {}

  [[nodiscard]] std::optional<std::chrono::milliseconds> age(base::MonotonicTime now) const;

  std::string path_;
  std::string boot_id_;
  net::FileDescriptor lock_;
  net::FileDescriptor alive_;
};

}  // namespace meridian::agent
