"""kill -9 at any moment loses nothing that the journal acknowledged, and leaves no damaged file."""

import contextlib
import random
import shutil
import sqlite3
import subprocess

ROUNDS = 50
SEED = 20261127


def kill_after(writer, lines):
    """What the writer said before it was killed: `lines` lines, and those that it got out until the signal came."""
    said = []
    for _ in range(lines):
        said.append(writer.stdout.readline())
    writer.kill()
    said += writer.stdout.readlines()
    assert writer.wait() == -9, f"it ended by itself: {said[-3:]}"
    # The signal may come within a line; only a whole one is an acknowledgement.
    return [line.split() for line in said if line.endswith("\n")]


def copy_of(folder, place):
    """The journal as the kill left it, so that who looks at it mends nothing for the next writer."""
    shutil.copytree(folder, place)
    return place / "journal.sqlite"


class Acknowledged:
    """What must be in the journal."""

    def __init__(self):
        self.states = -1
        self.numbers = set()
        self.overrides = {}
        self.maybe_ended = set()

    def take(self, said):
        for word, *rest in said:
            if word == "states":
                self.states = int(rest[0])
                self.numbers.add(rest[0])
            elif word == "ending":
                self.maybe_ended.add(int(rest[0]))
            elif word == "ended":
                del self.overrides[int(rest[0])]
            else:
                self.overrides[int(rest[0])] = rest[1]

    def check(self, path):
        with contextlib.closing(sqlite3.connect(path)) as journal:
            rows = lambda sql: journal.execute(sql).fetchall()
            assert rows("PRAGMA integrity_check") == [("ok",)]
            states = rows("SELECT address, cause FROM states")
            assert len(states) == 5 and all(int(cause) >= self.states for _, cause in states), states
            history = dict(rows("SELECT cause, count(*) FROM history GROUP BY cause"))
            assert all(history.get(number) == 5 for number in self.numbers), "each acknowledged change, once"
            stored = dict(rows("SELECT id, target FROM overrides"))
            audited = {target for (target,) in rows("SELECT target FROM audit WHERE action = 'drain'")}
            for number, target in self.overrides.items():
                assert stored.get(number) == target or (number in self.maybe_ended and number not in stored)
                assert target in audited
            # One more may have been written without a word.
            unknown = set(stored) - set(self.overrides)
            assert len(unknown) <= 1 and all(number > max(self.overrides) for number in unknown), unknown
            assert set(stored.values()) <= audited, "an override and its line are one transaction"
        self.overrides = stored
        self.maybe_ended.clear()


def test_fifty_kills_lose_nothing(programs, folder, tmp_path):
    program = programs.build / "bin" / "journal_writer"
    draw = random.Random(SEED)
    acknowledged = Acknowledged()
    first = 0
    for number in range(ROUNDS):
        writer = subprocess.Popen([program, folder, str(first)], stdout=subprocess.PIPE, text=True)
        said = kill_after(writer, draw.randrange(1, 40))
        acknowledged.take(said)
        # A kill may leave the numbers of the next round behind those that nobody was told of.
        first = acknowledged.states + 10
        acknowledged.check(copy_of(folder, tmp_path / str(number)))
        assert not list(folder.glob("*.damaged-*")), f"round {number}"
    assert len(acknowledged.overrides) > ROUNDS
