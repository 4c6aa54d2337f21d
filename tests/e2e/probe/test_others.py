"""tcp, icmp, dns, grpc and exec probes against peers that are not ours where there are any."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess

import pytest

import harness
import peers

# --- tcp -------------------------------------------------------------------------------------------------


def test_tcp_banner_and_dialogue(programs):
    def serve(connection):
        connection.sendall(b"220 ready\r\n")
        if connection.recv(100) == b"PING\r\n":
            connection.sendall(b"PONG\r\n")
        connection.recv(1)

    with peers.raw_server(serve) as server:
        assert peers.probe(programs, type="tcp", port=server.port)["ok"]
        assert peers.probe(programs, type="tcp", port=server.port, expect="220 ")["ok"]
        assert peers.probe(programs, type="tcp", port=server.port, send="PING\r\n", expect="PONG")["ok"]
        wrong = peers.probe(programs, type="tcp", port=server.port, send="HELO\r\n", expect="PONG", timeout_ms=300)
        assert wrong["cause"] == "answer: timed out after 300 ms"


def test_tcp_over_tls(programs, folder):
    authority = peers.Authority(folder)
    authority.sign("good", "mail.example.com")
    authority.sign("old", "mail.example.com", start="20200101000000Z", end="20200201000000Z")
    contexts = {}
    for name in ("good", "old"):
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")

    def serve_with(name):
        def serve(connection):
            with contextlib.suppress(ssl.SSLError), contexts[name].wrap_socket(connection, server_side=True) as tls:
                tls.sendall(b"220 secret\r\n")
                tls.recv(1)
        return serve

    keys = {"type": "tcp", "tls": 1, "ca_file": authority.file, "expect": "secret"}
    with peers.raw_server(serve_with("good")) as server:
        assert peers.probe(programs, port=server.port, sni="mail.example.com", **keys)["ok"]
        assert peers.probe(programs, port=server.port, sni="www.example.com", **keys)["cause"] == \
            "certificate: hostname mismatch"
        assert peers.probe(programs, port=server.port, **keys)["cause"] == "certificate: IP address mismatch"
        assert peers.probe(programs, port=server.port, verify=0, **keys)["ok"]
    with peers.raw_server(serve_with("old")) as server:
        assert peers.probe(programs, port=server.port, sni="mail.example.com", **keys)["cause"] == \
            "certificate: certificate has expired"
        lax = peers.probe(programs, port=server.port, sni="mail.example.com", verify=0, **keys)
        assert lax["ok"] and lax["warning"] == "certificate ended on 2020-02-01"
        assert not peers.probe(programs, port=server.port, verify=0, certificate_fail_d=1, **keys)["ok"]


# --- icmp ------------------------------------------------------------------------------------------------


def in_namespace(programs, group_range, *words):
    """probe_once in a network namespace, where who may ping is ours to say."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs the right to a network namespace")
    script = f"ip link set lo up && echo '{group_range}' > /proc/sys/net/ipv4/ping_group_range && exec \"$@\""
    done = subprocess.run(["unshare", "-n", "sh", "-c", script, "sh", str(programs.build / "bin" / "probe_once"), *words],
                          capture_output=True, text=True, timeout=harness.DEADLINE_S, check=False)
    if done.returncode == 1 and "unshare" in done.stderr:
        pytest.skip(f"needs the right to a network namespace: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return [harness.json.loads(line) for line in done.stdout.splitlines()]


def test_ping(programs):
    addresses = [f"address=127.0.{i}.1" for i in range(200)] + ["address=::1"]
    results = in_namespace(programs, "0 0", "type=icmp", "timeout_ms=20000", *addresses)
    assert len(results) == 201 and all(result["ok"] for result in results), results


def test_ping_of_nobody_times_out_or_has_no_route(programs):
    (result,) = in_namespace(programs, "0 0", "type=icmp", "timeout_ms=200", "address=192.0.2.1")
    assert result["cause"] == "send: no route to the network"


def test_ping_from_a_source_address(programs):
    assert in_namespace(programs, "0 0", "type=icmp", "source_v4=127.0.0.9", "address=127.0.0.1")[0]["ok"]
    (result,) = in_namespace(programs, "0 0", "type=icmp", "source_v4=192.0.2.9", "address=127.0.0.1")
    assert not result["ok"] and result["cause"].startswith("icmp: ")


def test_ping_that_the_kernel_forbids_says_which_setting(programs):
    (result,) = in_namespace(programs, "1 0", "type=icmp", "address=127.0.0.1")
    assert result["cause"] == "icmp: not permitted; net.ipv4.ping_group_range must hold the server's group"


# --- dns -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nsd(tmp_path_factory):
    if peers.NSD is None:
        pytest.skip("nsd is not installed")
    folder = tmp_path_factory.mktemp("nsd")
    long = " ".join(f'"{i:03}{"x" * 200}"' for i in range(5))
    (folder / "example.com.zone").write_text(f"""$ORIGIN example.com.
@ 300 IN SOA ns hostmaster 1 3600 600 86400 300
@ 300 IN NS ns
ns 300 IN A 192.0.2.53
www 300 IN A 192.0.2.1
www 300 IN A 192.0.2.2
alias 300 IN CNAME www
@ 300 IN MX 10 Mail
long 300 IN TXT {long}
""", encoding="utf-8")
    for _ in range(5):
        (port,) = peers.free_ports(1, socket.SOCK_DGRAM)
        (folder / "nsd.conf").write_text(f"""
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  xfrdir: "{folder}"
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: example.com
  zonefile: example.com.zone
""", encoding="utf-8")
        process = subprocess.Popen([peers.NSD, "-d", "-c", str(folder / "nsd.conf")],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            harness.until(lambda: process.poll() is not None or peers.is_open(port), "nsd")
            if process.poll() is None:
                yield port
                return
        finally:
            process.terminate()
            process.wait(timeout=harness.DEADLINE_S)
    raise AssertionError("nsd does not start")


@pytest.mark.parametrize("tcp", [0, 1])
def test_dns(programs, nsd, tcp):
    def ask(name, rtype, **keys):
        return peers.probe(programs, type="dns", port=nsd, name=name, rtype=rtype, tcp=tcp, **keys)

    assert ask("www.example.com", "A")["ok"]
    assert ask("WWW.example.COM", "A", answer="192.0.2.2")["ok"]
    assert ask("www.example.com", "A", answer="192.0.2.3")["cause"] == "dns: 2 records, none of them A 192.0.2.3"
    assert ask("example.com", "MX", answer="10 mail.example.com.")["ok"]
    assert ask("alias.example.com", "A", answer="192.0.2.1")["ok"]
    assert ask("www.example.com", "AAAA")["cause"] == "dns: an answer without records"
    assert ask("none.example.com", "A")["cause"] == "dns: NXDOMAIN"
    assert ask("www.example.org", "A")["cause"] == "dns: REFUSED"
    long = ask("long.example.com", "TXT")
    assert long["ok"] if tcp else long["cause"] == "dns: the answer is truncated; probe over TCP"


def test_dns_without_a_server_or_an_answer(programs):
    (port,) = peers.free_ports(1, socket.SOCK_DGRAM)
    assert peers.probe(programs, type="dns", port=port, name="a.example", rtype="A")["cause"] == "answer: refused"
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
        silent.bind(("127.0.0.1", 0))
        result = peers.probe(programs, type="dns", port=silent.getsockname()[1], name="a.example", rtype="A", timeout_ms=200)
        assert result["cause"] == "answer: timed out after 200 ms"


# --- grpc ------------------------------------------------------------------------------------------------


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header(name, value):
    """A literal header that is not indexed (RFC 7541 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def grpc_server(message, status=b"0", seen=None):
    """An HTTP/2 server that answers each request with one gRPC message and a trailer."""
    def serve(connection):
        stream = connection.makefile("rb")
        assert stream.read(24) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        connection.sendall(frame(4, 0, 0))
        while True:
            head = stream.read(9)
            if len(head) < 9:
                return
            length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            payload = stream.read(length)
            if kind == 4 and not flags & 1:
                connection.sendall(frame(4, 1, 0))
            if kind == 0 and flags & 1:
                if seen is not None:
                    seen.append(payload)
                number = int.from_bytes(head[5:9], "big")
                connection.sendall(frame(1, 4, number, b"\x88" + header(b"content-type", b"application/grpc")))
                if message is not None:
                    connection.sendall(frame(0, 0, number, b"\0" + struct.pack(">I", len(message)) + message))
                connection.sendall(frame(1, 5, number, header(b"grpc-status", status)))
    return serve


def test_grpc(programs):
    seen = []
    with peers.raw_server(grpc_server(b"\x08\x01", seen=seen)) as server:
        assert peers.probe(programs, type="grpc", port=server.port, grpc_service="shop.Cart")["ok"]
        assert peers.probe(programs, type="grpc", port=server.port)["ok"]
    assert seen == [b"\0\0\0\0\x0b\x0a\x09shop.Cart", b"\0\0\0\0\0"]
    for message, status, cause in ((b"\x08\x02", b"0", "grpc: NOT_SERVING"), (b"", b"0", "grpc: UNKNOWN"),
                                   (None, b"5", "grpc: NOT_FOUND"), (None, b"12", "grpc: UNIMPLEMENTED"),
                                   (b"\x08", b"0", "grpc: the reply is cut off")):
        with peers.raw_server(grpc_server(message, status)) as server:
            assert peers.probe(programs, type="grpc", port=server.port)["cause"] == cause


def test_grpc_to_a_server_of_http_1(programs):
    def serve(connection):
        peers.read_request(connection)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with peers.raw_server(serve) as server:
        assert not peers.probe(programs, type="grpc", port=server.port)["ok"]


# --- exec ------------------------------------------------------------------------------------------------


def run(programs, *command, **keys):
    return peers.probe(programs, type="exec", port=8080, command=list(command), **keys)


def shell(programs, script, **keys):
    return run(programs, "/bin/sh", "-c", script, **keys)


def test_exec_exit_codes_and_arguments(programs):
    assert run(programs, "/bin/true")["ok"]
    assert run(programs, "/bin/false")["cause"] == "exec: exit code 1"
    assert run(programs, "/usr/bin/test", "{address}:{port}", "=", "127.0.0.1:8080")["ok"]
    assert shell(programs, "echo no disk; echo more; exit 3")["cause"] == "exec: exit code 3: no disk"
    assert shell(programs, "echo to stderr >&2; exit 3")["cause"] == "exec: exit code 3: to stderr"
    assert shell(programs, "kill -SEGV $$")["cause"] == "exec: ended by signal 11"
    assert "nowhere" in run(programs, "/nowhere/probe")["cause"]
    # No shell reads the arguments.
    assert run(programs, "/usr/bin/test", "$(echo a); `b` *", "=", "$(echo a); `b` *")["ok"]


def test_exec_gets_little_of_us(programs, monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    assert shell(programs, "test -z \"$SECRET\"")["ok"]
    names = shell(programs, "env | cut -d= -f1 | sort | tr '\\n' ' '; exit 1")["cause"]
    assert names == "exec: exit code 1: LANG MERIDIAN_ADDRESS MERIDIAN_CHECK MERIDIAN_PORT PATH PWD "
    assert shell(programs, "ls /proc/self/fd | tr '\\n' ' '; exit 1")["cause"] == "exec: exit code 1: 0 1 2 3 "
    assert shell(programs, "grep -q 'NoNewPrivs:.1' /proc/self/status && test $(ulimit -n) = 64 && test $(pwd) = /")["ok"]
    if os.geteuid() == 0:
        assert shell(programs, "test $(id -u):$(id -g):$(id -G) = 65534:65534:65534")["ok"]
        assert shell(programs, "grep -q 'CapBnd:.0000000000000000' /proc/self/status")["ok"]


def test_exec_is_ended_with_all_it_started(programs, folder):
    folder.chmod(0o777)
    result = shell(programs, f"sleep 1000 & echo $! > {folder}/pid; echo $$ >> {folder}/pid; sleep 1000", timeout_ms=2000)
    assert result["cause"] == "exec: timed out after 2000 ms"
    for pid in (folder / "pid").read_text(encoding="ascii").split():
        harness.until(lambda pid=pid: not is_running(int(pid)), f"the end of process {pid}")
    # And when the program itself ends, what it left behind does too.
    assert shell(programs, f"sleep 1000 & echo $! > {folder}/left")["ok"]
    left = int((folder / "left").read_text(encoding="ascii"))
    harness.until(lambda: not is_running(left), "the end of what was left behind")


def is_running(pid):
    with contextlib.suppress(OSError):
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
        return state != "Z"
    return False


def test_exec_that_ignores_signals_or_floods(programs):
    assert shell(programs, "trap '' TERM INT HUP; while :; do :; done", timeout_ms=500)["cause"] == \
        "exec: timed out after 500 ms"
    assert run(programs, "/usr/bin/yes")["cause"] == "exec: more than 4096 bytes of output"


def test_many_programs_at_once(programs):
    results = peers.probe(programs, type="exec", port=1, command=["/bin/true"], address=["127.0.0.1"] * 30)
    assert len(results) == 30 and all(result["ok"] for result in results)
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
