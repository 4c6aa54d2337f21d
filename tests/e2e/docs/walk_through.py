"""A page of docs/ whose commands are run: each line `$ command` of its blocks, in order, in one shell.

    walk_through.py PAGE BUILD     writes what they print into the page
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import free_port  # noqa: E402

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
DEADLINE_S = 60
PORT = "5353"  # as the pages have it
INSTALLED = "/usr/share/meridian/"  # where the packages put the shipped files
END = "walk-through: end of command"

# What differs from run to run, and what it is replaced by.
VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "TIME"),
    (re.compile(r"\b\d+ ms\b"), "N ms"),
    (re.compile(r"\bup \d+ s\b"), "up N s"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "HASH"),
    (re.compile(r"\b\d+ UDP workers?\b"), "N UDP workers"),
]
ADDRESS = re.compile(r"^\d+\.\d+\.\d+\.\d+$")


def normalized(text):
    """The lines, without what differs from run to run. Addresses take turns, so their order says nothing."""
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    lines = [line.rstrip() for line in text.splitlines()]
    return [line for line in lines if not ADDRESS.match(line)] + sorted(filter(ADDRESS.match, lines))


class Shell:
    """One bash in a new folder that looks like a clone, with the programs of a build in its path."""

    def __init__(self, build):
        self.folder = tempfile.TemporaryDirectory(prefix="meridian-walk-")
        (pathlib.Path(self.folder.name) / "config").symlink_to(REPOSITORY / "config")
        self.build = pathlib.Path(build).resolve()
        self.port = str(free_port())
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MERIDIAN_")}
        environment["PATH"] = f"{self.build / 'bin'}:{environment['PATH']}"
        self.process = subprocess.Popen(["bash", "--norc"], cwd=self.folder.name, env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, command):
        """What it prints, with the port of the page."""
        printed = self.run_as_it_is(command.replace(PORT, self.port)).replace(self.port, PORT)
        return printed.replace(f"{self.build}/share/meridian/", INSTALLED)

    def run_as_it_is(self, command):
        self.process.stdin.write(f"{command}\necho '{END}'\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == END:
                break
            lines.append(line)
        return "".join(lines)

    def adapt(self):
        """The example listens at the page's port; this one listens at a free one."""
        self.run_as_it_is(f"sed -i 's/:{PORT}/:{self.port}/' meridian.yaml")

    def end(self):
        try:
            self.process.communicate("kill $(jobs -p); wait; exit\n", timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        self.folder.cleanup()


def blocks_of(text):
    """(start, end, lines) of each block with commands."""
    lines = text.split("\n")
    start = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number + 1
        else:
            block = lines[start:number]
            if any(one.startswith("$ ") for one in block):
                yield start, number, block
            start = None


def commands_of(block):
    """(command, what it is said to print)."""
    commands = []
    for line in block:
        if line.startswith("$ "):
            commands.append((line[2:], []))
        else:
            commands[-1][1].append(line)
    return commands


def run_page(text, shell):
    """(command, said, printed) of each command."""
    for _, _, block in blocks_of(text):
        for command, said in commands_of(block):
            printed = shell.run(command)
            if command.startswith("cd "):
                shell.adapt()
            yield command, said, printed


def main():
    page = pathlib.Path(sys.argv[1])
    text = page.read_text(encoding="utf-8")
    shell = Shell(sys.argv[2])
    printed = iter([output for _, _, output in run_page(text, shell)])
    shell.end()
    lines = text.split("\n")
    fresh = []
    at = 0
    for start, end, block in blocks_of(text):
        fresh += lines[at:start]
        for command, _ in commands_of(block):
            fresh.append(f"$ {command}")
            fresh += [line.rstrip() for line in next(printed).splitlines()]
        at = end
    page.write_text("\n".join(fresh + lines[at:]), encoding="utf-8")


if __name__ == "__main__":
    main()
