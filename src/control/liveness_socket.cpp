#include "control/liveness_socket.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/unix_socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace meridian::control {
namespace {

namespace json = boost::json;
namespace limits = base::limits;

constexpr std::chrono::milliseconds kEvery{limits::kLivenessEveryMs};
/// The packet's layout; another one is for agents that know it.
constexpr int kVersion = 1;

/// With the longest addresses and counts they take 4.5 KiB, so that there is always room for zones.
json::object to_json(const std::vector<net::AddressQueries>& all) {
  json::object told;
  for (const auto& one : all) {
    if (told.size() == limits::kListenAddressesMax) break;  // more while some are added and others go
    told[net::to_string(one.listen)] = one.udp + one.tcp;
  }
  return told;
}

bool is_for_later(int error) { return error == EAGAIN || error == EINTR || error == ENOBUFS; }

}  // namespace

std::string to_packet(const Liveness& liveness) {
  json::value oldest;
  if (liveness.oldest_input) oldest = liveness.oldest_input->count();
  json::object packet{
      {"version", kVersion},         {"ready", liveness.is_ready},
      {"epoch", liveness.epoch},     {"site", liveness.site},
      {"zones", json::array{}},      {"oldest_input_s", std::move(oldest)},
      {"queries", liveness.queries}, {"queries_by_address", to_json(liveness.queries_by_address)},
      {"drops", liveness.drops}};
  auto bytes = json::serialize(packet).size();
  auto& zones = packet["zones"].as_array();
  for (const auto& zone : liveness.zones) {
    json::string name(zone);
    bytes += json::serialize(name).size() + 1;  // and a comma
    if (zones.size() == limits::kLivenessZonesMax || bytes > limits::kLivenessPacketBytesMax) break;
    zones.push_back(std::move(name));
  }
  return json::serialize(packet);
}

LivenessSocket::LivenessSocket(Look look)
    : look_(std::move(look)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  MERIDIAN_ASSERT(wake_.get() >= 0);
}

LivenessSocket::~LivenessSocket() { stop(); }

base::Expected<void, std::string> LivenessSocket::listen(const std::string& path) {
  auto listener = net::listen_unix(path, SOCK_SEQPACKET, limits::kLivenessClientsMax);
  if (!listener) {
    return base::unexpected(
        fmt::format("cannot listen on liveness socket {}: {}; choose another path with "
                    "'anycast: {{agent: {{liveness: …}}}}', or make its folder writable",
                    path, listener.error().message()));
  }
  path_ = path;
  listener_ = std::move(*listener);
  return {};
}

void LivenessSocket::adopt(net::FileDescriptor listener) { listener_ = std::move(listener); }

void LivenessSocket::own_socket_file(const std::string& path) {
  if (listener_) path_ = path;
}

net::FileDescriptor LivenessSocket::duplicate_listener() const {
  if (!listener_) return {};
  return net::FileDescriptor(::fcntl(listener_.get(), F_DUPFD_CLOEXEC, 0));
}

void LivenessSocket::start() {
  if (!listener_ || thread_.joinable()) return;
  thread_ = std::thread([this] { run(); });
  // A name for top and gdb; a failure costs nothing.
  static_cast<void>(::pthread_setname_np(thread_.native_handle(), "liveness"));
}

void LivenessSocket::tell() {
  has_news_ = true;
  wake();
}

void LivenessSocket::wake() const noexcept {
  // It fails where so many wait to be seen already that one more makes no difference.
  static_cast<void>(::eventfd_write(wake_.get(), 1));
}

void LivenessSocket::hand_over() { end(true); }

void LivenessSocket::stop() { end(false); }

void LivenessSocket::end(bool keeps_file) {
  const std::lock_guard lock(stopping_mutex_);
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
  listener_ = net::FileDescriptor();
  clients_.clear();
  if (!path_.empty() && !keeps_file) ::unlink(path_.c_str());
  path_.clear();
}

void LivenessSocket::run() {
  auto next = std::chrono::steady_clock::now() + kEvery;
  while (!stopping_) {
    wait(next);
    const auto now = std::chrono::steady_clock::now();
    if (!has_news_.exchange(false) && now < next) continue;
    push();
    next = now + kEvery;
  }
}

/// Until then at the latest; takes who connects, and lets go of who has gone or says something.
void LivenessSocket::wait(base::MonotonicTime until) {
  tell_full();
  std::vector<pollfd> waited{{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                             {.fd = was_full_ ? -1 : listener_.get(), .events = POLLIN, .revents = 0}};
  for (const auto& client : clients_) waited.push_back({.fd = client.get(), .events = POLLIN, .revents = 0});
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  const auto timeout = std::clamp(left, std::chrono::milliseconds{0}, kEvery);
  if (::poll(waited.data(), waited.size(), static_cast<int>(timeout.count())) <= 0) return;
  eventfd_t told = 0;
  if (waited[0].revents != 0) static_cast<void>(::eventfd_read(wake_.get(), &told));
  const auto was_heard = [&](const net::FileDescriptor& client) {
    return std::ranges::any_of(waited,
                               [&](const pollfd& one) { return one.fd == client.get() && one.revents != 0; });
  };
  std::erase_if(clients_, was_heard);
  if (waited[1].revents != 0) accept_one();
}

/// Who comes on top waits in the backlog: taken and let go, it would come back at once.
void LivenessSocket::tell_full() {
  const bool is_full = clients_.size() >= limits::kLivenessClientsMax;
  if (is_full && !was_full_)
    base::log_event(base::LogLevel::Warning, "liveness_full", {{"clients", clients_.size()}});
  was_full_ = is_full;
}

void LivenessSocket::accept_one() {
  net::FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client) {
    if (is_for_later(errno) || errno == ECONNABORTED) return;
    if (!std::exchange(was_refused_, true))
      base::log_event(base::LogLevel::Warning, "liveness_accept_failed",
                      {{"error", std::generic_category().message(errno)}});
    // Out of descriptors or the like: wait a moment rather than spin.
    ::poll(nullptr, 0, 100);
    return;
  }
  was_refused_ = false;
  const int room = limits::kLivenessPacketsWaiting * static_cast<int>(limits::kLivenessPacketBytesMax);
  static_cast<void>(::setsockopt(client.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room));
  if (put(client, to_packet(look_()))) clients_.push_back(std::move(client));
}

/// False: it has gone.
bool LivenessSocket::put(const net::FileDescriptor& client, std::string_view packet) const {
  const auto sent = ::send(client.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent >= 0 || is_for_later(errno);
}

void LivenessSocket::push() {
  if (clients_.empty()) return;
  const auto packet = to_packet(look_());
  std::erase_if(clients_, [&](const net::FileDescriptor& client) { return !put(client, packet); });
}

}  // namespace meridian::control
