"""The top level holds what it is meant to hold, files are small, and shell scripts parse."""

import subprocess

from source_tree import Violation, files, main

TOP_LEVEL = {
    "CMakeLists.txt", "README.md", "CHANGELOG.md", "LICENSE", "Makefile", "CMakePresets.json",
    ".clang-format", ".clang-tidy", ".gitignore", ".ci",
    "src", "geo", "config", "bgp", "tests", "ansible", "docs",
}
# A clone stays quick; the largest file is the country database, about half of this.
FILE_BYTES_MAX = 5_000_000


def shell_scripts(root, paths):
    for path in paths:
        with open(root / path, "rb") as file:
            first = file.readline(64)
        if path.endswith(".sh") or (first.startswith(b"#!") and first.rstrip().endswith((b"/bash", b" bash", b"/sh"))):
            yield path


def check(root):
    paths = files(root)
    present = {path.split("/")[0] for path in paths}
    for name in sorted(present - TOP_LEVEL):
        yield Violation(name, 1, "does not belong at the top level; docs/architecture.md says where things go")
    for name in sorted(TOP_LEVEL - present):
        yield Violation(name, 1, "is missing at the top level")
    for path in paths:
        size = (root / path).stat().st_size
        if size > FILE_BYTES_MAX:
            yield Violation(path, 1, f"{size} bytes, more than {FILE_BYTES_MAX}")
    for path in shell_scripts(root, paths):
        run = subprocess.run(["bash", "-n", root / path], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            yield Violation(path, 1, f"bash -n: {run.stderr.strip()}")


if __name__ == "__main__":
    main(check)
