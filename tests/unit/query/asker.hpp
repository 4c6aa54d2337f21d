// Asks a compiled map, for the tests of query/.
#pragma once

#include "config/compile/compile.hpp"
#include "dns/message.hpp"
#include "query/answer.hpp"
#include "support/map_fixture.hpp"
#include "support/packet_builder.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace meridian::test {

/// Serves one compiled map.
class Asker {
 public:
  explicit Asker(compile::Compiled compiled) : compiled_(std::move(compiled)), tables_(*compiled_.snapshot) {}

  /// The bytes of the reply; empty for silence.
  Bytes ask_bytes(const Bytes& packet, const query::Source& source) {
    Bytes reply(source.is_tcp ? base::limits::kTcpMessageBytesMax : base::limits::kUdpAnswerBytesMax);
    reply.resize(query::answer_query(*compiled_.snapshot, tables_, source, packet, reply, worker_));
    return reply;
  }

  dns::Message ask(std::string_view name, dns::Rtype type, const QuerySpec& spec = {.udp_size = 1232},
                   const query::Source& source = {*base::parse_ip_address("192.0.2.1"), false}) {
    const auto reply = ask_bytes(build_query(name, type, spec), source);
    auto message = dns::read_message(reply);
    REQUIRE_MESSAGE(message.has_value(), (message ? "" : message.error()));
    return *message;
  }

  dns::Message ask_from(std::string_view client, std::string_view name, dns::Rtype type) {
    return ask(name, type, {.client_subnet = *base::parse_ip_prefix(client)});
  }

  const query::Snapshot& snapshot() const { return *compiled_.snapshot; }
  const compile::Rulebook& rulebook() const { return *compiled_.rulebook; }
  query::Tables& tables() { return tables_; }
  stats::Counters& counters() { return counters_; }
  query::Worker& worker() { return worker_; }
  /// What the site file would have said. Only here: a snapshot that serves never changes.
  query::Settings& settings() {
    return std::const_pointer_cast<query::Snapshot>(compiled_.snapshot)->settings;
  }

  void set_health(std::string_view address, health::EndpointState state) {
    const auto wanted = *base::parse_ip_address(address);
    for (std::uint32_t i = 0; i < snapshot().endpoints.size(); ++i) {
      if (snapshot().endpoints[i].address == wanted) tables_.health.set_state(base::EndpointId{i}, state);
    }
  }

 private:
  compile::Compiled compiled_;
  query::Tables tables_;
  stats::Counters counters_;
  query::Worker worker_{.counters = counters_, .random = base::Random(1)};
};

inline std::string data_folder() { return MERIDIAN_BINARY_DIR "/share/meridian"; }

/// The standard map, and a zone with a loop, of which the compiler warns.
inline Asker standard_asker() {
  const MapFixture fixture(data_folder());
  fixture.write_standard();
  fixture.write(
      "zones/loop.test.zone",
      "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\nloop1 CNAME loop2\nloop2 CNAME loop1\n");
  return Asker(fixture.must_compile());
}

inline std::string first_address(const dns::Message& message) {
  const auto records = message.section(dns::Section::Answer);
  if (records.empty()) return {};
  const auto& rdata = records.back().rdata;
  if (rdata.size() == 4)
    return base::to_string(base::IpAddress::v4(std::span<const std::uint8_t, 4>{rdata.data(), 4}));
  if (rdata.size() == 16)
    return base::to_string(base::IpAddress::v6(std::span<const std::uint8_t, 16>{rdata.data(), 16}));
  return {};
}

inline int scope_of(const dns::Message& message) {
  return message.edns && message.edns->client_subnet ? message.edns->client_subnet->scope_bits : -1;
}

}  // namespace meridian::test
