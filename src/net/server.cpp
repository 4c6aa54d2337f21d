#include "net/server.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

namespace meridian::net {
namespace {

base::Expected<void, std::string> check_addresses(std::size_t clients, std::size_t proxies) {
  if (clients == 0) return base::unexpected(std::string{"no address to listen at"});
  if (clients + proxies <= base::limits::kListenAddressesMax) return {};
  return base::unexpected(std::to_string(clients + proxies) + " addresses to listen at; the limit is " +
                          std::to_string(base::limits::kListenAddressesMax));
}

/// The first with this `wanted` is taken out of `all`: port 0 may stand several times, each its own socket.
template <typename T>
std::optional<T> take(std::vector<T>& all, const ListenAddress& wanted) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.wanted == wanted; });
  if (found == all.end()) return std::nullopt;
  std::optional<T> taken(std::move(*found));
  all.erase(found);
  return taken;
}

/// Addresses for clients, which have no proxies, and those for proxies.
std::vector<ProxyListen> join_lists(const std::vector<ListenAddress>& listen,
                                    const std::vector<ProxyListen>& proxy_listen) {
  std::vector<ProxyListen> all;
  for (const auto& address : listen) all.push_back({.address = address, .proxies = {}});
  all.insert(all.end(), proxy_listen.begin(), proxy_listen.end());
  return all;
}

base::Expected<std::vector<ListenSockets>, std::string> bind_each(const std::vector<ProxyListen>& wanted,
                                                                  std::size_t workers) {
  std::vector<ListenAddress> addresses;
  for (const auto& one : wanted) addresses.push_back(one.address);
  auto bound = bind_all(addresses, workers);
  for (std::size_t i = 0; bound && i < wanted.size(); ++i) (*bound)[i].proxies = wanted[i].proxies;
  return bound;
}

FileDescriptor duplicate(int socket) { return FileDescriptor(::fcntl(socket, F_DUPFD_CLOEXEC, 0)); }

}  // namespace

Server::Server(ServerOptions options, HandlerFactory make_handler, stats::CounterRegistry& counters)
    : options_(std::move(options)), make_handler_(std::move(make_handler)), counters_(counters) {}

Server::~Server() { stop(); }

base::Expected<void, std::string> Server::start(std::vector<ListenSockets> inherited) {
  MERIDIAN_ASSERT(udp_workers_.empty() && !tcp_server_);
  if (auto checked = check_addresses(options_.listen.size(), options_.proxy_listen.size()); !checked)
    return checked;
  if (options_.udp_workers == 0 || options_.udp_workers > base::limits::kUdpWorkersMax) {
    return base::unexpected("cannot run " + std::to_string(options_.udp_workers) + " UDP workers; use 1 to " +
                            std::to_string(base::limits::kUdpWorkersMax));
  }
  std::vector<ListenSockets> sockets;
  std::vector<ProxyListen> absent;
  for (const auto& wanted : join_lists(options_.listen, options_.proxy_listen)) {
    if (auto taken = take(inherited, wanted.address)) {
      taken->proxies = wanted.proxies;
      sockets.push_back(std::move(*taken));
    } else {
      absent.push_back(wanted);
    }
  }
  auto bound = bind_each(absent, options_.udp_workers);
  if (!bound) return base::unexpected(std::move(bound.error()));
  std::move(bound->begin(), bound->end(), std::back_inserter(sockets));
  // Standard library and Asio throw where the kernel has no thread or descriptor left; the handlers' own
  // constructors may throw as well. None of it leaves here.
  try {
    make_threads(std::move(sockets));
    start_threads();
  } catch (const std::exception& error) {
    stop();
    udp_workers_.clear();
    tcp_server_.reset();
    listening_.clear();
    return base::unexpected(std::string{"cannot start the listeners: "} + error.what());
  }
  return {};
}

void Server::make_threads(std::vector<ListenSockets> sockets) {
  for (std::size_t i = 0; i < options_.udp_workers; ++i) {
    auto& block = counters_.register_block();
    udp_workers_.push_back(std::make_unique<UdpWorker>(
        std::vector<ListenSocket>{}, make_handler_(static_cast<WorkerIndex>(i), block), block));
  }
  auto& block = counters_.register_block();
  const auto tcp_index = static_cast<WorkerIndex>(options_.udp_workers);
  tcp_server_ = std::make_unique<TcpServer>(std::vector<ListenSocket>{}, make_handler_(tcp_index, block),
                                            block, options_.tcp);
  for (auto& one : sockets) serve(std::move(one));
}

void Server::start_threads() {
  int pin_error = 0;
  for (std::size_t i = 0; i < udp_workers_.size(); ++i) {
    const auto index = static_cast<WorkerIndex>(i);
    udp_workers_[i]->start(index);
    if (const int error = udp_workers_[i]->pin(index); error != 0) pin_error = error;
  }
  tcp_server_->start();
  if (pin_error != 0) {
    base::log_event(base::LogLevel::Warning, "udp_pin_failed",
                    {{"error", std::generic_category().message(pin_error)}});
  }
}

UdpWorker& Server::worker_of(std::size_t socket_index) const noexcept {
  return *udp_workers_[socket_index % udp_workers_.size()];
}

/// Gives the sockets to the threads.
void Server::serve(ListenSockets sockets) {
  Listening one{.wanted = sockets.wanted,
                .listen = sockets.listen,
                .proxies = sockets.proxies,
                .udp = {},
                .tcp = sockets.tcp.get(),
                .tally = tally_of(sockets.listen)};
  const auto workers = udp_workers_.size();
  for (std::size_t i = 0; i < sockets.udp.size(); ++i) {
    one.udp.push_back(sockets.udp[i].get());
    worker_of(i).add_socket({.socket = std::move(sockets.udp[i]),
                             .proxies = sockets.proxies,
                             .queries = ListenTally::cell(one.tally, static_cast<WorkerIndex>(i % workers))});
  }
  tcp_server_->add_listener({.socket = std::move(sockets.tcp),
                             .proxies = sockets.proxies,
                             .queries = ListenTally::cell(one.tally, static_cast<WorkerIndex>(workers))});
  const std::lock_guard lock(mutex_);
  listening_.push_back(std::move(one));
}

void Server::remove(const Listening& one) {
  for (std::size_t i = 0; i < one.udp.size(); ++i) worker_of(i).remove_socket(one.udp[i]);
  tcp_server_->remove_listener(one.tcp);
}

std::vector<ListenAddress> Server::addresses() const {
  const std::lock_guard lock(mutex_);
  std::vector<ListenAddress> addresses;
  for (const auto& one : listening_) addresses.push_back(one.listen);
  return addresses;
}

/// The one that the address has already, where its sockets are taken in anew.
std::shared_ptr<ListenTally> Server::tally_of(const ListenAddress& listen) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(listening_, listen, &Listening::listen);
  return found == listening_.end() ? std::make_shared<ListenTally>(udp_workers_.size()) : found->tally;
}

std::vector<AddressQueries> Server::queries_by_address() const {
  const std::lock_guard lock(mutex_);
  std::vector<AddressQueries> all;
  for (const auto& one : listening_) {
    // Twice there for a moment, while its sockets are taken in anew.
    const bool is_told = std::ranges::find(all, one.listen, &AddressQueries::listen) != all.end();
    if (!is_told) all.push_back({.listen = one.listen, .udp = one.tally->udp(), .tcp = one.tally->tcp()});
  }
  return all;
}

base::Expected<Server::Change, std::string> Server::prepare(const std::vector<ListenAddress>& listen,
                                                            const std::vector<ProxyListen>& proxy_listen) {
  if (auto checked = check_addresses(listen.size(), proxy_listen.size()); !checked)
    return base::unexpected(std::move(checked.error()));
  std::vector<Listening> left;
  {
    const std::lock_guard lock(mutex_);
    left = listening_;
  }
  Change change;
  std::vector<ProxyListen> absent;
  for (const auto& one : join_lists(listen, proxy_listen)) {
    auto served = take(left, one.address);
    if (!served) {
      absent.push_back(one);
    } else if (served->proxies != one.proxies) {
      // Whom to believe is settled when a socket is taken in: the same one is taken in anew.
      auto copy = duplicate_sockets_of(*served);
      if (!copy) return base::unexpected(std::move(copy.error()));
      copy->proxies = one.proxies;
      change.added.push_back(std::move(*copy));
      change.removed.push_back(served->tcp);
    }
  }
  auto bound = bind_each(absent, options_.udp_workers);
  if (!bound) return base::unexpected(std::move(bound.error()));
  std::move(bound->begin(), bound->end(), std::back_inserter(change.added));
  for (const auto& one : left) change.removed.push_back(one.tcp);
  return change;
}

void Server::apply(Change change) {
  for (auto& added : change.added) {
    base::log_event(base::LogLevel::Info, "listening",
                    {{"address", to_string(added.listen)}, {"transport", "udp+tcp"}});
    serve(std::move(added));
  }
  for (const int tcp : change.removed) {
    const auto removed = take_out(tcp);
    if (!removed) continue;
    base::log_event(base::LogLevel::Info, "listening_ended", {{"address", to_string(removed->listen)}});
    remove(*removed);
  }
}

void Server::refresh() {
  for (const auto& worker : udp_workers_) worker->refresh();
  if (tcp_server_) tcp_server_->refresh();
}

base::Expected<std::vector<ListenSockets>, std::string> Server::duplicate_sockets() const {
  // Under the lock, so that no socket of the list is closed meanwhile: it leaves the list first.
  const std::lock_guard lock(mutex_);
  std::vector<ListenSockets> all;
  for (const auto& one : listening_) {
    auto copy = duplicate_sockets_of(one);
    if (!copy) return base::unexpected(std::move(copy.error()));
    all.push_back(std::move(*copy));
  }
  return all;
}

base::Expected<ListenSockets, std::string> Server::duplicate_sockets_of(const Listening& one) {
  ListenSockets copy{.wanted = one.wanted,
                     .listen = one.listen,
                     .udp = {},
                     .tcp = duplicate(one.tcp),
                     .proxies = one.proxies};
  bool is_whole = static_cast<bool>(copy.tcp);
  for (const int socket : one.udp) {
    copy.udp.push_back(duplicate(socket));
    is_whole = is_whole && copy.udp.back();
  }
  if (is_whole) return copy;
  return base::unexpected("cannot duplicate the sockets of " + to_string(one.listen) + ": " +
                          std::generic_category().message(errno) + "; raise LimitNOFILE= in the unit");
}

std::optional<Server::Listening> Server::take_out(int tcp) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(listening_.begin(), listening_.end(),
                                  [&](const Listening& one) { return one.tcp == tcp; });
  if (found == listening_.end()) return std::nullopt;
  std::optional<Listening> taken(std::move(*found));
  listening_.erase(found);
  return taken;
}

void Server::hand_over() noexcept {
  for (const auto& worker : udp_workers_) worker->request_stop();
  if (tcp_server_) tcp_server_->request_hand_over();
  join();
}

void Server::request_stop() noexcept {
  for (const auto& worker : udp_workers_) worker->request_stop();
  if (tcp_server_) tcp_server_->request_stop();
}

void Server::stop() noexcept {
  request_stop();  // everyone is told before anyone is waited for
  join();
}

void Server::join() noexcept {
  for (const auto& worker : udp_workers_) worker->join();
  if (tcp_server_) tcp_server_->join();
}

}  // namespace meridian::net
