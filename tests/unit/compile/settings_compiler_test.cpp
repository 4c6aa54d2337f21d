#include "config/compile/settings_compiler.hpp"

#include <doctest/doctest.h>

namespace meridian::compile {

TEST_SUITE("compile/settings_compiler") {
  TEST_CASE("cookies are on with the process's own secret unless the site file says otherwise") {
    constexpr dns::CookieSecret kOwn{1};
    constexpr dns::CookieSecret kFirst{2};
    constexpr dns::CookieSecret kSecond{3};
    config::Site site;
    const auto own = compile_settings(site, kOwn);
    REQUIRE(own.cookie_secrets.all().size() == 1);
    CHECK(own.cookie_secrets.all()[0] == kOwn);
    CHECK_FALSE(own.cookies_required);

    site.cookies.secrets = {{kFirst, {}, {}}, {kSecond, "file", {}}};
    site.cookies.mode = config::Cookies::Mode::Require;
    const auto shared = compile_settings(site, kOwn);
    REQUIRE(shared.cookie_secrets.all().size() == 2);
    CHECK(shared.cookie_secrets.all()[0] == kFirst);
    CHECK(shared.cookie_secrets.all()[1] == kSecond);
    CHECK(shared.cookies_required);

    site.cookies.mode = config::Cookies::Mode::Off;
    const auto off = compile_settings(site, kOwn);
    CHECK(off.cookie_secrets.empty());
    CHECK_FALSE(off.cookies_required);
  }
}

}  // namespace meridian::compile
