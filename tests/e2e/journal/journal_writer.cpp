// Writes into a journal without end, and says on standard output what the journal has acknowledged: what
// test_kill.py kills. `journal_writer FOLDER FIRST`: numbers count from FIRST on, so that rounds differ.
#include "journal/journal.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace meridian;

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

/// Acknowledged only by flush().
void write_states(journal::Journal& journal, const base::Clock& clock, std::int64_t number) {
  for (int i = 0; i < 5; ++i) {
    journal.record({{"www.example.com", "ams", fmt::format("192.0.2.{}", i)},
                    "http",
                    "up",
                    number % 2 == 0 ? "up" : "down",
                    std::to_string(number),
                    clock.wall()});
  }
  journal.flush();
  say(fmt::format("states {}", number));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const base::SystemClock clock;
  stats::CounterRegistry counters;
  journal::Journal journal(argv[1], clock, counters.register_block());
  if (journal.status().place != journal::Place::File) return 3;
  std::int64_t last = 0;
  for (std::int64_t number = std::atoll(argv[2]);; ++number) {
    write_states(journal, clock, number);
    std::vector<std::int64_t> ended;
    // Every third replaces the one before.
    if (number % 3 == 0 && last != 0) {
      ended.push_back(last);
      say(fmt::format("ending {}", last));
    }
    const auto text = std::to_string(number);
    const auto id = journal.change_overrides(
        ended, journal::OverrideRow{.kind = "drain", .target = text, .reason = text, .author = "writer"},
        {.at = clock.wall(), .who = "writer", .action = "drain", .target = text, .result = "done"});
    if (!id) return 4;
    if (!ended.empty()) say(fmt::format("ended {}", last));
    say(fmt::format("override {} {}", *id, text));
    last = *id;
  }
}
