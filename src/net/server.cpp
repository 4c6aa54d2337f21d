#include "net/server.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"

#include <system_error>
#include <utility>

namespace meridian::net {

Server::Server(ServerOptions options, HandlerFactory make_handler, stats::CounterRegistry& counters)
    : options_(std::move(options)), make_handler_(std::move(make_handler)), counters_(counters) {}

Server::~Server() { stop(); }

base::Expected<void, std::string> Server::start() {
  MERIDIAN_ASSERT(udp_workers_.empty() && !tcp_server_);
  if (options_.listen.empty()) return base::unexpected(std::string{"no address to listen at"});
  auto addresses = options_.listen;
  for (const auto& one : options_.proxy_listen) addresses.push_back(one.address);
  if (addresses.size() > base::limits::kListenAddressesMax) {
    return base::unexpected(std::to_string(addresses.size()) + " addresses to listen at; the limit is " +
                            std::to_string(base::limits::kListenAddressesMax));
  }
  if (options_.udp_workers == 0 || options_.udp_workers > base::limits::kUdpWorkersMax) {
    return base::unexpected("cannot run " + std::to_string(options_.udp_workers) + " UDP workers; use 1 to " +
                            std::to_string(base::limits::kUdpWorkersMax));
  }
  auto sockets = bind_all(addresses, options_.udp_workers);
  if (!sockets) return base::unexpected(std::move(sockets.error()));
  for (std::size_t i = 0; i < options_.proxy_listen.size(); ++i) {
    (*sockets)[options_.listen.size() + i].proxies = options_.proxy_listen[i].proxies;
  }
  // Standard library and Asio throw where the kernel has no thread or descriptor left; the handlers' own
  // constructors may throw as well. None of it leaves here.
  try {
    make_threads(std::move(*sockets));
    start_threads();
  } catch (const std::exception& error) {
    stop();
    udp_workers_.clear();
    tcp_server_.reset();
    addresses_.clear();
    return base::unexpected(std::string{"cannot start the listeners: "} + error.what());
  }
  return {};
}

void Server::make_threads(std::vector<ListenSockets> sockets) {
  for (std::size_t i = 0; i < options_.udp_workers; ++i) {
    std::vector<ListenSocket> own;
    for (auto& one : sockets) own.push_back({std::move(one.udp[i]), one.proxies});
    auto& block = counters_.register_block();
    udp_workers_.push_back(std::make_unique<UdpWorker>(
        std::move(own), make_handler_(static_cast<WorkerIndex>(i), block), block));
  }
  std::vector<ListenSocket> listeners;
  for (auto& one : sockets) {
    listeners.push_back({std::move(one.tcp), one.proxies});
    addresses_.push_back(one.listen);
  }
  auto& block = counters_.register_block();
  const auto tcp_index = static_cast<WorkerIndex>(options_.udp_workers);
  tcp_server_ =
      std::make_unique<TcpServer>(std::move(listeners), make_handler_(tcp_index, block), block, options_.tcp);
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

void Server::stop() noexcept {
  // Everyone is told before anyone is waited for.
  for (const auto& worker : udp_workers_) worker->request_stop();
  if (tcp_server_) tcp_server_->request_stop();
  for (const auto& worker : udp_workers_) worker->join();
  if (tcp_server_) tcp_server_->join();
}

}  // namespace meridian::net
