// A Frame Streams connection (libfstrm) to a collector on a Unix socket, in which no step waits for ever.
//
// libfstrm speaks the protocol; the socket is ours, because the library's own has no time limit and a
// collector that stops reading would hold its writer for good. One thread. Not HOT.
#pragma once

#include "net/sockets.hpp"

#include <sys/uio.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>

struct fstrm_writer;

namespace meridian::querylog {

class FrameStream {
 public:
  /// `patience` bounds each of open, write and close.
  FrameStream(std::string unix_path, std::string content_type, std::chrono::milliseconds patience);
  FrameStream(const FrameStream&) = delete;
  FrameStream& operator=(const FrameStream&) = delete;
  /// As close().
  ~FrameStream();

  /// Connects and agrees on the content type. False: see error().
  [[nodiscard]] bool open();
  [[nodiscard]] bool is_open() const noexcept { return writer_ != nullptr; }

  /// A frame each. False: the stream is closed, and how many of the frames arrived is not known.
  [[nodiscard]] bool write(std::span<const iovec> frames);

  /// Says goodbye if the collector still listens. May be called twice.
  void close();

  /// Why the last open() or write() failed.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  class Socket;
  struct Destroy {
    void operator()(fstrm_writer* writer) const noexcept;
  };

  const std::string content_type_;
  std::unique_ptr<Socket> socket_;
  std::unique_ptr<fstrm_writer, Destroy> writer_;  ///< Uses socket_.
  std::string error_;
};

}  // namespace meridian::querylog
