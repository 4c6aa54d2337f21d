# Thin: what a person types. The work is in CMakePresets.json, src/setup and tests.
.DEFAULT_GOAL := help
SHELL := /bin/bash
RELEASE := build/release

.PHONY: help run test test-city bench bench-peers bench-map bench-health lab lint mutate zonemaster fuzz deb geo-data clean setup setup-test

help: ## list the targets
	@echo "Meridian: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

run: setup $(RELEASE)/build.ninja ## set up, build and serve the three-datacenters example on 127.0.0.1:5353
	@cmake --build $(RELEASE)
	@exec src/setup/run_example.sh $(RELEASE)

test: setup-test build/dev/build.ninja ## set up, build and pass every test
	@cmake --build build/dev
	@ctest --preset dev

test-city: setup-test build/dev/build.ninja ## install a city database (npm, 130 MB) and run the optional test on it
	@tests/support/install_city_database.sh build/city
	@cmake --build build/dev --target unit_geo
	@MERIDIAN_CITY_MMDB=$(CURDIR)/build/city ctest --test-dir build/dev -R unit/geo/shipped_database --output-on-failure

bench: setup-test ## measure the hot path (Google Benchmark)
	@test -f build/bench/build.ninja || cmake --preset bench
	@cmake --build build/bench
	@tests/bench/run.sh build/bench

bench-peers: setup-test ## measure beside gdnsd, Knot DNS and NSD, 8 minutes (ROUNDS=n SECONDS_EACH=n KINDS=a,b SERVERS=a,b)
	@src/setup/packages.sh peers
	@test -f build/bench/build.ninja || cmake --preset bench
	@cmake --build build/bench --target meridiand udp_echo tcp_echo dns_load geo_data
	@/usr/bin/python3 tests/bench/peers/run.py build/bench --rounds $(or $(ROUNDS),5) --seconds $(or $(SECONDS_EACH),3) \
	  $(if $(KINDS),--kinds $(KINDS)) $(if $(SERVERS),--servers $(SERVERS))

bench-health: setup-test ## measure what probes, metrics and events cost the UDP path (ROUNDS=n SECONDS_EACH=n)
	@test -f build/bench/build.ninja || cmake --preset bench
	@cmake --build build/bench --target meridiand dns_load geo_data
	@/usr/bin/python3 tests/bench/health/run.py build/bench --rounds $(or $(ROUNDS),5) --seconds $(or $(SECONDS_EACH),5)

bench-map: setup-test ## compile maps of a city database beside gdnsd, 5 minutes and 130 MB by npm (ROUNDS=n CITY=FOLDER)
	@tests/support/install_city_database.sh $(or $(CITY),build/city)
	@test -f build/bench/build.ninja || cmake --preset bench
	@cmake --build build/bench --target meridianctl map_data geo_bench geo_data
	@/usr/bin/python3 tests/bench/map/run.py build/bench $(or $(CITY),build/city) --rounds $(or $(ROUNDS),5)

lab: setup-test build/dev/build.ninja ## anycast as a whole: PoPs, routers, clients and faults; needs root (RUNS=n ONLY=words WRITE=1)
	@cmake --build build/dev
	@tests/lab/run.sh build/dev $(or $(RUNS),5) $(if $(ONLY),-k "$(ONLY)") $(if $(WRITE),--write)

lint: setup-test ## clang-format, and clang-tidy on every file
	@tests/tidy/format_check.sh
	@cmake --preset tidy && cmake --build build/tidy

mutate: setup-test build/dev/build.ninja ## send a million mutated packets to a server, judge every reply (COUNT=n)
	@cmake --build build/dev
	@tests/e2e/protocol/mutate.sh build/dev $(or $(COUNT),1000000)

zonemaster: setup-test build/dev/build.ninja ## zonemaster-cli against a delegated zone, in a network namespace
	@src/setup/packages.sh zonemaster
	@cmake --build build/dev
	@tests/e2e/zonemaster.sh build/dev

fuzz: setup-test ## run every fuzz target for 60 s each (SECONDS_EACH=n)
	@test -f build/fuzz/build.ninja || cmake --preset fuzz
	@cmake --build --preset fuzz
	@tests/fuzz/run.sh build/fuzz $(or $(SECONDS_EACH),60)

deb: setup ## build the Debian packages into build/release
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr
	@cmake --build $(RELEASE) && cd $(RELEASE) && cpack

geo-data: ## fetch the newest country database from its source (see geo/data/README.md)
	@geo/data/refresh.sh

clean: ## remove every build
	@rm -rf build

setup: ## install what building and running need (nothing when it is there)
	@src/setup/packages.sh build

setup-test: ## the same, and what the tests need
	@src/setup/packages.sh build test

$(RELEASE)/build.ninja: | setup
	@cmake --preset release

build/dev/build.ninja: | setup-test
	@cmake --preset dev
