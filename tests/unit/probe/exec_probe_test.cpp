#include "probe/exec_probe.hpp"

#include <doctest/doctest.h>

using namespace meridian;

TEST_SUITE("probe/exec_probe") {
  TEST_CASE("address and port are filled in wherever they stand, but for the program's name") {
    config::Check check;
    check.type = config::Check::Type::Exec;
    check.port = 8080;
    check.command = {"/opt/{address}", "{address}", "http://{address}:{port}/{port}", "{else}", ""};
    const probe::Target target{std::make_shared<const config::Check>(check),
                               base::IpAddress::v4(0xc000'0201)};
    CHECK(probe::fill_in_command(target) == std::vector<std::string>{"/opt/{address}", "192.0.2.1",
                                                                     "http://192.0.2.1:8080/8080", "{else}",
                                                                     ""});
  }
}
