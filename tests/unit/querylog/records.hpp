// Records to write and read, for the tests of querylog/.
#pragma once

#include "querylog/record.hpp"
#include "support/packet_builder.hpp"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace meridian::test {

/// A snapshot with one service, two datacenters, a pool in each, and a sorry page.
inline query::Snapshot small_snapshot() {
  query::Snapshot snapshot;
  snapshot.epoch = 7;
  snapshot.datacenters = {{.name = "ams"}, {.name = "fra"}};
  snapshot.pools.resize(3);
  snapshot.pools[1].datacenter = base::DatacenterId{1};
  query::Service service;
  service.name = "www.example.com";
  service.sorry_pool = base::PoolId{2};
  snapshot.services.push_back(std::move(service));
  return snapshot;
}

inline query::Summary steered_summary(base::PoolId pool = base::PoolId{1}) {
  return {.kind = query::AnswerKind::Steered,
          .rcode = dns::Rcode::NoError,
          .by_client_subnet = true,
          .scope_bits = 18,
          .reason = steering::Reason::Fallback,
          .tier = 1,
          .pool = pool,
          .service = base::ServiceId{0}};
}

/// 2026-11-21T14:17:23.123456789Z from 198.51.100.7, answered after 12.3 µs.
inline querylog::Facts some_facts() {
  querylog::Facts facts;
  facts.received_ns = 1'795'270'643'123'456'789;
  facts.took_ns = 12'345;
  facts.epoch = 7;
  facts.client = *base::parse_ip_address("198.51.100.7");
  facts.port = 4'711;
  facts.sample = 100;
  facts.answer_bytes = 3;
  return facts;
}

/// As the worker writes it.
inline Bytes record_of(querylog::Facts facts, const query::Summary& summary, const Bytes& query,
                       const Bytes& answer) {
  const auto snapshot = small_snapshot();
  querylog::take_summary(facts, summary);
  const querylog::RecordSource source{facts, snapshot, summary, query, answer};
  Bytes bytes(querylog::record_bytes(source));
  querylog::write_record(source, bytes);
  return bytes;
}

/// A folder of its own, gone with this.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "meridian-querylog-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string read_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace meridian::test
