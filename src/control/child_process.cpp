#include "control/child_process.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <system_error>
#include <thread>

namespace meridian::control {
namespace {

/// A child is asked for so often whether it has ended; pidfds would save nothing here.
constexpr std::chrono::milliseconds kLookPeriod{10};

}  // namespace

base::Expected<ChildProcess, std::string> ChildProcess::start(const std::vector<std::string>& command,
                                                              const net::FileDescriptor& descriptor) {
  std::vector<std::string> copy = command;  // execve takes no const
  std::vector<char*> arguments;
  for (auto& argument : copy) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, descriptor.get(), kChildDescriptor);
  // A client's connection in a second process would stay open after we closed it.
  posix_spawn_file_actions_addclosefrom_np(&actions, kChildDescriptor + 1);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t id = -1;
  const int error = ::posix_spawn(&id, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return base::unexpected(
        fmt::format("cannot start {}: {}", command.front(), std::generic_category().message(error)));
  }
  return ChildProcess(id);
}

std::string ChildProcess::finish(base::MonotonicTime deadline) {
  int status = 0;
  while (::waitpid(id_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() >= deadline) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, &status, 0);
      break;
    }
    std::this_thread::sleep_for(kLookPeriod);
  }
  if (WIFSIGNALED(status)) return fmt::format("was ended by signal {}", WTERMSIG(status));
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

}  // namespace meridian::control
