// Tells systemd, if it started us, how the service is (sd_notify(3)); nothing otherwise.
#pragma once

#include <string>

namespace meridian::net {

/// "READY=1", "STOPPING=1", "MAINPID=…"; lines. Errors do not matter to a server that runs.
void notify_service_manager(const std::string& state) noexcept;

}  // namespace meridian::net
