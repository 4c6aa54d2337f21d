// The sub-commands of `meridianctl anycast`. Each registers one; its callback sets `options.exit_code`.
#pragma once

#include "meridianctl/command.hpp"

namespace meridian::meridianctl {

void add_anycast_status(CLI::App& anycast, Options& options);
/// drain, undrain, withdraw and announce.
void add_anycast_wishes(CLI::App& anycast, Options& options);
/// audit: who wanted what.
void add_anycast_audit(CLI::App& anycast, Options& options);

}  // namespace meridian::meridianctl
