"""What the checks of this folder share: the files of the source tree, and C++ text without comments and strings."""

import pathlib
import re
import shutil
import subprocess
import sys
from typing import Callable, Iterator, NamedTuple

# What a walk skips where git cannot say what is ignored (a source package, the trees of self_test.py).
SKIPPED = {".git", "build", "__pycache__", ".pytest_cache", "CMakeUserPresets.json"}


class Violation(NamedTuple):
    path: str
    line: int
    message: str


def files(root: pathlib.Path) -> list[str]:
    """Relative paths of all files that belong to the project, committed or not yet, sorted."""
    if (root / ".git").exists() and shutil.which("git"):
        listing = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"],
                                 capture_output=True, check=False)
        if listing.returncode == 0:
            found = listing.stdout.decode().split("\0")
            return sorted(path for path in set(found) if path and (root / path).is_file())
    relative = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(str(path) for path in relative if not SKIPPED.intersection(path.parts))


def read(root: pathlib.Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8", errors="replace")


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


# A quote after a letter or digit is a digit separator (1'000) or the end of a literal, never the start of one.
_TOKENS = re.compile(
    r"""(?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)
      | (?:u8|u|U|L)?R"(?P<tag>[^()\\\s]*)\(.*?\)(?P=tag)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'""",
    re.VERBOSE | re.DOTALL)


def _blank(match: re.Match, keep_strings: bool) -> str:
    if keep_strings and match["comment"] is None:
        return match[0]
    lines = "\n" * match[0].count("\n")
    return lines if match["comment"] is not None else '""' + lines


def without_comments(text: str) -> str:
    """C++ without comments; strings and line numbers stay."""
    return _TOKENS.sub(lambda match: _blank(match, keep_strings=True), text)


def code_only(text: str) -> str:
    """C++ without comments and preprocessor lines, every literal as ""; line numbers stay."""
    text = _TOKENS.sub(lambda match: _blank(match, keep_strings=False), text)
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda match: "\n" * match[0].count("\n"), text, flags=re.MULTILINE)


def report(found: Iterator[Violation]) -> str:
    return "".join(f"{path}:{line}: {message}\n" for path, line, message in sorted(found))


def main(check: Callable[..., Iterator[Violation]], needs_build: bool = False) -> None:
    """Runs `check` on SOURCE_DIR [BUILD_DIR], prints what it finds, exits 1 when it found something."""
    if len(sys.argv) < (3 if needs_build else 2):
        sys.exit(f"usage: {pathlib.Path(sys.argv[0]).name} SOURCE_DIR {'BUILD_DIR' if needs_build else '[BUILD_DIR]'}")
    folders = [pathlib.Path(argument).resolve() for argument in sys.argv[1:3]]
    text = report(check(*folders) if needs_build else check(folders[0]))
    print(text, end="")
    sys.exit(1 if text else 0)
