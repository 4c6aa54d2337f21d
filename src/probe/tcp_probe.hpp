// TCP probes: connect; then, if the check says so, TLS, send some bytes, wait for some bytes.
//
// One thread, that of the io_context.
#pragma once

#include "base/clock.hpp"
#include "probe/plan_cache.hpp"
#include "probe/prober.hpp"
#include "probe/sessions.hpp"

#include <boost/asio/io_context.hpp>

namespace meridian::probe {

class TcpProber final : public Prober {
 public:
  /// Both must outlive this; the context must not run any more when this goes.
  TcpProber(boost::asio::io_context& context, const base::Clock& clock);
  ~TcpProber() override;

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
