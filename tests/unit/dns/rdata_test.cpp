#include "dns/rdata.hpp"

#include <doctest/doctest.h>

using namespace meridian::dns;

TEST_SUITE("dns/rdata") {
  TEST_CASE("only the types of RFC 1035 have compressible names") {
    struct Row {
      const char* why;
      Rtype type;
      std::size_t fixed_bytes;
      std::size_t name_count;
    };
    const Row rows[] = {
        {"3.3.11", Rtype::Ns, 0, 1},
        {"3.3.4", Rtype::Md, 0, 1},
        {"3.3.5", Rtype::Mf, 0, 1},
        {"3.3.1", Rtype::Cname, 0, 1},
        {"3.3.13: MNAME and RNAME", Rtype::Soa, 0, 2},
        {"3.3.3", Rtype::Mb, 0, 1},
        {"3.3.6", Rtype::Mg, 0, 1},
        {"3.3.8", Rtype::Mr, 0, 1},
        {"3.3.12", Rtype::Ptr, 0, 1},
        {"3.3.7: RMAILBX and EMAILBX", Rtype::Minfo, 0, 2},
        {"3.3.9: after the preference", Rtype::Mx, 2, 1},
        {"no name", Rtype::A, 0, 0},
        {"RFC 2782 forbids", Rtype::Srv, 0, 0},
        {"RFC 6672 2.5 forbids", Rtype::Dname, 0, 0},
        {"RFC 9460 2.2 forbids", Rtype::Svcb, 0, 0},
        {"RFC 4034 3.1.7 forbids", Rtype::Rrsig, 0, 0},
        {"unknown, RFC 3597 4", static_cast<Rtype>(65280), 0, 0},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CHECK(compressible_names(row.type).fixed_bytes == row.fixed_bytes);
      CHECK(compressible_names(row.type).name_count == row.name_count);
    }
  }
}
