// libcurl's multi interface on an io_context: transfers go in, and each comes back once when it has ended.
//
// curl's sockets wait in an epoll of their own, and the context waits for that one: Asio would look at each
// socket three times more often than curl wants. One thread, that of the context.
#pragma once

#include <curl/curl.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>

namespace meridian::probe {

class CurlLoop {
 public:
  /// Called for each transfer that ended by itself, never from within add(). The transfer is out of the
  /// loop then; the handler may add it again.
  using OnDone = std::function<void(CURL* transfer, CURLcode result)>;

  /// `context` must outlive this, and must not run any more when this goes.
  CurlLoop(boost::asio::io_context& context, OnDone on_done);
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  void add(CURL* transfer);
  /// Takes out a transfer that was added and has not ended.
  void remove(CURL* transfer);

 private:
  static int on_socket(CURL* transfer, curl_socket_t socket, int what, void* loop, void* is_watched);
  static int on_timer(CURLM* multi, long timeout_ms, void* loop);
  void watch(curl_socket_t socket, int what, bool is_watched);
  void set_timer(long timeout_ms);
  void act_soon();
  void wait_for_sockets();
  void take_ready_sockets();
  void take_done();

  boost::asio::io_context& context_;
  OnDone on_done_;
  boost::asio::posix::stream_descriptor sockets_;  ///< the epoll
  bool is_waiting_ = false;                        ///< for sockets_
  boost::asio::steady_timer timer_;
  bool is_acting_soon_ = false;
  std::size_t in_flight_ = 0;
  CURLM* multi_;
};

}  // namespace meridian::probe
