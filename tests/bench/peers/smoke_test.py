#!/usr/bin/env python3
"""That `make bench-peers` works, not how fast anything is.

    tests/bench/peers/smoke_test.py BUILD

Runs the bench for a moment each: every server must have answered every kind of question rightly, and stand in the
table. Passes on the code for "skipped" where the peers are not installed.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 250
SKIPPED = 77
# Of five questions, enough for one on its way at a time.
QUESTION = bytes.fromhex("0000 0000 0001 0000 0000 0000 0377 7777 0765 7861 6d70 6c65 00 0001 0001")

WANTED = {("small", server, kind)
          for server, kinds in {
              "echo": ["ecs", "plain", "nxdomain"], "tcp-echo": ["tcp-each"],
              "nsd": ["plain", "nxdomain", "tcp", "tcp-each"],
              **dict.fromkeys(["meridiand", "gdnsd", "knot"], ["ecs", "plain", "nxdomain", "tcp", "tcp-each"])}.items()
          for kind in kinds} | {("large", server, "large") for server in ("meridiand", "knot", "nsd")}


def check_wrong_replies_are_seen(build, folder):
    """An echo is no answer: the client must not count one as right."""
    queries = folder / "five.queries"
    queries.write_bytes((len(QUESTION).to_bytes(2, "big") + QUESTION) * 5)
    with subprocess.Popen([build / "bin" / "udp_echo"], stdout=subprocess.PIPE, text=True) as echo:
        try:
            port = echo.stdout.readline().split()[1]
            for rcode, right in (("0", False), ("echo", True)):
                done = subprocess.run([build / "bin" / "dns_load", "udp", port, queries, rcode, "1", "0.05", "1"],
                                      capture_output=True, text=True, check=True, timeout=LIMIT_S)
                counts = json.loads(done.stdout)
                assert (counts["right"] > 0) == right and (counts["wrong"] > 0) != right, (rcode, counts)
        finally:
            echo.terminate()


def main(build):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_wrong_replies_are_seen(build, folder)
        done = subprocess.run([sys.executable, HERE / "run.py", build, "--rounds", "1", "--seconds", "0.2", "--records",
                               "2000", "--queries", "500", "--out", folder / "out"],
                              capture_output=True, text=True, check=False, timeout=LIMIT_S)
        print(done.stdout, done.stderr)
        if done.returncode == SKIPPED:
            return SKIPPED
        assert done.returncode == 0, f"the bench ended with {done.returncode}"
        with (folder / "out" / "rows.csv").open(encoding="ascii") as file:
            rows = list(csv.DictReader(file))
    found = {(row["part"], row["server"], row["kind"]) for row in rows}
    assert found == WANTED, f"missing: {WANTED - found}; too many: {found - WANTED}"
    for row in rows:
        assert int(row["right"]) > 0 and int(row["wrong"]) == 0 and int(row["cpu_ns"]) > 0, row
    for _, server, kind in WANTED:
        line = f"| {server} |" if kind == "large" else f"| {kind} | {server} |"
        assert line in done.stdout, f"no line '{line}'"
    assert done.stdout.count("PASS") + done.stdout.count("short") + done.stdout.count("not measured") == 10
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
