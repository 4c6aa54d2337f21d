// meridian-bgp: what ExaBGP runs as its API process. A loop around Bridge that never blocks and never spins.
#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/regular_file.hpp"
#include "bgp/bridge/bridge.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>

namespace meridian::bgp {
namespace {

namespace limits = base::limits;
using namespace std::chrono_literals;
using Time = Bridge::Time;

constexpr auto kConnectAgain = 100ms;
constexpr auto kStatusEvery = 1s;
/// A turn takes a second at most. One that does not end is ended by the kernel, and ExaBGP starts the next
/// bridge, for which what this one saved is still fresh.
constexpr unsigned kTurnSecondsMax = 3;

constexpr const char* kHelp =
    "usage: meridian-bgp --agent SOCKET --state FILE\n"
    "The bridge between meridian-agent and ExaBGP, which runs it as its API process.\n\n"
    "  --agent SOCKET  the unix socket where the agent listens\n"
    "  --state FILE    what ExaBGP was told, for the bridge that follows this one; in /run\n"
    "  --help          this text\n\n"
    "It ends with 0 when ExaBGP ends, and with 2 when it can't start.\n";

void log_line(const std::string& text) { std::fprintf(stderr, "meridian-bgp: %s\n", text.c_str()); }

class Program {
 public:
  Program(std::string agent_path, std::string state_path)
      : agent_path_(std::move(agent_path)), state_path_(std::move(state_path)) {}

  void run() {
    load_state();
    while (read_exabgp()) {
      ::alarm(kTurnSecondsMax);
      read_agent();
      if (!write_exabgp()) return;
      send_status();
      if (!wait()) return;
    }
  }

 private:
  static Time now() { return std::chrono::steady_clock::now(); }

  void load_state() {
    const auto text = base::read_regular_file(state_path_, limits::kBgpStatusBytesMax);
    if (!text && text.error().kind == base::FileProblem::Kind::NotThere) return;
    const auto saved =
        text ? parse_saved(*text) : base::unexpected(base::Diagnostic{{}, {}, text.error().message});
    if (!saved) return log_line(state_path_ + " is of no use: " + to_string(saved.error()));
    bridge_.start_with(*saved, now());
  }

  /// Replaces the file as a whole: a bridge that follows finds the old one or the new one.
  void save_state() {
    const auto draft = state_path_ + ".new";
    std::ofstream file(draft, std::ios::trunc);
    file << format_saved(bridge_.saved(now()));
    file.close();
    const bool saved = file && std::rename(draft.c_str(), state_path_.c_str()) == 0;
    report(state_error_, saved ? "" : "cannot write " + state_path_ + ": " + std::strerror(errno));
  }

  bool read_exabgp() {
    const auto taken = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    if (taken < 0) return errno == EAGAIN || errno == EINTR;
    bool goes_on = taken > 0;
    lines_.feed({buffer_.data(), static_cast<std::size_t>(taken)},
                [&](std::string_view line) { goes_on = bridge_.hear_exabgp(line, now()) && goes_on; });
    return goes_on;
  }

  void read_agent() {
    if (agent_ < 0 && now() >= connect_at_) connect_agent();
    for (int i = 0; agent_ >= 0 && i < limits::kBgpMessagesATurn; ++i) {
      const auto taken = ::recv(agent_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (taken < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (taken > 0) {
        bridge_.hear_agent({buffer_.data(), static_cast<std::size_t>(taken)}, now());
        continue;
      }
      report(agent_error_, "the agent closed the connection");
      ::close(std::exchange(agent_, -1));
      connect_at_ = now();
    }
  }

  void connect_agent() {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    agent_path_.copy(address.sun_path, sizeof address.sun_path - 1);
    agent_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (agent_ >= 0 && ::connect(agent_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
      return report(agent_error_, "");
    report(agent_error_, "cannot reach the agent at " + agent_path_ + ": " + std::strerror(errno));
    if (agent_ >= 0) ::close(std::exchange(agent_, -1));
    connect_at_ = now() + kConnectAgain;
  }

  bool write_exabgp() {
    const auto command = bridge_.next_command(now());
    // First: a bridge that follows goes on with what this one was about to do.
    if (std::exchange(changes_saved_, bridge_.changes()) != bridge_.changes()) save_state();
    is_blocked_ = false;
    if (command.empty()) return true;
    MERIDIAN_ASSERT(command.size() < limits::kBgpCommandBytesMax);
    const auto taken = ::write(STDOUT_FILENO, (command + "\n").data(), command.size() + 1);
    is_blocked_ = taken < 0 && (errno == EAGAIN || errno == EINTR);
    if (taken > 0) bridge_.written(now());
    return is_blocked_ || taken == static_cast<ssize_t>(command.size()) + 1;
  }

  void send_status() {
    if (agent_ < 0 || (changes_told_ == bridge_.changes() && now() < status_at_)) return;
    const auto text = format_status(bridge_.status(now()));
    // An agent that does not read gets the next one: it holds all that this one does.
    (void)::send(agent_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    changes_told_ = bridge_.changes();
    status_at_ = now() + kStatusEvery;
  }

  /// False when ExaBGP no longer reads.
  bool wait() {
    const auto start = now();
    const auto until =
        std::min({bridge_.next_deadline(start), agent_ < 0 ? connect_at_ : status_at_, start + kStatusEvery});
    const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(until - start).count();
    const short output = is_blocked_ ? POLLOUT : 0;
    std::array<pollfd, 3> watched{
        {{STDIN_FILENO, POLLIN, 0}, {STDOUT_FILENO, output, 0}, {agent_, POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), static_cast<int>(std::max<std::int64_t>(wait_ms, 0)));
    return (watched[1].revents & (POLLERR | POLLNVAL)) == 0;
  }

  /// One line a change.
  static void report(std::string& last, const std::string& text) {
    if (std::exchange(last, text) != text) log_line(text.empty() ? "is well again" : text);
  }

  std::string agent_path_;
  std::string state_path_;
  Bridge bridge_{static_cast<std::uint64_t>(::getppid()), log_line};
  LineSplitter lines_;
  /// A byte more than a message may have, so that one that is longer is seen to be.
  std::array<char, limits::kBgpWantedBytesMax + 1> buffer_{};
  int agent_ = -1;
  bool is_blocked_ = false;
  std::string agent_error_;
  std::string state_error_;
  Time connect_at_{};
  Time status_at_{};
  std::uint64_t changes_saved_ = 0;
  std::uint64_t changes_told_ = 0;
};

int run(int count, char** arguments) {
  std::string agent;
  std::string state;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--help") return std::fputs(kHelp, stdout), 0;
    const bool is_known = name == "--agent" || name == "--state";
    if (!is_known || i + 1 == count) {
      log_line("'" + std::string(name) + "' is " + (is_known ? "without its value" : "no option") +
               "; see --help");
      return 2;
    }
    (name == "--agent" ? agent : state) = arguments[++i];
  }
  if (agent.empty() || state.empty()) return log_line("--agent and --state are needed; see --help"), 2;
  if (agent.size() >= sizeof sockaddr_un::sun_path) return log_line(agent + " is too long for a socket"), 2;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGALRM, SIG_DFL);  // whatever our parent made of it
  for (const int end : {STDIN_FILENO, STDOUT_FILENO})
    ::fcntl(end, F_SETFL, ::fcntl(end, F_GETFL) | O_NONBLOCK);
  Program(std::move(agent), std::move(state)).run();
  return 0;
}

}  // namespace
}  // namespace meridian::bgp

int main(int count, char** arguments) { return meridian::bgp::run(count, arguments); }
