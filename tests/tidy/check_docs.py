"""What the code says and the manual must say too: counters, events, commands, modules, limits; and links that lead somewhere."""

import pathlib
import re

from source_tree import Violation, files, line_of, main, read, without_comments

COUNTER = re.compile(r'\{\s*Counter::\w+,\s*"(\w+)"')
LEVEL = r"\blog_event\([^,()]*\bLogLevel::[^,()]*,"  # a call; the declaration names no level
EVENT = re.compile(LEVEL + r'\s*"(\w+)"')
COMPUTED_EVENT = re.compile(LEVEL + r'(?!\s*")')
COMMAND = re.compile(r'\bapp\.add_subcommand\(\s*"([\w-]+)"')
NESTED_COMMAND = re.compile(r'->add_subcommand\(\s*"([\w-]+)"')
CONSTANT = re.compile(r"^inline constexpr .*\bk\w+ =")
TABLE_NAME = re.compile(r"^\|\s*`(\w+)`\s*\|", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")


def documented(root, path):
    """{name: line} of the first column of every table of a page."""
    if not (root / path).exists():
        return {}
    text = read(root, path)
    return {row[1]: line_of(text, row.start()) for row in TABLE_NAME.finditer(text)}


def compare(root, named, page, what):
    """`named` is {name: (path, line)}; both directions must hold."""
    rows = documented(root, page)
    for name, (path, line) in named.items():
        if name not in rows:
            yield Violation(path, line, f"{what} {name} is not in {page}")
    for name, line in rows.items():
        if name not in named:
            yield Violation(page, line, f"{what} {name} is not in the code")


def occurrences(root, paths, pattern):
    found = {}
    for path in paths:
        text = without_comments(read(root, path))
        for match in pattern.finditer(text):
            found.setdefault(match[1] if pattern.groups else match[0], (path, line_of(text, match.start())))
    return found


def check_counters_and_events(root, code):
    counters = occurrences(root, [path for path in code if path == "src/stats/counters.hpp"], COUNTER)
    yield from compare(root, counters, "docs/counters.md", "counter")
    yield from compare(root, occurrences(root, code, EVENT), "docs/events.md", "event")
    for path, line in occurrences(root, code, COMPUTED_EVENT).values():
        yield Violation(path, line, "an event's name is a literal, so that docs/events.md can list it")


def check_commands(root, paths, code):
    pages = "\n".join(read(root, path) for path in paths if path.startswith("docs/") and path.endswith(".md"))
    sources = [path for path in code if path.startswith("src/meridianctl/")]
    for command, (path, line) in occurrences(root, sources, COMMAND).items():
        if not re.search(rf"\bmeridianctl {re.escape(command)}\b", pages):
            yield Violation(path, line, f"`meridianctl {command}` stands nowhere in docs/")
    for command, (path, line) in occurrences(root, sources, NESTED_COMMAND).items():
        if not re.search(rf"\bmeridianctl [\w-]+ {re.escape(command)}\b", pages):
            yield Violation(path, line, f"`meridianctl … {command}` stands nowhere in docs/")


def check_modules(root, paths):
    if not (root / "src/README.md").exists():
        return
    text = read(root, "src/README.md")
    for folder in sorted({path.split("/")[1] for path in paths if re.match(r"src/[^/]+/", path)}):
        if not re.search(rf"(?<![\w/]){folder}/", text):
            yield Violation("src/README.md", 1, f"src/{folder}/ is not on the map")


def check_limits(root):
    path = "src/base/limits.hpp"
    if not (root / path).exists():
        return
    reasoned = False
    for number, line in enumerate(read(root, path).splitlines(), 1):
        if CONSTANT.match(line) and not reasoned:
            yield Violation(path, number, "a limit needs its reason on the line above")
        # One reason may stand over several constants that follow each other.
        reasoned = line.startswith("///") or (reasoned and CONSTANT.match(line) is not None)


def prose(text):
    """Markdown without code: fenced blocks and spans are blank."""
    text = re.sub(r"^(```|~~~).*?^\1", lambda block: "\n" * block[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", lambda span: " " * len(span[0]), text)


def anchors(text):
    """The anchors that hosting sites make of headings, and those written as HTML."""
    found = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    fenced = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", fenced, re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        repeat = 0
        while (f"{slug}-{repeat}" if repeat else slug) in found:
            repeat += 1
        found.add(f"{slug}-{repeat}" if repeat else slug)
    return found


def check_links(root, path):
    text = prose(read(root, path))
    for link in LINK.finditer(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", link[1]):
            continue
        target, _, anchor = link[1].partition("#")
        line = line_of(text, link.start())
        file = (root / path).parent / target if target else root / path
        if target.startswith("/") or not file.exists():
            yield Violation(path, line, f"the link {link[1]} leads nowhere")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield Violation(path, line, f"{target or 'this page'} has no heading #{anchor}")


def check(root):
    paths = files(root)
    code = [path for path in paths
            if path.endswith((".cpp", ".hpp")) and path.startswith(("src/", "geo/", "config/", "bgp/"))]
    yield from check_counters_and_events(root, code)
    yield from check_commands(root, paths, code)
    yield from check_modules(root, paths)
    yield from check_limits(root)
    for path in paths:
        if pathlib.PurePath(path).suffix == ".md":
            yield from check_links(root, path)


if __name__ == "__main__":
    main(check)
