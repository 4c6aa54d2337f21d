#include "net/udp_worker.hpp"

#include "net/proxy_handler.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace meridian::net {

using stats::Counter;

UdpWorker::UdpWorker(std::vector<ListenSocket> sockets, std::unique_ptr<BatchHandler> handler,
                     stats::Counters& counters)
    : handler_(std::move(handler)),
      counters_(counters),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      batch_(std::make_unique<UdpBatch>()) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  for (auto& socket : sockets) take(std::move(socket));
  set_waited_on();
}

UdpWorker::~UdpWorker() {
  request_stop();
  join();
}

void UdpWorker::start(WorkerIndex index) {
  thread_ = std::thread([this] { run(); });
  // A name for top and gdb; the kernel takes 15 letters and a failure costs nothing.
  const auto name = fmt::format("udp-{}", static_cast<unsigned>(index));
  static_cast<void>(::pthread_setname_np(thread_.native_handle(), name.c_str()));
}

int UdpWorker::pin(WorkerIndex index) noexcept {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return errno;
  const auto count = static_cast<unsigned>(CPU_COUNT(&allowed));
  unsigned skip = static_cast<unsigned>(index) % count;
  std::size_t core = 0;
  while (!CPU_ISSET(core, &allowed) || skip-- > 0) ++core;
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  CPU_SET(core, &chosen);
  return ::pthread_setaffinity_np(thread_.native_handle(), sizeof chosen, &chosen);
}

void UdpWorker::add_socket(ListenSocket socket) {
  {
    const std::lock_guard lock(mutex_);
    orders_.added.push_back(std::move(socket));
  }
  call();
}

void UdpWorker::remove_socket(int socket) {
  {
    const std::lock_guard lock(mutex_);
    orders_.removed.push_back(socket);
  }
  call();
}

void UdpWorker::refresh() noexcept {
  {
    const std::lock_guard lock(mutex_);
    orders_.refresh = true;
  }
  call();
}

void UdpWorker::request_stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    orders_.stop = true;
  }
  call();
}

void UdpWorker::call() noexcept {
  called_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then it is readable anyway.
  static_cast<void>(::write(wake_.get(), &one, sizeof one) < 0);
}

void UdpWorker::join() noexcept {
  if (thread_.joinable()) thread_.join();
}

void UdpWorker::run() noexcept {
  for (;;) {
    if (called_.load(std::memory_order_acquire) && !attend()) break;
    const bool busy = serve_each_socket();
    // The kernel drops only where batches were full before: a worker that keeps up never asks.
    if (busy ? full_batches_ >= base::limits::kUdpDropCountBatches : full_batches_ > 0) count_drops();
    // Waiting costs a system call and a context switch, so it happens only when every socket was empty.
    if (!busy) static_cast<void>(::poll(waited_on_.data(), waited_on_.size(), -1));
  }
  for (const auto& served : sockets_) serve_what_is_queued(served);
  sockets_.clear();  // a new server may bind what is not handed over
}

/// Does what was ordered; false once that is to stop.
bool UdpWorker::attend() noexcept {
  std::uint64_t calls = 0;
  static_cast<void>(::read(wake_.get(), &calls, sizeof calls) < 0);
  called_.store(false, std::memory_order_relaxed);
  Orders orders;
  {
    // Orders given after this call once more, so none is lost.
    const std::lock_guard lock(mutex_);
    std::swap(orders, orders_);
  }
  for (auto& socket : orders.added) take(std::move(socket));
  for (const int socket : orders.removed) close_socket(socket);
  if (!orders.added.empty() || !orders.removed.empty()) set_waited_on();
  if (orders.refresh) handler_->refresh();
  return !orders.stop;
}

void UdpWorker::take(ListenSocket socket) {
  // What a socket of the process before us has dropped is counted there.
  const auto drops_seen = dropped_count(socket.socket);
  Served served{.socket = std::move(socket.socket),
                .proxy_handler = nullptr,
                .queries = std::move(socket.queries),
                .drops_seen = drops_seen};
  if (!socket.proxies.empty()) {
    served.proxy_handler = std::make_unique<ProxyHandler>(std::move(socket.proxies), *handler_, counters_);
  }
  sockets_.push_back(std::move(served));
}

void UdpWorker::set_waited_on() {
  waited_on_.clear();
  for (const auto& served : sockets_)
    waited_on_.push_back({.fd = served.socket.get(), .events = POLLIN, .revents = 0});
  waited_on_.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
}

void UdpWorker::close_socket(int socket) noexcept {
  const auto is_it = [&](const Served& served) { return served.socket.get() == socket; };
  for (const auto& served : sockets_) {
    if (is_it(served)) serve_what_is_queued(served);
  }
  std::erase_if(sockets_, is_it);
}

/// Trying every socket costs the idle ones an empty call a round, but none of them can starve.
bool UdpWorker::serve_each_socket() noexcept {
  bool busy = false;
  for (const auto& served : sockets_) {
    if (serve_batch(served) > 0) busy = true;
  }
  return busy;
}

std::size_t UdpWorker::serve_batch(const Served& served) noexcept {
  const auto received = batch_->receive(served.socket.get(), counters_);
  if (batch_->is_full()) ++full_batches_;
  const auto exchanges = batch_->exchanges();
  if (exchanges.empty()) return received;
  served.queries->add(exchanges.size());
  auto& handler = served.proxy_handler ? *served.proxy_handler : *handler_;
  handler.answer_batch(exchanges);
  batch_->send(served.socket.get(), counters_);
  return received;
}

void UdpWorker::count_drops() noexcept {
  full_batches_ = 0;
  for (auto& served : sockets_) {
    const std::uint32_t drops = dropped_count(served.socket);
    counters_.add(Counter::UdpReceiveDrops, static_cast<std::uint32_t>(drops - served.drops_seen));
    served.drops_seen = drops;
  }
}

void UdpWorker::serve_what_is_queued(const Served& served) noexcept {
  for (int i = 0; i < base::limits::kUdpStopBatchesMax && serve_batch(served) > 0; ++i) {
  }
}

}  // namespace meridian::net
