"""From the death of an endpoint to the first answer without it, for each type of probe.

The bound is `down_after` × `every` + `timeout` and 100 ms, whenever in an interval the endpoint dies. Two deaths: the
process is killed, so that its host says at once that nobody is there; or the host vanishes, and nothing comes back. What
the machine itself stood still comes on top: harness.StallWatch measures it, and a probe that failed while the server did
not run is not believed (`probes_disregarded_total`), which costs one interval more.
"""

import contextlib
import socket
import time

import pytest

import harness
import mortal
import peers

EVERY_S, TIMEOUT_S, DOWN_AFTER, LEASE_S = 1.0, 0.5, 2, 1.0
JITTER = 0.1
SLACK_S = 0.1
TRIALS = 6

# What the pool of another datacenter is, and the endpoints that die.
KILLED = ("127.0.1.1", [f"127.0.1.{10 + i}" for i in range(TRIALS)])
VANISHED = ("192.0.2.1", [f"192.0.2.{10 + i}" for i in range(TRIALS)])
TIMING = f"every: {EVERY_S * 1000:.0f}ms, timeout: {TIMEOUT_S * 1000:.0f}ms, jitter: {JITTER * 100:.0f}%"


# --- what is probed --------------------------------------------------------------------------------------


def of_http(folder):
    return "type: http", mortal.nginx


def of_https(folder):
    authority = peers.Authority(folder)
    certificate, key = authority.sign("good", "www.example.com")
    tls = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
    return (f"type: https, host: www.example.com, ca_file: {authority.file}",
            lambda place, address, port: mortal.nginx(place, address, port, tls))


def of_grpc(folder):
    return "type: grpc", lambda place, address, port: mortal.own("grpc", address, port)


def of_tcp(folder):
    return 'type: tcp, expect: "220 "', lambda place, address, port: mortal.own("tcp", address, port)


def of_dns(folder):
    return "type: dns, ask: example.com, record: SOA", mortal.nsd


def of_exec(folder):
    words = '["/bin/bash", "-c", "exec 3<>/dev/tcp/{address}/{port}"]'
    return f"type: exec, command: {words}", lambda place, address, port: mortal.own("tcp", address, port)


PROBED = {"http": of_http, "https": of_https, "grpc": of_grpc, "tcp": of_tcp, "dns": of_dns, "exec": of_exec}


def write_services(server, check, other, dying):
    """A service for each endpoint that dies: its clients go to `other` then."""
    listed = "\n".join(f"  t{i}.example.com: {{map: web, check: probe, pools: {{ams: [{address}], iad: [{other}]}}}}"
                       for i, address in enumerate(dying))
    server.write("maps.yaml", "maps: {web: {rules: [{for: everyone, prefer: [ams]}]}}\n")
    server.write("services.yaml", f"checks:\n  probe: {{{check}, down_after: {DOWN_AFTER}}}\nservices:\n{listed}\n")
    return server


def serve_each(server, check, other, dying):
    write_services(server, check, other, dying).start()
    harness.until(lambda: all_up(server), lambda: server.ctl("health").stdout)
    return server


def all_up(server):
    services = server.api("GET", "/v1/health")[1]["services"]
    return all(endpoint["state"] == "up" for service in services for endpoint in service["endpoints"])


# --- the measure -----------------------------------------------------------------------------------------


class Deaths:
    """Kills one endpoint after the other, in different moments of an interval, and asks until none is answered."""

    def __init__(self, server, dying, kill):
        self.dying = dying
        self.kill = kill
        self.udp = server.udp()
        self.questions = [harness.make_query(f"t{i}.example.com").to_wire() for i in range(len(dying))]
        self.died = {}
        self.moved = {}

    def is_answered(self, i):
        self.udp.send(self.questions[i])
        reply = self.udp.recv(65535)
        assert reply[3] & 0xF == 0 and reply[7], f"no addresses: {reply}"
        return socket.inet_aton(self.dying[i]) in reply

    def run(self, interval_s, meanwhile):
        begin = time.monotonic()
        deadline = begin + harness.DEADLINE_S
        assert all(self.is_answered(i) for i in range(len(self.dying)))
        while len(self.moved) < len(self.dying):
            assert time.monotonic() < deadline, f"not all moved: {self.moved}"
            i = len(self.died)
            if i < len(self.dying) and time.monotonic() >= begin + i * interval_s * 0.37:
                self.died[i] = time.monotonic()
                self.kill(self.dying[i])
            for i in self.died.keys() - self.moved.keys():
                if not self.is_answered(i):
                    self.moved[i] = time.monotonic()
            meanwhile()
            time.sleep(0.002)  # between two questions, to leave the endpoints some of the machine


def measure(server, dying, kill, interval_s=EVERY_S, timeout_s=TIMEOUT_S, jitter=JITTER, meanwhile=lambda: None):
    """Returns what it took, worst last, having asserted the bound."""
    disregarded = server.counters()["probes_disregarded_total"]
    with harness.StallWatch() as watch:
        deaths = Deaths(server, dying, kill)
        deaths.run(interval_s, meanwhile)
    disregarded = server.counters()["probes_disregarded_total"] - disregarded
    bound = DOWN_AFTER * interval_s + timeout_s + SLACK_S
    took = []
    for i, died in deaths.died.items():
        stalled = watch.stalled_s(died, deaths.moved[i]) + (interval_s if disregarded else 0)
        took.append(deaths.moved[i] - died)
        assert took[-1] <= bound + stalled, f"{dying[i]} took {took[-1]:.3f} s, more than {bound} + {stalled:.3f} s"
        # So many failures in a row cannot come sooner, or a single one is believed.
        assert took[-1] >= (DOWN_AFTER - 1) * interval_s * (1 - jitter) - SLACK_S
    took.sort()
    print(f"took {', '.join(f'{one:.2f}' for one in took)} s; bound {bound:.2f} s; "
          f"stalls of the machine {watch.stalled_s(min(deaths.died.values()), max(deaths.moved.values())):.3f} s; "
          f"{disregarded} probes disregarded")
    assert "event=panic" not in server.log() and "event=check_suspect" not in server.log()
    return took


@pytest.mark.parametrize("kind", PROBED)
def test_a_process_that_is_killed(kind, new_server, folder):
    other, dying = KILLED
    check, command = PROBED[kind](folder)
    port = mortal.free_port()
    with mortal.endpoints(folder, [other, *dying], port, command) as endpoints:
        server = serve_each(new_server(), f"{check}, port: {port}, {TIMING}", other, dying)
        measure(server, dying, lambda address: endpoints[address].kill())


@pytest.mark.parametrize("kind", [*PROBED, "icmp"])
def test_a_host_that_vanishes(kind, new_server, folder):
    other, dying = VANISHED
    with mortal.network_namespace(), contextlib.ExitStack() as stack:
        for address in [other, *dying]:
            mortal.appear(address)
        check = f"type: icmp, {TIMING}"
        if kind != "icmp":
            check, command = PROBED[kind](folder)
            port = mortal.free_port()
            check = f"{check}, port: {port}, {TIMING}"
            stack.enter_context(mortal.endpoints(folder, [other, *dying], port, command))
        server = serve_each(new_server(), check, other, dying)
        measure(server, dying, mortal.vanish)


def test_an_endpoint_that_reports_no_more(new_server):
    """The lease is what `every` is to others: the endpoint dies just behind a report."""
    other, dying = KILLED
    server = write_services(new_server(), f"type: push, lease: {LEASE_S:.0f}s", other, dying).start()
    alive = list(dying)
    renewed = [0.0]

    def report(address):
        assert server.api("POST", f"/v1/report?check=probe&address={address}&ok=yes")[0] == 200

    def renew():
        if time.monotonic() - renewed[0] < LEASE_S / 4:
            return
        renewed[0] = time.monotonic()
        for address in [other, *alive]:
            report(address)

    def die(address):
        alive.remove(address)
        report(address)

    renew()
    took = measure(server, dying, die, interval_s=LEASE_S, timeout_s=0, jitter=0, meanwhile=renew)
    assert took[0] >= DOWN_AFTER * LEASE_S - SLACK_S
