#include "probe/curl_loop.hpp"

#include "base/assert.hpp"

#include <chrono>
#include <utility>

namespace meridian::probe {

namespace asio = boost::asio;
using boost::system::error_code;

/// A socket of curl's, and what curl waits for on it.
struct CurlLoop::Watch {
  Watch(asio::io_context& context, curl_socket_t socket) : descriptor(context, socket) {}

  asio::posix::stream_descriptor descriptor;
  int wanted = CURL_POLL_NONE;
  bool is_reading = false;
  bool is_writing = false;
  bool is_over = false;  ///< curl closes the socket
};

CurlLoop::CurlLoop(asio::io_context& context, OnDone on_done)
    : context_(context), on_done_(std::move(on_done)), timer_(context) {
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
  for (auto& [socket, watch] : watches_) static_cast<void>(watch->descriptor.release());
  curl_global_cleanup();
}

void CurlLoop::add(CURL* transfer) { curl_multi_add_handle(multi_, transfer); }

void CurlLoop::remove(CURL* transfer) { curl_multi_remove_handle(multi_, transfer); }

int CurlLoop::on_socket(CURL* /*transfer*/, curl_socket_t socket, int what, void* loop, void* /*watch*/) {
  static_cast<CurlLoop*>(loop)->watch(socket, what);
  return 0;
}

int CurlLoop::on_timer(CURLM* /*multi*/, long timeout_ms, void* loop) {
  static_cast<CurlLoop*>(loop)->set_timer(timeout_ms);
  return 0;
}

void CurlLoop::watch(curl_socket_t socket, int what) {
  const auto found = watches_.find(socket);
  if (what == CURL_POLL_REMOVE) {
    if (found == watches_.end()) return;
    // Given back, because curl closes it; what waits is told and finds it over.
    found->second->is_over = true;
    static_cast<void>(found->second->descriptor.release());
    watches_.erase(found);
    return;
  }
  const auto kept = found != watches_.end()
                        ? found->second
                        : watches_.emplace(socket, std::make_shared<Watch>(context_, socket)).first->second;
  kept->wanted = what;
  wait(kept);
}

void CurlLoop::wait(const std::shared_ptr<Watch>& watch) {
  if (watch->is_over) return;
  const auto wait_for = [this, &watch](asio::posix::stream_descriptor::wait_type type, bool& is_waiting,
                                       int happened) {
    is_waiting = true;
    watch->descriptor.async_wait(type, [this, watch, &is_waiting, happened](error_code error) {
      is_waiting = false;
      if (watch->is_over || error == asio::error::operation_aborted) return;
      const int wanted_bit = happened == CURL_CSELECT_IN ? CURL_POLL_IN : CURL_POLL_OUT;
      if ((watch->wanted & wanted_bit) == 0) return;
      act(watch->descriptor.native_handle(), happened);
      wait(watch);
    });
  };
  using Descriptor = asio::posix::stream_descriptor;
  if ((watch->wanted & CURL_POLL_IN) != 0 && !watch->is_reading)
    wait_for(Descriptor::wait_read, watch->is_reading, CURL_CSELECT_IN);
  if ((watch->wanted & CURL_POLL_OUT) != 0 && !watch->is_writing)
    wait_for(Descriptor::wait_write, watch->is_writing, CURL_CSELECT_OUT);
}

void CurlLoop::act(curl_socket_t socket, int what) {
  int running = 0;
  curl_multi_socket_action(multi_, socket, what, &running);
  take_done();
}

void CurlLoop::take_done() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const transfer = message->easy_handle;
    const CURLcode result = message->data.result;
    curl_multi_remove_handle(multi_, transfer);
    on_done_(transfer, result);
  }
}

void CurlLoop::set_timer(long timeout_ms) {
  if (timeout_ms < 0) {
    timer_.cancel();
    return;
  }
  // Never acted on at once: curl calls this from within its own functions.
  timer_.expires_after(std::chrono::milliseconds{timeout_ms});
  timer_.async_wait([this](error_code error) {
    if (!error) act(CURL_SOCKET_TIMEOUT, 0);
  });
}

}  // namespace meridian::probe
