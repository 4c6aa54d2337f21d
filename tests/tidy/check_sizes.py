"""A file fits a mind (600 lines), a function a screen (70 lines), the root CMakeLists.txt 100 lines."""

import re

from source_tree import Violation, code_only, files, line_of, main, read, without_comments

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
ROOT_CMAKE_LINES_MAX = 100
# The bridge is to be read in one go (bgp/README.md): lines with code of all that is in these folders.
BRIDGE = ("bgp/bridge/", "bgp/meridian-bgp/")
BRIDGE_LINES_MAX = 550

TYPE_OR_NAMESPACE = re.compile(r"(?:^|[\s>])(?:namespace|class|struct|union|enum)\b|^\s*(?:inline\s+)?extern\s*\"\"\s*$")
# `Reader(Bytes b) : bytes_` before a brace: the brace initialises a member, the body is yet to come.
MEMBER_INITIALIZER = re.compile(r"\)[^;]*(?<!:):(?!:)[^;]*[\w>]\s*$", re.DOTALL)


def without_arguments(head):
    """The head of a block without what stands in parentheses."""
    depth, kept = 0, []
    for character in head:
        depth -= character == ")"
        if depth == 0:
            kept.append(character)
        depth += character == "("
    return "".join(kept)


def block_kind(head):
    """"function", "scope" (namespace or type: look for functions inside), "initializer" or "member"."""
    if MEMBER_INITIALIZER.search(head):
        return "member"
    if re.search(r"\bTEST_SUITE\s*\(", head):
        return "scope"
    bare = re.sub(r"operator\s*[^\s\w(]+", "operator_", without_arguments(head))
    if "=" in bare:
        return "function" if re.search(r"=\s*\[", bare) else "initializer"
    if "()" in bare and not re.match(r"\s*(?:alignas\(\)\s*)?(?:class|struct|enum)\b", bare):
        return "function"
    return "scope" if TYPE_OR_NAMESPACE.search(bare) or not head.strip() else "initializer"


def functions(text):
    """(name, first line, number of lines) of each function; lambdas belong to the function around them."""
    code = code_only(text)
    head_start, skip_until, stack = 0, None, []
    for brace in re.finditer(r"[{};]", code):
        offset = brace.start()
        if brace[0] == ";":
            if skip_until is None and (not stack or stack[-1][0] == "scope"):
                head_start = offset + 1
            continue
        if brace[0] == "{":
            kind = "inside" if skip_until is not None else block_kind(code[head_start:offset])
            stack.append((kind, head_start, offset))
            if kind in ("function", "initializer", "member"):
                skip_until = len(stack)
            elif kind == "scope":
                head_start = offset + 1
            continue
        if not stack:
            continue
        kind, start, opening = stack.pop()
        if skip_until == len(stack) + 1:
            skip_until = None
        if kind == "function":
            head = code[start:opening]
            first = line_of(code, start + len(head) - len(head.lstrip()))
            name = re.search(r"(~?\w+|operator\S+?)\s*\(", head)
            yield name[1] if name else "lambda", first, line_of(code, offset) - first + 1
        if kind in ("function", "scope"):
            head_start = offset + 1


def check(root):
    bridge_lines = 0
    for path in files(root):
        if path.startswith(BRIDGE) and path.endswith((".cpp", ".hpp")):
            bridge_lines += sum(bool(line.strip()) for line in without_comments(read(root, path)).splitlines())
            if bridge_lines > BRIDGE_LINES_MAX:
                yield Violation(path, 1, f"the bridge has {bridge_lines} lines of code, more than {BRIDGE_LINES_MAX}")
        if path == "CMakeLists.txt":
            lines = len(read(root, path).splitlines())
            if lines > ROOT_CMAKE_LINES_MAX:
                yield Violation(path, lines, f"{lines} lines, more than {ROOT_CMAKE_LINES_MAX}")
        if not path.endswith((".cpp", ".hpp", ".py", ".sh", ".mjs")):
            continue
        text = read(root, path)
        lines = len(text.splitlines())
        if lines > FILE_LINES_MAX:
            yield Violation(path, lines, f"{lines} lines, more than {FILE_LINES_MAX}")
        if path.endswith((".cpp", ".hpp")):
            for name, line, length in functions(text):
                # A test case may hold a long table of rows: that is data.
                if length > FUNCTION_LINES_MAX and name != "TEST_CASE":
                    yield Violation(path, line, f"{name}() has {length} lines, more than {FUNCTION_LINES_MAX}")


if __name__ == "__main__":
    main(check)
