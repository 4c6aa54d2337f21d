// DNS probes: one query over UDP or TCP, from a socket of its own and with an id that nobody can guess.
//
// Over UDP a packet that is no reply to the query is passed over; it may be forged, and the reply may still
// come. One thread, that of the io_context.
#pragma once

#include "base/clock.hpp"
#include "probe/plan_cache.hpp"
#include "probe/prober.hpp"
#include "probe/sessions.hpp"

#include <boost/asio/io_context.hpp>

namespace meridian::probe {

class DnsProber final : public Prober {
 public:
  /// Both must outlive this; the context must not run any more when this goes.
  DnsProber(boost::asio::io_context& context, const base::Clock& clock);
  ~DnsProber() override;

  [[nodiscard]] ProbeId start(const Target& target, Done done) override;
  void cancel(ProbeId id) override;
  void forget_checks() override;

 private:
  class Session;
  struct Plan;

  boost::asio::io_context& context_;
  const base::Clock& clock_;
  PlanCache<Plan> plans_;
  Sessions<Session> sessions_;
};

}  // namespace meridian::probe
