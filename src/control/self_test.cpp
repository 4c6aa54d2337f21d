#include "control/self_test.hpp"

#include "base/limits.hpp"
#include "dns/message.hpp"
#include "dns/name.hpp"
#include "query/answer.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <utility>

namespace meridian::control {
namespace {

/// A plain question for the SOA of `apex`.
std::vector<std::uint8_t> soa_query(dns::NameView apex) {
  std::vector<std::uint8_t> query{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  query.insert(query.end(), apex.wire().begin(), apex.wire().end());
  query.insert(query.end(), {0, static_cast<std::uint8_t>(dns::Rtype::Soa), 0, 1});
  return query;
}

/// The same counters and random numbers would move an own server's totals, so the test has its own.
class Asker {
 public:
  explicit Asker(const Serving& serving) : serving_(serving), reply_(base::limits::kTcpMessageBytesMax) {}

  bool answers_soa(dns::NameView apex) {
    const query::Source self{.address = {base::Family::V4, {127, 0, 0, 1}}, .is_tcp = true};
    const auto query = soa_query(apex);
    const auto bytes =
        query::answer_query(*serving_.snapshot, *serving_.tables, self, query, reply_, worker_);
    const auto message = dns::read_message(std::span(reply_).first(bytes));
    return message && message->rcode == dns::Rcode::NoError && message->is_authoritative() &&
           !message->section(dns::Section::Answer).empty();
  }

 private:
  const Serving& serving_;
  std::vector<std::uint8_t> reply_;
  stats::Counters counters_;
  query::Worker worker_{.counters = counters_, .random = base::Random(1)};
};

}  // namespace

std::vector<std::string> zone_names(const query::Snapshot& snapshot) {
  std::vector<std::string> names;
  for (const auto& zone : snapshot.zones.zones()) names.push_back(dns::to_string(zone.apex()));
  return names;
}

base::Expected<void, std::string> self_test(const Serving& serving,
                                            const std::vector<std::string>& served_before) {
  Asker asker(serving);
  for (const auto& zone : serving.snapshot->zones.zones()) {
    if (asker.answers_soa(zone.apex())) continue;
    return base::unexpected("self-test: zone " + dns::to_string(zone.apex()) +
                            " does not answer for its SOA");
  }
  std::set<std::string> named;
  for (const auto& file : serving.rulebook->model->zones) named.insert(dns::to_string(file.apex.view()));
  const auto served = zone_names(*serving.snapshot);
  const std::set<std::string> now(served.begin(), served.end());
  for (const auto& name : served_before) {
    if (now.contains(name) || !named.contains(name)) continue;
    return base::unexpected("self-test: zone " + name + " was served before and is not served now");
  }
  return {};
}

}  // namespace meridian::control
