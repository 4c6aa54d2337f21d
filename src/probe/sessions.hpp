// The probes of one prober that are on their way, by their numbers. One thread.
#pragma once

#include "probe/prober.hpp"

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace meridian::probe {

/// A Session has start() and cancel(), neither of which takes it out of here.
template <typename Session>
class Sessions {
 public:
  Sessions() = default;
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;
  ~Sessions() {
    for (auto& [id, session] : sessions_) session->cancel();
  }

  /// Starts what `make(id)` gives, a shared_ptr.
  template <typename Make>
  [[nodiscard]] ProbeId start(const Make& make) {
    const auto id = ProbeId{++last_id_};
    const std::shared_ptr<Session> session = make(id);
    sessions_.emplace(id, session);
    session->start();
    return id;
  }

  /// One that is done is no error.
  void cancel(ProbeId id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    found->second->cancel();
    sessions_.erase(found);
  }

  /// It is done.
  void erase(ProbeId id) { sessions_.erase(id); }

 private:
  std::unordered_map<ProbeId, std::shared_ptr<Session>> sessions_;
  std::uint64_t last_id_ = 0;
};

}  // namespace meridian::probe
