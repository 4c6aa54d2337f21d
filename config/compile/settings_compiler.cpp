#include "config/compile/settings_compiler.hpp"

namespace meridian::compile {

query::Settings compile_settings(const config::Site& site) {
  query::Settings settings;
  settings.nsid.assign(site.site.begin(), site.site.end());
  return settings;
}

}  // namespace meridian::compile
