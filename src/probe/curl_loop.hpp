// libcurl's multi interface on an io_context: transfers go in, and each comes back once when it has ended.
//
// Resolves nothing and keeps no connection: every transfer connects anew. One thread, that of the context.
#pragma once

#include <curl/curl.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <unordered_map>

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
  /// Takes out a transfer that has not ended.
  void remove(CURL* transfer);

 private:
  struct Watch;

  static int on_socket(CURL* transfer, curl_socket_t socket, int what, void* loop, void* watch);
  static int on_timer(CURLM* multi, long timeout_ms, void* loop);
  void watch(curl_socket_t socket, int what);
  void wait(const std::shared_ptr<Watch>& watch);
  void act(curl_socket_t socket, int what);
  void take_done();
  void set_timer(long timeout_ms);

  boost::asio::io_context& context_;
  OnDone on_done_;
  boost::asio::steady_timer timer_;
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  CURLM* multi_;
};

}  // namespace meridian::probe
