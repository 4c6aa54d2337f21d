"""The socket by which an agent sees that the server lives, and how: what it says, when, and how it ends."""

import errno
import json
import os
import select
import signal
import socket
import threading
import time

import pytest

from harness import DEADLINE_S, until

ANYCAST = """
  as: 65110
  router_id: 192.0.2.10
  internal: true
  vips: {ns1: {address: 127.0.0.1, prefix: 127.0.0.1/32}}
  neighbors: {up: {address: 192.0.2.9, local: 192.0.2.10, as: 65000}}
  agent: {liveness: liveness.sock}
"""


def with_anycast(server, liveness="liveness.sock"):
    server.write_site(anycast=ANYCAST.replace("liveness.sock", liveness).rstrip("\n"))
    return server


@pytest.fixture
def announced(new_server):
    """A server that has the socket, and is not started yet."""
    return with_anycast(new_server())


class Client:
    """Who holds a connection to the socket."""

    def __init__(self, server, name="liveness.sock"):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        self.socket.connect(str(server.folder / name))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def next(self, seconds=DEADLINE_S):
        """The next packet, None at the end; fails where nothing comes in time."""
        assert select.select([self.socket], [], [], seconds)[0], f"nothing within {seconds} s"
        try:
            packet = self.socket.recv(65536)
        except ConnectionResetError:
            return None
        return json.loads(packet) if packet else None

    def until(self, condition):
        """The first packet that is so."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            packet = self.next()
            assert packet is not None, "the connection ended"
            if condition(packet):
                return packet
        raise AssertionError(f"the last one was {packet}")


def connected(server):
    """A client, as soon as the server takes one."""
    path = server.folder / "liveness.sock"

    def try_it():
        if not path.exists():
            return None
        try:
            return Client(server)
        except ConnectionRefusedError:
            return None

    return until(try_it, lambda: f"a liveness socket; the log:\n{server.log()}")


def test_a_site_without_anycast_has_no_such_socket(server):
    assert "liveness" not in " ".join(os.listdir(server.folder))


def test_a_server_that_starts_says_so_and_then_that_it_is_ready(announced):
    announced.launch()
    with connected(announced) as client:
        first = client.next()
        assert first == {"version": 1, "ready": False, "epoch": 0, "site": "", "zones": [], "oldest_input_s": None,
                         "queries": 0, "queries_by_address": {}, "drops": 0}, "the map takes longer than to connect"
        ready = client.until(lambda packet: packet["ready"])
        announced.start_after_launch()
        assert ready == {"version": 1, "ready": True, "epoch": 1, "site": "e2e", "zones": ready["zones"],
                         "oldest_input_s": 0, "queries": 0, "queries_by_address": {f"127.0.0.1:{announced.port}": 0}, "drops": 0}
        assert "example.com" in ready["zones"] and ready["zones"] == sorted(ready["zones"])
    mode = (announced.folder / "liveness.sock").stat().st_mode & 0o777
    assert mode == 0o660


def test_it_speaks_once_a_second_and_counts_answers(announced):
    announced.start()
    with Client(announced) as client:
        client.next()
        asked = [time.monotonic() for _ in range(2) if client.next()]
        assert asked[1] - asked[0] < 2.5, "a second apart, and then some of a busy machine"
        for _ in range(5):
            announced.query("www.example.com")
        announced.query("www.example.com", tcp=True)
        told = client.until(lambda packet: packet["queries"] == 6)
        assert told["queries_by_address"] == {f"127.0.0.1:{announced.port}": 6}


def test_a_reload_is_told_at_once_and_a_refused_one_ages(announced):
    announced.start()
    with Client(announced) as client:
        assert client.next()["epoch"] == 1
        assert announced.reload().returncode == 0
        assert client.until(lambda packet: packet["epoch"] == 2)["oldest_input_s"] == 0
        text = (announced.map / "maps.yaml").read_text(encoding="utf-8")
        announced.write("maps.yaml", "no map\n")
        assert announced.reload().returncode == 1
        assert client.until(lambda packet: packet["oldest_input_s"] >= 1)["epoch"] == 2
        announced.write("maps.yaml", text)
        assert announced.reload().returncode == 0
        client.until(lambda packet: packet["epoch"] == 3 and packet["oldest_input_s"] == 0)


def test_a_killed_server_is_known_within_milliseconds(announced):
    announced.start()
    with Client(announced) as client:
        client.next()
        killed = time.monotonic()
        announced.process.kill()
        while client.next() is not None:
            pass
        took_ms = (time.monotonic() - killed) * 1000
    announced.process.wait()
    print(f"the end was seen after {took_ms:.1f} ms")
    assert took_ms < 900, "milliseconds, and then some of a busy machine"
    with pytest.raises(ConnectionRefusedError):
        Client(announced)


def test_a_killed_servers_socket_is_replaced_by_the_next_one(announced):
    announced.start()
    announced.process.kill()
    announced.process.wait()
    announced.start()
    with Client(announced) as client:
        assert client.next()["ready"]


def test_a_server_that_is_stopped_ends_the_connection_while_it_still_answers_and_takes_the_file(announced):
    announced.start()
    with Client(announced) as client:
        client.next()
        announced.process.send_signal(signal.SIGTERM)
        while client.next() is not None:
            pass
    assert announced.wait()[0] == 0
    assert not (announced.folder / "liveness.sock").exists()


def test_the_socket_of_a_running_server_is_not_taken(announced, new_server):
    announced.start()
    second = with_anycast(new_server(), liveness=str(announced.folder / "liveness.sock"))
    second.launch()
    code, log = second.wait()
    assert code == 2
    assert f"meridiand: cannot listen on liveness socket {announced.folder}/liveness.sock: Address already in use; " in log
    with Client(announced) as client:
        assert client.next()["ready"]


class Holder(threading.Thread):
    """As an agent does: holds a connection, and comes back in the moment it ends."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.is_over = threading.Event()
        self.client = Client(server)
        self.ends = 0
        self.refusals = []
        self.unready = 0
        self.queries = []

    def run(self):
        while not self.is_over.is_set():
            if not select.select([self.client.socket], [], [], 0.05)[0]:
                continue
            packet = self.client.next()
            if packet is not None:
                self.unready += not packet["ready"]
                self.queries.append(packet["queries"])
                continue
            self.ends += 1
            self.client.socket.close()
            try:
                self.client = Client(self.server)
            except OSError as error:
                self.refusals.append(errno.errorcode[error.errno])
                return


def test_an_upgrade_refuses_nobody_who_comes_back(announced):
    announced.start()
    holder = Holder(announced)
    holder.start()
    for number in range(1, 4):
        announced.query("www.example.com")
        announced.upgrade()
        until(lambda number=number: holder.ends >= number or holder.refusals, "the connection is the new server's")
    seen = len(holder.queries)
    until(lambda: len(holder.queries) > seen, "the last server speaks")
    holder.is_over.set()
    holder.join()
    assert (holder.refusals, holder.unready) == ([], 0)
    # One that comes back while both servers take connections may get the old one once more.
    assert 3 <= holder.ends <= 6
    announced.process.kill()
    announced.process.wait()
    while holder.client.next() is not None:
        pass
    with pytest.raises(ConnectionRefusedError):
        Client(announced)


def test_an_upgrade_that_fails_ends_no_connection(announced):
    announced.start()
    with Client(announced) as client:
        client.next()
        text = announced.site.read_text(encoding="utf-8")
        announced.site.write_text(text + "workrs: 2\n", encoding="utf-8")
        assert announced.ctl("upgrade").returncode == 1
        announced.site.write_text(text, encoding="utf-8")
        assert client.next()["ready"]
    with Client(announced) as client:
        assert client.next()["ready"]


def test_an_upgrade_takes_another_path_and_a_reload_says_that_it_does_not(announced):
    announced.start()
    with_anycast(announced, liveness="other.sock")
    done = announced.reload()
    assert done.returncode == 0
    assert (f"the liveness socket stays at {announced.folder}/liveness.sock; 'meridianctl upgrade' takes what "
            "'anycast' says now") in done.stdout + done.stderr
    announced.upgrade()
    with Client(announced, "other.sock") as client:
        assert client.next()["ready"]
    assert not (announced.folder / "liveness.sock").exists()
    announced.write_site()
    announced.upgrade()
    assert not (announced.folder / "other.sock").exists()


def test_who_does_not_read_holds_up_nobody_and_costs_nothing(announced):
    announced.start()
    with Client(announced) as lazy, Client(announced) as keen:
        keen.next()
        before = announced.resident_kb()
        for number in range(2, 102):
            announced.reload()
            keen.until(lambda packet, number=number: packet["epoch"] == number)
        if not announced.programs.sanitized:  # a sanitizer keeps freed memory back
            assert announced.resident_kb() - before < 20_000, "a map more or less, and no packets"
        waiting = 0
        while select.select([lazy.socket], [], [], 0)[0]:
            assert lazy.next() is not None
            waiting += 1
        assert waiting < 100, "those that did not fit are left out"
        assert lazy.next()["epoch"] == 101
