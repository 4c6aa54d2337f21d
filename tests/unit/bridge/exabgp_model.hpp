// A model of what ExaBGP 4.2.21 does with commands, as its source says and tests/e2e/bgp sees: the queue of
// changes by attributes that makes traps b and c of docs/anycast.md, the session that loses its first
// withdrawals, and the answers.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace meridian::test {

/// One neighbor's session and routes. A route is its network and the text of its attributes.
class ModelPeer {
 public:
  std::map<std::string, std::string> routes;  ///< What the neighbor has.
  bool up = false;
  int up_ms = 0;

  void change(const std::string& network, const std::string& attributes, bool announce, bool force = false) {
    const auto cached = cache_.find(network);
    if (announce && !force && cached != cache_.end() && cached->second == attributes) return;
    if (const auto last = queued_.find(network); !announce && last != queued_.end())
      bucket(last->second).erase(network);
    bucket(attributes)[network] = announce;
    queued_[network] = attributes;
    if (announce) {
      cache_[network] = attributes;
    } else {
      cache_.erase(network);
    }
  }

  void flush() {
    for (const auto& [network, attributes] : std::map(cache_)) change(network, attributes, true, true);
  }

  void go_up() {
    up = true;
    up_ms = 0;
    sends_withdrawals_ = false;
    flush();
  }

  void go_down() {
    up = false;
    routes.clear();
    clear_queue();
  }

  /// A session that cannot be made drops what is queued, too.
  void fail_to_go_up() {
    if (!up) clear_queue();
  }

  void send() {
    if (!up || queued_.empty()) return;
    for (const auto& [attributes, changes] : queue_) {
      for (const auto& [network, announce] : changes) {
        if (announce) routes[network] = attributes;
        if (!announce && sends_withdrawals_) routes.erase(network);
      }
    }
    sends_withdrawals_ = true;
    clear_queue();
  }

 private:
  /// In the order in which their attributes were first seen, not in that of the changes: this is the trap.
  std::map<std::string, bool>& bucket(const std::string& attributes) {
    for (auto& [known, changes] : queue_) {
      if (known == attributes) return changes;
    }
    return queue_.emplace_back(attributes, std::map<std::string, bool>{}).second;
  }

  void clear_queue() {
    queue_.clear();
    queued_.clear();
  }

  bool sends_withdrawals_ = false;
  std::map<std::string, std::string> cache_;
  std::vector<std::pair<std::string, std::map<std::string, bool>>> queue_;
  std::map<std::string, std::string> queued_;  ///< network -> attributes of its last change.
};

class ModelExaBgp {
 public:
  std::map<std::string, ModelPeer> peers;
  std::deque<std::string> said;  ///< Lines for the bridge.
  bool stopped = false;
  int ignored_next = 0;  ///< Commands that will be neither done nor answered.

  void hear(const std::string& line) { heard_.push_back(line); }

  /// What a new bridge does not get.
  void forget_said() { said.clear(); }

  void set_session(const std::string& neighbor, bool up) {
    auto& peer = peers[neighbor];
    if (peer.up == up) return;
    if (up) {
      peer.go_up();
    } else {
      peer.go_down();
    }
    say("neighbor " + neighbor + (up ? " up" : " down - peer reset"));
    say("");
  }

  /// Each takes 5 ms.
  void turn() {
    for (auto& [neighbor, peer] : peers) peer.up_ms += 5;
    if (stopped) return;
    std::vector<std::string> later;
    for (const auto& line : std::exchange(heard_, {})) {
      if (line == "version") {
        say("exabgp 4.2.21");
        say("done");
      } else if (ignored_next > 0) {
        --ignored_next;
      } else {
        later.push_back(line);
      }
    }
    for (const auto& line : later) run(line);
    for (auto& [neighbor, peer] : peers) peer.send();
  }

 private:
  void say(const std::string& line) { said.push_back(line); }

  static std::string time_text(int ms) {
    if (ms < 1'000) return "down";
    return ms < 10'000 ? "0:00:0" + std::to_string(ms / 1'000) : "0:01:00";
  }

  void run(const std::string& line) {
    auto rest = line;
    std::vector<std::string> only;
    for (; rest.starts_with("neighbor "); rest.erase(0, rest.starts_with(", ") ? 2 : 0)) {
      const auto end = rest.find(' ', 9);
      only.push_back(rest.substr(9, end - 9));
      rest.erase(0, end + 1);
    }
    std::erase_if(only, [this](const auto& neighbor) { return !peers.contains(neighbor); });
    if (only.empty() && line.starts_with("neighbor ")) return say("error");
    if (rest == "show neighbor summary") {
      for (const auto& [neighbor, peer] : peers) {
        if (peer.up) say(neighbor + " 65000 " + time_text(peer.up_ms) + " established 3 1");
      }
    } else if (rest == "flush adj-rib out") {
      if (!peers[only[0]].up) return say("error");
      peers[only[0]].flush();
    } else {
      const bool announce = rest.starts_with("announce route ");
      if (!announce && !rest.starts_with("withdraw route ")) return say("error");
      const auto end = rest.find(' ', 15);
      for (auto& [neighbor, peer] : peers) {
        const bool is_meant = only.empty() || std::find(only.begin(), only.end(), neighbor) != only.end();
        if (is_meant) peer.change(rest.substr(15, end - 15), rest.substr(end + 1), announce);
      }
    }
    say("done");
  }

  std::deque<std::string> heard_;
};

}  // namespace meridian::test
