#!/usr/bin/env python3
"""What health costs the UDP path: meridiand with nothing to watch beside one that is busy watching.

    tests/bench/health/run.py BUILD [--rounds N] [--seconds S] [--endpoints N] [--every SECONDS] [--out FOLDER]

The busy one probes so many endpoints over TCP, has its metrics page fetched every second, its health every five, and
somebody listens to its events. Both are asked the same steered questions, in turns, on a core that workers and probes
share. What is compared is the CPU time of the UDP worker's thread alone, for each query: neither loses any to the
other's, but caches and locks show. Prints a table; exits with 1 when a server answers wrongly, with 77 where no network
namespace can be made, never because something was slow.
"""

import argparse
import contextlib
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

PEERS = pathlib.Path(__file__).resolve().parent.parent / "peers"
sys.path.insert(0, str(PEERS))
import namespace  # noqa: E402

SKIPPED = 77
TARGET = 0.98
PAGE_EVERY_S = 1
HEALTH_EVERY_S = 5
WARM_UP_S = 0.5

# Takes connections and closes them: what is probed. A process of its own, on the client's core.
TARGET_PROGRAM = """
import socket, sys
server = socket.create_server(("0.0.0.0", 0), backlog=4096)
print(server.getsockname()[1], flush=True)
while True:
    server.accept()[0].close()
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="a build folder with meridiand and dns_load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of load for each server and round")
    parser.add_argument("--endpoints", type=int, default=10_000)
    parser.add_argument("--every", type=float, default=5, help="seconds between two probes of an endpoint")
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--out", type=pathlib.Path, help="where files go; BUILD/health unless told")
    given = parser.parse_args()
    given.build = given.build.resolve()
    given.out = (given.out or given.build / "health").resolve()
    return given


@contextlib.contextmanager
def probe_target(pin):
    with subprocess.Popen([sys.executable, "-c", TARGET_PROGRAM], stdout=subprocess.PIPE, text=True,
                          preexec_fn=pin) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def endpoint_services(count, datacenters, zone):
    """Lines of services.yaml: services of 500 endpoints, each address once."""
    per_service = 500
    names = list(datacenters)[:2]
    for first in range(0, count, per_service):
        numbers = range(first, min(first + per_service, count))
        half = (len(numbers) + 1) // 2
        pools = {}
        for name, part in zip(names, (numbers[:half], numbers[half:])):
            if part:
                pools[name] = [f"127.{1 + number // 65_000}.{number % 65_000 // 250}.{1 + number % 250}"
                               for number in part]
        text = ", ".join(f"{name}: [{', '.join(addresses)}]" for name, addresses in pools.items())
        yield f"bulk{first // per_service}.{zone}: {{map: web, check: alive, pools: {{{text}}}}}"


class Watcher:
    """Fetches the metrics page and the state of health, and listens to events, until it is stopped."""

    def __init__(self, folder, http_port):
        self.control = folder / "control.sock"
        self.http_port = http_port
        self.page_s = []
        self.page_bytes = 0
        self.stopped = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.threads = [threading.Thread(target=self.fetch_pages), threading.Thread(target=self.fetch_health),
                        threading.Thread(target=self.listen)]

    def __enter__(self):
        self.listener.connect(str(self.control))
        self.listener.sendall(b"GET /v1/events HTTP/1.1\r\nHost: meridiand\r\n\r\n")
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.stopped.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.listener.close()

    def fetch_pages(self):
        while not self.stopped.is_set():
            begin = time.monotonic()
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=30) as reply:
                self.page_bytes = len(reply.read())
            self.page_s.append(time.monotonic() - begin)
            self.stopped.wait(PAGE_EVERY_S)

    def fetch_health(self):
        while not self.stopped.is_set():
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self.control))
                client.sendall(b"GET /v1/health HTTP/1.1\r\nHost: meridiand\r\nConnection: close\r\n\r\n")
                while client.recv(1 << 20):
                    pass
            self.stopped.wait(HEALTH_EVERY_S)

    def listen(self):
        while self.listener.recv(1 << 16):
            pass


def counters_of(http_port):
    """The values of the metrics page that have no labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/metrics", timeout=30) as reply:
        lines = reply.read().decode("ascii").splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line and "{" not in line and line[0] != "#"}


def worker_ns(pid):
    """CPU time of the UDP worker's thread, by the scheduler."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text(encoding="ascii").strip() == "udp-0":
            return int((task / "schedstat").read_text(encoding="ascii").split()[0])
    raise RuntimeError("meridiand has no thread udp-0")


class Bench:
    def __init__(self, given, modules):
        self.given = given
        self.world_module, self.load, self.process, self.servers, self.common = modules
        self.world = self.world_module.World(given.build / "share" / "meridian", 1000, given.queries)
        self.rows = {"nothing to watch": [], "busy watching": []}
        self.page_s = []
        self.page_bytes = 0
        self.probes_per_cpu_s = []

    def prepare(self, target_port):
        w = self.world_module
        shutil.rmtree(self.given.out, ignore_errors=True)
        (self.given.out / "zones").mkdir(parents=True)
        self.world.write_queries(self.given.out)
        self.world.write_static_zone(self.given.out / "zones")
        site = self.common.Site(self.world, self.given.build, self.given.out / "zones")
        self.server = self.servers.Meridiand(site)
        for name in self.rows:
            folder = self.folder(name)
            folder.mkdir(parents=True)
            self.server.write(folder)
        busy = self.folder("busy watching")
        with (busy / "map" / "services.yaml").open(encoding="ascii") as file:
            services = file.read()
        services += "".join(f"  {line}\n" for line in
                            endpoint_services(self.given.endpoints, w.DATACENTERS, w.STEERED_ZONE))
        every_ms = round(self.given.every * 1000)
        services += (f"checks:\n  alive: {{type: tcp, port: {target_port}, every: {every_ms}ms, "
                     f"timeout: {min(2000, every_ms // 2)}ms}}\n")
        (busy / "map" / "services.yaml").write_text(services, encoding="ascii")
        with (busy / "meridian.yaml").open("a", encoding="ascii") as file:
            file.write('control: {http: "127.0.0.1:5302"}\n')

    def folder(self, name):
        return self.given.out / name.replace(" ", "-")

    def run_server(self, name):
        w = self.world_module
        kind = w.KINDS["ecs"]
        queries = self.given.out / "ecs.queries"
        is_busy = name == "busy watching"
        with self.process.running(self.server, self.folder(name)) as process:
            question = self.first_question()
            process.wait_until_answers(question)
            with Watcher(self.folder(name), 5302) if is_busy else contextlib.nullcontext() as watcher:
                self.load.run_load(self.given.build, queries, kind, process.port, WARM_UP_S)
                probes, process_ns = self.probes(is_busy), process.cpu_time().total_ns
                before, begin = worker_ns(process.popen.pid), time.monotonic()
                replies = self.load.run_load(self.given.build, queries, kind, process.port, self.given.seconds)
                used, took = worker_ns(process.popen.pid) - before, time.monotonic() - begin
                others_s = (process.cpu_time().total_ns - process_ns - used) / 1e9
                probes = self.probes(is_busy) - probes
        if replies.right == 0 or replies.wrong > 0:
            raise self.process.BenchError(f"{name}: {replies.right} right replies, {replies.wrong} wrong ones")
        self.rows[name].append((used / replies.right, replies.right / took, others_s / took))
        if is_busy:
            expected = self.given.endpoints / self.given.every * took
            if probes < expected / 2:
                raise self.process.BenchError(f"only {probes:.0f} probes of some {expected:.0f}")
            self.page_s += watcher.page_s
            self.page_bytes = watcher.page_bytes
            self.probes_per_cpu_s.append(probes / others_s)

    def probes(self, is_busy):
        return counters_of(5302)["meridian_probes_total"] if is_busy else 0

    def first_question(self):
        import dns.message  # pylint: disable=import-outside-toplevel
        return dns.message.make_query(self.world_module.STEERED_NAME, "A")

    def run(self):
        for number in range(self.given.rounds):
            names = list(self.rows)
            for name in names if number % 2 == 0 else reversed(names):
                self.run_server(name)
            print(f"round {number + 1}: " + ", ".join(f"{name} {rows[-1][0]:,.0f} ns" for name, rows in self.rows.items()),
                  file=sys.stderr, flush=True)

    def lines(self):
        yield "| meridiand | worker's CPU ns per query | queries per second | other threads, of a core |"
        yield "|---|--:|--:|--:|"
        medians = {name: [statistics.median(row[i] for row in rows) for i in range(3)]
                   for name, rows in self.rows.items()}
        for name, (cpu_ns, per_second, others) in medians.items():
            yield f"| {name} | {cpu_ns:,.0f} | {per_second:,.0f} | {others:.1%} |"
        quiet, busy = (medians[name][0] for name in self.rows)
        ratios = [q[0] / b[0] for q, b in zip(*self.rows.values())]
        yield ""
        yield (f"Queries per CPU-second of the worker, busy to quiet: {quiet / busy:.3f} of medians, "
               f"{statistics.median(ratios):.3f} the median of rounds ({min(ratios):.3f} to {max(ratios):.3f}); "
               f"wanted: ≥ {TARGET}.")
        yield (f"{self.given.endpoints:,} endpoints every {self.given.every:g} s: "
               f"{statistics.median(self.probes_per_cpu_s):,.0f} probes per CPU-second of all other threads; metrics page "
               f"of {self.page_bytes:,} bytes in {1000 * statistics.median(self.page_s):.0f} ms, on a busy core.")


def main():
    given = arguments()
    if not namespace.is_inside() and (shutil.which("unshare") is None or not namespace.can_enter()):
        print("bench-health: skipped; no network namespace can be made here", file=sys.stderr)
        return SKIPPED
    namespace.enter()
    # Only now: these need packages.
    import load
    import process
    import world
    from servers import common, meridiand
    bench = Bench(given, (world, load, process, meridiand, common))
    try:
        with probe_target(process.pin_to(process.CLIENT_CORE)) as port:
            bench.prepare(port)
            bench.run()
    except process.BenchError as error:
        print(f"bench-health: {error}", file=sys.stderr)
        return 1
    print("\n".join(bench.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
