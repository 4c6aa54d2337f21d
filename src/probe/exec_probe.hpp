// Probes by programs: run without a shell, in a process group of their own, as nobody, with little of
// everything. Exit code 0 is a success.
//
// setpriv and prlimit (util-linux) take the rights and set the limits: between fork and exec a process with
// threads may do next to nothing, and copying the page tables of a server with maps for gigabytes would stall
// its workers. One thread, that of the io_context.
#pragma once

#include "base/clock.hpp"
#include "probe/prober.hpp"
#include "probe/sessions.hpp"

#include <boost/asio/io_context.hpp>

#include <string>
#include <vector>

namespace meridian::probe {

/// The arguments with `{address}` and `{port}` filled in; the program's name stays as it is.
[[nodiscard]] std::vector<std::string> fill_in_command(const Target& target);

class ExecProber final : public Prober {
 public:
  /// Both must outlive this; the context must not run any more when this goes.
  ExecProber(boost::asio::io_context& context, const base::Clock& clock);
  /// Ends the programs that run.
  ~ExecProber() override;

  [[nodiscard]] ProbeId start(const Target& target, Done done) override;
  void cancel(ProbeId id) override;

 private:
  class Session;

  boost::asio::io_context& context_;
  const base::Clock& clock_;
  Sessions<Session> sessions_;
};

}  // namespace meridian::probe
