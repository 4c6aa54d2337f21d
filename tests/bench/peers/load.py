"""The load clients, pinned to their core, and what they say of the replies."""

import dataclasses
import json
import re
import subprocess

from process import CLIENT_CORE, BenchError, pin_to

UDP_OUTSTANDING = 128  # the same in dns_load.cpp, with the reason
# Knot keeps a queue of 10 for connections not yet accepted; a client beyond that waits a second for its next SYN.
TCP_CONNECTIONS = 8
TCP_OUTSTANDING = 128
# Time beyond the load itself: reading the file of queries, waiting for what is on its way.
GRACE_S = 30


@dataclasses.dataclass(frozen=True)
class Replies:
    """What came back. `right` is what counts; the others are reasons to distrust the run."""
    right: int
    wrong: int
    lost: int
    reply_bytes: float


def run_load(build, queries, kind, port, seconds, echo=False):
    """dnsperf for many queries over a TCP connection, dns_load for the others: dnsperf reconnects too slowly."""
    if kind.transport == "tcp":
        return run_dnsperf(queries, kind, port, seconds)
    rcode = "echo" if echo else kind.rcode
    outstanding = UDP_OUTSTANDING if kind.transport == "udp" else TCP_CONNECTIONS
    output = run_client([build / "bin" / "dns_load", kind.transport, port, queries, rcode, kind.answers, seconds,
                         outstanding], seconds)
    counts = json.loads(output)
    return Replies(counts["right"], counts["wrong"], counts["lost"], counts["reply_bytes"])


def run_dnsperf(queries, kind, port, seconds):
    """dnsperf with one thread; it looks at response codes only."""
    command = ["dnsperf", "-s", "127.0.0.1", "-p", port, "-B", "-d", queries, "-l", seconds, "-T", 1]
    if kind.transport == "tcp":
        command += ["-m", "tcp", "-c", TCP_CONNECTIONS, "-q", TCP_OUTSTANDING]
    else:
        command += ["-c", 1, "-q", UDP_OUTSTANDING]
    output = run_client(command, seconds)
    code = {0: "NOERROR", 3: "NXDOMAIN"}[kind.rcode]
    counted = re.findall(r"\b([A-Z]+) (\d+) \(", find(r"Response codes:(.*)", output))
    codes = {name: int(count) for name, count in counted}
    right = codes.pop(code, 0)
    sizes = re.search(r"response (\d+)", find(r"Average packet size:(.*)", output))
    return Replies(right, sum(codes.values()), int(find(r"Queries lost:\s+(\d+)", output)), float(sizes.group(1)))


def run_client(command, seconds):
    try:
        done = subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds + GRACE_S, preexec_fn=pin_to(CLIENT_CORE), check=False)
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{command[0]} did not end {GRACE_S} s after its time") from error
    if done.returncode != 0:
        raise BenchError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def find(pattern, text):
    match = re.search(pattern, text)
    if match is None:
        raise BenchError(f"dnsperf printed nothing like '{pattern}':\n{text}")
    return match.group(1)
