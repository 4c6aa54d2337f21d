#include "health/health_table.hpp"

namespace meridian::health {

static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

}  // namespace meridian::health
