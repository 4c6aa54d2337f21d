"""Mutations of the battery's packets: every reply well formed, the server alive, its memory flat.

`tests/e2e/protocol/mutate.sh` runs a million; MERIDIAN_MUTATIONS and MERIDIAN_SEED say otherwise. A finding is printed
as the packet and its reply; the seed and the count find it again.
"""

import os
import re
import subprocess

import pytest

import table
import wire
from protocol_server import protocol_server

COUNT = int(os.environ.get("MERIDIAN_MUTATIONS", "50000"))
SEED = os.environ.get("MERIDIAN_SEED", "20261121")
WARM_UP = 20_000
# What the allocator and TCP buffers may take on top once warm; a leak of 16 bytes a packet would be 16 MB in a million.
GROWTH_MOST_KB = 8_000
RCODES = ("NOERROR", "NXDOMAIN", "FORMERR", "NOTIMP", "REFUSED", "BADVERS")


@pytest.fixture(scope="module")
def server(programs):
    with protocol_server(programs, "map") as running:
        yield running


def mutate(programs, server, packets, seed, count):
    command = [programs.build / "bin" / "protocol_mutate", server.port, packets, seed, count]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", done.stdout)}


def test_every_reply_to_a_mutated_packet_is_well_formed(server, programs, folder, capsys):
    packets = folder / "packets"
    lines = {wire.Packet(case.send).wire(1).hex() for case in table.read_all()}
    packets.write_text("\n".join(sorted(lines)) + "\n", encoding="ascii")
    mutate(programs, server, packets, int(SEED) + 1, min(WARM_UP, COUNT))
    before_kb = server.resident_kb()
    told = mutate(programs, server, packets, SEED, COUNT)
    grown_kb = server.resident_kb() - before_kb
    with capsys.disabled():
        print(f"\n{told}; resident before {before_kb} kB, grown by {grown_kb} kB")
    assert told["udp"] + told["tcp"] >= COUNT * 0.99  # a few are empty, which TCP does not send
    assert told["tcp"] >= COUNT // 25
    for rcode in RCODES:
        assert told.get(rcode, 0) > COUNT // 1000, f"the mutations have become too tame: few {rcode}"
    assert server.is_alive() and server.query("a.example").rcode() == 0
    if not programs.sanitized:  # a sanitizer keeps freed memory back
        assert grown_kb <= GROWTH_MOST_KB
