#include "net/tcp_server.hpp"

#include "net/tcp_loop.hpp"

#include <pthread.h>

#include <utility>

namespace meridian::net {

TcpServer::TcpServer(std::vector<ListenSocket> listeners, std::unique_ptr<BatchHandler> handler,
                     stats::Counters& counters, const TcpLimits& limits)
    : loop_(std::make_unique<TcpLoop>(std::move(listeners), std::move(handler), counters, limits)) {}

TcpServer::~TcpServer() {
  request_stop();
  join();
}

void TcpServer::start() {
  thread_ = std::thread([loop = loop_.get()]() noexcept { loop->run(); });
  static_cast<void>(::pthread_setname_np(thread_.native_handle(), "tcp"));
}

void TcpServer::set_limits(const TcpLimits& limits) {
  loop_->post([loop = loop_.get(), limits] { loop->set_limits(limits); });
}

void TcpServer::add_listener(ListenSocket listener) {
  // In a shared pointer, since std::function wants to be able to copy.
  auto shared = std::make_shared<ListenSocket>(std::move(listener));
  loop_->post([loop = loop_.get(), shared] { loop->add_listener(std::move(*shared)); });
}

void TcpServer::remove_listener(int listener) {
  loop_->post([loop = loop_.get(), listener] { loop->remove_listener(listener); });
}

void TcpServer::refresh() {
  loop_->post([loop = loop_.get()] { loop->refresh(); });
}

void TcpServer::request_hand_over() {
  loop_->post([loop = loop_.get()] { loop->begin_linger(); });
}

void TcpServer::request_stop() noexcept {
  loop_->post([loop = loop_.get()] { loop->begin_drain(); });
}

void TcpServer::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

}  // namespace meridian::net
