// ICMP probes: pings from unprivileged ping sockets, one for each family and source address.
//
// The kernel lets those open them whose group net.ipv4.ping_group_range holds. One thread, that of the
// io_context.
#pragma once

#include "base/clock.hpp"
#include "probe/prober.hpp"

#include <boost/asio/io_context.hpp>

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace meridian::probe {

class IcmpProber final : public Prober {
 public:
  /// Both must outlive this; the context must not run any more when this goes.
  IcmpProber(boost::asio::io_context& context, const base::Clock& clock);
  ~IcmpProber() override;

  [[nodiscard]] ProbeId start(const Target& target, Done done) override;
  void cancel(ProbeId id) override;
  /// Closes sockets that no ping waits on: their source may be gone.
  void forget_checks() override;

 private:
  class PingSocket;
  struct Ping;
  using SocketKey = std::pair<base::Family, std::optional<base::IpAddress>>;

  /// nullptr with errno set: it cannot be opened.
  [[nodiscard]] std::shared_ptr<PingSocket> socket_for(const SocketKey& key);
  void finish(Ping& ping, health::ProbeResult result);

  boost::asio::io_context& context_;
  const base::Clock& clock_;
  std::map<SocketKey, std::shared_ptr<PingSocket>> sockets_;
  std::unordered_map<ProbeId, std::unique_ptr<Ping>> pings_;
  std::uint64_t last_id_ = 0;
};

}  // namespace meridian::probe
