#include "probe/curl_loop.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"

#include <sys/epoll.h>
#include <boost/asio/post.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace meridian::probe {

namespace asio = boost::asio;
using boost::system::error_code;

CurlLoop::CurlLoop(asio::io_context& context, OnDone on_done)
    : context_(context), on_done_(std::move(on_done)), sockets_(context), timer_(context) {
  sockets_.assign(::epoll_create1(EPOLL_CLOEXEC));
  // Counted by curl, and safe beside other threads since 7.84.
  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi_ = curl_multi_init();
  MERIDIAN_ASSERT(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

CurlLoop::~CurlLoop() {
  curl_multi_cleanup(multi_);
  curl_global_cleanup();
}

void CurlLoop::add(CURL* transfer) {
  ++in_flight_;
  curl_multi_add_handle(multi_, transfer);
  wait_for_sockets();
}

void CurlLoop::remove(CURL* transfer) {
  curl_multi_remove_handle(multi_, transfer);
  // Nothing of an idle loop is to keep the context running.
  if (--in_flight_ == 0) sockets_.cancel();
}

int CurlLoop::on_socket(CURL* /*transfer*/, curl_socket_t socket, int what, void* loop, void* is_watched) {
  static_cast<CurlLoop*>(loop)->watch(socket, what, is_watched != nullptr);
  return 0;
}

int CurlLoop::on_timer(CURLM* /*multi*/, long timeout_ms, void* loop) {
  static_cast<CurlLoop*>(loop)->set_timer(timeout_ms);
  return 0;
}

void CurlLoop::watch(curl_socket_t socket, int what, bool is_watched) {
  epoll_event event{};
  event.data.fd = socket;
  // One that curl has closed already is gone from the epoll too, and this fails as it should.
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(sockets_.native_handle(), EPOLL_CTL_DEL, socket, &event);
    return;
  }
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  ::epoll_ctl(sockets_.native_handle(), is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
  curl_multi_assign(multi_, socket, this);
}

void CurlLoop::wait_for_sockets() {
  if (std::exchange(is_waiting_, true)) return;
  sockets_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code error) {
    is_waiting_ = false;
    if (error == asio::error::operation_aborted && in_flight_ == 0) return;
    take_ready_sockets();
    if (in_flight_ != 0) wait_for_sockets();
  });
}

void CurlLoop::take_ready_sockets() {
  std::array<epoll_event, base::limits::kTcpEvents> ready;
  const int count = ::epoll_wait(sockets_.native_handle(), ready.data(), static_cast<int>(ready.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready.at(static_cast<std::size_t>(i));
    int what = 0;
    if ((event.events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
    // A transfer before it may have ended this one; curl then knows no such socket and does nothing.
    int running = 0;
    curl_multi_socket_action(multi_, event.data.fd, what, &running);
  }
  take_done();
}

void CurlLoop::act_soon() {
  if (std::exchange(is_acting_soon_, true)) return;
  asio::post(context_, [this] {
    is_acting_soon_ = false;
    int running = 0;
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    take_done();
  });
}

void CurlLoop::take_done() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const transfer = message->easy_handle;
    const CURLcode result = message->data.result;
    remove(transfer);
    on_done_(transfer, result);
  }
}

void CurlLoop::set_timer(long timeout_ms) {
  // Never acted on at once: curl calls this from within its own functions.
  if (timeout_ms == 0) return act_soon();
  if (timeout_ms < 0) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::milliseconds{timeout_ms});
  timer_.async_wait([this](error_code error) {
    if (!error) act_soon();
  });
}

}  // namespace meridian::probe
