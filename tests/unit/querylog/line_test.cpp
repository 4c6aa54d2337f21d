#include "querylog/line.hpp"

#include "unit/querylog/records.hpp"

#include <doctest/doctest.h>

#include <string>

namespace meridian::querylog {
namespace {

using test::Bytes;

std::string line_of(const Facts& facts, const query::Summary& summary, const Bytes& query) {
  const auto bytes = test::record_of(facts, summary, query, {});
  std::string line;
  append_line(line, read_record(bytes));
  return line;
}

/// The value behind ` key=`.
std::string field(const std::string& line, const std::string& key) {
  const auto start = line.find(' ' + key + '=');
  REQUIRE(start != std::string::npos);
  const auto value = start + key.size() + 2;
  return line.substr(value, line.find_first_of(" \n", value) - value);
}

/// A query whose name is these labels, byte for byte.
Bytes query_of_labels(const std::vector<std::string>& labels) {
  Bytes query = test::from_hex("1234 0000 0001 0000 0000 0000");
  for (const auto& label : labels) {
    query.push_back(static_cast<std::uint8_t>(label.size()));
    query.insert(query.end(), label.begin(), label.end());
  }
  test::append(query, test::from_hex("00 0001 0001"));
  return query;
}

TEST_SUITE_BEGIN("querylog/line");

TEST_CASE("a steered query has all there is to say") {
  const auto query = test::build_query("WWW.example.com", dns::Rtype::A,
                                       {.client_subnet = *base::parse_ip_prefix("203.0.113.0/24")});
  CHECK(line_of(test::some_facts(), test::steered_summary(), query) ==
        "time=2026-11-21T14:17:23.123456Z client=198.51.100.0/24 transport=udp subnet=203.0.113.0/24 "
        "name=www.example.com class=IN type=A rcode=NOERROR tc=0 bytes=3 took_us=12.3 kind=steered zone=- "
        "service=www.example.com datacenter=fra reason=fallback tier=1 scope=18 rate=- epoch=7 sample=100\n");
}

TEST_CASE("what there is not stands as a dash") {
  auto facts = test::some_facts();
  facts.is_tcp = true;
  facts.answer_bytes = 0;
  CHECK(line_of(facts, {}, {1, 2, 3}) ==
        "time=2026-11-21T14:17:23.123456Z client=198.51.100.0/24 transport=tcp subnet=- name=- class=- "
        "type=- rcode=- tc=0 bytes=0 took_us=12.3 kind=dropped zone=- service=- datacenter=- reason=- tier=- "
        "scope=0 rate=- epoch=7 sample=100\n");
}

TEST_CASE("no line tells more of an address than its network") {
  struct Row {
    const char* why;
    const char* source;
    const char* subnet;
    const char* client;
    const char* expected_subnet;
  };
  const Row rows[] = {
      {"IPv4 keeps 24 bits", "192.0.2.255", "203.0.113.77/32", "192.0.2.0/24", "203.0.113.0/24"},
      {"IPv6 keeps 48 bits", "2001:db8:1:2::3", "2001:db8:4:5:6::/80", "2001:db8:1::/48", "2001:db8:4::/48"},
      {"a shorter subnet stays as it was sent", "192.0.2.1", "10.0.0.0/8", "192.0.2.0/24", "10.0.0.0/8"},
      {"a client that opted out", "192.0.2.1", "0.0.0.0/0", "192.0.2.0/24", "0.0.0.0/0"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    auto facts = test::some_facts();
    facts.client = *base::parse_ip_address(row.source);
    const auto query = test::build_query("a.example", dns::Rtype::Aaaa,
                                         {.client_subnet = *base::parse_ip_prefix(row.subnet)});
    const auto line = line_of(facts, test::steered_summary(), query);
    CHECK(field(line, "client") == row.client);
    CHECK(field(line, "subnet") == row.expected_subnet);
  }
}

TEST_CASE("no name can break a line") {
  struct Row {
    const char* why;
    std::vector<std::string> labels;
    const char* expected;
  };
  const Row rows[] = {
      {"the root", {}, "."},
      {"a new line", {"a\nb", "example"}, "a\\010b.example"},
      {"a forged field", {"x kind=steered"}, "x\\032kind\\061steered"},
      {"quotes", {"\"q'"}, "\\034q\\039"},
      {"a dot and a backslash inside a label", {"a.b\\c", "d"}, "a\\.b\\\\c.d"},
      {"a zero byte", {std::string("\0", 1)}, "\\000"},
      {"bytes above ASCII", {"\xc3\xa9\xff"}, "\\195\\169\\255"},
      {"what names are made of", {"_sip", "*", "x-1"}, "_sip.*.x-1"},
      {"signs a shell knows", {"$(x);&|`<>"}, "\\036\\040x\\041\\059\\038\\124\\096\\060\\062"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.why);
    const auto line = line_of(test::some_facts(), {}, query_of_labels(row.labels));
    CHECK(field(line, "name") == row.expected);
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(std::count(line.begin(), line.end(), ' ') == 20);
  }
}

TEST_CASE("the longest name with the worst bytes is one line") {
  const std::vector<std::string> labels{std::string(63, '\n'), std::string(63, ' '), std::string(63, '='),
                                        std::string(61, '"')};
  const auto line = line_of(test::some_facts(), {}, query_of_labels(labels));
  CHECK(field(line, "name").size() == 250 * 4 + 3);
  CHECK(line.size() < 4'096);
}

TEST_CASE("types and classes without a name have their numbers") {
  Bytes query = query_of_labels({"x"});
  query[query.size() - 4] = 0xff;
  query[query.size() - 1] = 0x03;
  auto line = line_of(test::some_facts(), {}, query);
  CHECK(field(line, "type") == "TYPE65281");
  CHECK(field(line, "class") == "CH");
  query[query.size() - 2] = 0xfe;
  CHECK(field(line_of(test::some_facts(), {}, query), "class") == "CLASS65027");
}

TEST_CASE("every kind of answer has its word") {
  struct Row {
    query::AnswerKind kind;
    const char* word;
  };
  const Row rows[] = {
      {query::AnswerKind::Dropped, "dropped"},   {query::AnswerKind::Malformed, "malformed"},
      {query::AnswerKind::Refused, "refused"},   {query::AnswerKind::Static, "static"},
      {query::AnswerKind::Steered, "steered"},   {query::AnswerKind::Referral, "referral"},
      {query::AnswerKind::NoData, "nodata"},     {query::AnswerKind::NxDomain, "nxdomain"},
      {query::AnswerKind::ServFail, "servfail"}, {query::AnswerKind::Cookie, "cookie"},
  };
  for (const auto& row : rows) {
    const auto line = line_of(test::some_facts(), {.kind = row.kind}, query_of_labels({"x"}));
    CHECK(field(line, "kind") == row.word);
  }
}

TEST_CASE("what rate limiting did to an answer has its word") {
  struct Row {
    query::RateAction action;
    const char* word;
  };
  const Row rows[] = {{query::RateAction::None, "-"},
                      {query::RateAction::LoggedOnly, "log_only"},
                      {query::RateAction::Slipped, "slipped"},
                      {query::RateAction::Dropped, "dropped"}};
  for (const auto& row : rows) {
    const auto line = line_of(test::some_facts(), {.rate = row.action}, query_of_labels({"x"}));
    CHECK(field(line, "rate") == row.word);
  }
}

TEST_SUITE_END();

}  // namespace
}  // namespace meridian::querylog
