"""Probes of a running server: what they find moves clients, survives restarts and upgrades, and is doubted in time."""

import contextlib
import json
import re
import socket
import time

from harness import texts, until

GB = "81.2.69.0/24"
AMS, IAD, SIN = "127.0.1.1", "127.0.1.2", "127.0.1.3"
DOWN_AFTER, EVERY_S, TIMEOUT_S = 2, 0.5, 0.2


class Endpoints:
    """Listeners on one port of several addresses of loopback; the kernel accepts for them."""

    def __init__(self, *addresses):
        self.sockets = {}
        self.port = 0
        for _ in range(50):
            with contextlib.suppress(OSError):
                self.open_all(addresses)
                return
            self.close_all()
        raise AssertionError("no port is free on all addresses")

    def open_all(self, addresses):
        self.port = 0
        for address in addresses:
            self.open(address)

    def open(self, address):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sockets[address] = listener
        listener.bind((address, self.port))
        listener.listen(512)
        self.port = listener.getsockname()[1]

    def close(self, address):
        self.sockets.pop(address).close()

    def close_all(self):
        for address in list(self.sockets):
            self.close(address)


def services(check, pools):
    listed = ", ".join(f"{name}: [{address}]" for name, address in pools.items())
    return (f"checks:\n  probe: {{{check}}}\nservices:\n"
            f"  www.example.com: {{map: web, ttl: 30, check: probe, pools: {{{listed}}}}}\n")


def tcp_check(port):
    return (f"type: tcp, port: {port}, every: 500ms, timeout: 200ms, "
            f"down_after: {DOWN_AFTER}, up_after: 2, jitter: 0%")


def three(server, port):
    server.write("services.yaml", services(tcp_check(port), {"ams": AMS, "iad": IAD, "sin": SIN}))
    return server


def answer(server):
    return texts(server.query("www.example.com", subnet=GB), "A")


def states(server):
    """address → state, as `meridianctl health` has them."""
    done = server.ctl("health", "www.example.com", "--json")
    assert done.returncode == 0, done.stderr
    return {each["address"]: each["state"] for each in json.loads(done.stdout)["services"][0]["endpoints"]}


def test_the_first_round_is_over_before_the_first_answer(new_server):
    endpoints = Endpoints(IAD, SIN)
    server = three(new_server(), endpoints.port).start()
    # One failure is not enough for down, but all have a result, and those that are well are up.
    assert states(server)[IAD] == states(server)[SIN] == "up"
    assert server.counters()["probes_total"] >= 3
    endpoints.close_all()


def test_an_endpoint_that_dies_loses_its_clients_in_time(new_server):
    endpoints = Endpoints(AMS, IAD, SIN)
    server = three(new_server(), endpoints.port).start()
    assert answer(server) == {AMS}
    endpoints.close(AMS)
    died = time.monotonic()
    until(lambda: answer(server) != {AMS}, "another answer")
    took = time.monotonic() - died
    print(f"failover took {took:.2f} s; the bound is {DOWN_AFTER * EVERY_S + TIMEOUT_S + 0.1:.2f} s")
    assert answer(server) <= {IAD, SIN}
    assert states(server)[AMS] == "down"
    shown = server.ctl("health").stdout
    assert "down     ams 127.0.1.1" in shown and "connect: refused" in shown
    told = server.ctl("explain", "www.example.com").stdout
    assert re.search(r"^endpoint  ams 127\.0\.1\.1 down for \d+ s · connect: refused$", told, re.MULTILINE), told
    (one,) = server.explain("www.example.com")["endpoints"]
    assert (one["address"], one["state"], one["cause"]) == (AMS, "down", "connect: refused")
    assert "event=endpoint_down" in server.log() and "address=127.0.1.1" in server.log()
    history = server.ctl("history", "www.example.com")
    assert "www.example.com@ams/127.0.1.1" in history.stdout and "→ down" in history.stdout, history.stderr
    endpoints.close_all()


def test_while_an_endpoint_fails_answers_are_kept_for_a_shorter_time(new_server):
    endpoints = Endpoints(AMS, IAD, SIN)
    server = new_server()
    slow = f"type: tcp, port: {endpoints.port}, every: 2s, timeout: 200ms, down_after: 10, jitter: 0%"
    server.write("services.yaml", services(slow, {"ams": AMS, "iad": IAD, "sin": SIN}))
    server.start()
    assert server.query("www.example.com", subnet=GB).answer[0].ttl == 30
    endpoints.close(AMS)
    until(lambda: server.query("www.example.com", subnet=GB).answer[0].ttl < 30, "a shorter TTL")
    assert answer(server) == {AMS}, "it is not down yet"
    endpoints.close_all()


def test_a_check_that_fails_for_everything_is_not_believed(new_server):
    endpoints = Endpoints(AMS, IAD, SIN)
    server = three(new_server(), endpoints.port).start()
    assert answer(server) == {AMS}
    endpoints.close_all()
    until(lambda: "event=check_suspect" in server.log(), server.log)
    assert "SUSPECT" in server.ctl("health").stdout
    assert set(states(server).values()) == {"up"}
    assert answer(server) == {AMS}


def test_states_survive_a_restart_and_an_upgrade(new_server):
    endpoints = Endpoints(AMS, IAD, SIN)
    server = three(new_server(), endpoints.port)
    server.write_site(state="state")
    server.start()
    endpoints.close(AMS)
    until(lambda: answer(server) != {AMS}, "another answer")
    server.stop()
    server.start()
    # Not probed twice by then: it is known from before.
    assert answer(server) != {AMS} and states(server)[AMS] == "down"
    assert "event=endpoint_down" not in server.log()
    server.upgrade()
    assert answer(server) != {AMS} and states(server)[AMS] == "down"
    endpoints.close_all()


def test_a_reload_takes_what_is_known_along_and_probes_what_is_new(new_server):
    endpoints = Endpoints(AMS, IAD, SIN)
    server = three(new_server(), endpoints.port).start()
    endpoints.close(AMS)
    until(lambda: answer(server) != {AMS}, "another answer")
    fresh = "127.0.1.4"
    endpoints.open(fresh)
    server.write("services.yaml", services(tcp_check(endpoints.port), {"ams": AMS, "iad": fresh, "sin": SIN}))
    done = server.reload()
    assert done.returncode == 0, done.stdout + done.stderr
    assert states(server)[AMS] == "down"
    until(lambda: states(server)[fresh] == "up", "a state of the new endpoint")
    endpoints.close_all()


def test_an_operator_knows_better_than_probes(new_server):
    endpoints = Endpoints(AMS, IAD, SIN)
    server = three(new_server(), endpoints.port).start()
    endpoints.close(AMS)
    until(lambda: answer(server) != {AMS}, "another answer")
    done = server.ctl("force", "up", AMS, "--reason", "the probe is wrong")
    assert done.returncode == 0, done.stderr
    assert answer(server) == {AMS}
    assert states(server)[AMS] == "down", "what is known is another thing"
    assert "ams 127.0.1.1 forced up for " in server.ctl("explain", "www.example.com").stdout
    assert server.ctl("force", "auto", AMS).returncode == 0
    assert answer(server) != {AMS}
    endpoints.close_all()


def test_endpoints_report_of_themselves(new_server):
    server = new_server()
    server.write("services.yaml", services("type: push, lease: 60s", {"ams": AMS, "iad": IAD, "sin": SIN}))
    server.start()
    assert answer(server) == {AMS}, "unknown counts as up"
    for address in (AMS, IAD, SIN):
        assert server.ctl("report", "probe", address, "up").returncode == 0
    assert states(server) == {AMS: "up", IAD: "up", SIN: "up"}
    done = server.ctl("report", "probe", AMS, "down", "--cause", "disk full")
    assert done.returncode == 0, done.stderr
    assert answer(server) != {AMS}
    assert "disk full" in server.ctl("health").stdout
    refused = server.ctl("report", "probe", "127.0.1.9", "up")
    assert refused.returncode == 1 and "no service has 127.0.1.9 with a check 'probe'" in refused.stderr


def test_a_lease_that_is_not_renewed_runs_out(new_server):
    server = new_server()
    server.write("services.yaml", services("type: push, lease: 2s", {"ams": AMS, "iad": IAD, "sin": SIN}))
    server.start()

    def renew(*addresses):
        for address in addresses:
            assert server.api("POST", f"/v1/report?check=probe&address={address}&ok=yes")[0] == 200

    def has_run_out():
        renew(AMS, SIN)
        return states(server)[IAD] == "down"

    renew(AMS, IAD, SIN)
    until(has_run_out, "a lease that ran out")
    assert states(server) == {AMS: "up", IAD: "down", SIN: "up"}
    assert "event=panic" not in server.log()
