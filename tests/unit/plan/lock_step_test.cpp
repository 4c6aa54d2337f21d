#include "plan/lock_step.hpp"

#include "plan/amount.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace meridian::plan {
namespace {

geo::PrefixTree tree_of(const std::vector<std::pair<const char*, std::uint32_t>>& networks) {
  std::vector<std::pair<base::IpPrefix, std::uint32_t>> parsed;
  for (const auto& [text, value] : networks) parsed.emplace_back(*base::parse_ip_prefix(text), value);
  return geo::build_prefix_tree(base::Family::V4, parsed, 0);
}

}  // namespace

TEST_SUITE("plan/lock_step") {
  TEST_CASE("every block in which no tree changes is visited once, in address order") {
    const auto left = tree_of({{"0.0.0.0/1", 1}});
    const auto right = tree_of({{"64.0.0.0/2", 2}, {"192.0.0.0/2", 3}});
    std::string seen;
    double size = 0;
    walk(Trees{&left, &right}, [&](std::span<const std::uint32_t> values, const base::IpPrefix& block) {
      seen += base::to_string(block) + "=" + std::to_string(values[0]) + std::to_string(values[1]) + " ";
      size += size_of(block.address.family, block.bits);
    });
    CHECK(seen == "0.0.0.0/2=10 64.0.0.0/2=12 128.0.0.0/2=00 192.0.0.0/2=03 ");
    CHECK(size == 4'294'967'296.0);
  }

  TEST_CASE("what is skipped is not walked, and what ends before is still told") {
    const auto left = tree_of({{"0.0.0.0/1", 1}});
    const auto right = tree_of({{"10.0.0.0/8", 2}, {"200.0.0.0/8", 3}});
    std::string seen;
    walk(
        Trees{&left, &right},
        [&](std::span<const std::uint32_t>, const base::IpPrefix& block) {
          seen += base::to_string(block) + " ";
        },
        [](std::span<const geo::TreeState> at) { return at[0].is_leaf && at[0].value == 1; });
    CHECK(seen.find("10.0.0.0/8") == std::string::npos);
    CHECK(seen.find("200.0.0.0/8") != std::string::npos);
  }

  TEST_CASE("trees of one leaf make one block") {
    const geo::PrefixTree whole(base::Family::V6, 7);
    int count = 0;
    walk(Trees{&whole, &whole}, [&](std::span<const std::uint32_t> values, const base::IpPrefix& block) {
      ++count;
      CHECK(block.bits == 0);
      CHECK(values[1] == 7);
    });
    CHECK(count == 1);
  }
}

}  // namespace meridian::plan
