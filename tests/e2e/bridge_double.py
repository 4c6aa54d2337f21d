"""The bridge's side of its talk with an agent, without ExaBGP."""

import contextlib
import re
import socket
import time

import harness

ROUTE = re.compile(r"^route (\S+) (\S+) (\S+) (.*)$", re.MULTILINE)


class Bridge(harness.Background):
    """Keeps each message of the agent with its time. `acknowledges`: whether it says of each route at once that it is
    settled, or pending; None: it says nothing."""

    def __init__(self, path, acknowledges=None):
        super().__init__()
        self.path = str(path)
        self.acknowledges = acknowledges
        self.messages = []  # (time, text)

    def run(self):
        while not self.is_over:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
                connection.settimeout(0.05)
                connection.connect(self.path)
                self.serve(connection)
            time.sleep(0.02)

    def serve(self, connection):
        while not self.is_over:
            try:
                message = connection.recv(1 << 18).decode()
            except TimeoutError:
                continue
            if not message:
                return
            self.messages.append((time.monotonic(), message))
            if self.acknowledges is not None:
                connection.send(self.status(message).encode())

    def status(self, message):
        sent = re.search(r"^sent (\d+)$", message, re.MULTILINE).group(1)
        settled = "settled 3" if self.acknowledges else "pending never"
        lines = ["meridian-bgp status 1", f"sent {sent}", "exabgp 4.2.21", f"acks {len(self.messages)}", "ack-timeouts 1",
                 "errors 2", "refused 0", "refusal -", "neighbor 192.0.2.9 up -"]
        lines += [f"route {neighbor} {prefix} {level} {settled} {attributes}"
                  for neighbor, prefix, level, attributes in ROUTE.findall(message)]
        return "\n".join(lines) + "\n"

    def level(self, prefix, text=None):
        """What is wanted of a prefix, in the last message or in another; None: nothing is said of it."""
        if text is None:
            text = self.messages[-1][1] if self.messages else ""
        for _, network, level, attributes in ROUTE.findall(text):
            if network == prefix:
                return "de-preference" if level == "announce" and "65535:0" in attributes else level
        return None

    def until_level(self, prefix, level, after=0.0):
        """When it was first wanted since `after`."""
        def found():
            for at, text in list(self.messages):
                if at >= after and self.level(prefix, text) == level:
                    return at
            return None
        return harness.until(found, lambda: f"{prefix} {level}; the last message:\n{self.messages[-1:]}")
