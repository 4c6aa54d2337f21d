"""Answers that a worker keeps: they are given again, and whatever changes them shows at once."""

import pytest

from harness import datacenter_of, subnet_of, texts

GB = "81.2.69.0/24"


def kept(server):
    return server.counters()["kept_answers_total"]


def ask_often(server, times=5):
    """The last of some answers to the same question; all must be the same."""
    answers = [server.query("www.example.com", subnet=GB) for _ in range(times)]
    assert len({frozenset(texts(answer, "A")) for answer in answers}) == 1
    return answers[-1]


@pytest.fixture
def busy(new_server):
    """A server with one worker that has kept an answer of ams."""
    server = new_server()
    server.write_site(workers=1)
    server.start()
    assert datacenter_of(ask_often(server), "A") == "ams"
    assert kept(server) == 3, "the first shows that it is asked for, the second is kept"
    return server


def test_what_was_kept_has_the_scope_of_its_own_client(busy):
    before = kept(busy)
    answer = busy.query("wWw.exAMPle.com", subnet="81.2.70.0/24")
    assert kept(busy) == before + 1
    assert answer.question[0].name.to_text() == "wWw.exAMPle.com."
    assert subnet_of(answer).address == "81.2.70.0" and 0 < subnet_of(answer).scopelen <= 24
    assert busy.explain("www.example.com", "--from", "81.2.70.0/24")["scope_bits"] == subnet_of(answer).scopelen


def test_over_tcp_too(busy):
    before = kept(busy)
    for _ in range(4):
        assert datacenter_of(busy.query("www.example.com", subnet=GB, tcp=True), "A") == "ams"
    assert kept(busy) == before + 2


def test_a_drain_shows_at_once(busy):
    assert busy.ctl("drain", "ams").returncode == 0
    assert datacenter_of(busy.query("www.example.com", subnet=GB), "A") != "ams"
    assert datacenter_of(ask_often(busy), "A") != "ams"
    assert busy.ctl("undrain", "ams").returncode == 0
    assert datacenter_of(busy.query("www.example.com", subnet=GB), "A") == "ams"


def test_a_reload_shows_at_once(busy):
    busy.edit("services.yaml", "ttl: 30", "ttl: 31")
    assert busy.reload().returncode == 0
    assert busy.query("www.example.com", subnet=GB).answer[0].ttl == 31
    assert ask_often(busy).answer[0].ttl == 31


def test_it_is_switched_off_without_a_restart(busy):
    busy.write_site(workers=1, answer_cache="off")
    assert busy.reload().returncode == 0
    before = kept(busy)
    assert datacenter_of(ask_often(busy), "A") == "ams"
    assert kept(busy) == before
