"""What is probed: the real servers of Debian, certificates made on the spot, and peers that misbehave.

A peer listens on a port that the kernel chose just before, on loopback; what cannot take port 0 is tried again when
somebody else was faster.
"""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest

import harness

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
NSD = shutil.which("nsd", path="/usr/sbin:/usr/bin")


def probe(programs, **keys):
    """Runs one probe; its result as a dict. A key with a list is given once for each of its values."""
    keys.setdefault("address", "127.0.0.1")
    keys.setdefault("timeout_ms", 20000)
    words = []
    for key, value in keys.items():
        for one in value if isinstance(value, list) else [value]:
            words.append(f"{key}={one}")
    done = subprocess.run([programs.build / "bin" / "probe_once", *words], capture_output=True, text=True,
                          timeout=harness.DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert harness.SANITIZER_REPORT.search(done.stderr) is None, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines if isinstance(keys["address"], list) else lines[0]


def free_ports(count, kind=socket.SOCK_STREAM):
    """Ports that are free now."""
    sockets = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


# --- certificates ----------------------------------------------------------------------------------------


class Authority:
    """A certificate authority of this test, and the certificates it signs: `name.pem` and `name.key`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "ca.pem"
        (self.folder / "index.txt").touch()
        (self.folder / "ca.conf").write_text(f"""
[ca]
default_ca = main
[main]
database = {self.folder}/index.txt
new_certs_dir = {self.folder}
serial = {self.folder}/serial
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
certificate = {self.file}
private_key = {self.folder}/ca.key
[any]
commonName = supplied
""", encoding="utf-8")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-days", "3650", "-subj", "/CN=Test Authority", "-addext", "basicConstraints=critical,CA:TRUE",
                     "-keyout", self.folder / "ca.key", "-out", self.file)

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=harness.DEADLINE_S)

    def sign(self, file, host, start="20200101000000Z", end="20390101000000Z"):
        key, request, certificate = (self.folder / f"{file}.{suffix}" for suffix in ("key", "csr", "pem"))
        kind = "IP" if host.replace(".", "").isdigit() else "DNS"
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={host}",
                     "-addext", f"subjectAltName={kind}:{host}", "-keyout", key, "-out", request)
        self.openssl("ca", "-batch", "-notext", "-config", self.folder / "ca.conf", "-startdate", start,
                     "-enddate", end, "-in", request, "-out", certificate)
        return certificate, key


# --- nginx -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def nginx(folder, servers):
    """nginx with these server blocks; `servers(ports)` writes them. Yields the ports."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    folder = pathlib.Path(folder)
    for _ in range(5):
        ports = free_ports(8)
        (folder / "nginx.conf").write_text(f"""
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log combined;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type text/plain;
{servers(ports)}
}}
""", encoding="utf-8")
        with (folder / "stderr.log").open("wb") as log:
            process = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder)], stdout=log, stderr=log)
        try:
            harness.until(lambda: process.poll() is not None or is_open(ports[0]), "nginx")
            if process.poll() is None:
                yield ports
                return
        finally:
            process.terminate()
            process.wait(timeout=harness.DEADLINE_S)
    raise AssertionError((folder / "error.log").read_text(encoding="utf-8"))


def is_open(port):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


# --- peers that misbehave --------------------------------------------------------------------------------


class RawServer:
    """Hands each TCP connection to `serve(connection)`, each on a thread of its own."""

    def __init__(self, serve):
        self.serve = serve
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection):
        with contextlib.suppress(OSError):
            self.serve(connection)

    def close(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()


@contextlib.contextmanager
def raw_server(serve):
    server = RawServer(serve)
    try:
        yield server
    finally:
        server.close()


def read_request(connection):
    """The head of an HTTP request as text."""
    data = b""
    while b"\r\n\r\n" not in data:
        got = connection.recv(4096)
        if not got:
            break
        data += got
    return data.decode("latin-1")
