// text_mmdb TEXT MMDB: a GeoIP database from lines of `NETWORK key=value…` (tests/scenario/README.md).
#include "scenario/text_geoip.hpp"

#include <cstdio>
#include <exception>
#include <fstream>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: text_mmdb TEXT MMDB\n");
    return 2;
  }
  try {
    const auto bytes = meridian::test::text_to_mmdb(argv[1]);
    std::ofstream file(argv[2], std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (file) return 0;
    std::fprintf(stderr, "%s can't be written\n", argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
