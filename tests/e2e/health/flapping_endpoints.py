"""2,000 endpoints in one process, each of which comes and goes: a TCP service on every address of loopback.

usage: flapping_endpoints.py. Prints its port; a line on standard input ends the flapping, and all are well from then on.

An endpoint says "up" or "down" to whoever connects. Of ten, four fail twice in a row (after some first successes, not
all at once) and are well twice in a row, for ever; six fail once and are well twice.
"""

import collections
import selectors
import socket
import sys

COUNT = 2_000
HARD_OF_TEN = 4


def address(i):
    return f"127.1.{i // 250}.{i % 250 + 1}"


def is_hard(i):
    return i % 10 < HARD_OF_TEN


def is_well(i, turn):
    """At its `turn`-th probe, from 0 on."""
    if not is_hard(i):
        return (turn + i) % 3 != 2
    first = 2 + i % 4
    return turn < first or (turn - first) % 4 >= 2


def serve():
    indices = {address(i): i for i in range(COUNT)}
    turns = collections.Counter()
    is_settled = False
    listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                if not sys.stdin.readline():
                    return
                is_settled = True
                continue
            for _ in range(100):
                try:
                    connection, _ = listener.accept()
                except BlockingIOError:
                    break
                with connection:
                    i = indices[connection.getsockname()[0]]
                    connection.send(b"up" if is_settled or is_well(i, turns[i]) else b"down")
                    turns[i] += 1


if __name__ == "__main__":
    serve()
