#include "bgp/agent/self_asker.hpp"

#include "base/limits.hpp"
#include "dns/client.hpp"
#include "dns/header.hpp"
#include "net/address.hpp"
#include "net/sockets.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace meridian::agent {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Transport = RoundTally::Transport;

/// Before each message over TCP (RFC 1035 4.2.2).
constexpr std::size_t kLengthBytes = 2;

/// The host lacks what we need to ask at all: no word about the server.
bool is_own_error(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM || error == EACCES ||
         error == EPERM;
}

/// A socket on its way to the VIP; the error is an errno.
base::Expected<net::FileDescriptor, int> connect_to(const SelfTarget& target, int type) {
  const bool v4 = target.vip.family == base::Family::V4;
  net::FileDescriptor socket(::socket(v4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return base::unexpected(errno);
  const auto to = net::to_socket_address({target.vip, target.port});
  const void* const name = &to.storage;
  const int connected = ::connect(socket.get(), static_cast<const sockaddr*>(name), to.bytes);
  if (connected != 0 && errno != EINPROGRESS) return base::unexpected(errno);
  return socket;
}

}  // namespace

/// One round. It lives as long as something of it is under way.
class SelfAsker::Asking : public std::enable_shared_from_this<Asking> {
 public:
  Asking(asio::io_context& context, std::shared_ptr<const SelfTarget> target, Done done)
      : context_(context),
        target_(std::move(target)),
        done_(std::move(done)),
        timer_(context),
        tcp_(context) {}

  void start() {
    timer_.expires_after(kRoundTime);
    timer_.async_wait([self = shared_from_this()](error_code ended) {
      if (!ended) self->finish();
    });
    for (const auto& query : target_->queries) {
      questions_.push_back(
          {&query, write_query(query, dns::draw_query_id()), asio::posix::stream_descriptor(context_), {}});
    }
    for (std::size_t i = 0; i < questions_.size(); ++i) ask_over_udp(i);
    ask_over_tcp();
    // done() is always called from the context, also when nothing could be asked.
    asio::post(context_, [self = shared_from_this()] { self->finish_if_complete(); });
  }

  void cancel() {
    done_ = {};
    close();
  }

 private:
  /// What is known of one query over one transport.
  enum class State : std::uint8_t { Waiting, Settled, NotAsked };

  struct Question {
    const SelfQuery* query;
    std::vector<std::uint8_t> packet;  ///< the query as it is sent
    asio::posix::stream_descriptor socket;
    std::array<State, 2> states;
  };

  void ask_over_udp(std::size_t index) {
    auto& question = questions_[index];
    auto socket = connect_to(*target_, SOCK_DGRAM);
    if (!socket) return give_up(question, Transport::Udp, socket.error());
    question.socket.assign(socket->release());
    if (::send(question.socket.native_handle(), question.packet.data(), question.packet.size(),
               MSG_NOSIGNAL) < 0)
      return give_up(question, Transport::Udp, errno);
    await_datagram(index);
  }

  void await_datagram(std::size_t index) {
    questions_[index].socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                        [self = shared_from_this(), index](error_code ended) {
                                          if (!ended) self->take_datagram(index);
                                        });
  }

  void take_datagram(std::size_t index) {
    if (!done_) return;
    auto& question = questions_[index];
    std::array<std::uint8_t, base::limits::kUdpAnswerBytesMax> room;
    const auto size = ::recv(question.socket.native_handle(), room.data(), room.size(), 0);
    if (size < 0 && errno != EAGAIN) {
      give_up(question, Transport::Udp, errno);
      return finish_if_complete();
    }
    const auto packet =
        std::span<const std::uint8_t>{room}.first(size < 0 ? 0 : static_cast<std::size_t>(size));
    if (!dns::is_reply_to(question.packet, packet)) return await_datagram(index);
    take_reply(question, Transport::Udp, packet);
    finish_if_complete();
  }

  void ask_over_tcp() {
    auto socket = connect_to(*target_, SOCK_STREAM);
    if (!socket) return give_up_tcp(socket.error());
    tcp_.assign(socket->release());
    for (const auto& question : questions_) {
      const auto size = question.packet.size();
      to_send_.insert(to_send_.end(),
                      {static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
      to_send_.insert(to_send_.end(), question.packet.begin(), question.packet.end());
    }
    // The first write waits for the connection, and says why there is none.
    asio::async_write(tcp_, asio::buffer(to_send_),
                      [self = shared_from_this()](error_code failed, std::size_t) {
                        if (!self->done_) return;
                        if (failed) return self->end_tcp(failed);
                        self->read_length();
                      });
  }

  void read_length() { read(kLengthBytes, &Asking::read_message); }

  void read_message() { read(dns::load_u16(room_.data()), &Asking::take_message); }

  void read(std::size_t size, void (Asking::*then)()) {
    room_.resize(size);
    asio::async_read(tcp_, asio::buffer(room_),
                     [self = shared_from_this(), then](error_code failed, std::size_t) {
                       if (!self->done_) return;
                       if (failed) return self->end_tcp(failed);
                       ((*self).*then)();
                     });
  }

  /// Replies may come in any order (RFC 7766 7).
  void take_message() {
    for (auto& question : questions_) {
      if (!is_waiting(question, Transport::Tcp) || !dns::is_reply_to(question.packet, room_)) continue;
      take_reply(question, Transport::Tcp, room_);
      break;
    }
    finish_if_complete();
    if (done_) read_length();
  }

  void end_tcp(error_code failed) {
    give_up_tcp(failed.value());
    finish_if_complete();
  }

  void give_up_tcp(int error) {
    for (auto& question : questions_) {
      if (is_waiting(question, Transport::Tcp)) give_up(question, Transport::Tcp, error);
    }
  }

  void take_reply(Question& question, Transport transport, std::span<const std::uint8_t> reply) {
    const auto judged = judge_reply(*question.query, target_->site, reply);
    tally_.add(transport, judged.verdict);
    settle(question, transport, State::Settled, judged.fault);
  }

  void give_up(Question& question, Transport transport, int error) {
    const bool is_own = is_own_error(error);
    if (!is_own) tally_.add_silence(transport);
    settle(question, transport, is_own ? State::NotAsked : State::Settled, std::strerror(error));
  }

  void settle(Question& question, Transport transport, State state, std::string_view fault) {
    question.states[static_cast<std::size_t>(transport)] = state;
    if (fault.empty()) return;
    faults_.push_back(fmt::format("{} over {}: {}", to_string(*question.query),
                                  transport == Transport::Udp ? "UDP" : "TCP", fault));
  }

  [[nodiscard]] static bool is_waiting(const Question& question, Transport transport) noexcept {
    return question.states[static_cast<std::size_t>(transport)] == State::Waiting;
  }

  void finish_if_complete() {
    for (const auto& question : questions_) {
      if (is_waiting(question, Transport::Udp) || is_waiting(question, Transport::Tcp)) return;
    }
    finish();
  }

  void finish() {
    if (!done_) return;
    for (auto& question : questions_) {
      for (const auto transport : {Transport::Udp, Transport::Tcp}) {
        if (!is_waiting(question, transport)) continue;
        tally_.add_silence(transport);
        settle(question, transport, State::Settled, "no answer");
      }
    }
    const Done done = std::exchange(done_, {});
    close();
    done(tally_.round(), faults_);
  }

  void close() {
    error_code ignored;
    timer_.cancel();
    tcp_.close(ignored);
    for (auto& question : questions_) question.socket.close(ignored);
  }

  asio::io_context& context_;
  const std::shared_ptr<const SelfTarget> target_;
  Done done_;  ///< empty once it was called
  asio::steady_timer timer_;
  asio::posix::stream_descriptor tcp_;
  std::vector<Question> questions_;
  std::vector<std::uint8_t> to_send_;
  std::vector<std::uint8_t> room_;
  RoundTally tally_;
  std::vector<std::string> faults_;
};

SelfAsker::SelfAsker(asio::io_context& context, SelfTarget target)
    : context_(context), target_(std::make_shared<const SelfTarget>(std::move(target))) {}

SelfAsker::~SelfAsker() {
  if (const auto asking = asking_.lock()) asking->cancel();
}

void SelfAsker::start(Done done) {
  if (!asking_.expired()) return;
  const auto asking = std::make_shared<Asking>(context_, target_, std::move(done));
  asking_ = asking;
  asking->start();
}

}  // namespace meridian::agent
