#include "bgp/agent/check_run.hpp"

#include "base/limits.hpp"
#include "base/spawn.hpp"
#include "net/sockets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace meridian::agent {

namespace asio = boost::asio;
using boost::system::error_code;

struct CheckRun::Parts {
  explicit Parts(asio::io_context& context) : process_end(context), timer(context) {}

  pid_t process = -1;          ///< -1: none that must be waited for
  net::FileDescriptor output;  ///< what the program says; a pipe takes 64 KiB, who says more is not done
  asio::posix::stream_descriptor process_end;
  asio::steady_timer timer;
  std::chrono::milliseconds late_after{0};  ///< 0: it ended by itself
};

CheckRun::CheckRun(asio::io_context& context, Done done)
    : context_(context), done_(std::move(done)), parts_(std::make_unique<Parts>(context)) {}

CheckRun::~CheckRun() {
  if (parts_->process < 0) return;
  kill_group();
  ::waitpid(parts_->process, nullptr, 0);
}

std::shared_ptr<CheckRun> CheckRun::start(asio::io_context& context, const std::vector<std::string>& command,
                                          std::chrono::milliseconds time, Done done) {
  std::shared_ptr<CheckRun> run(new CheckRun(context, std::move(done)));
  run->run(command, time);
  return run;
}

void CheckRun::run(const std::vector<std::string>& command, std::chrono::milliseconds time) {
  const auto fail = [&](int error) {
    asio::post(context_, [self = shared_from_this(), why = std::string(std::strerror(error))] {
      self->finish({false, -1, "cannot start it: " + why});
    });
  };
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno);
  parts_->output = net::FileDescriptor(ends[0]);
  const net::FileDescriptor write_end(ends[1]);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  const auto process = base::spawn_program(
      command, {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"},
      write_end.get());
  if (!process) return fail(process.error());
  parts_->process = *process;
  const auto end = static_cast<int>(::syscall(SYS_pidfd_open, *process, 0));
  if (end < 0) return fail(errno);
  parts_->process_end.assign(end);
  parts_->process_end.async_wait(asio::posix::stream_descriptor::wait_read,
                                 [self = shared_from_this()](error_code ended) {
                                   if (!ended) self->on_process_end();
                                 });
  parts_->timer.expires_after(time);
  parts_->timer.async_wait([self = shared_from_this(), time](error_code ended) {
    if (ended) return;
    self->parts_->late_after = time;
    self->kill_group();
  });
}

void CheckRun::on_process_end() {
  int status = 0;
  kill_group();  // what it started must not outlive it
  ::waitpid(std::exchange(parts_->process, -1), &status, 0);
  CheckEnd end{.was_started = true, .exit_code = -1, .words = {}};
  if (parts_->late_after.count() > 0) {
    end.words = fmt::format("no end within {} ms", parts_->late_after.count());
  } else if (WIFSIGNALED(status)) {
    end.words = fmt::format("ended by signal {}", WTERMSIG(status));
  } else {
    end.exit_code = WEXITSTATUS(status);
    end.words = fmt::format("exit code {}", end.exit_code);
  }
  std::array<char, base::limits::kProbeCauseBytesMax> room;
  const auto size = ::read(parts_->output.get(), room.data(), room.size());
  std::string_view said(room.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  said = said.substr(0, said.find('\n'));
  if (!said.empty()) end.words += fmt::format(": {}", said);
  finish(std::move(end));
}

void CheckRun::cancel() {
  done_ = {};
  error_code ignored;
  parts_->timer.cancel();
  parts_->process_end.close(ignored);
}

void CheckRun::finish(CheckEnd end) {
  const Done done = std::exchange(done_, {});
  cancel();
  if (done) done(std::move(end));
}

void CheckRun::kill_group() const { ::kill(-parts_->process, SIGKILL); }

}  // namespace meridian::agent
