"""Network namespaces of this run, the wires between them, and what can happen to a wire.

The names begin with the pid of this run. Whatever happens, what was made is gone at the end: processes in the
namespaces are found with `ip netns pids` and ended, nothing else is.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import harness

PREFIX = "mlab"
# Nobody has it: packages for this address end at the other side's card.
WRONG_ADDRESS = "02:00:00:00:00:66"

# Routers forward; a packet may come in where no answer would go out; a card that goes down and up has its addresses.
SETTINGS = {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, "ipv4/conf/all/rp_filter": 0,
            "ipv4/conf/default/rp_filter": 0, "ipv6/conf/all/keep_addr_on_down": 1,
            "ipv6/conf/default/keep_addr_on_down": 1}


def run(*words):
    """The output of a command that must succeed."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=harness.DEADLINE_S, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}"
    return done.stdout


def remove_namespace(name):
    """Ends what runs in it, and removes it."""
    pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout.split()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def remove_dead_namespaces():
    """Those of runs that were killed themselves; what ran in them has died with them."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for name in re.findall(rf"^{PREFIX}\d+\w+", listed, re.MULTILINE):
        owner = re.match(rf"{PREFIX}(\d+)", name)[1]
        if not pathlib.Path(f"/proc/{owner}").exists():
            remove_namespace(name)


class Wire:
    """A cable: both ends as (namespace, device)."""

    def __init__(self, here, there):
        self.ends = (here, there)
        self.is_cut = False

    def addresses_at(self, end):
        """The other end's addresses, as neighbours of this one."""
        namespace, device = self.ends[1 - end]
        text = run("ip", "-n", namespace, "-o", "addr", "show", "dev", device, "scope", "global")
        return re.findall(r"inet6? ([0-9a-f.:]+)/", text)

    def cut(self):
        """Packets get lost, and nobody is told: each end believes in an address that nobody has."""
        orders = [(namespace, "neigh", "replace", address, "lladdr", WRONG_ADDRESS, "nud", "permanent", "dev", device)
                  for end, (namespace, device) in enumerate(self.ends) for address in self.addresses_at(end)]
        began = time.monotonic()
        for namespace, *order in orders:
            run("ip", "-n", namespace, *order)
        self.is_cut = True
        return began

    def mend(self):
        for end, (namespace, device) in enumerate(self.ends):
            run("ip", "-n", namespace, "link", "set", device, "up")
            if self.is_cut:
                for address in self.addresses_at(end):
                    run("ip", "-n", namespace, "neigh", "del", address, "dev", device)
        self.is_cut = False

    def pull(self, end):
        """This end goes down, and the other one loses its carrier."""
        namespace, device = self.ends[end]
        began = time.monotonic()
        run("ip", "-n", namespace, "link", "set", device, "down")
        return began


class Network:
    """All namespaces of a run."""

    def __init__(self):
        self.names = []

    def remove(self):
        for name in self.names:
            remove_namespace(name)

    def make(self, name):
        full = f"{PREFIX}{os.getpid()}{name}"
        done = subprocess.run(["ip", "netns", "add", full], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no right to make network namespaces: {done.stderr.strip()}")
        self.names.append(full)
        run("ip", "-n", full, "link", "set", "lo", "up")
        for setting, value in SETTINGS.items():
            run("ip", "netns", "exec", full, "sh", "-c", f"echo {value} >/proc/sys/net/{setting}")
        return full

    def connect(self, here, there, number4, number6):
        """A wire between (namespace, device) and another: the first is .1, the second .2 of 10.NUMBER4.0/24."""
        run("ip", "link", "add", here[1], "netns", here[0], "type", "veth", "peer", "name", there[1], "netns", there[0])
        for last, (namespace, device) in enumerate((here, there), 1):
            run("ip", "-n", namespace, "addr", "add", f"10.{number4}.{last}/24", "dev", device)
            run("ip", "-n", namespace, "addr", "add", f"2001:db8:{number6}::{last}/64", "dev", device, "nodad")
            run("ip", "-n", namespace, "link", "set", device, "up")
        return Wire(here, there)
