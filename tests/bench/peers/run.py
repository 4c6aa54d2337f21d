#!/usr/bin/env python3
"""meridiand beside gdnsd, Knot DNS, NSD and a bare echo: same zone, same map, same questions, in turns.

    tests/bench/peers/run.py BUILD [--rounds N] [--seconds S] [--records N] [--queries N] [--servers A,B] [--kinds A,B]
                             [--out FOLDER]

Prints tables of medians and ratios; README.md says how it measures and how to read it. Exits with 1 when a server
answers wrongly or not at all, with 77 when a peer is not installed, never because something was slow.
"""

import argparse
import os
import pathlib
import shutil
import sys

import namespace

SKIPPED = 77  # what ctest is told to read as "skipped"
PROGRAMS = {"gdnsd": "gdnsd", "knotd": "knot", "nsd": "nsd", "dnsperf": "dnsperf", "unshare": "util-linux",
            "ip": "iproute2"}
KNOT_GEOIP = "knot/modules*/geoip.so"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="a build folder with meridiand, udp_echo and dns_load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of load for each server, kind and round")
    parser.add_argument("--records", type=int, default=1_000_000, help="in the large zone")
    parser.add_argument("--queries", type=int, default=100_000, help="of each kind, and client subnets")
    parser.add_argument("--servers", type=names, help="only these, with commas between; all unless told")
    parser.add_argument("--kinds", type=names, help="only these, with commas between; 'large' is the large zone")
    parser.add_argument("--out", type=pathlib.Path, help="where files go; BUILD/peers unless told")
    given = parser.parse_args()
    given.build = given.build.resolve()
    given.out = (given.out or given.build / "peers").resolve()
    return given


def names(text):
    return text.split(",")


def what_is_missing():
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if not any(pathlib.Path("/usr/lib").glob(f"*/{KNOT_GEOIP}")):
        missing.append("knot-module-geoip")
    for module, package in (("maxminddb", "python3-maxminddb"), ("dns", "python3-dnspython")):
        try:
            __import__(module)
        except ImportError:
            missing.append(package)
    if len(os.sched_getaffinity(0)) < 2:
        missing.append("a second core")
    if "util-linux" not in missing and not namespace.can_enter():
        missing.append("the right to make a network namespace")
    return missing


def main():
    given = arguments()
    missing = [] if namespace.is_inside() else what_is_missing()
    if missing:
        print(f"bench-peers: skipped; missing: {', '.join(missing)}; `src/setup/packages.sh peers` installs packages",
              file=sys.stderr)
        return SKIPPED
    namespace.enter()
    # Only now: these need the packages that were looked for above.
    import bench
    from process import BenchError
    try:
        bench.run(given)
    except BenchError as error:
        print(f"bench-peers: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
