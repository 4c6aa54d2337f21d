// Runs the scenario files given; prints one line each, exits 1 when one fails.
#include "scenario/scenario.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: scenario_runner DATA_FOLDER FILE.scn...\n");
    return 2;
  }
  int failed = 0;
  for (int i = 2; i < argc; ++i) {
    try {
      const auto met = meridian::test::run_scenario(argv[i], argv[1]);
      std::printf("%s: %zu expectations met\n", argv[i], met);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ++failed;
    }
  }
  return failed == 0 ? 0 : 1;
}
