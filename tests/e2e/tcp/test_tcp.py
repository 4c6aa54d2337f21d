"""DNS over TCP: framing, pipelining, and clients that behave oddly."""

import random
import socket
import struct

import dns.message

from harness import POOLS, frame, make_query, read_exactly, read_frame, texts, until


def query_wire(number, name="static.example.com", rtype="A"):
    query = make_query(name, rtype)
    query.id = number
    return query.to_wire()


def test_50_pipelined_queries_are_all_answered_in_order(example):
    with example.moves(tcp_connections=1, tcp_queries=50, tcp_answers=50, edns_queries=50, static_answers=25,
                       steered_answers=25):
        with example.tcp() as stream:
            stream.sendall(b"".join(
                frame(query_wire(number, "static.example.com" if number % 2 else "www.example.com"))
                for number in range(50)))
            replies = [dns.message.from_wire(read_frame(stream)) for _ in range(50)]
    assert [response.id for response in replies] == list(range(50))
    for response in replies:
        expected = "static.example.com." if response.id % 2 else "www.example.com."
        assert response.answer[0].name.to_text() == expected


def test_a_query_may_come_one_byte_at_a_time(example):
    with example.moves(tcp_connections=1, tcp_queries=2, tcp_answers=2, edns_queries=2, static_answers=2):
        with example.tcp() as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in (1, 2):
                for byte in frame(query_wire(number)):
                    stream.sendall(bytes([byte]))
                assert dns.message.from_wire(read_frame(stream)).id == number


def test_queries_may_be_cut_anywhere(example):
    """Pieces of random lengths, so that a piece holds parts of several messages."""
    draw = random.Random(7)
    data = b"".join(frame(query_wire(number)) for number in range(40))
    with example.tcp() as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data:
            size = draw.randrange(1, 100)
            stream.sendall(data[:size])
            data = data[size:]
        assert [dns.message.from_wire(read_frame(stream)).id for _ in range(40)] == list(range(40))


def test_a_client_that_shuts_its_side_still_gets_its_answers(example):
    with example.moves(tcp_connections=1, tcp_queries=3, tcp_answers=3, edns_queries=3, static_answers=3):
        with example.tcp() as stream:
            stream.sendall(b"".join(frame(query_wire(number)) for number in range(3)))
            stream.shutdown(socket.SHUT_WR)
            assert [dns.message.from_wire(read_frame(stream)).id for _ in range(3)] == [0, 1, 2]
            assert read_frame(stream) is None, "and then the server closes too"


def test_a_connection_closed_within_a_message_is_counted(example):
    with example.moves(tcp_connections=1, tcp_aborted_connections=1):
        with example.tcp() as stream:
            stream.sendall(frame(query_wire(1))[:-3])


def test_a_connection_without_a_query_is_nothing_special(example):
    with example.moves(tcp_connections=1):
        example.tcp().close()


def test_a_length_of_zero_closes_the_connection(example):
    with example.moves(tcp_connections=1, tcp_bad_length_connections=1):
        with example.tcp() as stream:
            stream.sendall(b"\0\0")
            assert read_frame(stream) is None


def test_a_length_of_zero_after_a_query_does_not_cost_its_answer(example):
    with example.moves(tcp_connections=1, tcp_bad_length_connections=1, tcp_queries=1, tcp_answers=1, edns_queries=1,
                       static_answers=1):
        with example.tcp() as stream:
            stream.sendall(frame(query_wire(9)) + b"\0\0")
            assert dns.message.from_wire(read_frame(stream)).id == 9
            assert read_frame(stream) is None


def test_a_length_no_query_has_closes_the_connection_at_once(example):
    """Nothing but the length was sent: the server does not wait for 65535 bytes."""
    with example.moves(tcp_connections=1, tcp_bad_length_connections=1):
        with example.tcp() as stream:
            stream.sendall(b"\xff\xff")
            assert read_frame(stream) is None


def test_a_message_that_deserves_no_answer_closes_the_connection(example):
    response_bit = bytearray(query_wire(1))
    response_bit[2] |= 0x80
    for wire, counter in ((bytes(response_bit), "dropped_response_queries"), (b"short", "dropped_short_queries")):
        with example.moves(tcp_connections=1, tcp_queries=1, tcp_unanswered_connections=1, **{counter: 1}):
            with example.tcp() as stream:
                stream.sendall(frame(wire))
                assert read_frame(stream) is None


def test_connections_do_not_wait_for_each_other(example):
    with example.moves(tcp_connections=2, tcp_queries=3, tcp_answers=3, edns_queries=3, static_answers=3):
        with example.tcp() as slow, example.tcp() as quick:
            slow.sendall(frame(query_wire(1))[:5])
            for number in (2, 3):
                quick.sendall(frame(query_wire(number)))
                assert dns.message.from_wire(read_frame(quick)).id == number
            slow.sendall(frame(query_wire(1))[5:])
            assert dns.message.from_wire(read_frame(slow)).id == 1


def test_a_client_network_may_have_64_connections_and_its_oldest_idle_ones_make_room(server):
    with server.moves(tcp_connections=70, tcp_evicted_client_limit_connections=6, tcp_queries=64, tcp_answers=64,
                       edns_queries=64, static_answers=64):
        streams = []
        try:
            for _ in range(70):
                streams.append(server.tcp())
            # Whom the server took in last may not be there yet; the first six go when it is.
            served = [answered(stream, number) for number, stream in reversed(list(enumerate(streams)))]
            assert served == [True] * 64 + [False] * 6
        finally:
            for stream in streams:
                stream.close()


def test_a_client_network_whose_64_connections_are_busy_gets_no_more(server):
    name = "tcp_rejected_client_limit_connections_total"
    before = server.counters()[name]
    streams = [server.tcp() for _ in range(64)]
    try:
        for number, stream in enumerate(streams):
            stream.sendall(frame(query_wire(number)) + frame(query_wire(number))[:5])
            assert dns.message.from_wire(read_frame(stream)).id == number
        with server.tcp() as late:
            assert read_frame(late) is None
        assert server.counters()[name] == before + 1
    finally:
        for stream in streams:
            stream.close()
    # Room again once they left.
    until(lambda: can_ask(server), "a connection that is served again")


def answered(stream, number):
    try:
        stream.sendall(frame(query_wire(number)))
        reply = read_frame(stream)
    except OSError:
        return False
    return reply is not None and dns.message.from_wire(reply).id == number


def can_ask(server):
    with server.tcp() as stream:
        return answered(stream, 1)


def test_a_large_answer_comes_whole(server):
    addresses = {f"2001:db8:ffff::{number:x}" for number in range(1, 33)}
    pool = ", ".join(f'"{address}"' for address in sorted(addresses))
    services = (server.map / "services.yaml").read_text(encoding="utf-8")
    big = f"  big.example.com: {{map: web, answer: 32, pools: {{sin: [{pool}]}}}}\n"
    server.write("services.yaml", f"{services}\n{big}")
    assert server.reload().returncode == 0
    with server.moves(tcp_connections=1, tcp_queries=100, tcp_answers=100, edns_queries=100, steered_answers=100):
        with server.tcp() as stream:
            # 100 answers of 940 bytes: more than the server gathers for one write.
            stream.sendall(b"".join(frame(query_wire(number, "big.example.com", "AAAA")) for number in range(100)))
            for number in range(100):
                response = dns.message.from_wire(read_frame(stream))
                assert response.id == number and texts(response, "AAAA") == addresses


def test_a_slow_reader_gets_every_answer(server):
    """The server stops reading when its answers are not taken, and goes on when they are."""
    count = 3000
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stream.settimeout(45)
        stream.connect(server.address())
        sent = 0
        received = 0
        while received < count:
            # Twice as much out as in, until everything is out.
            upto = min(count, sent + 200)
            stream.sendall(b"".join(frame(query_wire(number & 0xffff)) for number in range(sent, upto)))
            sent = upto
            for _ in range(100 if sent < count else count - received):
                size = struct.unpack("!H", read_exactly(stream, 2))[0]
                assert dns.message.from_wire(read_exactly(stream, size)).id == received & 0xffff
                received += 1


def test_udp_and_tcp_give_the_same_data(example):
    for name, rtype in (("www.example.com", "AAAA"), ("example.com", "MX"), ("host.lab.example.com", "A"),
                        ("nothing.example.com", "A"), ("www.example.net", "A")):
        over_udp = example.query(name, rtype, subnet="1.0.16.0/24")
        over_tcp = example.query(name, rtype, subnet="1.0.16.0/24", tcp=True)
        assert over_udp.rcode() == over_tcp.rcode() and over_udp.flags == over_tcp.flags
        for section in ("answer", "authority", "additional"):
            assert [rrset.to_text() for rrset in getattr(over_udp, section)] == [
                rrset.to_text() for rrset in getattr(over_tcp, section)]
    assert POOLS["sin"]["AAAA"] == texts(example.query("www.example.com", "AAAA", subnet="1.0.16.0/24"), "AAAA")
