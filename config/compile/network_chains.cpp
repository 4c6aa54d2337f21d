#include "config/compile/network_chains.hpp"

#include <algorithm>
#include <unordered_map>

namespace meridian::compile {
namespace {

/// A network and, when it is from a file, its line there.
struct Named {
  base::IpPrefix network;
  FileLine line;
  bool is_line = false;
};

std::vector<Named> gather(const std::set<base::IpPrefix>& networks, const std::set<std::uint32_t>& files,
                          const std::vector<config::NetworksFile>& all_files) {
  std::size_t count = networks.size();
  for (const auto file : files) count += all_files[file].entries.size();
  std::vector<Named> all;
  all.reserve(count);
  for (const auto& network : networks) all.push_back({network, {}, false});
  for (const auto file : files) {
    const auto& entries = all_files[file].entries;
    for (std::uint32_t i = 0; i < entries.size(); ++i) all.push_back({entries[i].network, {file, i}, true});
  }
  // By address and then by length: what lies in a network follows it.
  std::stable_sort(all.begin(), all.end(),
                   [](const Named& left, const Named& right) { return left.network < right.network; });
  return all;
}

}  // namespace

std::uint32_t NetworkChain::kind() const noexcept { return id_ == 0 ? 0 : chains_->nodes_[id_].kind; }

const base::IpPrefix& NetworkChain::network() const noexcept { return chains_->nodes_[id_].network; }

std::span<const FileLine> NetworkChain::lines() const noexcept {
  const auto& nodes = chains_->nodes_;
  const auto& lines = chains_->lines_;
  const std::size_t end = id_ + 1 < nodes.size() ? nodes[id_ + 1].first_line : lines.size();
  return std::span{lines}.subspan(nodes[id_].first_line, end - nodes[id_].first_line);
}

NetworkChain NetworkChain::outer() const noexcept { return {*chains_, chains_->nodes_[id_].outer}; }

bool NetworkChain::has(const base::IpPrefix& wanted) const noexcept {
  for (auto chain = *this; !chain.is_empty(); chain = chain.outer()) {
    if (chain.network() == wanted) return true;
  }
  return false;
}

bool NetworkChain::has_file(std::uint32_t file) const noexcept {
  for (auto chain = *this; !chain.is_empty(); chain = chain.outer()) {
    const auto lines = chain.lines();
    if (std::any_of(lines.begin(), lines.end(), [&](const FileLine& line) { return line.file == file; }))
      return true;
  }
  return false;
}

NetworkChains::NetworkChains() : nodes_(1) {}

NetworkChains::NetworkChains(const std::set<base::IpPrefix>& networks, const std::set<std::uint32_t>& files,
                             const std::vector<config::NetworksFile>& all_files)
    : NetworkChains() {
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> v4;
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> v6;
  std::vector<std::uint32_t> around;  // ids of the networks that hold the one at hand, outermost first
  for (const auto& named : gather(networks, files, all_files)) {
    const auto& network = named.network;
    if (nodes_.size() == 1 || nodes_.back().network != network) {
      while (!around.empty() && !nodes_[around.back()].network.contains(network)) around.pop_back();
      const auto id = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back(
          {network, around.empty() ? 0 : around.back(), static_cast<std::uint32_t>(lines_.size())});
      around.push_back(id);
      (network.address.family == base::Family::V4 ? v4 : v6).emplace_back(network, id);
    }
    if (named.is_line) lines_.push_back(named.line);
  }
  sort_into_kinds(networks, all_files);
  v4_ = geo::build_prefix_tree(base::Family::V4, v4, 0);
  v6_ = geo::build_prefix_tree(base::Family::V6, v6, 0);
}

void NetworkChains::sort_into_kinds(const std::set<base::IpPrefix>& written,
                                    const std::vector<config::NetworksFile>& all_files) {
  // A kind is a fold over what makes it; pairs get numbers in the order in which they are met.
  std::uint32_t next = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> pairs;
  const auto fold = [&](std::uint32_t left, std::uint32_t right) {
    const auto [found, is_new] = pairs.try_emplace(std::uint64_t{left} << 32 | right, next + 1);
    if (is_new) ++next;
    return found->second;
  };
  for (std::uint32_t id = 1; id < nodes_.size(); ++id) {
    auto& node = nodes_[id];
    if (written.contains(node.network)) {
      node.kind = ++next;
      continue;
    }
    node.kind = nodes_[node.outer].kind;
    for (const auto& line : chain(id).lines()) {
      node.kind = fold(fold(node.kind, line.file), all_files[line.file].entries[line.entry].list);
    }
  }
}

}  // namespace meridian::compile
