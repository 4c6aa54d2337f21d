#include "probe/transports.hpp"

#include "base/assert.hpp"
#include "probe/dns_probe.hpp"
#include "probe/exec_probe.hpp"
#include "probe/http_probe.hpp"
#include "probe/icmp_probe.hpp"
#include "probe/tcp_probe.hpp"

#include <utility>

namespace meridian::probe {

Transports::Transports(boost::asio::io_context& context, const base::Clock& clock)
    : probers_{std::make_unique<HttpProber>(context, clock), std::make_unique<TcpProber>(context, clock),
               std::make_unique<IcmpProber>(context, clock), std::make_unique<DnsProber>(context, clock),
               std::make_unique<ExecProber>(context, clock)} {}

Transports::~Transports() = default;

std::size_t Transports::index_of(config::Check::Type type) noexcept {
  using enum config::Check::Type;
  switch (type) {
    case Http:
    case Https:
    case Grpc:
      return 0;
    case Tcp:
      return 1;
    case Icmp:
      return 2;
    case Dns:
      return 3;
    case Exec:
      return 4;
    case Push:
      break;
  }
  MERIDIAN_ASSERT(false && "push checks are not probed");
  return 0;
}

// An id is the prober's own, and in its last digit which prober that is.
ProbeId Transports::start(const Target& target, Done done) {
  const std::size_t index = index_of(target.check->type);
  const auto own = static_cast<std::uint64_t>(probers_[index]->start(target, std::move(done)));
  return static_cast<ProbeId>(own * probers_.size() + index);
}

void Transports::cancel(ProbeId id) {
  const auto number = static_cast<std::uint64_t>(id);
  probers_[number % probers_.size()]->cancel(static_cast<ProbeId>(number / probers_.size()));
}

void Transports::forget_checks() {
  for (auto& prober : probers_) prober->forget_checks();
}

}  // namespace meridian::probe
