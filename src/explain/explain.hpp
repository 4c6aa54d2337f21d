// Why a client gets the answer it gets, told step by step by the functions that answer.
//
// Used by meridianctl (offline) and by the control API (against the running snapshot). Not a second
// implementation: locate, decide and the compiler's own rule look-up are called, and a disagreement between
// the compiled leaf and the rules is reported as a bug.
#pragma once

#include "base/expected.hpp"
#include "base/ip.hpp"
#include "config/compile/compile.hpp"
#include "dns/name.hpp"
#include "dns/types.hpp"
#include "query/decide.hpp"
#include "query/snapshot.hpp"

#include <optional>
#include <string>
#include <vector>

namespace meridian::explain {

struct Question {
  dns::Name name;  ///< lower case
  dns::Rtype type = dns::Rtype::A;
  base::IpAddress resolver;  ///< the packet's source
  std::optional<base::IpPrefix> client_subnet;
};

/// Reads the words of `explain NAME [TYPE] --from ADDRESS [--resolver ADDRESS]`. `from` is an address, taken
/// as its /24 or /56 as resolvers send it, or a network; empty: no client subnet, so the resolver is the
/// client.
[[nodiscard]] base::Expected<Question, std::string> parse_question(const std::string& name,
                                                                   const std::string& type,
                                                                   const std::string& from,
                                                                   const std::string& resolver);

struct RecordStep {
  std::string file;
  base::IpPrefix block;
};

struct PlaceStep {
  geo::Place place;
  std::vector<RecordStep> records;  ///< databases that know the address
  bool centre_of_country = false;   ///< the coordinates are the country's population centre
};

struct RuleStep {
  bool implicit = false;      ///< no rule names the client: nearest
  bool is_resolvers = false;  ///< it is one of the map's rules for resolvers
  std::string place;          ///< what won: "GB", "203.0.113.0/24", "everyone"
  std::string file;           ///< the networks file it came from; place_at is its line there
  std::string region;         ///< the region it came from; empty when the rule names it itself
  base::Location rule_at;
  base::Location place_at;
  std::string note;
  std::string until;  ///< the rule's last day; empty: it has none
};

struct MemberStep {
  std::string datacenter;
  std::uint32_t weight = 1;
  bool has_pool = false;
  double health = 0;      ///< 0 to 1, less what the datacenter sheds
  double shed = 0;        ///< 0 to 1; 1: drained
  bool is_alias = false;  ///< its pool is another name: no endpoints, always well
  std::uint32_t endpoints_up = 0;
  std::uint32_t endpoints = 0;
};

struct TierStep {
  std::vector<MemberStep> members;
  double share = 0;  ///< of the clients that reach it, 0 to 1
};

struct Explanation {
  Question question;
  std::string assumed;             ///< as the caller played it through: "ams down"; empty: nothing
  std::vector<std::string> chain;  ///< names that CNAMEs and DNAMEs led to, in order
  std::string zone;                ///< of the last name; empty: none of ours
  /// "steered", "static", "delegation", "nodata", "nxdomain", "refused"; for a chain that ends early "cname"
  /// (it leaves our zones), "loop", "too_long", "yxdomain"
  std::string outcome;
  // The rest only for steered names.
  std::string service;
  std::string map;
  bool fixed = false;  ///< a view of one datacenter: neither map nor client matter
  query::Decision decision;
  PlaceStep place;
  RuleStep rule;
  std::vector<TierStep> tiers;
  std::string datacenter;
  std::vector<std::string> addresses;  ///< those the answer is drawn from, at most `answer_most` at once
  std::string alias;                   ///< the CNAME that is the answer instead; `chain` goes on behind it
  std::vector<std::string> aliases;    ///< the names it is chosen from, with weights where there are several
  std::string alias_outcome;           ///< what is at the end of the alias: "static", "outside", …
  std::uint32_t answer_most = 0;
  std::uint32_t ttl_s = 0;
  bool ttl_shaped = false;  ///< shorter than configured, for an endpoint is about to change its state
  std::uint64_t epoch = 0;
  bool has_rules = true;  ///< false: the map comes from the disk, and neither place nor rule is known
  bool agrees = true;     ///< the compiled leaf says what the rules say; false is a bug of ours
};

[[nodiscard]] Explanation explain(const Question& question, const query::Snapshot& snapshot,
                                  const query::Tables& tables, const compile::Rulebook& rulebook);

/// For people: a line a step.
[[nodiscard]] std::string to_text(const Explanation& explanation);
/// For programs: one JSON object on one line. docs/explain.md lists the keys.
[[nodiscard]] std::string to_json(const Explanation& explanation);

}  // namespace meridian::explain
