// Every transport behind one Prober: hands each probe to the class of its check's type.
//
// One thread, that of the io_context.
#pragma once

#include "base/clock.hpp"
#include "probe/prober.hpp"

#include <boost/asio/io_context.hpp>

#include <array>
#include <memory>

namespace meridian::probe {

class Transports final : public Prober {
 public:
  /// `context` and `clock` must outlive this; the context must not run any more when this goes.
  Transports(boost::asio::io_context& context, const base::Clock& clock);
  ~Transports() override;

  /// Not for checks of type `push`.
  [[nodiscard]] ProbeId start(const Target& target, Done done) override;
  void cancel(ProbeId id) override;
  void forget_checks() override;

 private:
  [[nodiscard]] static std::size_t index_of(config::Check::Type type) noexcept;

  std::array<std::unique_ptr<Prober>, 5> probers_;
};

}  // namespace meridian::probe
