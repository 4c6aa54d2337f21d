// A prober whose probes end when a test says so.
#pragma once

#include "probe/cause.hpp"
#include "probe/prober.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace meridian::test {

class FakeProber final : public probe::Prober {
 public:
  [[nodiscard]] probe::ProbeId start(const probe::Target& target, probe::Done done) override {
    const auto id = probe::ProbeId{++last_id_};
    running_.emplace(id, std::pair{target, std::move(done)});
    started_.push_back(base::to_string(target.address));
    return id;
  }
  void cancel(probe::ProbeId id) override { cancelled_ += running_.erase(id); }

  /// Ends the oldest probe that runs.
  void end_one(health::ProbeResult result = probe::success()) {
    const auto first = running_.begin();
    const probe::Done done = std::move(first->second.second);
    running_.erase(first);
    done(std::move(result));
  }
  void end_all() {
    for (std::size_t count = running_.size(); count > 0; --count) end_one();
  }

  [[nodiscard]] std::size_t running() const noexcept { return running_.size(); }
  [[nodiscard]] std::size_t cancelled() const noexcept { return cancelled_; }
  /// The addresses that were probed, since the last call.
  [[nodiscard]] std::vector<std::string> take_started() { return std::exchange(started_, {}); }

 private:
  std::map<probe::ProbeId, std::pair<probe::Target, probe::Done>> running_;
  std::vector<std::string> started_;
  std::size_t cancelled_ = 0;
  std::uint64_t last_id_ = 0;
};

}  // namespace meridian::test
