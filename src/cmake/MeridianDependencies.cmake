# Every library Meridian uses, by its Debian 12 package (docs/architecture.md says why each one).
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
# By name: Debian's default Boost is 1.74, which lacks what Beast and Asio need here.
find_package(Boost 1.81 EXACT REQUIRED COMPONENTS json url)
find_package(CURL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)
pkg_check_modules(maxminddb REQUIRED IMPORTED_TARGET libmaxminddb)
pkg_check_modules(ldns REQUIRED IMPORTED_TARGET ldns)
