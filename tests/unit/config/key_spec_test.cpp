#include "config/key_spec.hpp"

#include "config/model.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <string>

namespace meridian::config {
namespace {

std::string default_of(ObjectKind object, std::string_view name) {
  for (const auto& key : object_spec(object).keys) {
    if (key.name == name) return std::string{key.default_text};
  }
  return "no such key";
}

TEST_SUITE_BEGIN("config/key_spec");

TEST_CASE("file kinds are found by their names") {
  for (const auto kind : kFileKinds) CHECK(find_file_kind(to_string(kind)) == kind);
  CHECK_FALSE(find_file_kind("zones"));
}

TEST_CASE("every usable key has a meaning, and is required or says what leaving it out means") {
  for (const auto file : kFileKinds) {
    for (const auto object : objects_of(file)) {
      const auto& spec = object_spec(object);
      CAPTURE(spec.name);
      for (const auto& key : spec.keys) {
        CAPTURE(key.name);
        if (!key.refusal.empty()) continue;
        CHECK_FALSE(key.help.empty());
        CHECK(key.required == key.default_text.empty());
      }
    }
  }
}

TEST_CASE("the defaults in the tables are the model's") {
  const Service service;
  CHECK(default_of(ObjectKind::Service, "ttl") == std::to_string(service.ttl_s));
  CHECK(default_of(ObjectKind::Service, "answer") == std::to_string(service.answer));
  CHECK(default_of(ObjectKind::Service, "overprovision") == fmt::format("{}", service.overprovision));
  CHECK(default_of(ObjectKind::Service, "spread") == (service.sticky ? "sticky" : "random"));
  CHECK(default_of(ObjectKind::Service, "client_subnet") == (service.use_client_subnet ? "use" : "ignore"));
  CHECK(service.on_all_down.action == OnAllDown::Action::AnswerAnyway);
  CHECK(default_of(ObjectKind::Service, "on_all_down") == "answer_anyway");
  CHECK(default_of(ObjectKind::Pool, "at_least") == fmt::format("{}%", Pool{}.at_least * 100));
  CHECK(default_of(ObjectKind::Datacenter, "named_only") == (Datacenter{}.named_only ? "true" : "false"));
  const Site site;
  CHECK(default_of(ObjectKind::SiteFile, "site") == site.site);
  CHECK(default_of(ObjectKind::Control, "unix") == site.control_unix);
  CHECK(default_of(ObjectKind::SiteFile, "workers") == (site.workers == 0 ? "auto" : "a number"));
  const RateLimit& limit = site.rate_limit;
  CHECK(default_of(ObjectKind::SiteFile, "rate_limit") == (limit.enabled ? "on" : "off"));
  CHECK(default_of(ObjectKind::RateLimit, "all") == (limit.all == 0 ? "none" : "a number"));
  CHECK(default_of(ObjectKind::RateLimit, "window") == std::to_string(limit.window_s));
  CHECK(default_of(ObjectKind::RateLimit, "slip") == std::to_string(limit.slip));
  CHECK(default_of(ObjectKind::RateLimit, "ipv4_prefix") == std::to_string(limit.v4_bits));
  CHECK(default_of(ObjectKind::RateLimit, "ipv6_prefix") == std::to_string(limit.v6_bits));
  CHECK(default_of(ObjectKind::RateLimit, "table") == std::to_string(limit.entries));
  CHECK(default_of(ObjectKind::RateLimit, "exempt") == (limit.exempt.empty() ? "none" : "a list"));
  CHECK(default_of(ObjectKind::RateLimit, "log_only") == (limit.log_only ? "true" : "false"));
  CHECK(default_of(ObjectKind::Tcp, "idle") == std::to_string(site.tcp.idle_s));
  CHECK(default_of(ObjectKind::Tcp, "transfer") == std::to_string(site.tcp.transfer_s));
  CHECK(default_of(ObjectKind::Tcp, "lifetime") == std::to_string(site.tcp.lifetime_s));
  CHECK(default_of(ObjectKind::Tcp, "connections") == std::to_string(site.tcp.connections));
  CHECK(default_of(ObjectKind::Tcp, "per_client") == std::to_string(site.tcp.per_client));
  CHECK(default_of(ObjectKind::Listen, "proxy") == (site.proxy_listen.empty() ? "none" : "a list"));
  REQUIRE(site.listen.size() == 2);
  CHECK(default_of(ObjectKind::SiteFile, "listen") ==
        fmt::format("{}:{} and [{}]:{}", base::to_string(site.listen[0].address), site.listen[0].port,
                    base::to_string(site.listen[1].address), site.listen[1].port));
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::config
