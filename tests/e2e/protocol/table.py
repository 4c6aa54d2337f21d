"""The cases: `cases/*.txt`, a case a line, five columns and perhaps a sixth, between bars.

    id | send | over UDP | over TCP | why | xfail udp,tcp: reason

`send` is explained in wire.py, the replies in judge.py. `=` in the TCP column: the same as over UDP. `let name = text`
sets a macro, written `$name` in later rows of its file. `#` begins a comment line.
"""

import dataclasses
import pathlib
import re

CASES = pathlib.Path(__file__).parent / "cases"
REFERENCE = re.compile(r"RFC \d+|docs/")


@dataclasses.dataclass(frozen=True)
class Case:
    """One row."""

    group: str
    name: str
    send: str
    udp: str
    tcp: str
    why: str
    xfail: str

    def reply(self, transport):
        return self.udp if transport == "udp" or self.tcp == "=" else self.tcp

    def reason_to_fail(self, transport):
        """Why this row is known to fail over a transport; None when it must pass."""
        transports, _, reason = self.xfail.partition(":")
        return reason.strip() if transport in transports.replace(",", " ").split() else None


def read_file(path):
    macros = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        where = f"{path.name}:{number}"
        macro = re.fullmatch(r"let (\w+) = (.+)", line)
        line = re.sub(r"\$(\w+)", lambda found, where=where: lookup(macros, found[1], where), line)
        if macro:
            macros[macro[1]] = line.partition(" = ")[2]
            continue
        columns = [column.strip() for column in line.split("|")]
        assert len(columns) in (5, 6), f"{where}: {len(columns)} columns"
        assert REFERENCE.search(columns[4]), f"{where}: the last column names no RFC"
        yield Case(path.stem, columns[0], *columns[1:5], columns[5].removeprefix("xfail ") if columns[5:] else "")


def lookup(macros, name, where):
    assert name in macros, f"{where}: no macro ${name}"
    return macros[name]


def read_all():
    """Every case, in the order of files and lines; names are unique within a file."""
    cases = [case for path in sorted(CASES.glob("*.txt")) for case in read_file(path)]
    names = [(case.group, case.name) for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"named twice: {twice}"
    return cases
