#include "steering/tiers.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace meridian::steering {

TEST_SUITE("steering/tiers") {
  TEST_CASE("equal lists share one id, and an id gives its list back") {
    const base::DatacenterId ams{0};
    const base::DatacenterId fra{1};
    const std::vector<TierEntry> ams_first{{ams, 0, 1}, {fra, 1, 1}};
    const std::vector<TierEntry> shared{{ams, 0, 70}, {fra, 0, 30}};
    TierTableBuilder builder;
    const auto first = builder.intern(ams_first);
    const auto second = builder.intern(shared);
    const auto nobody = builder.intern({});
    CHECK(builder.intern(ams_first) == first);
    CHECK(first != second);
    const TierTable table = std::move(builder).build();
    CHECK(table.size() == 3);
    CHECK(std::ranges::equal(table.list(first), ams_first));
    CHECK(std::ranges::equal(table.list(second), shared));
    CHECK(table.list(nobody).empty());
  }
}

}  // namespace meridian::steering
