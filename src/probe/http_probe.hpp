// HTTP, HTTPS and gRPC probes by libcurl: one request, on a connection of its own, to the target's address
// whatever host it asks for.
//
// A connection that is kept open would tell whether that one still works; clients need a new one, so each
// probe makes one. No name is looked up, no proxy used, no cookie kept. One thread, that of the io_context.
#pragma once

#include "base/clock.hpp"
#include "probe/curl_loop.hpp"
#include "probe/plan_cache.hpp"
#include "probe/prober.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>
#include <unordered_map>

namespace meridian::probe {

class HttpProber final : public Prober {
 public:
  /// Both must outlive this; the context must not run any more when this goes.
  HttpProber(boost::asio::io_context& context, const base::Clock& clock);
  ~HttpProber() override;

  [[nodiscard]] ProbeId start(const Target& target, Done done) override;
  void cancel(ProbeId id) override;
  void forget_checks() override;

 private:
  struct Session;
  struct Plan;

  [[nodiscard]] static std::string url_of(const config::Check& check, const base::IpAddress& address);
  void request(Session& session, const std::string& url);
  void on_done(CURL* transfer, CURLcode result);
  /// Asks again where a redirect leads to, or fails.
  void redirect(Session& session);
  void finish(Session& session, health::ProbeResult result);

  boost::asio::io_context& context_;
  const base::Clock& clock_;
  CurlLoop loop_;
  PlanCache<Plan> plans_;
  std::unordered_map<ProbeId, std::unique_ptr<Session>> sessions_;
  std::uint64_t last_id_ = 0;
};

}  // namespace meridian::probe
