#include "dns/writer.hpp"

#include "base/random.hpp"
#include "dns/message.hpp"
#include "dns/rdata.hpp"
#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace meridian;
using dns::MessageWriter;
using dns::Name;
using dns::Rcode;
using dns::Record;
using dns::Rtype;
using dns::Section;
using test::Bytes;
using test::from_hex;
using test::length_prefixed;
using test::name_of;

namespace {

constexpr std::uint32_t kTtl = 60;

Bytes wire(std::string_view name) {
  const Name parsed = name_of(name);
  return {parsed.view().wire().begin(), parsed.view().wire().end()};
}

/// Several rdata in the form that add_rrset takes.
Bytes records(const std::vector<Bytes>& rdatas) {
  Bytes all;
  for (const auto& rdata : rdatas) test::append(all, length_prefixed(rdata));
  return all;
}

/// A buffer with a reply begun in it.
struct Reply {
  explicit Reply(const Bytes& packet, std::size_t bytes_max = 512, Rcode rcode = Rcode::NoError)
      : buffer(65'535, 0xee), writer(buffer, bytes_max) {
    const auto query = dns::parse_query(packet);
    REQUIRE(query.has_value());
    writer.begin_reply(*query, packet, rcode);
  }

  Bytes finish() {
    buffer.resize(writer.finish());
    return buffer;
  }
  dns::Message finish_and_read() {
    const auto message = dns::read_message(finish());
    REQUIRE(message.has_value());
    return *message;
  }
  /// What was written behind header and question "ex. A" (4 + 4 bytes).
  Bytes body() {
    const Bytes bytes = finish();
    return {bytes.begin() + 20, bytes.end()};
  }

  Bytes buffer;
  MessageWriter writer;
};

Bytes ask(std::string_view name) { return test::build_query(name, Rtype::A); }

/// Random names, rdata and sizes over few labels, so that names share ends often.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_.below(static_cast<std::uint32_t>(bound)); }

  std::string name() {
    static constexpr std::string_view kLabels[] = {"a", "B", "www", "example", "Com", "ns-1", "\\000\\255"};
    std::string text;
    for (std::size_t left = below(6); left > 0; --left) {
      text += kLabels[below(std::size(kLabels))];
      text += '.';
    }
    return text.empty() ? "." : text;
  }

  Bytes bytes(std::size_t count) {
    Bytes all(count);
    for (auto& byte : all) byte = static_cast<std::uint8_t>(below(256));
    return all;
  }

  Bytes rdata(Rtype type) {
    const auto names = dns::compressible_names(type);
    if (type == Rtype::A) return bytes(4);
    Bytes all = bytes(names.name_count == 0 ? below(80) : names.fixed_bytes);
    for (std::size_t left = names.name_count; left > 0; --left) test::append(all, wire(name()));
    if (type == Rtype::Soa) test::append(all, bytes(20));
    return all;
  }

  Rtype type() {
    static constexpr Rtype kTypes[] = {Rtype::A,   Rtype::Ns,  Rtype::Cname, Rtype::Mx,
                                       Rtype::Soa, Rtype::Txt, Rtype::Minfo, static_cast<Rtype>(65280)};
    return kTypes[below(std::size(kTypes))];
  }

 private:
  base::Random random_;
};

/// A compressed name takes the letter case of the place it points to, so such rdata compare without case.
std::vector<Record> folded(std::vector<Record> all) {
  for (auto& record : all) {
    if (dns::compressible_names(record.type).name_count == 0) continue;
    std::transform(record.rdata.begin(), record.rdata.end(), record.rdata.begin(), dns::lower);
  }
  return all;
}

/// Adds one random RRset; what was accepted goes into `expected`.
void add_random_rrset(Chance& chance, MessageWriter& writer, Section section, std::vector<Record>& expected) {
  const Name owner = name_of(chance.name());
  const Rtype type = chance.type();
  const auto ttl = static_cast<std::uint32_t>(chance.below(1u << 31));
  std::vector<Bytes> rdatas;
  for (std::size_t left = 1 + chance.below(4); left > 0; --left) rdatas.push_back(chance.rdata(type));
  if (!writer.add_rrset(section, owner, type, ttl, records(rdatas))) return;
  for (const auto& rdata : rdatas) expected.push_back({section, owner, type, dns::Rclass::In, ttl, rdata});
}

const Bytes kAddressImage = from_hex("c00c 0001 0001 0000003c 0004 c0000201");

}  // namespace

TEST_SUITE("dns/writer") {
  TEST_CASE("a reply repeats id, RD, CD and the question byte for byte") {
    const auto packet = test::build_query(
        "wWw.eX", Rtype::A, {.id = 0xabcd, .recursion_desired = true, .checking_disabled = true});
    Reply reply{packet, 512, Rcode::NxDomain};
    reply.writer.set_authoritative();
    CHECK(reply.finish() == from_hex("abcd 8513 0001 0000 0000 0000 03 775777 02 6558 00 0001 0001"));
  }

  TEST_CASE("flags and response code can be set until the end") {
    Reply reply{ask("ex")};
    reply.writer.set_truncated();
    reply.writer.set_rcode(Rcode::ServFail);
    const auto message = reply.finish_and_read();
    CHECK(message.is_truncated());
    CHECK_FALSE(message.is_authoritative());
    CHECK(message.rcode == Rcode::ServFail);
    CHECK_FALSE(message.header.has(dns::header_bits::kRecursionDesired |
                                   dns::header_bits::kRecursionAvailable | dns::header_bits::kAuthenticData |
                                   dns::header_bits::kCheckingDisabled));
  }

  TEST_CASE("the question's name is a pointer as owner, whatever its letter case") {
    Reply reply{ask("eX")};
    REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("ex"), Rtype::A, kTtl,
                                   records({from_hex("c0000201"), from_hex("c0000202")})));
    CHECK(reply.writer.count(Section::Answer) == 2);
    CHECK(reply.body() == from_hex("c00c 0001 0001 0000003c 0004 c0000201"
                                   "c00c 0001 0001 0000003c 0004 c0000202"));
  }

  TEST_CASE("an owner is spelled once, its later records point to it") {
    Reply reply{ask("ex")};
    REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("a.b.ex"), Rtype::A, kTtl,
                                   records({from_hex("c0000201"), from_hex("c0000202")})));
    REQUIRE(reply.writer.add_rrset(Section::Additional, name_of("c.b.ex"), Rtype::A, kTtl,
                                   records({from_hex("c0000203")})));
    CHECK(reply.body() == from_hex("01 61 01 62 c00c 0001 0001 0000003c 0004 c0000201"
                                   "c014             0001 0001 0000003c 0004 c0000202"
                                   "01 63 c016       0001 0001 0000003c 0004 c0000203"));
  }

  TEST_CASE("the root is never a pointer") {
    Reply reply{test::build_query(".", Rtype::Ns)};
    REQUIRE(reply.writer.add_rrset(Section::Answer, Name{}, Rtype::Ns, kTtl,
                                   records({from_hex("01 61 00"), from_hex("00")})));
    const Bytes bytes = reply.finish();
    CHECK(Bytes(bytes.begin() + 17, bytes.end()) == from_hex("00 0002 0001 0000003c 0003 01 61 00"
                                                             "00 0002 0001 0000003c 0001 00"));
  }

  TEST_CASE("names are compressed in the rdata of RFC 1035 types only") {
    struct Row {
      const char* why;
      Rtype type;
      Bytes rdata;
      const char* written;
    };
    Bytes soa = wire("ns.ex");
    test::append(soa, wire("host.ns.ex"));
    test::append(soa, from_hex("00000001 00000002 00000003 00000004 00000005"));
    Bytes mx = from_hex("000a");
    test::append(mx, wire("mx.ex"));
    Bytes srv = from_hex("0000 0000 0050");
    test::append(srv, wire("mx.ex"));
    const Row rows[] = {
        {"NS", Rtype::Ns, wire("ns.ex"), "0005 02 6e73 c00c"},
        {"CNAME to the question itself", Rtype::Cname, wire("ex"), "0002 c00c"},
        {"CNAME elsewhere", Rtype::Cname, wire("a.org"), "0007 01 61 03 6f7267 00"},
        {"CNAME to the root", Rtype::Cname, wire("."), "0001 00"},
        {"MX", Rtype::Mx, mx, "0007 000a 02 6d78 c00c"},
        {"SOA, the second name against the first", Rtype::Soa, soa,
         "0020 02 6e73 c00c 04 686f7374 c020 00000001 00000002 00000003 00000004 00000005"},
        {"SRV", Rtype::Srv, srv, "000d 0000 0000 0050 02 6d78 02 6578 00"},
        {"DNAME", Rtype::Dname, wire("ex"), "0004 02 6578 00"},
        {"a type nobody knows", static_cast<Rtype>(65280), wire("ex"), "0004 02 6578 00"},
        {"nothing at all", Rtype::Txt, {}, "0000"},
        {"an MX without a name goes out as it is", Rtype::Mx, from_hex("0a"), "0001 0a"},
        {"a CNAME that is no name goes out as it is", Rtype::Cname, from_hex("ffff"), "0002 ffff"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.why);
      Reply reply{ask("ex")};
      REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("ex"), row.type, kTtl, records({row.rdata})));
      const Bytes body = reply.body();
      CHECK(Bytes(body.begin() + 10, body.end()) == from_hex(row.written));
    }
  }

  TEST_CASE("the class of records is the question's, IN for ANY") {
    struct Row {
      dns::Rclass asked;
      dns::Rclass written;
    };
    for (const auto& row : {Row{dns::Rclass::In, dns::Rclass::In}, Row{dns::Rclass::Ch, dns::Rclass::Ch},
                            Row{dns::Rclass::Any, dns::Rclass::In}}) {
      Reply reply{test::build_query("version.bind", Rtype::Txt, {.rclass = row.asked})};
      REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("version.bind"), Rtype::Txt, 0,
                                     records({from_hex("01 78")})));
      CHECK(reply.finish_and_read().records[0].rclass == row.written);
    }
  }

  TEST_CASE("an RRset that does not fit is taken back whole") {
    Reply reply{ask("ex"), 271};
    REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("ex"), Rtype::A, kTtl,
                                   records({from_hex("c0000201")})));
    const std::vector<Bytes> sixteen(16, from_hex("c0000202"));  // 256 bytes; 235 are left
    CHECK_FALSE(reply.writer.add_rrset(Section::Answer, name_of("new.ex"), Rtype::A, kTtl, records(sixteen)));
    CHECK(reply.writer.count(Section::Answer) == 1);
    CHECK(reply.writer.name_offset(name_of("new.ex")) == 0);
    // The names of what was taken back must not be pointed to.
    REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("new.ex"), Rtype::A, kTtl,
                                   records({from_hex("c0000203")})));
    const auto message = reply.finish_and_read();
    REQUIRE(message.records.size() == 2);
    CHECK(message.records[1].owner == name_of("new.ex"));
  }

  TEST_CASE("every byte of room counts, and none more") {
    // Behind the question's 20 bytes: 6 owner, 10 fixed, 5 rdata.
    const Bytes rrset = records({wire("ns.ex")});
    for (std::size_t room = 0; room <= 21; ++room) {
      CAPTURE(room);
      Reply reply{ask("ex"), 271};
      REQUIRE(reply.writer.reserve(271 - 20 - room));
      CHECK(reply.writer.add_rrset(Section::Answer, name_of("a.b.ex"), Rtype::Ns, kTtl, rrset) ==
            (room == 21));
      CHECK(reply.finish().size() == (room == 21 ? 41 : 20));
    }
  }

  TEST_CASE("records whose lengths lie are not written") {
    struct Row {
      const char* why;
      Bytes records;
    };
    for (const auto& row :
         {Row{"half a length", from_hex("00")}, Row{"rdata past the end", from_hex("0004 c00002")},
          Row{"a good one before", from_hex("0004 c0000201 0001")}}) {
      CAPTURE(row.why);
      Reply reply{ask("ex")};
      CHECK_FALSE(reply.writer.add_rrset(Section::Answer, name_of("ex"), Rtype::A, kTtl, row.records));
      CHECK(reply.finish().size() == 20);
    }
  }

  TEST_CASE("images are copied as they are") {
    Bytes two = kAddressImage;
    test::append(two, kAddressImage);
    Reply reply{ask("ex")};
    REQUIRE(reply.writer.add_raw(Section::Answer, two, 2));
    REQUIRE(reply.writer.add_raw(Section::Answer, {}, 0));
    CHECK(reply.writer.count(Section::Answer) == 2);
    CHECK(reply.body() == two);

    Reply full{ask("ex"), 271};
    REQUIRE(full.writer.reserve(271 - 20 - 31));
    CHECK_FALSE(full.writer.add_raw(Section::Answer, two, 2));
    CHECK(full.writer.add_raw(Section::Answer, kAddressImage, 1));
    CHECK(full.finish().size() == 36);
  }

  TEST_CASE("images take another owner and another TTL") {
    Bytes two = kAddressImage;
    test::append(two, kAddressImage);
    Reply reply{ask("ex")};
    REQUIRE(
        reply.writer.add_rrset(Section::Answer, name_of("ex"), Rtype::Cname, kTtl, records({wire("a.ex")})));
    CHECK(reply.writer.name_offset(name_of("A.EX")) == 32);
    REQUIRE(reply.writer.add_raw(Section::Answer, name_of("a.ex"), 5, two));
    CHECK(reply.body() == from_hex("c00c 0005 0001 0000003c 0004 01 61 c00c"
                                   "c020 0001 0001 00000005 0004 c0000201"
                                   "c020 0001 0001 00000005 0004 c0000201"));

    Reply spelled{ask("ex")};
    REQUIRE(spelled.writer.add_raw(Section::Answer, name_of("b.org"), {}, two));
    CHECK(spelled.writer.count(Section::Answer) == 2);
    CHECK(spelled.body() == from_hex("01 62 03 6f7267 00 0001 0001 0000003c 0004 c0000201"
                                     "c014               0001 0001 0000003c 0004 c0000201"));
  }

  TEST_CASE("images that are cut off or do not fit are taken back whole") {
    Bytes two = kAddressImage;
    test::append(two, kAddressImage);
    struct Row {
      const char* why;
      Bytes images;
      std::size_t room;
    };
    for (const auto& row : {Row{"the second does not fit", two, 31}, Row{"the owner does not fit", two, 1},
                            Row{"fixed part cut off", from_hex("c00c 0001 0001 0000003c 00"), 200},
                            Row{"rdata cut off", from_hex("c00c 0001 0001 0000003c 0004 c00002"), 200}}) {
      CAPTURE(row.why);
      Reply reply{ask("ex"), 271};
      REQUIRE(reply.writer.reserve(271 - 20 - row.room));
      CHECK_FALSE(reply.writer.add_raw(Section::Answer, name_of("ex"), 5, row.images));
      CHECK(reply.writer.count(Section::Answer) == 0);
      CHECK(reply.finish().size() == 20);
    }
  }

  TEST_CASE("several additions can be taken back at once") {
    Reply reply{ask("ex")};
    REQUIRE(reply.writer.add_raw(Section::Answer, kAddressImage, 1));
    const auto mark = reply.writer.mark();
    REQUIRE(reply.writer.add_rrset(Section::Authority, name_of("new.ex"), Rtype::Ns, kTtl,
                                   records({wire("ns.ex")})));
    REQUIRE(reply.writer.add_raw(Section::Additional, kAddressImage, 1));
    reply.writer.rewind(mark);
    CHECK(reply.writer.name_offset(name_of("new.ex")) == 0);
    REQUIRE(reply.writer.add_raw(Section::Answer, kAddressImage, 1));
    const auto message = reply.finish_and_read();
    CHECK(message.header.answer_count == 2);
    CHECK(message.header.authority_count == 0);
    CHECK(message.header.additional_count == 0);
  }

  TEST_CASE("OPT takes the room that was reserved for it") {
    dns::EdnsReply edns;
    edns.client_subnet =
        dns::ClientSubnet{.source = base::parse_ip_prefix("198.51.100.0/24").value(), .scope_bits = 18};
    Reply reply{test::build_query("ex", Rtype::A, {.udp_size = 512}), 271, Rcode::BadCookie};
    REQUIRE(reply.writer.reserve(dns::opt_record_bytes(edns)));
    while (reply.writer.add_raw(Section::Answer, kAddressImage, 1)) {
    }
    REQUIRE(reply.writer.write_opt(edns));
    CHECK_FALSE(reply.writer.add_raw(Section::Additional, kAddressImage, 1));
    const auto message = reply.finish_and_read();
    CHECK(message.records.size() == 14);  // (271 − 20 − 22) ÷ 16
    CHECK(message.rcode == Rcode::BadCookie);
    REQUIRE(message.edns.has_value());
    CHECK(message.edns->client_subnet == edns.client_subnet);
  }

  TEST_CASE("room can be reserved down to the last byte") {
    std::string longest;
    for (int i = 0; i < 127; ++i) longest += "a.";
    Reply reply{ask(longest), 512};
    CHECK_FALSE(reply.writer.reserve(512 - 271 + 1));
    CHECK(reply.writer.reserve(512 - 271));
    CHECK_FALSE(reply.writer.reserve(1));
    CHECK_FALSE(reply.writer.add_raw(Section::Answer, kAddressImage, 1));
  }

  TEST_CASE("the longest question leaves room for OPT with every option at its longest") {
    std::string longest;
    for (int i = 0; i < 127; ++i) longest += "a.";
    const Bytes nsid(base::limits::kNsidBytesMax, 'n');
    const std::string text(base::limits::kExtendedErrorTextBytesMax, 't');
    dns::EdnsReply edns{.nsid = nsid,
                        .cookie = dns::CookiePayload{},
                        .tcp_idle_ds = 100,
                        .extended_error = {{dns::ExtendedError::Other, text}}};
    edns.client_subnet =
        dns::ClientSubnet{.source = base::parse_ip_prefix("::1/128").value(), .scope_bits = 0};
    CHECK(dns::opt_record_bytes(edns) == dns::kOptBytesMax);
    Reply reply{ask(longest), 512};
    REQUIRE(reply.writer.reserve(dns::opt_record_bytes(edns)));
    CHECK(reply.writer.write_opt(edns));
    const auto message = reply.finish_and_read();
    REQUIRE(message.edns.has_value());
    CHECK(message.edns->options.size() == 5);
  }

  TEST_CASE("OPT that does not fit is left out") {
    Reply reply{ask("ex"), 271};
    while (reply.writer.add_raw(Section::Answer, kAddressImage, 1)) {
    }
    CHECK_FALSE(reply.writer.write_opt({.nsid = kAddressImage}));
    CHECK_FALSE(reply.finish_and_read().edns.has_value());
  }

  TEST_CASE("nothing is pointed to past the reach of 14 bits") {
    Reply reply{ask("ex"), 65'535};
    const Bytes filler(16'300, 'x');
    REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("ex"), Rtype::Txt, kTtl, records({filler})));
    REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("near.ex"), Rtype::Txt, kTtl,
                                   records({Bytes(200, 'x')})));
    REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("far.ex"), Rtype::A, kTtl,
                                   records({from_hex("c0000201"), from_hex("c0000202")})));
    REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("a.near.ex"), Rtype::A, kTtl,
                                   records({from_hex("c0000203")})));
    CHECK(reply.writer.name_offset(name_of("near.ex")) == 16'332);
    CHECK(reply.writer.name_offset(name_of("far.ex")) == 0);
    CHECK(reply.writer.name_offset(Name{}) == 0);
    const auto message = reply.finish_and_read();
    REQUIRE(message.records.size() == 5);
    CHECK(message.records[2].owner == name_of("far.ex"));
    CHECK(message.records[3].owner == name_of("far.ex"));
    CHECK(message.records[4].owner == name_of("a.near.ex"));
  }

  TEST_CASE("the last place in reach is 0x3fff") {
    for (const std::size_t offset : {0x3fffu, 0x4000u}) {
      CAPTURE(offset);
      Reply reply{ask("ex"), 65'535};
      const Bytes filler(offset - 32, 'x');
      REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("ex"), Rtype::Txt, kTtl, records({filler})));
      REQUIRE(reply.writer.add_rrset(Section::Answer, name_of("a.org"), Rtype::A, kTtl,
                                     records({from_hex("c0000201"), from_hex("c0000202")})));
      CHECK(reply.writer.name_offset(name_of("a.org")) == (offset < 0x4000 ? offset : 0));
      const auto message = reply.finish_and_read();
      REQUIRE(message.records.size() == 3);
      CHECK(message.records[1].owner == name_of("a.org"));
      CHECK(message.records[2].owner == name_of("a.org"));
    }
  }

  TEST_CASE("past the names it remembers the writer spells names out") {
    Reply reply{ask("ex"), 65'535};
    for (int i = 0; i < 200; ++i) {
      const std::string target = "n" + std::to_string(i) + ".ex";
      REQUIRE(
          reply.writer.add_rrset(Section::Answer, name_of("ex"), Rtype::Ns, kTtl, records({wire(target)})));
      const bool remembered = reply.writer.name_offset(name_of(target)) != 0;
      CHECK(remembered == (i + 1 < static_cast<int>(base::limits::kCompressionNamesMax)));
    }
    const auto message = reply.finish_and_read();
    REQUIRE(message.records.size() == 200);
    for (std::size_t i = 0; i < 200; ++i)
      CHECK(message.records[i].rdata == wire("n" + std::to_string(i) + ".ex"));
  }

  TEST_CASE("the longest question fits the smallest buffer") {
    std::string longest;
    for (int i = 0; i < 127; ++i) longest += "a.";
    Reply reply{ask(longest), 271};
    CHECK(reply.writer.name_offset(name_of(longest)) == 12);
    CHECK(reply.finish().size() == 271);
  }

  TEST_CASE("what is written reads back equal, whatever was taken back in between") {
    std::size_t rewound = 0;
    for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
      CAPTURE(seed);
      Chance chance{seed};
      const std::string question = chance.name();
      Reply reply{test::build_query(question, Rtype::Any),
                  chance.below(4) == 0 ? 65'535 : 271 + chance.below(1'000)};
      const bool has_opt = chance.below(2) == 0;
      dns::EdnsReply edns;
      edns.client_subnet =
          dns::ClientSubnet{.source = base::parse_ip_prefix("2001:db8::/56").value(), .scope_bits = 48};
      if (has_opt) REQUIRE(reply.writer.reserve(dns::opt_record_bytes(edns)));
      std::vector<Record> expected;
      for (const auto section : {Section::Answer, Section::Authority, Section::Additional}) {
        for (std::size_t left = chance.below(6); left > 0; --left) {
          const auto mark = reply.writer.mark();
          const auto expected_before = expected;
          add_random_rrset(chance, reply.writer, section, expected);
          if (chance.below(5) != 0) continue;
          reply.writer.rewind(mark);
          expected = expected_before;
          ++rewound;
        }
      }
      if (has_opt) REQUIRE(reply.writer.write_opt(edns));
      const auto message = reply.finish_and_read();
      REQUIRE(message.question.has_value());
      CHECK(message.question->name == name_of(question));
      CHECK(folded(message.records) == folded(expected));
      REQUIRE(message.edns.has_value() == has_opt);
      if (has_opt) CHECK(message.edns->client_subnet == edns.client_subnet);
    }
    CHECK(rewound > 1'000);
  }
}
