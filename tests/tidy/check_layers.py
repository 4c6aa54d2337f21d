"""A module includes only lower layers and what its DEPS say; a library is met only where it belongs."""

import re

from source_tree import Violation, files, line_of, main, read, without_comments

# The table of docs/architecture.md. Within a layer a module may use another one that its DEPS name.
LAYERS = {
    "base": 0,
    "stats": 1, "dns": 1, "health": 1, "rate": 1, "geo": 1, "config": 1, "policy": 1,
    "zone": 2, "steering": 2,
    "query": 3,
    "compile": 4, "explain": 4, "plan": 4, "picture": 4, "importer": 4, "net": 4, "http": 4, "control": 4, "querylog": 4,
    "probe": 4, "journal": 4, "agent": 4, "link": 4, "bridge": 4, "router_config": 4,
    "meridiand": 5, "meridianctl": 5, "meridian-agent": 5, "meridian-bgp": 5,
}

# Never, although the layers would allow it: net moves packets and does not know what they mean.
FORBIDDEN = {"net": {"geo", "zone", "query"}}

# The bridge must run when much else does not: all that it may include.
ONLY = {"link": {"base"}, "bridge": {"base", "link"}, "meridian-bgp": {"base", "link", "bridge"}}

# DEPS that only the linker needs, each with its reason.
LINK_ONLY = {
    ("control", "net"),  # the compiled half of Asio is net/asio_impl.cpp
}

# A library's header -> the paths that may include it.
LIBRARIES = {
    "maxminddb.h": ("geo/",),
    "spdlog": ("src/base/log.cpp",),
    "yaml-cpp": ("config/", "geo/"),
    "ldns": ("src/zone/",),
    "sqlite3.h": ("src/journal/database.cpp",),
    "prometheus": ("src/http/prometheus_page", "src/control/metrics_page.cpp", "bgp/agent/agent_metrics.cpp"),
    "fstrm.h": ("src/querylog/frame_stream.cpp",),
    "dnstap.pb-c.h": ("src/querylog/dnstap_frame.cpp",),
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
CALL = re.compile(r"meridian_(?:module|program)\(\s*([\w-]+)([^)]*)\)")


def module_of(path):
    """The module whose file this is; also the one an include like "config/compile/compile.hpp" means."""
    parts = path.removeprefix("src/").split("/")
    if len(parts) < 2:
        return None
    # bgp/ holds modules, as src/ does; config/ is one and holds another.
    return parts[1] if parts[:2] == ["config", "compile"] or parts[0] == "bgp" else parts[0]


def keyword_lists(arguments):
    """{"SOURCES": [...], "DEPS": [...]} of one CMake call."""
    lists, current = {}, None
    for word in re.sub(r"#[^\n]*", "", arguments).split():
        if word in ("SOURCES", "HEADERS", "DEPS", "LINKS"):
            current = lists.setdefault(word, [])
        elif current is not None:
            current.append(word)
    return lists


def read_targets(root, paths):
    """{module: (CMakeLists path, line, lists)}."""
    targets = {}
    for path in paths:
        if path.endswith("CMakeLists.txt") and path.startswith(("src/", "geo/", "config/", "bgp/")):
            text = read(root, path)
            for call in CALL.finditer(text):
                targets[call[1]] = (path, line_of(text, call.start()), keyword_lists(call[2]))
    return targets


def read_includes(root, sources):
    """[(path, line, module, name)]: the module is None for a library's header."""
    found = []
    for path in sources:
        text = without_comments(read(root, path))
        for include in INCLUDE.finditer(text):
            line = line_of(text, include.start())
            own = include[1]
            if own and "/" not in own:
                found.append((path, line, module_of(path), own))
            else:
                found.append((path, line, module_of(own) if own else None, own or include[2]))
    return found


def check_include(path, line, used, name, targets):
    module = module_of(path)
    if used is None:
        for library, places in LIBRARIES.items():
            if name.split("/")[0] == library and not path.startswith(places):
                yield Violation(path, line, f"<{name}> belongs to {', '.join(places)} alone")
        return
    if used == module:
        return
    if used not in LAYERS:
        yield Violation(path, line, f'"{name}" is of no module')
        return
    if LAYERS[used] > LAYERS.get(module, 99):
        yield Violation(path, line, f"{module} (L{LAYERS[module]}) includes {used} (L{LAYERS[used]}), a higher layer")
    if used in FORBIDDEN.get(module, ()) or (module in ONLY and used not in ONLY[module]):
        yield Violation(path, line, f"{module} must not know {used}")
    if module in targets and f"meridian::{used}" not in targets[module][2].get("DEPS", []):
        yield Violation(path, line, f"{used} is not among the DEPS of {module} in {targets[module][0]}")


def check_targets(targets, sources, includes):
    used_by = {}
    for path, _, used, _ in includes:
        used_by.setdefault(module_of(path), set()).add(used)
    listed = set()
    for module, (cmake, line, lists) in targets.items():
        folder = cmake.removesuffix("CMakeLists.txt")
        listed.update(folder + name for name in lists.get("SOURCES", []) + lists.get("HEADERS", []))
        for dependency in lists.get("DEPS", []):
            used = dependency.removeprefix("meridian::")
            if used not in used_by.get(module, ()) and (module, used) not in LINK_ONLY:
                yield Violation(cmake, line, f"{module} has {dependency} among its DEPS, but no file includes it")
    programs = {module for module, target in targets.items() if "HEADERS" not in target[2]}
    for path in sources:
        if module_of(path) not in targets:
            yield Violation(path, 1, "no meridian_module() or meridian_program() builds this folder")
        elif path not in listed and not (path.endswith(".hpp") and module_of(path) in programs):
            yield Violation(path, 1, f"is not listed in {targets[module_of(path)][0]}")


def check_cycles(targets):
    graph = {module: [dependency.removeprefix("meridian::") for dependency in target[2].get("DEPS", [])]
             for module, target in targets.items()}
    done = set()

    def visit(module, trail):
        if module in trail:
            yield trail[trail.index(module):] + [module]
        elif module not in done:
            for dependency in graph.get(module, []):
                yield from visit(dependency, trail + [module])
            done.add(module)

    for module in sorted(graph):
        for cycle in visit(module, []):
            cmake, line, _ = targets[cycle[0]]
            yield Violation(cmake, line, f"DEPS form a cycle: {' -> '.join(cycle)}")


def check(root):
    paths = files(root)
    sources = [path for path in paths
               if path.endswith((".cpp", ".hpp")) and path.startswith(("src/", "geo/", "config/", "bgp/"))]
    targets = read_targets(root, paths)
    for module, (cmake, line, _) in targets.items():
        if module not in LAYERS:
            yield Violation(cmake, line, f"{module} has no layer; add it to docs/architecture.md and check_layers.py")
    includes = read_includes(root, sources)
    for path, line, used, name in includes:
        yield from check_include(path, line, used, name, targets)
    yield from check_targets(targets, sources, includes)
    yield from check_cycles(targets)


if __name__ == "__main__":
    main(check)
