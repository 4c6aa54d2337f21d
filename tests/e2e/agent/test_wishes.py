"""What operators want of a VIP: over the API and by meridianctl, until when, and what outlives the agent."""

import json
import re
import socket
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import make_query, until
from site_of_agent import PREFIX, SECOND, SECOND_PREFIX, VIP, running_site


@pytest.fixture
def site(programs, new_server):
    """Its VIPs are announced."""
    with running_site(programs, new_server()) as running:
        running.agent.until_level("announce", "ns1")
        running.agent.until_level("announce", "ns2")
        yield running


def audit(site):
    return site.agent.api("GET", "/v1/audit")[1]["audit"]


def test_status_tells_what_is_announced_and_why(site):
    until(lambda: site.agent.vip()["route"] == "settled", "the bridge has said it")
    done = site.agent.ctl("status")
    assert done.returncode == 0 and not done.stderr
    assert re.search(r"^site       e2e · meridian-agent \S+ · up \d+ s$", done.stdout, re.MULTILINE)
    assert re.search(r"^server     ready · epoch 1", done.stdout, re.MULTILINE)
    assert "bridge     connected · ExaBGP 4.2.21\n" in done.stdout
    assert "neighbor   up · 192.0.2.9 · up\n" in done.stdout
    assert "neighbor   away · 2001:db8::9 · not known\n" in done.stdout
    assert re.search(r"^ns1        announce · serving · since \S+ · 127.0.0.1 in 127.0.0.1/32 · route settled · \d+\.\d queries/s of clients$", done.stdout,
                     re.MULTILINE)
    told = json.loads(site.agent.ctl("status", "--json").stdout)
    assert [vip["name"] for vip in told["vips"]] == ["ns1", "ns2"]
    by_site = site.agent.programs.ctl("anycast", "status", "--site", site.server.site)
    assert by_site.returncode == 0 and "ns1        announce" in by_site.stdout


def test_a_withdrawal_is_done_at_once_and_undrain_ends_it(site):
    done = site.agent.ctl("withdraw", "ns1", "--reason", "CHG-1")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ns1        withdraw · operator_withdrew", done.stdout), done.stdout
    assert re.search(r"^           withdraw by \S+ \(uid \d+\) since \S+ · CHG-1$", done.stdout, re.MULTILINE), done.stdout
    until(lambda: site.bridge.level(PREFIX) == "withdraw", "the bridge is told")
    assert site.bridge.level(SECOND_PREFIX) == "announce"
    done = site.agent.ctl("undrain", "ns1", "--reason", "done")
    assert done.returncode == 0
    site.agent.until_level("announce")
    assert site.agent.vip()["wish"] is None
    assert [(line["action"], line["target"], line["reason"], line["result"]) for line in audit(site)] == [
        ("undrain", "ns1", "done", "done"), ("withdraw", "ns1", "CHG-1", "done")]
    shown = site.agent.ctl("audit").stdout.splitlines()
    assert len(shown) == 2 and re.search(r" withdraw ns1 · \S+ \(uid \d+\) · CHG-1$", shown[1])


def test_a_drain_waits_until_its_route_is_gone(site):
    begin = time.monotonic()
    site.bridge.acknowledges = False
    done = site.agent.ctl("drain", "ns1", "--reason", "CHG-2", "--wait", "--timeout", "4s")
    assert done.returncode == 1
    assert "meridianctl: not withdrawn within 4 s; the drain goes on" in done.stderr
    assert re.search(r"^ns1        withdraw · operator_drains .* · route pending( · \d+\.\d queries/s of clients)?$", done.stdout, re.MULTILINE), done.stdout
    site.bridge.acknowledges = True
    done = site.agent.ctl("drain", "--reason", "CHG-3", "--wait")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"withdrawn after \d+ s\n", done.stdout)
    assert time.monotonic() - begin > 2, "at_most is 2 s"
    assert {site.bridge.level(prefix) for prefix in (PREFIX, SECOND_PREFIX)} == {"withdraw"}


def test_a_drain_de_prefers_first_and_begins_no_second_time(programs, new_server):
    with running_site(programs, new_server(), drain="{at_least: 30s, at_most: 30s}") as site:
        site.agent.until_level("announce")
        assert site.agent.ctl("drain", "ns1", "--reason", "one").returncode == 0
        site.agent.until_level("de-preference")
        until(lambda: site.bridge.level(PREFIX) == "de-preference", "the bridge is told")
        first = site.agent.vip()["wish"]
        assert site.agent.ctl("drain", "ns1", "--reason", "two", "--for", "1h").returncode == 0
        second = site.agent.vip()["wish"]
        assert (second["reason"], second["since"]) == ("two", first["since"])
        assert 3590 < second["left_s"] <= 3600
        # One that is ended meanwhile is told to who waits for it.
        done = site.agent.ctl("undrain")
        assert done.returncode == 0
        assert "nothing was to end" in site.agent.ctl("undrain").stderr


class Asking(threading.Thread):
    """Asks an address some 200 times a second, until told not to."""

    def __init__(self, address, port):
        super().__init__(daemon=True)
        self.to = (address, port)
        self.is_over = threading.Event()
        self.query = make_query("www.example.com").to_wire()

    def run(self):
        with socket.socket(socket.AF_INET6 if ":" in self.to[0] else socket.AF_INET, socket.SOCK_DGRAM) as client:
            while not self.is_over.wait(0.005):
                client.sendto(self.query, self.to)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()


def pass_rounds(site, count):
    """They come twice a second."""
    before = site.agent.metric("vip_rounds_total", vip="ns1", result="clean")
    until(lambda: site.agent.metric("vip_rounds_total", vip="ns1", result="clean") >= before + count, lambda: site.agent.status())


def rate(site, name):
    return site.agent.vip(name)["queries_per_s"] or 0


def test_a_vip_that_is_drained_alone_is_withdrawn_once_nobody_asks_it_whatever_the_other_has(programs, new_server):
    with running_site(programs, new_server(), drain="{at_least: 2s, at_most: 5m}") as site:
        site.agent.until_level("announce", "ns1")
        site.agent.until_level("announce", "ns2")
        with Asking(SECOND, site.port), Asking(VIP, site.port) as leaving:
            until(lambda: rate(site, "ns1") > 75 and rate(site, "ns2") > 75, lambda: site.agent.status())
            assert site.agent.status()["server"]["queries_per_s"] > 1.5 * rate(site, "ns1"), "they share it"
            done = site.agent.ctl("drain", "ns1", "--reason", "CHG-7")
            assert done.returncode == 0 and re.search(r"route \S+ · \d+\.\d queries/s of clients$", done.stdout, re.MULTILINE)
            before = site.agent.vip()["wish"]["vip_rates_before"]
            assert set(before) == {"ns1"} and before["ns1"] > 50
            begin = time.monotonic()
            pass_rounds(site, 8)  # twice as long as at_least
            assert not site.agent.vip()["quiet"] and site.agent.vip()["level"] == "de-preference", "it is still asked"
            leaving.is_over.set()
            site.agent.until_level("withdraw", "ns1")
            until(lambda: site.bridge.level(PREFIX) == "withdraw", "the bridge is told")
            assert time.monotonic() - begin < 60, "well before at_most"
            assert site.agent.vip()["quiet"] and site.agent.metric("vip_quiet", vip="ns1") == 1
            assert site.agent.metric("vip_client_queries_per_second", vip="ns1") < 1
            assert rate(site, "ns2") > 50 and site.agent.vip("ns2")["level"] == "announce" and not site.agent.vip("ns2")["quiet"]
            assert site.agent.metric("vip_client_queries_per_second", vip="ns2") > 50


def test_where_the_server_listens_at_every_address_a_vip_is_quiet_when_the_whole_server_is(programs, new_server):
    with running_site(programs, new_server(), drain="{at_least: 1s, at_most: 5m}", listen=("0.0.0.0", "::")) as site:
        site.agent.until_level("announce", "ns1")
        with Asking(SECOND, site.port) as other:
            until(lambda: (site.agent.status()["server"]["queries_per_s"] or 0) > 75, lambda: site.agent.status())
            assert site.agent.vip()["queries_per_s"] is None
            assert site.agent.metric("vip_client_queries_per_second", vip="ns1") is None
            assert site.agent.ctl("drain", "ns1", "--reason", "CHG-8").returncode == 0
            wish = site.agent.vip()["wish"]
            assert wish["vip_rates_before"] == {} and wish["rate_before"] > 50
            pass_rounds(site, 24)  # longer than the rate looks back
            assert not site.agent.vip()["quiet"] and site.agent.vip()["level"] == "de-preference"
            other.is_over.set()
            site.agent.until_level("withdraw", "ns1")


def test_wishes_outlive_the_agent_however_it_ends(site):
    assert site.agent.ctl("withdraw", "ns1", "--reason", "CHG-4", "--for", "1d").returncode == 0
    before = site.agent.vip()["wish"]
    site.agent.kill()
    site.agent.start()
    assert site.agent.vip()["wish"]["until"] == before["until"]
    assert site.agent.vip()["level"] == "withdraw"
    assert "event=wish_restored" in site.agent.log()
    assert site.agent.stop() == 0
    site.agent.start()
    wish = site.agent.vip()["wish"]
    assert (wish["kind"], wish["reason"], wish["since"]) == ("withdraw", "CHG-4", before["since"])
    with sqlite3.connect(site.server.folder / "agent" / "journal.sqlite") as journal:
        assert journal.execute("SELECT kind, target, reason FROM overrides").fetchall() == [("withdraw", "ns1", "CHG-4")]


def test_a_wish_ends_by_itself(site):
    done = site.agent.ctl("withdraw", "ns1", "--reason", "short", "--for", "1s")
    assert done.returncode == 0
    site.agent.until_level("announce")
    assert site.agent.vip()["wish"] is None
    until(lambda: audit(site)[0]["action"] == "expire", lambda: audit(site))
    assert audit(site)[0]["who"] == "the clock"


def test_a_wish_that_cannot_be_written_holds_and_says_so(site):
    journal = site.server.folder / "agent" / "journal.sqlite"
    with sqlite3.connect(journal, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")  # as a disk that does not take a write
        done = site.agent.ctl("withdraw", "ns1", "--reason", "fire")
        other.execute("ROLLBACK")
    assert done.returncode == 0
    assert "done, but a restart of the agent forgets it: " in done.stderr
    assert "NOT WRITTEN, ends with the agent" in done.stdout
    assert site.agent.vip()["level"] == "withdraw"
    assert site.agent.metric("agent_wishes_not_written") == 1


def test_a_disk_that_hangs_holds_up_neither_the_withdrawal_nor_the_agent(site):
    journal = site.server.folder / "agent" / "journal.sqlite"
    with sqlite3.connect(journal, isolation_level=None) as other, ThreadPoolExecutor() as pool:
        other.execute("BEGIN IMMEDIATE")
        told = len(site.bridge.messages)
        begin = time.monotonic()
        command = pool.submit(site.agent.ctl, "withdraw", "ns1", "--reason", "fire")
        until(lambda: site.bridge.level(PREFIX) == "withdraw", "the bridge is told")
        assert not command.done(), "the journal waits for the other's lock, and the command for the journal"
        assert command.result().returncode == 0
        waited = time.monotonic() - begin
        other.execute("ROLLBACK")
    assert waited > 1 and len(site.bridge.messages) - told >= waited, "a message a second, at least"


REFUSED = [
    (["withdraw", "ns3", "--reason", "x"], "the site file has no VIP 'ns3'; there are ns1, ns2"),
    (["undrain", "ns3"], "the site file has no VIP 'ns3'; there are ns1, ns2"),
    (["drain", "ns1", "--reason", ""], "it needs a reason; whoever is called at night will look for one"),
    (["drain", "ns1", "--reason", "x" * 201], "a reason is one line of at most 200 bytes of UTF-8"),
    (["drain", "ns1", "--reason", "x", "--until", "2020-01-01T00:00Z"], "it would end before it begins"),
    (["drain", "ns1", "--reason", "x", "--until", "soon"], "until is a time in UTC, as 2026-11-27T03:00Z, not 'soon'"),
]


def test_what_makes_no_sense_is_refused(site):
    for arguments, complaint in REFUSED:
        done = site.agent.ctl(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"meridianctl: {complaint}\n")
    assert site.agent.status()["wishes"] == []


def test_one_of_all_vips_is_not_ended_for_one(site):
    assert site.agent.ctl("withdraw", "ns1", "--reason", "own").returncode == 0
    assert site.agent.ctl("withdraw", "--reason", "all").returncode == 0
    assert [wish["vip"] for wish in site.agent.status()["wishes"]] == [None], "it replaces those of one VIP"
    done = site.agent.ctl("undrain", "ns1")
    assert done.returncode == 1
    assert done.stderr == ("meridianctl: 'ns1' has no wish of its own; the withdraw of all VIPs holds, which undrain without "
                           "a VIP ends\n")
    assert site.agent.ctl("announce", "ns2", "--reason", "this one stays").returncode == 0
    site.agent.until_level("announce", "ns2")
    assert site.agent.vip("ns1")["level"] == "withdraw"
    assert site.agent.ctl("undrain").returncode == 0
    site.agent.until_level("announce", "ns1")


def test_bad_usage_is_told(programs, folder):
    done = programs.ctl("anycast", "drain")
    assert done.returncode == 2 and "--reason is required" in done.stderr
    done = programs.ctl("anycast", "drain", "--reason", "x", "--for", "long", "--agent", folder / "none.sock")
    assert done.returncode == 2
    assert done.stderr == "meridianctl: 'long' is no time up to 30 days; write 90s, 30m, 1h or 1d\n"
    done = programs.ctl("anycast", "status", "--agent", folder / "none.sock")
    assert done.returncode == 2
    assert "is meridian-agent running, and may you open that socket?" in done.stderr
    (folder / "meridian.yaml").write_text("map: map\n", encoding="utf-8")
    done = programs.ctl("anycast", "status", "--site", folder / "meridian.yaml")
    assert done.returncode == 2 and f"the site file {folder}/meridian.yaml has no 'anycast'" in done.stderr


def test_the_agent_stays_small(site):
    for _ in range(100):
        site.agent.status()
        assert site.agent.metric("vip_level", vip="ns1") == 2
    print(f"the agent has {site.agent.resident_kb()} kB")
    if not site.agent.programs.sanitized:
        assert site.agent.resident_kb() < 15_000
