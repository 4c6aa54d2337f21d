"""Stopping: what was asked is answered, files are cleared away, the exit code is 0."""

import signal
import socket
import threading
import time

import dns.message
import pytest

from harness import POOLS, frame, make_query, read_frame, texts, until

# The server gives TCP clients 2 s to take their answers; the rest is for slow machines.
STOP_LIMIT_S = 20


def query_wire(number, name="www.example.com"):
    query = make_query(name, subnet="8.8.8.0/24")
    query.id = number
    return query.to_wire()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_server_cleanly(server, number):
    assert server.control.is_socket()
    started = time.monotonic()
    code, log = server.stop(number)
    assert code == 0 and time.monotonic() - started < STOP_LIMIT_S
    assert not server.control.exists(), "the control socket is left behind"
    events = [line.split("event=")[1].split()[0] for line in log.splitlines()]
    assert events == ["map_loaded", "listening", "ready", "stopping", "stopped"]
    assert f"event=stopping signal={int(number)}" in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_query_sent_over_tcp_before_the_signal_is_answered(server, number):
    with server.tcp() as idle, server.tcp() as asking:
        asking.sendall(frame(query_wire(1)))
        assert read_frame(asking), "the connection is served"
        asking.sendall(frame(query_wire(2)))
        server.process.send_signal(number)
        response = dns.message.from_wire(read_frame(asking))
        assert response.id == 2 and texts(response, "A") == POOLS["iad"]["A"]
        assert read_frame(asking) is None and read_frame(idle) is None, "then the server closes"
        assert server.wait()[0] == 0


def test_many_pipelined_queries_are_all_answered(server):
    with server.tcp() as asking:
        asking.sendall(b"".join(frame(query_wire(number)) for number in range(200)))
        server.process.send_signal(signal.SIGTERM)
        replies = [dns.message.from_wire(read_frame(asking)).id for _ in range(200)]
        assert sorted(replies) == list(range(200))
    assert server.wait()[0] == 0


def test_a_connection_the_server_has_not_accepted_yet_is_answered(server):
    connections = []
    for number in range(20):
        connections.append(server.tcp())
        connections[-1].sendall(frame(query_wire(number)))
    server.process.send_signal(signal.SIGTERM)
    for number, connection in enumerate(connections):
        assert dns.message.from_wire(read_frame(connection)).id == number
        connection.close()
    assert server.wait()[0] == 0


def test_udp_queries_that_arrived_before_the_signal_are_answered(server):
    with server.udp() as udp:
        for number in range(100):
            udp.send(query_wire(number))  # on loopback it lies in the server's queue when send returns
        server.process.send_signal(signal.SIGTERM)
        seen = {dns.message.from_wire(udp.recv(65535)).id for _ in range(100)}
    assert seen == set(range(100))
    assert server.wait()[0] == 0


def test_clients_that_never_finish_do_not_hold_the_server(server):
    """One sends half a message, one takes no answers, one holds the control socket."""
    with server.tcp() as half, server.tcp() as deaf, UnixSocket(server.control) as control:
        half.sendall(frame(query_wire(1))[:7])
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        fill(deaf)
        control.sendall(b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Le")
        started = time.monotonic()
        assert server.stop()[0] == 0
        assert time.monotonic() - started < STOP_LIMIT_S


def fill(stream):
    """Sends queries until neither side takes more."""
    data = frame(query_wire(7)) * 500
    try:
        for _ in range(2000):
            stream.send(data)
    except BlockingIOError:
        pass


class UnixSocket(socket.socket):
    def __init__(self, path):
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connect(str(path))


def test_stopping_during_a_reload_is_clean(server):
    """The builder finishes what it does; nobody waits for an answer that cannot come."""
    before = server.counters()["control_requests_total"]
    with UnixSocket(server.control) as first, UnixSocket(server.control) as second:
        for control in (first, second):
            control.sendall(b"POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n")
        # The two, and each look at the counters.
        until(lambda: server.counters()["control_requests_total"] >= before + 3, "the reloads have begun")
        code, _ = server.stop()
    assert code == 0


def test_a_second_signal_changes_nothing(server):
    with server.tcp() as half:
        half.sendall(b"\0")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            server.process.send_signal(number)
        # The first one begins an orderly end, and the others may cut it short, but not into a crash.
        assert server.wait()[0] in (0, -signal.SIGTERM, -signal.SIGINT)


def test_sigpipe_does_not_end_the_server(server):
    for _ in range(20):
        with server.tcp() as gone:
            gone.sendall(frame(query_wire(1)) * 50)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close sends RST
    server.process.send_signal(signal.SIGPIPE)
    assert server.query("static.example.com").rcode() == 0
    assert server.is_alive()


def test_the_same_files_start_again_after_a_stop_and_after_a_kill(server):
    for number in (signal.SIGTERM, signal.SIGKILL):
        code, _ = server.stop(number)
        assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        assert server.control.exists() == (number == signal.SIGKILL)
        server.start()
        assert texts(server.query("www.example.com", subnet="8.8.8.0/24"), "A") == POOLS["iad"]["A"]


def test_stopping_under_load_is_clean(server):
    stopping = threading.Event()

    def flood():
        with server.udp() as udp:
            while not stopping.is_set():
                try:
                    udp.send(query_wire(1))
                except OSError:
                    return  # the port is closed now

    threads = [threading.Thread(target=flood, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: server.counters()["udp_queries_total"] > 200, "a flood")
        assert server.stop()[0] == 0
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
