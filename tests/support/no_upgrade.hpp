// Parts of an upgrader whose upgrades end at once, for tests that need one and upgrade nothing.
#pragma once

#include "control/reloader.hpp"
#include "control/upgrader.hpp"

#include <unistd.h>

namespace meridian::test {

[[nodiscard]] inline control::UpgradeParts no_upgrade(const control::Reloader& reloader) {
  return {.command = {"/bin/false"},
          .control_path = "/nowhere",
          .sockets = [] { return std::vector<net::ListenSockets>{}; },
          .control_listener = [] { return net::FileDescriptor(::dup(2)); },
          .serving = [&reloader] { return reloader.serving().get(); },
          .overrides = [] { return std::vector<boost::json::array>{}; },
          .pause_control = [](bool) {},
          .hand_over = [] {},
          .leave = [] {}};
}

}  // namespace meridian::test
