#include "querylog/frame_stream.hpp"

#include <fstrm.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

namespace meridian::querylog {

using Steady = std::chrono::steady_clock;

/// The byte stream under libfstrm. Each step of FrameStream gets a deadline; past it, and after any error,
/// every call fails at once.
class FrameStream::Socket {
 public:
  Socket(std::string path, std::chrono::milliseconds patience)
      : path_(std::move(path)), patience_(patience) {}

  void begin_step() { deadline_ = Steady::now() + patience_; }
  [[nodiscard]] int error() const noexcept { return error_; }

  bool connect() {
    error_ = 0;
    fd_ = net::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd_) return fail(errno);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return fail(ENAMETOOLONG);
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    // A Unix socket connects at once, or not at all: EAGAIN says that the collector's backlog is full.
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return fail(errno);
    return true;
  }

  bool read(std::uint8_t* to, std::size_t size) {
    while (size > 0) {
      if (error_ != 0) return false;
      const auto taken = ::recv(fd_.get(), to, size, 0);
      if (taken > 0) {
        to += taken;
        size -= static_cast<std::size_t>(taken);
      } else if (taken == 0) {
        return fail(ECONNRESET);
      } else if (!wait_after(errno, POLLIN)) {
        return false;
      }
    }
    return true;
  }

  bool write(std::span<const iovec> parts) {
    // Copied, since what was taken in part is shortened.
    std::array<iovec, kPartsAtOnce> rest;
    while (!parts.empty()) {
      const auto count = std::min(parts.size(), rest.size());
      std::copy_n(parts.begin(), count, rest.begin());
      if (!write_all(std::span{rest}.first(count))) return false;
      parts = parts.subspan(count);
    }
    return true;
  }

  void close() { fd_ = {}; }

 private:
  static constexpr std::size_t kPartsAtOnce = 64;

  bool write_all(std::span<iovec> parts) {
    while (!parts.empty()) {
      if (error_ != 0) return false;
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = parts.size();
      const auto taken = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
      if (taken < 0 && !wait_after(errno, POLLOUT)) return false;
      for (auto left = static_cast<std::size_t>(std::max<ssize_t>(taken, 0)); !parts.empty();) {
        auto& part = parts.front();
        const auto used = std::min(left, part.iov_len);
        part.iov_base = static_cast<std::uint8_t*>(part.iov_base) + used;
        part.iov_len -= used;
        left -= used;
        if (part.iov_len > 0) break;
        parts = parts.subspan(1);
      }
    }
    return true;
  }

  /// Whether to try again after a call that failed with `error`.
  bool wait_after(int error, short event) {
    if (error == EINTR) return true;
    if (error != EAGAIN && error != EWOULDBLOCK) return fail(error);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Steady::now()).count();
    if (left <= 0) return fail(ETIMEDOUT);
    pollfd waited{.fd = fd_.get(), .events = event, .revents = 0};
    static_cast<void>(::poll(&waited, 1, static_cast<int>(left)));
    return true;  // the next call tells what happened
  }

  bool fail(int error) {
    error_ = error;
    return false;
  }

  const std::string path_;
  const std::chrono::milliseconds patience_;
  net::FileDescriptor fd_;
  Steady::time_point deadline_;
  int error_ = 0;
};

FrameStream::FrameStream(std::string unix_path, std::string content_type, std::chrono::milliseconds patience)
    : content_type_(std::move(content_type)),
      socket_(std::make_unique<Socket>(std::move(unix_path), patience)) {}

FrameStream::~FrameStream() { close(); }

void FrameStream::Destroy::operator()(fstrm_writer* writer) const noexcept { fstrm_writer_destroy(&writer); }

bool FrameStream::open() {
  close();
  auto* rdwr = fstrm_rdwr_init(socket_.get());
  const auto result = [](bool is_good) { return is_good ? fstrm_res_success : fstrm_res_failure; };
  static const auto kResult = result;
  fstrm_rdwr_set_open(rdwr, [](void* socket) { return kResult(static_cast<Socket*>(socket)->connect()); });
  fstrm_rdwr_set_close(rdwr, [](void* socket) {
    static_cast<Socket*>(socket)->close();
    return fstrm_res_success;
  });
  fstrm_rdwr_set_read(rdwr, [](void* socket, void* to, std::size_t size) {
    return kResult(static_cast<Socket*>(socket)->read(static_cast<std::uint8_t*>(to), size));
  });
  fstrm_rdwr_set_write(rdwr, [](void* socket, const iovec* parts, int count) {
    return kResult(static_cast<Socket*>(socket)->write({parts, static_cast<std::size_t>(count)}));
  });
  auto* options = fstrm_writer_options_init();
  fstrm_writer_options_add_content_type(options, content_type_.data(), content_type_.size());
  writer_.reset(fstrm_writer_init(options, &rdwr));
  fstrm_writer_options_destroy(&options);
  if (rdwr != nullptr) fstrm_rdwr_destroy(&rdwr);  // was not taken over

  socket_->begin_step();
  if (writer_ && fstrm_writer_open(writer_.get()) == fstrm_res_success) return true;
  const int error = socket_->error();
  error_ = error != 0 ? std::generic_category().message(error) : "no dnstap collector answers there";
  close();
  return false;
}

bool FrameStream::write(std::span<const iovec> frames) {
  socket_->begin_step();
  if (fstrm_writer_writev(writer_.get(), frames.data(), static_cast<int>(frames.size())) == fstrm_res_success)
    return true;
  error_ = std::generic_category().message(socket_->error());
  close();
  return false;
}

void FrameStream::close() {
  // Sends what ends the stream and waits for the collector's word, within its own time.
  socket_->begin_step();
  writer_.reset();
  socket_->close();
}

}  // namespace meridian::querylog
