"""Medians and ratios of the rows, and the targets they are held against."""

import dataclasses
import statistics

from servers import echo

SERVERS = (*echo.NAMES, "meridiand", "gdnsd", "knot", "nsd")
KINDS = ("ecs", "plain", "nxdomain", "tcp", "tcp-each")


@dataclasses.dataclass(frozen=True)
class Row:
    """One run of one server under one kind of load."""
    part: str  # small or large: which zones were loaded
    round: int
    server: str
    kind: str
    client: str
    right: int
    wrong: int
    lost: int
    reply_bytes: float
    cpu_ns: int
    user_ns: float
    busy: float  # the server's share of its core
    resident_mib: float
    load_s: float

    def per_cpu_second(self):
        return self.right / (self.cpu_ns / 1e9) if self.cpu_ns else 0.0

    def user_ns_per_query(self):
        return self.user_ns / self.right if self.right else 0.0

    def cpu_ns_per_query(self):
        return self.cpu_ns / self.right if self.right else 0.0

    def fields(self):
        return {**dataclasses.asdict(self), "queries_per_cpu_s": round(self.per_cpu_second()),
                "user_ns_per_query": round(self.user_ns_per_query(), 1)}


class Table:
    """All rows of a bench."""

    def __init__(self, rows):
        self.rows = rows

    def median(self, value, **wanted):
        """The median of value(row) over the rows whose fields are as wanted; None when there are none."""
        found = [value(row) for row in self.rows if all(getattr(row, name) == text for name, text in wanted.items())]
        return statistics.median(found) if found else None

    def user_ns(self, **wanted):
        """User-space ns of a query, over all rounds at once: each run's split of user and kernel is only sampled."""
        found = [row for row in self.rows if all(getattr(row, name) == text for name, text in wanted.items())]
        right = sum(row.right for row in found)
        return sum(row.user_ns for row in found) / right if right else None

    def user_ratio(self, first, second):
        ours, theirs = self.user_ns(**first), self.user_ns(**second)
        return ours / theirs if ours and theirs else None

    def ratio(self, value, first, second):
        ours, theirs = self.median(value, **first), self.median(value, **second)
        return ours / theirs if ours and theirs else None

    def lines(self):
        yield from self.small_lines()
        yield ""
        yield from self.large_lines()
        yield ""
        yield from self.target_lines()

    def small_lines(self):
        yield ("| questions | server | queries per CPU-second | of echo | user ns/query | CPU ns/query | busy | "
               "reply bytes |")
        yield "|---|---|--:|--:|--:|--:|--:|--:|"
        for kind in KINDS:
            for server in SERVERS:
                which = {"part": "small", "server": server, "kind": kind, "client": "main"}
                if self.median(Row.per_cpu_second, **which) is None:
                    continue
                of_echo = self.ratio(Row.per_cpu_second, which, {**which, "server": echo.CEILINGS.get(kind)})
                yield (f"| {kind} | {server} | {self.median(Row.per_cpu_second, **which):,.0f} | "
                       f"{'' if of_echo is None else f'{of_echo:.3f}'} | "
                       f"{self.user_ns(**which):,.0f} | "
                       f"{self.median(Row.cpu_ns_per_query, **which):,.0f} | "
                       f"{self.median(lambda row: row.busy, **which):.0%} | "
                       f"{self.median(lambda row: row.reply_bytes, **which):.0f} |")
        yield ""
        yield "| server | starts in s | resident MiB after the load | plain by dnsperf, queries per CPU-second |"
        yield "|---|--:|--:|--:|"
        for server in SERVERS:
            load_s = self.median(lambda row: row.load_s, part="small", server=server)
            if load_s is None:
                continue
            cross = self.median(Row.per_cpu_second, part="small", server=server, client="dnsperf")
            resident = self.median(lambda row: row.resident_mib, part="small", server=server)
            yield f"| {server} | {load_s:.2f} | {resident:.1f} | {'' if cross is None else f'{cross:,.0f}'} |"

    def large_lines(self):
        yield ("| server, with the large zone | starts in s | resident MiB | queries per CPU-second | user ns/query | "
               "CPU ns/query | of plain in the small zone |")
        yield "|---|--:|--:|--:|--:|--:|--:|"
        for server in SERVERS:
            which = {"part": "large", "server": server}
            if self.median(Row.per_cpu_second, **which) is None:
                continue
            yield (f"| {server} | {self.median(lambda row: row.load_s, **which):.2f} | "
                   f"{self.median(lambda row: row.resident_mib, **which):.1f} | "
                   f"{self.median(Row.per_cpu_second, **which):,.0f} | "
                   f"{self.user_ns(**which):,.0f} | "
                   f"{self.median(Row.cpu_ns_per_query, **which):,.0f} | {show(self.slowdown(server))} |")

    def slowdown(self, server):
        """CPU time of a query in the large zone, against a plain one in the small zone."""
        return self.ratio(Row.cpu_ns_per_query, {"part": "large", "server": server},
                          {"part": "small", "server": server, "kind": "plain", "client": "main"})

    def targets(self):
        """(what, ratio found, at least or at most, limit)."""
        def small(server, kind):
            return {"part": "small", "server": server, "kind": kind, "client": "main"}

        def large(server):
            return {"part": "large", "server": server}

        ours = small("meridiand", "ecs")
        yield "user ns per ecs query, of gdnsd", self.user_ratio(ours, small("gdnsd", "ecs")), "≤", 0.35
        yield "user ns per ecs query, of knot", self.user_ratio(ours, small("knot", "ecs")), "≤", 0.15
        for kind in ("ecs", "plain", "nxdomain"):
            yield (f"{kind}: queries per CPU-second, of echo",
                   self.ratio(Row.per_cpu_second, small("meridiand", kind), small("echo", kind)), "≥", 0.97)
        for kind in ("tcp", "tcp-each"):
            yield (f"{kind}: queries per CPU-second, of knot",
                   self.ratio(Row.per_cpu_second, small("meridiand", kind), small("knot", kind)), "≥", 1.2)
        yield ("large zone: time to start, of knot",
               self.ratio(lambda row: row.load_s, large("meridiand"), large("knot")), "≤", 1.0)
        yield ("large zone: resident memory, of knot",
               self.ratio(lambda row: row.resident_mib, large("meridiand"), large("knot")), "≤", 0.7)
        yield "large zone: CPU ns per query, of the small zone", self.slowdown("meridiand"), "≤", 1.25

    def target_lines(self):
        yield "| target for meridiand | found | wanted | |"
        yield "|---|--:|--:|---|"
        for what, found, sign, limit in self.targets():
            met = found is not None and (found >= limit if sign == "≥" else found <= limit)
            mark = "not measured" if found is None else "PASS" if met else "short"
            yield f"| {what} | {show(found)} | {sign} {limit} | {mark} |"


def show(ratio):
    return "" if ratio is None else f"{ratio:.3f}"
