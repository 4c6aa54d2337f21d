// The datacenters of a picture: where they stand and which colour they have.
#pragma once

#include "base/coordinates.hpp"
#include "config/model.hpp"
#include "picture/world_picture.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::picture {

class Sites {
 public:
  /// Numbered as datacenters.yaml lists them, so that two pictures of one map have the same colours.
  explicit Sites(const std::vector<config::Datacenter>& datacenters) { add(datacenters); }
  /// Those of another map that are not known yet.
  void add(const std::vector<config::Datacenter>& datacenters);

  /// kNobody for an end that is no datacenter.
  [[nodiscard]] std::string colour(std::string_view name) const;
  /// One for each that has coordinates.
  [[nodiscard]] std::vector<Marker> markers() const;

 private:
  struct Site {
    std::string name;
    std::optional<base::Coordinates> at;
  };
  std::vector<Site> sites_;
};

}  // namespace meridian::picture
