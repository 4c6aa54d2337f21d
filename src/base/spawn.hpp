// Starts a program without a shell and without fork(): between fork and exec a process with threads may do
// next to nothing, and copying the page tables of a large server would stall it. Any thread.
#pragma once

#include "base/expected.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace meridian::base {

/// `command` is the program's path and its arguments, `environment` all of it: "PATH=/bin". The program reads
/// nothing, writes both outputs to the descriptor `output`, has no other of ours, starts in `/` with every
/// signal as usual, and leads a process group of its own. The error is an errno.
[[nodiscard]] Expected<pid_t, int> spawn_program(std::vector<std::string> command,
                                                 std::vector<std::string> environment, int output);

}  // namespace meridian::base
