"""DNS cookies: a real server and real clients, secrets in files, their change, and `require` mode."""

import os
import re
import shutil
import struct
import subprocess

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from harness import DEADLINE_S, texts

CLIENT_COOKIE = bytes(range(8))


def cookie_option(payload):
    return dns.edns.GenericOption(dns.edns.OptionType.COOKIE, payload)


def make_query(cookie=CLIENT_COOKIE, name="www.example.com"):
    options = [] if cookie is None else [cookie_option(cookie)]
    return dns.message.make_query(name, "A", use_edns=0, payload=1232, options=options)


def cookie_of(response):
    found = [option for option in response.options if option.otype == dns.edns.OptionType.COOKIE]
    if not found:
        return None
    return found[0].data if hasattr(found[0], "data") else found[0].client + found[0].server


def started(new_server, **options):
    server = new_server()
    server.write_site(**options)
    return server.start()


def secret_file(programs, server, name):
    made = programs.ctl("cookie-secret")
    assert made.returncode == 0
    path = server.folder / name
    path.write_text(made.stdout, encoding="utf-8")
    path.chmod(0o640)
    return path


def test_cookies_are_on_without_a_word_and_come_back_valid(example):
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, steered_answers=1, cookie_client_only_queries=1):
        first = cookie_of(example.ask(make_query()))
    assert len(first) == 24 and first[:8] == CLIENT_COOKIE and first[8:12] == b"\1\0\0\0"
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, steered_answers=1, cookie_valid_queries=1):
        assert cookie_of(example.ask(make_query(first))) == first
    forged = first[:-1] + bytes([first[-1] ^ 1])
    with example.moves(udp_queries=1, udp_answers=1, edns_queries=1, steered_answers=1, cookie_invalid_queries=1):
        response = example.ask(make_query(forged))
    assert response.rcode() == dns.rcode.NOERROR and cookie_of(response) not in (None, forged)


def test_a_refusal_has_the_cookie_and_says_why(example):
    response = example.ask(make_query(name="elsewhere.test"))
    assert response.rcode() == dns.rcode.REFUSED and len(cookie_of(response)) == 24
    assert [option.to_wire()[:2] for option in response.options if option.otype == 15] == [struct.pack("!H", 20)]


@pytest.mark.parametrize("size", [0, 1, 7, 9, 15, 41])
def test_a_malformed_cookie_is_a_format_error(example, size):
    with example.moves(udp_queries=1, udp_answers=1, formerr_answers=1):
        assert example.ask(make_query(bytes(size))).rcode() == dns.rcode.FORMERR


def test_a_query_of_a_cookie_alone_is_answered(example):
    wire = bytes.fromhex("1234 0000 0000 0000 0000 0001 00 0029 04d0 00000000 000c 000a 0008") + CLIENT_COOKIE
    for tcp in (False, True):
        if tcp:
            with example.tcp() as stream:
                stream.sendall(struct.pack("!H", len(wire)) + wire)
                size = struct.unpack("!H", stream.recv(2))[0]
                reply = stream.recv(size)
        else:
            with example.udp() as udp:
                udp.send(wire)
                reply = udp.recv(4096)
        response = dns.message.from_wire(reply)
        assert response.rcode() == dns.rcode.NOERROR and not response.question
        assert len(cookie_of(response)) == 24


def test_require_asks_for_proof_over_udp_only(new_server):
    server = started(new_server, cookies="{mode: require}")
    with server.moves(udp_queries=1, udp_answers=1, edns_queries=1, no_cookie_truncated_answers=1):
        response = server.ask(make_query(None))
    assert response.flags & dns.flags.TC and not response.answer
    assert texts(server.ask(make_query(None), tcp=True), "A")
    with server.moves(udp_queries=1, udp_answers=1, edns_queries=1, cookie_client_only_queries=1, badcookie_answers=1):
        response = server.ask(make_query())
    assert response.rcode() == 23 and not response.answer
    assert texts(server.ask(make_query(cookie_of(response))), "A")


def test_off_means_no_cookies(new_server):
    assert cookie_of(started(new_server, cookies="{mode: off}").ask(make_query())) is None


def test_a_secret_is_changed_without_a_client_noticing(new_server, programs):
    """The steps of docs/edns.md, at two servers behind one address: at each step each takes the other's cookies."""
    homes = [new_server(), new_server()]
    old = secret_file(programs, homes[0], "old")
    new = secret_file(programs, homes[0], "new")
    steps = [[old], [old, new], [new, old]]
    held = None
    for before, after in zip(steps, steps[1:]):
        for first, second in ((before, after), (after, before), (after, after)):
            for home, secrets in zip(homes, (first, second)):
                home.write_site(cookies="{mode: require, secrets: [" + ", ".join(f"{{file: {path}}}" for path in secrets) + "]}")
                home.start()
            for home in homes:
                if held is None:
                    held = cookie_of(home.ask(make_query()))
                response = home.ask(make_query(held))
                assert response.rcode() == dns.rcode.NOERROR, (before, after)
                held = cookie_of(response)
            for home in homes:
                assert home.counters()["cookie_invalid_queries_total"] == 0
                home.end()


def test_a_secret_everyone_can_read_is_told_and_never_shown(new_server, programs):
    server = new_server()
    path = secret_file(programs, server, "secret")
    secret = path.read_text(encoding="utf-8").strip()
    path.chmod(0o644)
    server.write_site(cookies="{secrets: [{file: secret}]}")
    done = programs.ctl("check", "--site", server.site, "--data", programs.data)
    assert done.returncode == 1 and "everyone can read" in done.stderr and secret not in done.stdout + done.stderr
    path.chmod(0o600)
    done = programs.ctl("check", "--site", server.site, "--data", programs.data)
    assert done.returncode == 0, done.stderr
    server.start()
    server.ask(make_query())
    shown = server.ctl("status").stdout + server.ctl("status", "--json").stdout + server.log()
    assert secret not in shown


@pytest.mark.skipif(shutil.which("dig") is None, reason="bind9-dnsutils is not installed")
def test_dig_takes_our_cookie_and_comes_back_with_it(new_server):
    server = started(new_server, cookies="{mode: require}")
    done = subprocess.run(["dig", "@127.0.0.1", "-p", str(server.port), "+cookie=0001020304050607", "+tries=1", "www.example.com", "A"],
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False, env={**os.environ, "HOME": "/nonexistent"})
    assert "status: NOERROR" in done.stdout, done.stdout  # after a BADCOOKIE that dig answers by itself
    assert re.search(r"COOKIE: 0001020304050607[0-9a-f]{32} \(good\)", done.stdout), done.stdout
    assert server.counters()["badcookie_answers_total"] == 1


@pytest.mark.skipif(shutil.which("kdig") is None, reason="knot-dnsutils is not installed")
def test_kdig_takes_our_cookie(example):
    done = subprocess.run(["kdig", "@127.0.0.1", "-p", str(example.port), "+cookie=0001020304050607", "www.example.com", "A"],
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert "NOERROR" in done.stdout and "COOKIE: 0001020304050607" in done.stdout.replace(" COOKIE:", "COOKIE:"), done.stdout


def test_the_idle_time_is_told_over_tcp(example):
    query = dns.message.make_query("www.example.com", "A", use_edns=0, options=[dns.edns.GenericOption(11, b"")])
    told = [option.data for option in example.ask(query, tcp=True).options if option.otype == 11]
    assert told == [struct.pack("!H", 100)]
    assert not [option for option in example.ask(query).options if option.otype == 11]
