// What the journal's tables hold, as values. Words, not ids: they outlive every snapshot.
#pragma once

#include "base/utc.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace meridian::journal {

/// The same endpoint in every map and every process.
struct EndpointName {
  std::string service;
  std::string datacenter;
  std::string address;

  friend auto operator<=>(const EndpointName&, const EndpointName&) = default;
};

/// The last state of an endpoint.
struct StateRow {
  EndpointName endpoint;
  std::string check;  ///< by which it is known
  std::string state;  ///< "up", "down", "unknown"
  std::string cause;
  base::WallTime since;
};

/// A change of it.
struct ChangeRow {
  EndpointName endpoint;
  std::string check;
  std::string from;
  std::string to;
  std::string cause;
  base::WallTime at;
};

struct OverrideRow {
  std::int64_t id = 0;    ///< 0: not written yet
  std::string kind = {};  ///< "drain", "shed", "force_up", "force_down"
  std::string target = {};
  double share_percent = 0;  ///< with "shed": of its health that is taken away
  std::string reason = {};
  std::string author = {};
  base::WallTime created_at = {};
  base::WallTime begins_at = {};
  std::optional<base::WallTime> ends_at = {};  ///< absent: until it is ended
};

struct AuditRow {
  std::int64_t id = 0;
  base::WallTime at = {};
  std::string who = {};
  std::string action = {};  ///< "drain", "end", "reload", …
  std::string target = {};
  std::string details = {};  ///< "until 2026-11-27T03:00:00Z"; may be empty
  std::string reason = {};
  std::string result = {};  ///< "done", or why not
};

}  // namespace meridian::journal
