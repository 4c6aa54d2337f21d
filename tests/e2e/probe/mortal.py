"""Endpoints that can be killed: each is a process, listening on an address of its own, all of them on one port.

Run as a program, `mortal.py tcp|grpc ADDRESS PORT` is such an endpoint: a banner over TCP, or gRPC's health service.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import harness
import peers

CLONE_NEWNET = 0x40000000


# --- processes -------------------------------------------------------------------------------------------


class Endpoint:
    """A process, and all that it starts."""

    def __init__(self, address, port, command, folder):
        self.address = address
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        harness.until(lambda: self.process.poll() is not None or peers.is_open(port, address), f"a server at {address}")
        assert self.process.poll() is None, (folder / "log").read_text(encoding="utf-8")

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self):
        self.kill()
        self.process.wait(timeout=harness.DEADLINE_S)


def nginx(folder, address, port, tls=""):
    if peers.NGINX is None:
        pytest.skip("nginx is not installed")
    (folder / "nginx.conf").write_text(f"""
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen {address}:{port} {"ssl" if tls else ""}; {tls} location / {{ return 200 "ok\\n"; }} }}
}}
""", encoding="utf-8")
    return [peers.NGINX, "-c", folder / "nginx.conf", "-p", folder]


def nsd(folder, address, port):
    if peers.NSD is None:
        pytest.skip("nsd is not installed")
    (folder / "example.com.zone").write_text("""$ORIGIN example.com.
@ 300 IN SOA ns hostmaster 1 3600 600 86400 300
@ 300 IN NS ns
ns 300 IN A 192.0.2.53
""", encoding="utf-8")
    peers.write_nsd_configuration(folder, address, port)
    return [peers.NSD, "-d", "-c", folder / "nsd.conf"]


def own(kind, address, port):
    return [sys.executable, __file__, kind, address, port]


@contextlib.contextmanager
def endpoints(folder, addresses, port, command):
    """`command(folder, address, port)` is what runs at each address. Yields address → Endpoint."""
    running = {}
    try:
        for address in addresses:
            place = folder / address
            place.mkdir()
            running[address] = Endpoint(address, port, command(place, address, port), place)
        yield running
    finally:
        for endpoint in running.values():
            endpoint.end()


def serve():
    kind, address, port = sys.argv[1:4]
    answers = {"tcp": lambda connection: connection.sendall(b"220 ready\r\n"), "grpc": peers.grpc_server(b"\x08\x01")}
    peers.RawServer(answers[kind], address, int(port), is_brief=True)
    threading.Event().wait()


# --- hosts -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def network_namespace():
    """This thread, and all that it starts, in a network of its own, where hosts of 192.0.2.0/24 can vanish."""
    libc = ctypes.CDLL(None, use_errno=True)
    if shutil.which("ip") is None:
        pytest.skip("needs iproute2 for a network namespace")
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            pytest.skip(f"needs the right to a network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            ip("link", "set", "lo", "up")
            # What is sent to a host that is not there comes back, and is dropped without a word.
            ip("route", "add", "192.0.2.0/24", "dev", "lo")
            pathlib.Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 0", encoding="ascii")
            yield
        finally:
            assert libc.setns(home, CLONE_NEWNET) == 0
    finally:
        os.close(home)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=harness.DEADLINE_S)


def appear(address):
    ip("address", "add", f"{address}/32", "dev", "lo")


def vanish(address):
    ip("address", "del", f"{address}/32", "dev", "lo")


def free_port():
    """A port that is free on every address."""
    with contextlib.closing(socket.socket()) as one:
        one.bind(("0.0.0.0", 0))
        return one.getsockname()[1]


if __name__ == "__main__":
    serve()
