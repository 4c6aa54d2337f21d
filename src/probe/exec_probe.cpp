#include "probe/exec_probe.hpp"

#include "base/limits.hpp"
#include "base/spawn.hpp"
#include "net/sockets.hpp"
#include "probe/cause.hpp"

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
#include <chrono>
#include <utility>

namespace meridian::probe {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

// Debian's `nobody` and `nogroup`, by number: names would be looked up.
constexpr int kNobody = 65534;

/// What stands before the program: who it is and what it may use.
std::vector<std::string> wrapper(const config::Check& check) {
  std::vector<std::string> words{"/usr/bin/setpriv", "--no-new-privs", "--ambient-caps=-all",
                                 "--pdeathsig=KILL"};
  if (::geteuid() == 0) {
    // Without root's rights there is nothing of these to give up, and no right to do so.
    const auto id = std::to_string(kNobody);
    for (const std::string& word : {"--reuid=" + id, "--regid=" + id, std::string{"--clear-groups"},
                                    std::string{"--inh-caps=-all"}, std::string{"--bounding-set=-all"}})
      words.push_back(word);
  }
  using namespace base::limits;
  words.insert(words.end(), {"--", "/usr/bin/prlimit", "--core=0",
                             // Of processor time; a program that spins in a group of its own ends here.
                             fmt::format("--cpu={}", check.timeout_ms / 1'000 + 1),
                             fmt::format("--data={}", kProbeProgramDataBytesMax),
                             fmt::format("--fsize={}", kProbeProgramFileBytesMax),
                             fmt::format("--nofile={}", kProbeProgramDescriptorsMax), "--"});
  return words;
}

std::vector<std::string> environment(const Target& target) {
  return {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "MERIDIAN_CHECK=" + target.check->name,
          "MERIDIAN_ADDRESS=" + base::to_string(target.address),
          fmt::format("MERIDIAN_PORT={}", port_of(*target.check))};
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

}  // namespace

std::vector<std::string> fill_in_command(const Target& target) {
  auto words = target.check->command;
  for (std::size_t i = 1; i < words.size(); ++i) {
    replace_all(words[i], "{address}", base::to_string(target.address));
    replace_all(words[i], "{port}", std::to_string(port_of(*target.check)));
  }
  return words;
}

class ExecProber::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(ExecProber& prober, ProbeId id, const Target& target, Done done)
      : prober_(prober),
        id_(id),
        target_(target),
        done_(std::move(done)),
        output_(prober.context_),
        process_end_(prober.context_),
        timer_(prober.context_) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { reap(0); }

  void start() {
    started_ = prober_.clock_.monotonic();
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail_later(error_words(errno));
    output_.assign(ends[0]);
    const net::FileDescriptor write_end{ends[1]};
    // Programs do not expect a standard output that does not block.
    ::fcntl(write_end.get(), F_SETFL, 0);
    auto words = wrapper(*target_.check);
    for (auto& word : fill_in_command(target_)) words.push_back(std::move(word));
    const auto process = base::spawn_program(std::move(words), environment(target_), write_end.get());
    if (!process) return fail_later(error_words(process.error()));
    process_ = *process;
    const auto end = static_cast<int>(::syscall(SYS_pidfd_open, process_, 0));
    if (end < 0) return fail_later(error_words(errno));
    process_end_.assign(end);
    process_end_.async_wait(asio::posix::stream_descriptor::wait_read,
                            [self = shared_from_this()](error_code) { self->on_process_end(); });
    timer_.expires_after(milliseconds{target_.check->timeout_ms});
    timer_.async_wait([self = shared_from_this()](error_code ended) {
      if (!ended) self->fail(timeout_cause("exec", milliseconds{self->target_.check->timeout_ms}));
    });
    read();
  }

  void cancel() {
    done_ = {};
    close();
  }

 private:
  void read() {
    output_.async_read_some(asio::buffer(room_),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                              if (!self->done_ || error) return;
                              self->take_output(size);
                              if (self->done_) self->read();
                            });
  }

  void take_output(std::size_t size) {
    text_.append(room_.data(), size);
    if (text_.size() > base::limits::kProbeOutputBytesMax)
      fail(fmt::format("exec: more than {} bytes of output", base::limits::kProbeOutputBytesMax));
  }

  void on_process_end() {
    // What it started must not outlive it; until it is waited for, its process group has its number.
    const int status = reap(0);
    if (!done_) return;
    error_code error;
    while (done_ && !error) {
      const std::size_t size = output_.read_some(asio::buffer(room_), error);
      if (!error) take_output(size);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return finish(success());
    const std::string line = first_line();
    const std::string how = WIFEXITED(status) ? fmt::format("exec: exit code {}", WEXITSTATUS(status))
                                              : fmt::format("exec: ended by signal {}", WTERMSIG(status));
    fail(line.empty() ? how : how + ": " + line);
  }

  [[nodiscard]] std::string first_line() const { return text_.substr(0, text_.find('\n')); }

  /// Ends the process group and takes the exit status of the process. Waits only for a process that is
  /// ending.
  int reap(int status) {
    if (process_ < 0) return status;
    ::kill(-process_, SIGKILL);
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    return status;
  }

  void fail(const std::string& cause) { finish(failure(cause)); }

  void fail_later(const std::string& reason) {
    asio::post(prober_.context_, [self = shared_from_this(), reason] {
      self->fail(fmt::format("exec: cannot start {}: {}", self->target_.check->command.front(), reason));
    });
  }

  void finish(health::ProbeResult result) {
    if (!done_) return;
    const Done done = std::exchange(done_, {});
    close();
    prober_.sessions_.erase(id_);
    result.took =
        std::chrono::duration_cast<std::chrono::microseconds>(prober_.clock_.monotonic() - started_);
    done(std::move(result));
  }

  /// The wait for the process's end goes on, and takes its status.
  void close() {
    timer_.cancel();
    error_code ignored;
    output_.close(ignored);
    if (process_ > 0) ::kill(-process_, SIGKILL);
  }

  ExecProber& prober_;
  const ProbeId id_;
  const Target target_;
  Done done_;  ///< empty once it was called, or the probe was cancelled
  base::MonotonicTime started_;
  pid_t process_ = -1;  ///< -1: none that must be waited for
  asio::posix::stream_descriptor output_;
  asio::posix::stream_descriptor process_end_;
  asio::steady_timer timer_;
  std::array<char, 1024> room_;
  std::string text_;
};

ExecProber::ExecProber(asio::io_context& context, const base::Clock& clock)
    : context_(context), clock_(clock) {}

ExecProber::~ExecProber() = default;

ProbeId ExecProber::start(const Target& target, Done done) {
  return sessions_.start(
      [&](ProbeId id) { return std::make_shared<Session>(*this, id, target, std::move(done)); });
}

void ExecProber::cancel(ProbeId id) { sessions_.cancel(id); }

}  // namespace meridian::probe
