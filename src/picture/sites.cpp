#include "picture/sites.hpp"

#include "picture/palette.hpp"

#include <algorithm>

namespace meridian::picture {

void Sites::add(const std::vector<config::Datacenter>& datacenters) {
  for (const auto& datacenter : datacenters) {
    const auto is_it = [&](const Site& site) { return site.name == datacenter.name.text; };
    if (std::none_of(sites_.begin(), sites_.end(), is_it))
      sites_.push_back({datacenter.name.text, datacenter.at});
  }
}

std::string Sites::colour(std::string_view name) const {
  const auto found =
      std::find_if(sites_.begin(), sites_.end(), [&](const Site& site) { return site.name == name; });
  return found == sites_.end() ? std::string{kNobody}
                               : colour_of(static_cast<std::size_t>(found - sites_.begin()));
}

std::vector<Marker> Sites::markers() const {
  std::vector<Marker> markers;
  for (const auto& site : sites_) {
    if (site.at) markers.push_back({site.name, *site.at, colour(site.name)});
  }
  return markers;
}

}  // namespace meridian::picture
