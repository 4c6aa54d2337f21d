#include "plan/demand.hpp"

#include "base/limits.hpp"
#include "plan/amount.hpp"
#include "plan/lock_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

namespace meridian::plan {
namespace {

struct Counted {
  double queries = 0;
  base::Location where;  ///< of the first line
};

constexpr std::string_view kBlanks = " \t\r";
/// As demand_text() writes it.
constexpr std::string_view kUnitComment = "# unit ";

/// Takes the next word off `line`, with the column it starts in.
std::string_view take_word(std::string_view line, std::size_t& at) {
  at = std::min(line.find_first_not_of(kBlanks, at), line.size());
  const auto end = std::min(line.find_first_of(kBlanks, at), line.size());
  const auto word = line.substr(at, end - at);
  return word;
}

std::optional<double> parse_count(std::string_view text) {
  double count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  return is_number && std::isfinite(count) && count >= 0 ? std::optional{count} : std::nullopt;
}

const base::IpPrefix* find_carrier(const base::IpPrefix& network) {
  for (const auto& carrier : base::carrier_networks()) {
    if (carrier.contains(network)) return &carrier;
  }
  return nullptr;
}

}  // namespace

/// Collects lines, then spreads them.
class DemandBuilder {
 public:
  explicit DemandBuilder(std::string file) : file_(std::move(file)) {}

  void add_line(std::string_view line, int number) {
    if (line.starts_with(kUnitComment)) read_unit(line.substr(kUnitComment.size()));
    line = line.substr(0, line.find('#'));
    std::size_t at = 0;
    const auto network_text = take_word(line, at);
    if (network_text.empty()) return;
    const base::Location where{file_, number, static_cast<int>(at) + 1};
    at += network_text.size();
    const auto network = base::parse_ip_prefix(network_text);
    if (!network) return problems_.error(where, network.error());
    if (const auto* carrier = find_carrier(*network)) {
      return problems_.error(
          where, fmt::format("{} lies in {}, whose clients are looked up by the IPv4 address they carry; "
                             "count the IPv4 network",
                             base::to_string(*network), base::to_string(*carrier)));
    }
    const auto count_text = take_word(line, at);
    const base::Location count_where{file_, number, static_cast<int>(at) + 1};
    const auto count = parse_count(count_text);
    if (!count) {
      return problems_.error(count_where,
                             fmt::format("expected a number of queries behind {}, found {}", network_text,
                                         count_text.empty() ? "nothing" : fmt::format("'{}'", count_text)));
    }
    at += count_text.size();
    if (!take_word(line, at).empty()) {
      return problems_.error({file_, number, static_cast<int>(at) + 1},
                             "a line is a network and a number of queries, and nothing else");
    }
    auto& counted = counted_.try_emplace(*network, Counted{0, where}).first->second;
    counted.queries += *count;
    if (counted_.size() == base::limits::kDemandNetworksMax + 1) {
      problems_.error(
          where, fmt::format("more than {} networks; count wider ones", base::limits::kDemandNetworksMax));
    }
  }

  [[nodiscard]] bool is_full() const noexcept { return counted_.size() > base::limits::kDemandNetworksMax; }

  base::Expected<Demand, base::Diagnostics> build() && {
    Demand demand;
    demand.unit_ = std::move(unit_);
    for (const auto family : {base::Family::V4, base::Family::V6}) spread(family, demand);
    if (problems_.has_errors()) return base::unexpected(std::move(problems_));
    return demand;
  }

 private:
  void spread(base::Family family, Demand& demand) {
    std::vector<std::pair<base::IpPrefix, std::uint32_t>> networks;
    std::vector<const Counted*> counts;
    const auto first = static_cast<std::uint32_t>(demand.densities_.size());
    for (const auto& [network, counted] : counted_) {
      if (network.address.family != family) continue;
      networks.emplace_back(network, first + static_cast<std::uint32_t>(counts.size()));
      counts.push_back(&counted);
    }
    auto& tree = family == base::Family::V4 ? demand.v4_ : demand.v6_;
    tree = geo::build_prefix_tree(family, networks, 0);
    std::vector<double> sizes(counts.size());
    const auto carriers = carrier_tree(family);
    walk(Trees{&tree, &carriers}, [&](std::span<const std::uint32_t> values, const base::IpPrefix& block) {
      if (values[0] != 0 && values[1] == 0) sizes[values[0] - first] += size_of(family, block.bits);
    });
    for (std::size_t i = 0; i < counts.size(); ++i) {
      demand.densities_.push_back(part_of(counts[i]->queries, sizes[i]));
      demand.total_ += counts[i]->queries;
      if (sizes[i] > 0 || counts[i]->queries == 0) continue;
      problems_.error(counts[i]->where,
                      fmt::format("longer networks of this file cover {} whole, so nobody is left who asked "
                                  "these queries; take it out, or them",
                                  base::to_string(networks[i].first)));
    }
  }

  void read_unit(std::string_view rest) {
    const auto start = std::min(rest.find_first_not_of(kBlanks), rest.size());
    const auto end = rest.find_last_not_of(kBlanks) + 1;
    if (unit_.empty() && start < end) unit_ = rest.substr(start, end - start);
  }

  std::string file_;
  std::string unit_;
  base::Diagnostics problems_;
  std::map<base::IpPrefix, Counted> counted_;
};

geo::PrefixTree carrier_tree(base::Family family) {
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> networks;
  for (const auto& carrier : base::carrier_networks()) {
    if (carrier.address.family == family) networks.emplace_back(carrier, 1);
  }
  return geo::build_prefix_tree(family, networks, 0);
}

base::Expected<Demand, base::Diagnostics> parse_demand(std::string_view text, const std::string& file) {
  DemandBuilder builder(file);
  int number = 0;
  while (!text.empty() && !builder.is_full()) {
    const auto end = std::min(text.find('\n'), text.size());
    builder.add_line(text.substr(0, end), ++number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(builder).build();
}

base::Expected<Demand, base::Diagnostics> load_demand(const std::string& path) {
  const auto fail = [&](std::string message) {
    base::Diagnostics problems;
    problems.error({path, 0, 0}, std::move(message));
    return base::unexpected(std::move(problems));
  };
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail(fmt::format("can't be read: {}", error.message()));
  if (size > base::limits::kDemandFileBytesMax)
    return fail(fmt::format("has {} bytes; at most {} are read", size, base::limits::kDemandFileBytesMax));
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return fail(fmt::format("can't be opened: {}", std::generic_category().message(errno)));
  std::string text(static_cast<std::size_t>(size), '\0');
  stream.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return parse_demand(text, path);
}

}  // namespace meridian::plan
