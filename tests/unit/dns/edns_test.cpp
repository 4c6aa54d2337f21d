#include "dns/edns.hpp"

#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace meridian;
using dns::EdnsReply;
using dns::Rcode;
using test::from_hex;

namespace {

std::vector<std::uint8_t> written(Rcode rcode, const EdnsReply& edns) {
  std::vector<std::uint8_t> out(dns::opt_record_bytes(edns));
  CHECK(dns::write_opt_record(out, rcode, edns) == out.size());
  return out;
}

}  // namespace

TEST_SUITE("dns/edns") {
  TEST_CASE("an OPT record says only what it must") {
    const std::vector<std::uint8_t> nsid{'a', 'm', 's', '1'};
    const dns::CookiePayload cookie{1,    2,    3,    4,    5, 6, 7, 8, 1, 0, 0, 0,
                                    0x5c, 0xf7, 0x9f, 0x11, 0, 0, 0, 0, 0, 0, 0, 9};
    struct Row {
      const char* why;
      Rcode rcode;
      EdnsReply edns;
      const char* expected;
    };
    const dns::ClientSubnet subnet{.source = base::parse_ip_prefix("198.51.100.0/24").value(),
                                   .scope_bits = 18};
    const Row rows[] = {
        {"nothing asked for", Rcode::NoError, {}, "00 0029 04d0 00000000 0000"},
        {"DO", Rcode::NoError, {.dnssec_ok = true}, "00 0029 04d0 00008000 0000"},
        {"another size", Rcode::NoError, {.udp_size = 512}, "00 0029 0200 00000000 0000"},
        {"the upper bits of BADVERS", Rcode::BadVers, {}, "00 0029 04d0 01000000 0000"},
        {"an rcode of four bits", Rcode::Refused, {}, "00 0029 04d0 00000000 0000"},
        {"client subnet",
         Rcode::NoError,
         {.client_subnet = subnet},
         "00 0029 04d0 00000000 000b 0008 0007 0001 18 12 c63364"},
        {"name server id", Rcode::NoError, {.nsid = nsid}, "00 0029 04d0 00000000 0008 0003 0004 616d7331"},
        {"extended error",
         Rcode::Refused,
         {.extended_error = {{dns::ExtendedError::NotAuthoritative, {}}}},
         "00 0029 04d0 00000000 0006 000f 0002 0014"},
        {"extended error with words",
         Rcode::ServFail,
         {.extended_error = {{dns::ExtendedError::Other, "down"}}},
         "00 0029 04d0 00000000 000a 000f 0006 0000 646f776e"},
        {"cookie, and the upper bits of BADCOOKIE",
         Rcode::BadCookie,
         {.cookie = cookie},
         "00 0029 04d0 01000000 001c 000a 0018 0102030405060708 010000005cf79f11 0000000000000009"},
        {"TCP keepalive of 10 s",
         Rcode::NoError,
         {.tcp_idle_ds = 100},
         "00 0029 04d0 00000000 0006 000b 0002 0064"},
        {"all of it",
         Rcode::NoError,
         {.dnssec_ok = true,
          .client_subnet = subnet,
          .nsid = nsid,
          .cookie = cookie,
          .tcp_idle_ds = 1,
          .extended_error = {{dns::ExtendedError::NotSupported, "x"}}},
         "00 0029 04d0 00008000 003c 0008 0007 0001 18 12 c63364 0003 0004 616d7331"
         "000a 0018 0102030405060708 010000005cf79f11 0000000000000009 000b 0002 0001 000f 0003 0015 78"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(written(row.rcode, row.edns) == from_hex(row.expected));
    }
  }

  TEST_CASE("an echo repeats DO and the client subnet with scope 0") {
    dns::Edns query;
    query.dnssec_ok = true;
    query.nsid_requested = true;
    query.udp_size = 4096;
    query.client_subnet =
        dns::ClientSubnet{.source = base::parse_ip_prefix("2001:db8::/32").value(), .scope_bits = 9};
    const EdnsReply reply = dns::echo_edns(query);
    CHECK(reply.dnssec_ok);
    CHECK(reply.udp_size == 1232);
    CHECK(reply.nsid.empty());
    CHECK_FALSE(reply.extended_error.has_value());
    CHECK_FALSE(reply.cookie.has_value());
    CHECK_FALSE(reply.tcp_idle_ds.has_value());
    REQUIRE(reply.client_subnet.has_value());
    CHECK(reply.client_subnet->source == query.client_subnet->source);
    CHECK(reply.client_subnet->scope_bits == 0);
  }
}
