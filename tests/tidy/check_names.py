"""Names of files and tests, the first lines of headers, and words that must not stand in code."""

import pathlib
import re

from source_tree import Violation, files, line_of, main, read, without_comments

CODE = (".cpp", ".hpp", ".py", ".sh", ".mjs", ".cmake", "CMakeLists.txt")
SNAKE_CASE = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*")
# Spelled apart, so that this file does not find itself.
UNNUMBERED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b(?!\(#\d+\))")
CASE = re.compile(r'\bTEST_(?:CASE|SUITE|SUITE_BEGIN)\w*\(\s*((?:"(?:\\.|[^"\\])*"\s*)+)')
SUITE = re.compile(r'\bTEST_SUITE(?:_BEGIN)?\(\s*"([^"]*)"')
FIRST_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)


def check_unit_test(root, path, text):
    """tests/unit/dns/name_test.cpp: suite dns/name, and dns/name.hpp (or else a header of dns/) comes first."""
    module, file = path.removeprefix("tests/unit/").removesuffix("_test.cpp").split("/", 1)
    suites = list(SUITE.finditer(text))
    if not suites:
        yield Violation(path, 1, f'has no TEST_SUITE("{module}/{file}"), so ctest does not run it')
    for suite in suites:
        if suite[1] != f"{module}/{file}":
            yield Violation(path, line_of(text, suite.start()), f'the suite is "{suite[1]}"; "{module}/{file}" is right')
    folder = "config/compile" if module == "compile" else module
    if (root / "bgp" / module).is_dir():
        folder = f"bgp/{module}"
    header = f"{folder}/{file}.hpp"
    exists = any((root / place / header).exists() for place in ("src", "."))
    first = FIRST_INCLUDE.search(text)
    if first is None or (first[1] != header if exists else not first[1].startswith(folder + "/")):
        yield Violation(path, line_of(text, first.start()) if first else 1,
                        f'the first include is not the header under test, {header if exists else "one of " + folder + "/"}')


def check_cpp(path, text):
    code = without_comments(text)
    for case in CASE.finditer(code):
        if ";" in case[1]:
            yield Violation(path, line_of(code, case.start()), "a semicolon in a test name makes CMake split it")
    for found in re.finditer(r"\busing\s+namespace\s+std\s*;", code):
        yield Violation(path, line_of(code, found.start()), "using namespace std")
    for found in re.finditer(r"\bstd::endl\b", code):
        yield Violation(path, line_of(code, found.start()), "std::endl flushes; write '\\n'")
    if path.endswith(".hpp"):
        if not text.startswith("//"):
            yield Violation(path, 1, "a header opens with a comment: what it is, what it is not, its thread rule")
        if not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield Violation(path, 1, "a header needs #pragma once")


def check(root):
    for path in files(root):
        name = pathlib.PurePath(path).name
        if not name.endswith(CODE):
            continue
        if not name.endswith((".cmake", "CMakeLists.txt")) and not SNAKE_CASE.fullmatch(name):
            yield Violation(path, 1, "file names are snake_case")
        text = read(root, path)
        for found in UNNUMBERED.finditer(text):
            yield Violation(path, line_of(text, found.start()), f"{found[0]} without an issue: write {found[0]}(#12)")
        if name.endswith((".cpp", ".hpp")):
            yield from check_cpp(path, text)
        if path.startswith("tests/unit/") and name.endswith("_test.cpp"):
            yield from check_unit_test(root, path, text)


if __name__ == "__main__":
    main(check)
