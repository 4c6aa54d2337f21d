// A program started with one descriptor and nothing else of ours but standard input, output and error.
#pragma once

#include "base/clock.hpp"
#include "base/expected.hpp"
#include "net/sockets.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace meridian::control {

/// Where the child finds its descriptor.
inline constexpr int kChildDescriptor = 3;

class ChildProcess {
 public:
  /// `command`: the program's path and its arguments. The error is a clause: "cannot start /…: …".
  [[nodiscard]] static base::Expected<ChildProcess, std::string> start(
      const std::vector<std::string>& command, const net::FileDescriptor& descriptor);

  [[nodiscard]] pid_t id() const noexcept { return id_; }

  /// Waits for its end, ending it by force at the deadline. "ended with exit code 1", "was ended by signal
  /// 9".
  [[nodiscard]] std::string finish(base::MonotonicTime deadline);

 private:
  explicit ChildProcess(pid_t id) noexcept : id_(id) {}
  pid_t id_;
};

}  // namespace meridian::control
