"""A network namespace of the bench's own: no port is taken, and nobody else is reached."""

import os
import pathlib
import subprocess
import sys

IN_NAMESPACE = "MERIDIAN_BENCH_NAMESPACE"


def unshare():
    return ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--"]


def can_enter():
    return subprocess.run([*unshare(), "true"], capture_output=True, check=False).returncode == 0


def is_inside():
    return IN_NAMESPACE in os.environ


def enter():
    """Starts this program again in the namespace, where it returns."""
    if is_inside():
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        # A connection for each query uses up ports; here all of them are ours.
        pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("10000 65535", encoding="ascii")
        return
    os.environ[IN_NAMESPACE] = "1"
    os.execvp("unshare", [*unshare(), sys.executable, *sys.argv])
