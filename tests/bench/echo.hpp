// What the echo servers of the bench share: their command line, their core, their socket, their last words.
#pragma once

#include <netinet/in.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace meridian::echo {

inline volatile std::sig_atomic_t stop_requested = 0;

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "echo: %s: %s\n", what, std::strerror(errno));
  std::exit(2);
}

inline int parse_number(std::string_view text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    std::fputs("usage: udp_echo|tcp_echo [port [core]]\n", stderr);
    std::exit(2);
  }
  return value;
}

inline void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(core), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) fail("cannot pin");
}

inline void set_option(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof value) != 0) fail("setsockopt");
}

/// Prints the port, for who asked for port 0.
inline void bind_loopback(int fd, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  void* const raw = &address;
  if (::bind(fd, static_cast<sockaddr*>(raw), bytes) != 0) fail("bind");
  if (::getsockname(fd, static_cast<sockaddr*>(raw), &bytes) != 0) fail("getsockname");
  std::printf("port %u\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
}

/// Reads the command line; the port.
inline int start(int argc, char** argv) {
  if (argc > 2) pin_to(parse_number(argv[2]));
  for (const int number : {SIGTERM, SIGINT}) std::signal(number, [](int) { stop_requested = 1; });
  return argc > 1 ? parse_number(argv[1]) : 0;
}

inline double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

inline void print_usage(const char* what, std::uint64_t count) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("%s=%llu user_s=%.3f system_s=%.3f\n", what, static_cast<unsigned long long>(count),
              seconds(usage.ru_utime), seconds(usage.ru_stime));
}

}  // namespace meridian::echo
