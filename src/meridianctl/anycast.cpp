// `meridianctl anycast`: the group of commands about this site's anycast addresses.
#include "meridianctl/anycast.hpp"

namespace meridian::meridianctl {

void add_anycast(CLI::App& app, Options& options) {
  auto* command =
      app.add_subcommand("anycast", "What this site announces of its anycast addresses, and to whom");
  command->require_subcommand(1);
  add_anycast_status(*command, options);
  add_anycast_wishes(*command, options);
  add_anycast_audit(*command, options);
}

}  // namespace meridian::meridianctl
