#include "query/identity.hpp"

#include "unit/query/asker.hpp"
#include "unit/query/told.hpp"

#include <doctest/doctest.h>

namespace meridian::query {
namespace {

using dns::Opcode;
using dns::Rclass;
using dns::Rcode;
using dns::Rtype;
using dns::Section;
using stats::Counter;

}  // namespace

TEST_SUITE("query/identity") {
  TEST_CASE("class CH tells of the server what the site file lets it, and is refused otherwise") {
    auto asker = test::standard_asker();
    struct Row {
      const char* why;
      const char* name;
      Rtype type;
      Rclass rclass;
      const char* text;  // "" for REFUSED
    };
    const Row rows[] = {
        {"RFC 4892", "id.server", Rtype::Txt, Rclass::Ch, "ams1"},
        {"BIND's name for it", "hostname.bind", Rtype::Txt, Rclass::Ch, "ams1"},
        {"any case", "HostName.Bind", Rtype::Txt, Rclass::Ch, "ams1"},
        {"the program", "version.server", Rtype::Txt, Rclass::Ch, "a version"},
        {"BIND's name for it", "version.bind", Rtype::Txt, Rclass::Ch, "a version"},
        {"ANY", "version.bind", Rtype::Any, Rclass::Ch, "a version"},
        {"another type", "version.bind", Rtype::A, Rclass::Ch, ""},
        {"another name", "authors.bind", Rtype::Txt, Rclass::Ch, ""},
        {"above", "bind", Rtype::Txt, Rclass::Ch, ""},
        {"below", "a.version.bind", Rtype::Txt, Rclass::Ch, ""},
        {"a name we serve in IN", "static.example.com", Rtype::A, Rclass::Ch, ""},
        {"class IN", "version.bind", Rtype::Txt, Rclass::In, ""},
        {"class ANY", "version.bind", Rtype::Txt, Rclass::Any, ""},
        {"class ANY of a name we serve", "static.example.com", Rtype::A, Rclass::Any, ""},
        {"class NONE", "static.example.com", Rtype::A, Rclass::None, ""},
        {"class HS", "static.example.com", Rtype::A, Rclass{4}, ""},
        {"class 0", "static.example.com", Rtype::A, Rclass{0}, ""},
    };
    asker.settings().identity_name = identity_record("ams1");
    asker.settings().identity_version = identity_record("a version");
    for (const auto& row : rows) {
      CAPTURE(row.why);
      CAPTURE(row.name);
      const bool refused = *row.text == '\0';
      const auto counter = refused ? Counter::Refused : Counter::IdentityAnswers;
      const auto before = asker.counters().value(counter);
      const auto reply = asker.ask(row.name, row.type, {.rclass = row.rclass, .udp_size = 1232});
      CHECK(asker.counters().value(counter) == before + 1);
      CHECK(reply.is_authoritative() == !refused);
      CHECK(asker.worker().summary.kind == (refused ? AnswerKind::Refused : AnswerKind::Static));
      CHECK(asker.worker().summary.zone == nullptr);
      if (refused) {
        CHECK(test::told(reply) == "REFUSED [] [] []");
        continue;
      }
      REQUIRE(reply.section(Section::Answer).size() == 1);
      const auto record = reply.section(Section::Answer)[0];
      CHECK(record.rclass == Rclass::Ch);
      CHECK(record.type == Rtype::Txt);
      CHECK(record.ttl_s == 0);
      CHECK(record.rdata[0] == record.rdata.size() - 1);
      CHECK(std::string(record.rdata.begin() + 1, record.rdata.end()) == row.text);
    }
  }

  TEST_CASE("each of the two can be switched off") {
    auto asker = test::standard_asker();
    asker.settings().identity_name = {};
    asker.settings().identity_version = identity_record(std::string(255, 'v'));
    CHECK(asker.ask("id.server", Rtype::Txt, {.rclass = Rclass::Ch}).rcode == Rcode::Refused);
    const auto longest = asker.ask("version.bind", Rtype::Txt, {.rclass = Rclass::Ch});
    CHECK_FALSE(longest.is_truncated());
    REQUIRE(longest.section(Section::Answer).size() == 1);
    CHECK(longest.section(Section::Answer)[0].rdata.size() == 256);
    asker.settings().identity_version = {};
    CHECK(asker.ask("version.bind", Rtype::Txt, {.rclass = Rclass::Ch}).rcode == Rcode::Refused);
  }

  TEST_CASE("a client subnet comes back with scope 0, and NSID beside it") {
    auto asker = test::standard_asker();
    asker.settings().identity_name = identity_record("ams1");
    asker.settings().nsid = {'a'};
    const auto reply = asker.ask("id.server", Rtype::Txt,
                                 {.rclass = Rclass::Ch,
                                  .client_subnet = *base::parse_ip_prefix("8.8.8.0/24"),
                                  .options = {{dns::EdnsOption::Nsid, {}}}});
    CHECK(test::scope_of(reply) == 0);
    CHECK(reply.edns->find_option(dns::EdnsOption::Nsid) != nullptr);
  }
}

TEST_SUITE("query/identity") {
  TEST_CASE("what is not ours to do is refused or not implemented, with the question") {
    auto asker = test::standard_asker();
    struct Row {
      const char* why;
      Opcode opcode;
      Rtype type;
      Rcode rcode;
    };
    const Row rows[] = {
        {"AXFR", Opcode::Query, Rtype::Axfr, Rcode::Refused},
        {"IXFR", Opcode::Query, Rtype::Ixfr, Rcode::Refused},
        {"MAILB", Opcode::Query, Rtype{253}, Rcode::Refused},
        {"MAILA", Opcode::Query, Rtype{254}, Rcode::Refused},
        {"TSIG as a question", Opcode::Query, Rtype{250}, Rcode::Refused},
        {"TKEY as a question", Opcode::Query, Rtype{249}, Rcode::Refused},
        {"NXNAME, a type that is never asked for (RFC 9824 3.5)", Opcode::Query, Rtype{128}, Rcode::Refused},
        {"OPT as a question", Opcode::Query, Rtype::Opt, Rcode::Refused},
        {"type 0 is no data anybody has", Opcode::Query, Rtype{0}, Rcode::NoError},
        {"IQUERY (RFC 3425)", Opcode{1}, Rtype::A, Rcode::NotImp},
        {"STATUS", Opcode::Status, Rtype::A, Rcode::NotImp},
        {"an opcode without a name", Opcode{3}, Rtype::A, Rcode::NotImp},
        {"NOTIFY (RFC 1996)", Opcode::Notify, Rtype::Soa, Rcode::NotImp},
        {"UPDATE (RFC 2136)", Opcode::Update, Rtype::Soa, Rcode::NotImp},
        {"DSO (RFC 8490)", Opcode{6}, Rtype::A, Rcode::NotImp},
        {"the last opcode", Opcode{15}, Rtype::A, Rcode::NotImp},
    };
    for (const auto& row : rows) {
      for (const bool is_tcp : {false, true}) {
        CAPTURE(row.why);
        const auto reply = asker.ask("example.com", row.type, {.opcode = row.opcode},
                                     {*base::parse_ip_address("192.0.2.1"), is_tcp});
        CHECK(reply.rcode == row.rcode);
        CHECK(reply.section(Section::Answer).empty());
        REQUIRE(reply.question.has_value());
        CHECK(dns::to_string(reply.question->name) == "example.com");
        CHECK(reply.question->type == row.type);
        CHECK(reply.header.opcode() == row.opcode);
        const auto kind = row.rcode == Rcode::Refused  ? AnswerKind::Refused
                          : row.rcode == Rcode::NotImp ? AnswerKind::Malformed
                                                       : AnswerKind::NoData;
        CHECK(asker.worker().summary.kind == kind);
        CHECK(asker.worker().summary.rcode == row.rcode);
      }
    }
  }
}

}  // namespace meridian::query
