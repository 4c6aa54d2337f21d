#include "dns/rrset.hpp"

#include "base/random.hpp"
#include "dns/message.hpp"
#include "dns/rdata.hpp"
#include "dns/writer.hpp"
#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

using namespace meridian;
using dns::MessageWriter;
using dns::Name;
using dns::NameView;
using dns::Record;
using dns::Rtype;
using dns::Section;
using test::Bytes;
using test::name_of;

namespace {

/// Random names over few labels, so that names share ends often, in letters of either case.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_.below(static_cast<std::uint32_t>(bound)); }

  std::string name(std::size_t labels_min) {
    static constexpr std::string_view kLabels[] = {"a",   "B",    "www", "exAMPle",
                                                   "Com", "ns-1", "*",   "\\000\\255"};
    std::string text;
    for (std::size_t left = labels_min + below(5); left > 0; --left) {
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
    if (type == Rtype::Srv) return join(bytes(6), wire(name(0)));
    Bytes all = bytes(names.name_count == 0 ? below(80) : names.fixed_bytes);
    for (std::size_t left = names.name_count; left > 0; --left) all = join(std::move(all), wire(name(0)));
    return type == Rtype::Soa ? join(std::move(all), bytes(20)) : all;
  }

  Rtype type() {
    static constexpr Rtype kTypes[] = {Rtype::A,   Rtype::Ns,  Rtype::Cname, Rtype::Mx,  Rtype::Ptr,
                                       Rtype::Soa, Rtype::Txt, Rtype::Minfo, Rtype::Srv, Rtype{65280}};
    return kTypes[below(std::size(kTypes))];
  }

 private:
  static Bytes wire(std::string_view text) {
    const Name name = name_of(text);
    return {name.view().wire().begin(), name.view().wire().end()};
  }
  static Bytes join(Bytes all, const Bytes& more) {
    test::append(all, more);
    return all;
  }

  base::Random random_;
};

/// A set as a zone keeps it, and its rdata as add_rrset takes it without rendering.
struct Rendered {
  Rendered(Chance& chance, NameView name, Rtype type) : owner(name) {
    owner.make_lower();
    std::vector<std::span<const std::uint8_t>> views;
    for (std::size_t left = 1 + chance.below(4); left > 0; --left) rdata.push_back(chance.rdata(type));
    std::size_t size_max = 0;
    for (const auto& one : rdata) {
      views.emplace_back(one);
      size_max += dns::kImageFixedBytes + one.size();
      test::append(plain, test::length_prefixed(one));
    }
    const auto ttl_s = static_cast<std::uint32_t>(chance.below(1u << 31));
    images.resize(size_max);
    images.resize(dns::render_rrset(owner, type, ttl_s, views, images.data()));
    rrset = {.type = type,
             .count = static_cast<std::uint16_t>(rdata.size()),
             .ttl_s = ttl_s,
             .owner = owner,
             .images = images};
  }
  Rendered(const Rendered&) = delete;
  Rendered& operator=(const Rendered&) = delete;

  Name owner;
  std::vector<Bytes> rdata;
  Bytes plain;
  Bytes images;
  dns::Rrset rrset;
};

/// How the owner stands to the question's name.
enum class Relation { Same, Ancestor, Wildcard };

/// A question, and the owner of records that answer it.
struct Case {
  explicit Case(Chance& chance)
      : question(chance.name(1)),
        relation(static_cast<Relation>(chance.below(3))),
        answered(name_of(question)),
        stored(answered) {
    if (relation == Relation::Same) return;
    NameView above = answered.view().parent();
    while (relation == Relation::Ancestor && !above.is_root() && chance.below(2) == 0) above = above.parent();
    if (relation == Relation::Ancestor) {
      answered = stored = Name{Name{above}};
    } else {
      REQUIRE(stored.assign_wildcard_of(Name{above}));
    }
  }

  std::string question;
  Relation relation;
  Name answered;  ///< The owner in the message.
  Name stored;    ///< The owner in the zone.
};

/// A buffer with a reply begun in it.
struct Reply {
  explicit Reply(const Bytes& packet, std::size_t bytes_max)
      : buffer(65'535, 0xee), writer(buffer, bytes_max) {
    const auto query = dns::parse_query(packet);
    REQUIRE(query.has_value());
    writer.begin_reply(*query, packet, dns::Rcode::NoError);
  }
  Bytes finish() {
    buffer.resize(writer.finish());
    return buffer;
  }

  Bytes buffer;
  MessageWriter writer;
};

Bytes folded(Rtype type, Bytes rdata) {
  if (dns::compressible_names(type).name_count == 0) return rdata;
  std::ranges::transform(rdata, rdata.begin(), dns::lower);
  return rdata;
}

/// A compressed name takes the letter case of the place it points to, so such rdata compare without case.
std::vector<Record> folded(std::vector<Record> all) {
  for (auto& record : all) record.rdata = folded(record.type, std::move(record.rdata));
  return all;
}

}  // namespace

TEST_SUITE("dns/rrset") {
  TEST_CASE("a copied set reads as the plain writer writes it, and so does what follows") {
    std::size_t moved = 0;
    for (std::uint64_t seed = 1; seed <= 6'000; ++seed) {
      CAPTURE(seed);
      Chance chance{seed};
      const Case one(chance);
      CAPTURE(one.question);
      const auto packet = test::build_query(one.question, Rtype::A);
      const auto section = chance.below(2) == 0 ? Section::Answer : Section::Authority;
      const Rendered first(chance, one.stored, chance.type());
      const Rendered second(chance, name_of(chance.name(0)), chance.type());
      std::optional<std::uint32_t> ttl_s;
      if (chance.below(3) == 0) ttl_s = 7;
      if (one.stored.view().size() != name_of(one.question).view().size()) ++moved;

      Reply copied(packet, 65'535);
      Reply plain(packet, 65'535);
      REQUIRE(copied.writer.add_rrset(section, one.answered, first.rrset, ttl_s));
      REQUIRE(plain.writer.add_rrset(section, one.answered, first.rrset.type,
                                     ttl_s.value_or(first.rrset.ttl_s), first.plain));
      // A wildcard's own first label is never pointed to.
      if (one.relation == Relation::Same && !one.stored.view().is_wildcard())
        CHECK(copied.writer.finish() == plain.writer.finish());
      REQUIRE(copied.writer.add_rrset(Section::Additional, second.owner, second.rrset));
      REQUIRE(plain.writer.add_rrset(Section::Additional, second.owner, second.rrset.type, second.rrset.ttl_s,
                                     second.plain));
      const auto got = dns::read_message(copied.finish());
      const auto wanted = dns::read_message(plain.finish());
      REQUIRE(got.has_value());
      REQUIRE(wanted.has_value());
      CHECK(folded(got->records) == folded(wanted->records));
      CHECK(got->question->name == wanted->question->name);
    }
    CHECK(moved > 1'000);
  }

  TEST_CASE("the question keeps the asker's letters, and the owner points to them") {
    const auto packet = test::build_query("wWw.ExAmPlE.cOm", Rtype::A);
    Chance chance{1};
    const Rendered set(chance, name_of("www.example.com"), Rtype::A);
    Reply reply(packet, 512);
    REQUIRE(reply.writer.add_rrset(Section::Answer, set.owner, set.rrset));
    const auto bytes = reply.finish();
    CHECK(std::equal(packet.begin() + 12, packet.end(), bytes.begin() + 12));
    CHECK(bytes[packet.size()] == 0xc0);
    CHECK(bytes[packet.size() + 1] == 0x0c);
  }

  TEST_CASE("rdata comes back as it was rendered, names spelled out") {
    for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
      CAPTURE(seed);
      Chance chance{seed};
      const Rendered set(chance, name_of(chance.name(0)), chance.type());
      std::size_t at = 0;
      CHECK(dns::for_each_rdata(set.rrset, [&](std::span<const std::uint8_t> rdata) {
        REQUIRE(at < set.rdata.size());
        CHECK(folded(set.rrset.type, {rdata.begin(), rdata.end()}) == folded(set.rrset.type, set.rdata[at]));
        ++at;
        return true;
      }));
      CHECK(at == set.rdata.size());
      CHECK(set.images.size() <= set.plain.size() + set.rdata.size() * (dns::kImageFixedBytes - 2));
    }
  }

  TEST_CASE("a set that does not fit leaves nothing behind, copied or not") {
    for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
      CAPTURE(seed);
      Chance chance{seed};
      const Case one(chance);
      const auto packet = test::build_query(one.question, Rtype::A);
      const Rendered first(chance, one.stored, chance.type());
      const Rendered second(chance, name_of(chance.name(0)), chance.type());
      Reply whole(packet, 65'535);
      REQUIRE(whole.writer.add_rrset(Section::Answer, one.answered, first.rrset));
      const std::size_t first_end = whole.writer.finish();
      REQUIRE(whole.writer.add_rrset(Section::Answer, second.owner, second.rrset));
      const std::size_t second_end = whole.writer.finish();
      for (const std::size_t end : {first_end, second_end}) {
        if (end <= 271) continue;
        Reply exact(packet, end);
        CHECK(exact.writer.add_rrset(Section::Answer, one.answered, first.rrset));
        CHECK(exact.writer.add_rrset(Section::Answer, second.owner, second.rrset) == (end == second_end));
        CHECK(exact.writer.finish() == end);
        Reply tight(packet, end - 1);
        const bool first_fits = first_end < end;
        CHECK(tight.writer.add_rrset(Section::Answer, one.answered, first.rrset) == first_fits);
        if (first_fits) CHECK_FALSE(tight.writer.add_rrset(Section::Answer, second.owner, second.rrset));
        CHECK(tight.writer.finish() == (first_fits ? first_end : packet.size()));
      }
    }
  }

  TEST_CASE("names of a copied set that was taken back are forgotten") {
    const auto packet = test::build_query("ex", Rtype::A);
    Chance chance{1};
    const std::vector<Bytes> targets{{4, 'l', 'o', 'n', 'g', 3, 'n', 'e', 't', 0}};
    const std::vector<std::span<const std::uint8_t>> views{targets[0]};
    Bytes images(64);
    images.resize(dns::render_rrset(name_of("ex"), Rtype::Ns, 60, views, images.data()));
    const Name owner = name_of("ex");
    const dns::Rrset rrset{.type = Rtype::Ns, .count = 1, .ttl_s = 60, .owner = owner, .images = images};
    Reply reply(packet, 512);
    const auto mark = reply.writer.mark();
    REQUIRE(reply.writer.add_rrset(Section::Answer, owner, rrset));
    CHECK(reply.writer.name_offset(name_of("net")) != 0);
    reply.writer.rewind(mark);
    CHECK(reply.writer.name_offset(name_of("net")) == 0);
    CHECK(reply.writer.name_offset(owner) == dns::kQuestionNameOffset);
    REQUIRE(reply.writer.add_rrset(Section::Answer, owner, rrset));
    const auto after_copy = reply.writer.mark();
    REQUIRE(reply.writer.add_rrset(Section::Additional, name_of("a.net"), rrset));
    reply.writer.rewind(after_copy);
    CHECK(reply.writer.name_offset(name_of("a.net")) == 0);
    CHECK(dns::read_message(reply.finish())->records.size() == 1);
  }

  TEST_CASE("the target of an alias is read through its pointers") {
    const Bytes target{3, 'C', 'd', 'n', 2, 'e', 'x', 3, 'c', 'o', 'm', 0};
    const std::vector<std::span<const std::uint8_t>> views{target};
    const Name owner = name_of("www.ex.com");
    Bytes images(64);
    images.resize(dns::render_rrset(owner, Rtype::Cname, 60, views, images.data()));
    const dns::Rrset rrset{.type = Rtype::Cname, .count = 1, .ttl_s = 60, .owner = owner, .images = images};
    CHECK(images.size() == dns::kImageFixedBytes + 4 + 2);  // "Cdn" and a pointer
    CHECK(dns::read_target(rrset) == name_of("cdn.ex.com"));
  }
}
