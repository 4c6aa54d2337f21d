// What probing costs: N targets on the loopback network, each probed every so often, and the processor time
// of this process while they are. The server that is probed is a process of its own.
//
// usage: probe_load tcp|http|icmp [TARGETS=10000 [EVERY_MS=5000 [SECONDS=10]]]
//
// Waits for the first round and one `every` more, so that the probes are spread as they will be, and then
// measures. Prints one line of JSON. Half of what a connection over loopback costs is the server's side of
// it, done by the kernel in our time: over a network it costs less.
#include "probe/engine.hpp"

#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace meridian;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view kReply =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

[[noreturn]] void stop(const char* message) {
  std::perror(message);
  std::exit(2);
}

/// Listens on every address of the loopback network and on no other.
int listen_on_loopback(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ::setsockopt(listener, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t bytes = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, name, bytes) != 0 || ::listen(listener, 4096) != 0) stop("listen");
  ::getsockname(listener, name, &bytes);
  port = ntohs(address.sin_port);
  return listener;
}

/// Answers whatever is sent, and closes.
[[noreturn]] void serve(int listener) {
  const int events = ::epoll_create1(EPOLL_CLOEXEC);
  const auto add = [events](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(events, EPOLL_CTL_ADD, fd, &event);
  };
  add(listener);
  std::array<epoll_event, 256> ready;
  std::array<char, 4096> room;
  for (;;) {
    const int count = ::epoll_wait(events, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = ready.at(static_cast<std::size_t>(i)).data.fd;
      if (fd == listener) {
        const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) add(client);
        continue;
      }
      if (::read(fd, room.data(), room.size()) > 0)
        static_cast<void>(::send(fd, kReply.data(), kReply.size(), MSG_NOSIGNAL));
      ::close(fd);
    }
  }
}

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Load {
  std::string kind = "tcp";
  std::uint32_t targets = 10'000;
  std::uint32_t every_ms = 5'000;
  std::uint32_t seconds = 10;
};

Load parse(int count, char** words) {
  Load load;
  if (count > 1) load.kind = words[1];
  const auto number = [&](int at, std::uint32_t& to) {
    if (count > at) to = static_cast<std::uint32_t>(std::strtoul(words[at], nullptr, 10));
  };
  number(2, load.targets);
  number(3, load.every_ms);
  number(4, load.seconds);
  return load;
}

std::vector<probe::Target> make_targets(const Load& load, std::uint16_t port) {
  config::Check check;
  check.type = load.kind == "http"   ? config::Check::Type::Http
               : load.kind == "icmp" ? config::Check::Type::Icmp
                                     : config::Check::Type::Tcp;
  check.port = port;
  check.every_ms = load.every_ms;
  check.timeout_ms = load.every_ms / 2;
  const auto shared = std::make_shared<const config::Check>(check);
  std::vector<probe::Target> targets;
  for (std::uint32_t i = 0; i < load.targets; ++i)
    targets.push_back({shared, base::IpAddress::v4(0x7f01'0001u + i)});
  return targets;
}

void run(const Load& load, std::uint16_t port) {
  const base::SystemClock clock;
  stats::CounterRegistry registry;
  std::mutex mutex;
  std::condition_variable changed;
  bool has_first_round = false;
  std::string cause;
  probe::Engine engine{clock,
                       registry.register_block(),
                       {[&](std::uint64_t, std::size_t, const health::ProbeResult& result) {
                          if (result.is_ok) return;
                          const std::lock_guard lock(mutex);
                          cause = result.cause;
                        },
                        [&](std::uint64_t, bool) {
                          const std::lock_guard lock(mutex);
                          has_first_round = true;
                          changed.notify_one();
                        }}};
  engine.set_targets(1, make_targets(load, port));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return has_first_round; });
  }
  std::this_thread::sleep_for(milliseconds{load.every_ms});
  const auto total = [&](stats::Counter counter) { return static_cast<double>(registry.total(counter)); };
  const double probes_before = total(stats::Counter::Probes);
  const double failures_before = total(stats::Counter::ProbeFailures);
  const double processor_before = processor_seconds();
  const auto started = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::seconds{load.seconds});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  const double processor = processor_seconds() - processor_before;
  const double probes = total(stats::Counter::Probes) - probes_before;
  const std::lock_guard lock(mutex);
  std::printf(
      "{\"kind\": \"%s\", \"targets\": %u, \"every_ms\": %u, \"probes\": %.0f, \"failures\": %.0f, "
      "\"cpu_percent\": %.1f, \"probes_per_cpu_second\": %.0f, \"us_per_probe\": %.1f, \"cause\": \"%s\"}\n",
      load.kind.c_str(), load.targets, load.every_ms, probes,
      total(stats::Counter::ProbeFailures) - failures_before, 100 * processor / took.count(),
      probes / processor, 1e6 * processor / probes, cause.c_str());
}

}  // namespace

int main(int count, char** words) {
  const Load load = parse(count, words);
  std::uint16_t port = 0;
  const int listener = listen_on_loopback(port);
  const pid_t server = ::fork();
  if (server < 0) stop("fork");
  if (server == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve(listener);
  }
  ::close(listener);
  run(load, port);
  ::kill(server, SIGKILL);
  return 0;
}
