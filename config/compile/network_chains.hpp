// The networks that one map's rules and regions name, written out or in networks files: for each address all
// of them that hold it, as a chain from the longest to the shortest.
//
// Compact, because feeds have a million networks. Used while compiling and by explain, never per query.
// Immutable once built.
#pragma once

#include "base/ip.hpp"
#include "config/model.hpp"
#include "geo/prefix_tree.hpp"

#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace meridian::compile {

/// A network's line in a networks file.
struct FileLine {
  std::uint32_t file = 0;   ///< index into MapDirectory::networks_files
  std::uint32_t entry = 0;  ///< index into that file's entries
};

class NetworkChains;

/// All named networks that hold an address.
class NetworkChain {
 public:
  /// In none.
  NetworkChain() = default;
  NetworkChain(const NetworkChains& chains, std::uint32_t id) noexcept : chains_(&chains), id_(id) {}

  [[nodiscard]] bool is_empty() const noexcept { return id_ == 0; }
  /// Chains of one kind hold lines of the same files with the same datacenters, and no network that is
  /// written out but the same: every rule treats them alike.
  [[nodiscard]] std::uint32_t kind() const noexcept;
  /// The longest one; not of an empty chain.
  [[nodiscard]] const base::IpPrefix& network() const noexcept;
  /// The lines of networks files that have exactly network(), in the order of the files.
  [[nodiscard]] std::span<const FileLine> lines() const noexcept;
  /// The chain without network().
  [[nodiscard]] NetworkChain outer() const noexcept;

  [[nodiscard]] bool has(const base::IpPrefix& network) const noexcept;
  /// Some network of this file holds the address.
  [[nodiscard]] bool has_file(std::uint32_t file) const noexcept;

 private:
  const NetworkChains* chains_ = nullptr;
  std::uint32_t id_ = 0;
};

class NetworkChains {
 public:
  NetworkChains();
  /// `networks` are written out; `files` index `all_files`.
  NetworkChains(const std::set<base::IpPrefix>& networks, const std::set<std::uint32_t>& files,
                const std::vector<config::NetworksFile>& all_files);

  /// Its values are ids of chains; 0 is the empty one.
  [[nodiscard]] const geo::PrefixTree& tree(base::Family family) const noexcept {
    return family == base::Family::V4 ? v4_ : v6_;
  }
  [[nodiscard]] NetworkChain chain(std::uint32_t id) const noexcept { return {*this, id}; }
  [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(nodes_.size()); }

 private:
  friend class NetworkChain;
  void sort_into_kinds(const std::set<base::IpPrefix>& written,
                       const std::vector<config::NetworksFile>& all_files);

  struct Node {
    base::IpPrefix network;
    std::uint32_t outer = 0;       ///< id of the chain around it
    std::uint32_t first_line = 0;  ///< in lines_; the next node's is the end
    std::uint32_t kind = 0;
  };

  std::vector<Node> nodes_;  ///< by id; the first stands for the empty chain
  std::vector<FileLine> lines_;
  geo::PrefixTree v4_{base::Family::V4, 0};
  geo::PrefixTree v6_{base::Family::V6, 0};
};

}  // namespace meridian::compile
