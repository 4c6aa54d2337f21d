"""A new server takes over and no client notices: nothing is lost, counters go on, the old one ends."""

import os
import signal
import socket
import threading

import dns.edns
import dns.message
import dns.query

from harness import POOLS, AdoptedProcess, datacenter_of, frame, make_query, read_frame, texts, until

GB = "81.2.69.0/24"
EUROPE = "{for: europe,           prefer: [ams]}"
EUROPE_MOVED = "{for: europe,           prefer: [iad]}"
CLIENT_COOKIE = bytes(range(8))


def cookie_query(cookie):
    return dns.message.make_query("www.example.com", "A", use_edns=0, payload=1232,
                                  options=[dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)])


def cookie_of(response):
    """The payload of the one cookie option."""
    return next(option for option in response.options if option.otype == dns.edns.OptionType.COOKIE).to_wire()


class Client(threading.Thread):
    """Asks one question after the other; a lost or wrong answer is a fault."""

    def __init__(self, server, exchange):
        super().__init__(daemon=True)
        self.address = server.address()
        self.exchange = exchange
        self.stopping = threading.Event()
        self.answers = 0
        self.faults = []

    def run(self):
        query = make_query("www.example.com", subnet=GB)
        try:
            while not self.stopping.is_set():
                query.id = self.answers & 0xffff
                response = self.exchange(query, self.address)
                if not query.is_response(response) or texts(response, "A") not in (POOLS["ams"]["A"], POOLS["iad"]["A"]):
                    self.faults.append(response.to_text())
                self.answers += 1
        except Exception as error:  # a lost answer is a timeout here
            self.faults.append(repr(error))


def over_udp(query, address):
    return dns.query.udp(query, address[0], port=address[1], timeout=20)


def over_tcp(query, address):
    """A connection for each query, which is what finds a listener that nobody accepts at."""
    return dns.query.tcp(query, address[0], port=address[1], timeout=20)


class CounterWatch(threading.Thread):
    """Reads the counters over and over; none may ever go back."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.stopping = threading.Event()
        self.faults = []
        self.looks = 0

    def run(self):
        last = {}
        while not self.stopping.is_set():
            try:
                now = self.server.counters()
            except Exception as error:  # the control socket must answer all the time as well
                self.faults.append(repr(error))
                return
            self.faults += [f"{name}: {last[name]} then {now[name]}" for name in last if now[name] < last[name]]
            last = now
            self.looks += 1


def test_nothing_is_lost_in_three_upgrades_and_three_reloads(server):
    clients = [Client(server, over_udp), Client(server, over_udp), Client(server, over_tcp)]
    watch = CounterWatch(server)
    threads = [*clients, watch]
    for thread in threads:
        thread.start()
    pids = {server.process.pid}
    for number in range(3):
        answered = [client.answers for client in clients]
        until(lambda: all(client.answers > before + 5 or client.faults for client, before in zip(clients, answered)),
              "every client is served")
        old, new = (EUROPE, EUROPE_MOVED) if number % 2 == 0 else (EUROPE_MOVED, EUROPE)
        server.edit("maps.yaml", old, new)
        assert server.reload().returncode == 0
        pids.add(server.upgrade()["pid"])
        answered = [client.answers for client in clients]
        until(lambda: all(client.answers > before + 5 or client.faults for client, before in zip(clients, answered)),
              "every client is served by the new server")
    for thread in threads:
        thread.stopping.set()
    for thread in threads:
        thread.join(timeout=60)
    assert [client.faults for client in clients] == [[], [], []]
    assert watch.faults == [] and watch.looks > 3
    assert len(pids) == 4
    asked = {"udp": clients[0].answers + clients[1].answers, "tcp": clients[2].answers}
    counters = {}

    def is_all_counted():
        counters.update(server.counters())
        return all(counters[f"{transport}_answers_total"] >= asked[transport] for transport in asked)

    until(is_all_counted, lambda: f"every answer of {asked} is counted, by whichever server gave it: {counters}")
    assert (counters["udp_queries_total"], counters["tcp_queries_total"]) == (asked["udp"], asked["tcp"])
    assert (counters["upgrades_ok_total"], counters["reloads_ok_total"]) == (3, 3)
    assert server.log().count("event=taken_over") == server.log().count("event=handed_over") == 3


def test_an_open_tcp_connection_is_served_to_its_end(server):
    wire = frame(make_query("www.example.com", subnet=GB).to_wire())
    with server.tcp() as connection:
        connection.sendall(wire)
        assert read_frame(connection)
        old = server.process
        told = server.ctl("upgrade")
        assert told.returncode == 0, told.stderr
        connection.sendall(wire)
        assert read_frame(connection), "the old server still serves who was connected"
        assert old.poll() is None
    assert old.wait(timeout=30) == 0, "and ends when they have left"
    pid = int(told.stdout.split("pid ")[1].split()[0])
    server.process = AdoptedProcess(pid)
    until(lambda: server.counters()["tcp_queries_total"] == 2, "the old server's last count is carried over")


def test_the_new_server_is_a_server_like_any_other(server):
    server.query("www.example.com")
    before = server.status()
    server.upgrade()
    after = server.status()
    assert after["listening"] == before["listening"] and after["workers"] == before["workers"]
    server.edit("maps.yaml", EUROPE, EUROPE_MOVED)
    server.process.send_signal(signal.SIGHUP)
    until(lambda: datacenter_of(server.query("www.example.com", subnet=GB), "A") == "iad", "SIGHUP reloads")
    server.upgrade()
    code, log = server.stop()
    assert code == 0 and "event=stopped" in log.splitlines()[-1]
    assert not server.control.exists()


def test_the_site_file_s_addresses_are_those_of_the_new_server(server):
    server.write_site(listen='127.0.0.1:0", "127.0.0.2:0', workers=1 if server.status()["workers"] != 1 else 2)
    workers = server.status()["workers"]
    server.upgrade()
    status = server.status()
    ports = dict(address.rsplit(":", 1) for address in status["listening"])
    assert int(ports["127.0.0.1"]) == server.port and "127.0.0.2" in ports
    query = make_query("www.example.com", subnet=GB)
    assert datacenter_of(dns.query.udp(query, "127.0.0.2", port=int(ports["127.0.0.2"]), timeout=20), "A") == "ams"
    assert status["workers"] == workers, "their sockets are a group that must not change"
    assert "event=workers_kept" in server.log()
    server.write_site()
    server.upgrade()
    assert server.status()["listening"] == [f"127.0.0.1:{server.port}"]


def test_a_client_s_cookie_stays_valid_though_nobody_configured_a_secret(server):
    """The secret was made by the first process; the third must still take what that one signed."""
    first = cookie_of(server.ask(cookie_query(CLIENT_COOKIE)))
    assert len(first) == 24
    for _ in range(2):
        server.upgrade()
        before = server.counters()
        assert cookie_of(server.ask(cookie_query(first))) == first
        until(lambda: server.counters()["cookie_valid_queries_total"] == before["cookie_valid_queries_total"] + 1,
              "the cookie is valid")
        assert server.counters()["cookie_invalid_queries_total"] == 0
    server.reload()
    assert cookie_of(server.ask(cookie_query(first))) == first, "a reload keeps the secret that was handed over"
    server.stop()
    server.start()
    assert cookie_of(server.ask(cookie_query(first))) != first, "a stop and a start make a new one"


def test_another_binary_at_the_same_path_is_what_starts(new_server, programs):
    server = new_server()
    link = server.folder / "meridiand"
    link.symlink_to(programs.meridiand)
    server.binary = link
    server.start()
    fresh = server.folder / "fresh"
    fresh.write_bytes(programs.meridiand.read_bytes())
    fresh.chmod(0o755)
    fresh.rename(link)
    server.upgrade()
    assert os.readlink(f"/proc/{server.process.pid}/exe") == str(link)


def test_systemd_is_told_of_the_new_main_process(new_server, monkeypatch):
    server = new_server()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(server.folder / "notify.sock"))
        manager.settimeout(45)
        monkeypatch.setenv("NOTIFY_SOCKET", str(server.folder / "notify.sock"))
        server.start()
        assert manager.recv(4096) == b"READY=1"
        server.upgrade()
        assert manager.recv(4096) == f"MAINPID={server.process.pid}\nREADY=1".encode()
        server.process.send_signal(signal.SIGTERM)
        assert manager.recv(4096) == b"STOPPING=1"
        assert server.process.wait() == 0
