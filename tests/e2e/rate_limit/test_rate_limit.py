"""Response rate limits end to end: over UDP a flood is cut, real clients are sent to TCP, and a reload keeps counting."""

import dns.flags

from harness import DEADLINE_S, make_query

import dns.query


def limited(new_server, limits):
    server = new_server()
    server.write_site(rate_limit=limits)
    return server.start()


def ask(server, count, name="ns1.example.com"):
    """Flags of the answers to `count` queries over UDP, of which all are answered."""
    query = make_query(name)
    return [dns.query.udp(query, "127.0.0.1", port=server.port, timeout=DEADLINE_S).flags for _ in range(count)]


def test_over_the_limit_udp_says_truncated_and_tcp_answers(new_server):
    # A minute between two answers: the test may take its time.
    server = limited(new_server, "{responses: 1, window: 60, slip: 1}")
    flags = ask(server, 5)
    assert [bool(flag & dns.flags.TC) for flag in flags] == [False, True, True, True, True]
    over_tcp = dns.query.tcp(make_query("ns1.example.com"), "127.0.0.1", port=server.port, timeout=DEADLINE_S)
    assert over_tcp.answer and not over_tcp.flags & dns.flags.TC
    counters = server.status()["counters"]
    assert counters["rate_limit_responses_total"] == counters["rate_limit_slipped_answers_total"] == 4
    assert counters["rate_limit_dropped_answers_total"] == 0


def test_the_allow_list_and_log_only_answer_everything(new_server):
    exempt = limited(new_server, "{responses: 1, window: 60, slip: 1, exempt: [127.0.0.0/8]}")
    assert not any(flag & dns.flags.TC for flag in ask(exempt, 5))
    assert exempt.status()["counters"]["rate_limit_responses_total"] == 0
    watched = limited(new_server, "{responses: 1, window: 60, slip: 1, log_only: true}")
    assert not any(flag & dns.flags.TC for flag in ask(watched, 5))
    assert watched.status()["counters"]["rate_limit_responses_total"] == 4
    assert watched.status()["counters"]["rate_limit_slipped_answers_total"] == 0
