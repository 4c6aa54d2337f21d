// Any bytes as a zone file: read, checked, built, and asked. A file with errors must never become a zone.
#include "zone/zone_builder.hpp"
#include "zone/zone_file.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

// ldns 1.8.3 forgets some bytes on its error paths (IPSECKEY); leaks that do not pass through it still count.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libldns.so\n";
}  // NOLINT(bugprone-reserved-identifier)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian;
  const auto apex = dns::Name::parse("example.com");
  zone::ZoneBuilder builder(*apex);
  const auto problems = zone::parse_zone_text({reinterpret_cast<const char*>(data), size}, "zone", builder);
  base::Diagnostics warnings;
  const auto zone = std::move(builder).build(warnings);
  if (!zone) return 0;
  zone->for_each_rrset([&](dns::NameView name, const zone::Rrset& rrset) {
    static_cast<void>(zone->lookup(name, rrset.type));
    dns::Name below;
    if (below.assign_wildcard_of(name)) static_cast<void>(zone->lookup(below, dns::Rtype::A));
  });
  if (problems.has_errors()) std::abort();
  return 0;
}
