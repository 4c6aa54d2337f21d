#!/usr/bin/env bash
# Installs the Debian packages of the named sets; does nothing, fast, when all are there.
# usage: packages.sh build|test|peers|zonemaster...
set -euo pipefail

build_packages=(
  g++ cmake make ninja-build pkg-config xz-utils
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libcli11-dev libcurl4-openssl-dev libexpected-dev libfmt-dev
  libfstrm-dev libprotobuf-c-dev protobuf-c-compiler
  libldns-dev libmaxminddb-dev libspdlog-dev libsqlite3-dev libssl-dev libyaml-cpp-dev prometheus-cpp-dev
  bind9-dnsutils
)
test_packages=(
  clang clang-tidy clang-format libclang-rt-14-dev
  doctest-dev libbenchmark-dev
  bind9-host bird2 dnsperf exabgp frr fstrm-bin gdnsd knot-dnsutils ldnsutils mmdb-bin prometheus
  iproute2 nginx-light nsd openssl systemd
  python3 python3-dnspython python3-jsonschema python3-pytest python3-pytest-rerunfailures python3-yaml
)
# The servers of `make bench-peers`, and an independent reader of country databases to check their answers with.
peers_packages=(
  dnsperf gdnsd knot knot-module-geoip nsd
  iproute2 python3-dnspython python3-maxminddb util-linux
)

# Eighty packages of Perl, for one test that is skipped without them.
zonemaster_packages=(zonemaster-cli iproute2)

wanted=()
for set in "$@"; do
  case "$set" in
    build) wanted+=("${build_packages[@]}") ;;
    test) wanted+=("${test_packages[@]}") ;;
    zonemaster) wanted+=("${zonemaster_packages[@]}") ;;
    peers) wanted+=("${peers_packages[@]}") ;;
    *) echo "packages.sh: unknown set '$set'; use build, test, peers or zonemaster" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "packages.sh: these packages are missing and need root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
# Packages of servers start them; here they are wanted as programs only.
for package in bird2 exabgp frr gdnsd knot nginx-light nsd prometheus; do
  service=${package%-light}
  [ "$package" = bird2 ] && service=bird
  if [[ " ${missing[*]} " == *" $package "* ]] && [ -d /run/systemd/system ]; then
    "${as_root[@]}" systemctl disable --now --quiet "$service"
  fi
done
