"""Each check must be able to fail: a small tree with one violation a rule, and the message it has to bring.

Every row starts from the same sound tree, so a row that fails to report, or a sound tree that is reported, is a bug
of the check and not of the row.
"""

import importlib
import pathlib
import subprocess
import sys
import tempfile

import source_tree

HERE = pathlib.Path(__file__).resolve().parent

MODULE_CMAKE = "meridian_module({name} SOURCES {name}.cpp HEADERS {name}.hpp DEPS {deps})\n"


def module(folder, name, deps=(), body=""):
    """A module of one file, which includes each of its DEPS."""
    includes = "".join(f'#include "{dependency}/{dependency}.hpp"\n' for dependency in deps)
    return {
        f"{folder}/CMakeLists.txt": MODULE_CMAKE.format(name=name, deps=" ".join(f"meridian::{d}" for d in deps)),
        f"{folder}/{name}.hpp": f"// What {name} is.\n#pragma once\n",
        f"{folder}/{name}.cpp": f'#include "{name}/{name}.hpp"\n{includes}{body}',
    }


SOUND = {
    **dict.fromkeys([".clang-format", ".clang-tidy", ".gitignore", "CHANGELOG.md", "CMakeLists.txt", "CMakePresets.json",
                     "LICENSE", "Makefile", "README.md", "ansible/README.md", "bgp/README.md", "config/README.md"], ""),
    ".ci/run": "#!/usr/bin/env bash\ntrue\n",
    **module("src/base", "base"),
    **module("src/dns", "dns", ["base"]),
    **module("src/net", "net", ["base"]),
    **module("src/zone", "zone", ["base", "dns"]),
    **module("geo", "geo", ["base"]),
    "src/base/CMakeLists.txt": "meridian_module(base SOURCES base.cpp HEADERS base.hpp limits.hpp)\n",
    "src/base/limits.hpp": "// Limits.\n#pragma once\n/// Reason.\ninline constexpr int kOneMax = 1;\n",
    "src/stats/CMakeLists.txt": "meridian_module(stats HEADERS counters.hpp)\n",
    "src/stats/counters.hpp": '// Counters.\n#pragma once\n{Counter::Udp, "udp_total", "queries", "Help."},\n',
    "src/meridianctl/CMakeLists.txt": "meridian_program(meridianctl SOURCES main.cpp)\n",
    "src/meridianctl/main.cpp": 'int main() { app.add_subcommand("check", "Checks"); }\n',
    "src/README.md": "base/ dns/ net/ zone/ stats/ meridianctl/\n",
    "docs/counters.md": "# Counters\n\n## What they mean\n\n| `udp_total` | Messages. |\n",
    "docs/events.md": "# Events\n\n[up](counters.md#what-they-mean), [here](#events), `meridianctl check`\n",
    "tests/unit/dns/dns_test.cpp": '#include "dns/dns.hpp"\nTEST_SUITE("dns/dns") { TEST_CASE("a, b") {} }\n',
}

LONG_FUNCTION = "void long_one() {\n" + "  step();\n" * 70 + "}\n"
LONG_METHOD = ("struct A {\n  A(int b) : b_{b}, c_(b) {\n" + "    step({1});\n" * 70
               + "  }\n  const char* text = R\"(})\";\n};\n")

# check, changed files, what the output must hold
ROWS = [
    ("layers", {"src/base/base.cpp": '#include "dns/dns.hpp"\n'}, "src/base/base.cpp:1: base (L0) includes dns (L1)"),
    ("layers", {"src/zone/zone.cpp": '#include "base/base.hpp"\n#include "dns/dns.hpp"\n\n#include "geo/geo.hpp"\n'},
     "src/zone/zone.cpp:4: geo is not among the DEPS of zone"),
    ("layers", {"src/zone/zone.cpp": '#include "base/base.hpp"\n// #include "dns/dns.hpp"\n'},
     "zone has meridian::dns among its DEPS, but no file includes it"),
    ("layers", {"src/dns/CMakeLists.txt": MODULE_CMAKE.format(name="dns", deps="meridian::base meridian::zone")},
     "DEPS form a cycle: dns -> zone -> dns"),
    ("layers", {"src/net/net.cpp": '#include "base/base.hpp"\n#include "geo/geo.hpp"\n'},
     "src/net/net.cpp:2: net must not know geo"),
    ("layers", module("bgp/link", "link", ["base", "dns"]), "bgp/link/link.cpp:3: link must not know dns"),
    ("layers", {"src/dns/dns.cpp": '#include "base/base.hpp"\n#include <maxminddb.h>\n'},
     "src/dns/dns.cpp:2: <maxminddb.h> belongs to geo/"),
    ("layers", {"src/base/base.cpp": "#include <spdlog/spdlog.h>\n"}, "base.cpp:1: <spdlog/spdlog.h> belongs to"),
    ("layers", {"src/zone/zone.hpp": '#include "base/base.hpp"\n#include <yaml-cpp/yaml.h>\n'}, "zone.hpp:2: <yaml-cpp"),
    ("layers", {"src/dns/dns.cpp": '#include "base/base.hpp"\n#include <ldns/ldns.h>\n'}, "dns.cpp:2: <ldns/ldns.h>"),
    ("layers", {"src/base/base.cpp": '#include "nowhere/x.hpp"\n'}, 'base.cpp:1: "nowhere/x.hpp" is of no module'),
    ("layers", {"src/base/extra.cpp": ""}, "src/base/extra.cpp:1: is not listed in src/base/CMakeLists.txt"),
    ("layers", {"src/lost/lost.cpp": ""}, "src/lost/lost.cpp:1: no meridian_module()"),
    ("layers", module("src/novel", "novel"), "src/novel/CMakeLists.txt:1: novel has no layer"),
    ("sizes", {"src/dns/long.mjs": "x\n" * 601}, "src/dns/long.mjs:601: 601 lines"),
    ("sizes", {"CMakeLists.txt": "#\n" * 101}, "CMakeLists.txt:101: 101 lines"),
    ("sizes", {"src/dns/dns.cpp": "namespace a {\n" + LONG_FUNCTION + "}\n"}, "dns.cpp:2: long_one() has 72 lines"),
    ("sizes", {"src/dns/dns.cpp": "\n" + LONG_METHOD}, "dns.cpp:3: A() has 72 lines"),
    ("sizes", {"src/dns/dns.cpp": "constexpr auto f = [] {\n" + "step();\n" * 70 + "};\n"}, "dns.cpp:1: lambda() has 72"),
    ("sizes", {"bgp/bridge/a.cpp": "\n// x\n" + "int a;\n" * 500, "bgp/meridian-bgp/b.cpp": "int a;\n" * 51},
     "bgp/meridian-bgp/b.cpp:1: the bridge has 551 lines of code"),
    ("names", {"bgp/link/link.hpp": "// x\n#pragma once\n", "tests/unit/link/link_test.cpp": '#include "link/link.hpp"\nTEST_SUITE("link/link") {}\n'},
     "link_test.cpp:1: the first include is not the header under test, bgp/link/link.hpp"),
    ("names", {"tests/unit/dns/dns_test.cpp": '#include "dns/dns.hpp"\nTEST_SUITE("dns/dns") {\nTEST_CASE("a"\n"; b") {}}\n'},
     "dns_test.cpp:3: a semicolon in a test name"),
    ("names", {"tests/unit/dns/dns_test.cpp": '#include "dns/dns.hpp"\nTEST_SUITE("dns/other") {}\n'},
     'dns_test.cpp:2: the suite is "dns/other"'),
    ("names", {"tests/unit/dns/dns_test.cpp": '#include "dns/dns.hpp"\n'}, "dns_test.cpp:1: has no TEST_SUITE"),
    ("names", {"tests/unit/dns/dns_test.cpp": '#include "dns/x.hpp"\nTEST_SUITE("dns/dns") {}\n'},
     "dns_test.cpp:1: the first include is not the header under test, dns/dns.hpp"),
    ("names", {"src/dns/dns.cpp": "// TO" "DO: later\n"}, "dns.cpp:1: TO" "DO without an issue"),
    ("names", {"src/dns/dns.cpp": "using namespace std;\n"}, "dns.cpp:1: using namespace std"),
    ("names", {"src/dns/dns.cpp": "void f() { out << std::endl; }\n"}, "dns.cpp:1: std::endl"),
    ("names", {"src/dns/DnsName.cpp": ""}, "src/dns/DnsName.cpp:1: file names are snake_case"),
    ("names", {"src/dns/dns.hpp": "#pragma once\n"}, "dns.hpp:1: a header opens with a comment"),
    ("names", {"src/dns/dns.hpp": "// What it is.\n"}, "dns.hpp:1: a header needs #pragma once"),
    ("docs", {"docs/counters.md": "## What they mean\n"}, "counters.hpp:3: counter udp_total is not in docs/counters.md"),
    ("docs", {"src/stats/counters.hpp": ""}, "docs/counters.md:5: counter udp_total is not in the code"),
    ("docs", {"src/dns/dns.cpp": 'base::log_event(base::LogLevel::Info,\n  "up", {});\n'}, "dns.cpp:1: event up is not in"),
    ("docs", {"src/dns/dns.cpp": 'log_event(bad ? LogLevel::Error : LogLevel::Info, "up");\n'}, "dns.cpp:1: event up is not in"),
    ("docs", {"src/dns/dns.cpp": "base::log_event(base::LogLevel::Info, name);\n"}, "dns.cpp:1: an event's name is a literal"),
    ("docs", {"docs/events.md": "`meridianctl check`\n| `gone` | x |\n"}, "docs/events.md:2: event gone is not in the code"),
    ("docs", {"docs/events.md": ""}, "main.cpp:1: `meridianctl check` stands nowhere"),
    ("docs", {"src/meridianctl/main.cpp": 'int main() { check->add_subcommand("all", "All"); }\n'},
     "main.cpp:1: `meridianctl … all` stands nowhere"),
    ("docs", {"geo/README.md": "\n[x](data/none.md)\n"}, "geo/README.md:2: the link data/none.md leads nowhere"),
    ("docs", {"README.md": "[x](docs/counters.md#no-such)\n"}, "README.md:1: docs/counters.md has no heading #no-such"),
    ("docs", {"src/README.md": "base/ dns/ net/ stats/ meridianctl/\n"}, "src/README.md:1: src/zone/ is not on the map"),
    ("docs", {"src/base/limits.hpp": "/// Reason.\ninline constexpr int kA = 1;\n\ninline constexpr int kB = 2;\n"},
     "limits.hpp:4: a limit needs its reason"),
    ("layout", {"notes.txt": ""}, "notes.txt:1: does not belong at the top level"),
    ("layout", {"LICENSE": None}, "LICENSE:1: is missing at the top level"),
    ("layout", {"docs/big.bin": "x" * 5_000_001}, "docs/big.bin:1: 5000001 bytes"),
    ("layout", {"tests/broken.sh": "if true\n"}, "tests/broken.sh:1: bash -n:"),
    ("layout", {".ci/run": "#!/usr/bin/env bash\nif true\n"}, ".ci/run:1: bash -n:"),
    ("workplace", {"docs/a.md": "x\nget it at https://registry." "npmjs.org/a\n"}, "docs/a.md:2: names registry."),
    ("workplace", {"docs/a.md": "see /wo" "rk/main\n"}, "docs/a.md:1: names /wo"),
    ("workplace", {"docs/a.md": "in /tmp/bu" "ild_lead\n"}, "docs/a.md:1: names /tmp/bu"),
    ("examples", {"config/examples/a/map/maps.yaml": "BAD"}, "config/examples/a/map:1: meridianctl check config/examples/a/map: BAD"),
    ("examples", {"config/examples/a/map/maps.yaml": "", "config/examples/a/meridian.yaml": "BAD"},
     "config/examples/a/meridian.yaml:1: meridianctl check --site"),
    ("examples", {"build/bin/meridianctl": None}, "meridianctl is not built"),
]

# Stands in for meridianctl: complains on standard error about what any file below its last argument says.
FAKE_MERIDIANCTL = '#!/bin/sh\nfor last; do :; done\nfind "$last" -type f -exec cat {} + >&2\n'


def write_tree(root, changes):
    tree = {**SOUND, "build/bin/meridianctl": FAKE_MERIDIANCTL, "config/examples/a/map/maps.yaml": "", **changes}
    for path, text in tree.items():
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    if tree["build/bin/meridianctl"] is not None:
        (root / "build/bin/meridianctl").chmod(0o755)


def report(check, changes):
    """What the check says of the changed tree, as it prints it."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write_tree(root, changes)
        module = importlib.import_module(f"check_{check}")
        found = module.check(root, root / "build") if check == "examples" else module.check(root)
        return source_tree.report(found)


def run_program(check, changes):
    """Exit code and output of the check as ctest starts it."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write_tree(root, changes)
        run = subprocess.run([sys.executable, HERE / f"check_{check}.py", root, root / "build"],
                             capture_output=True, text=True, check=False)
        return run.returncode, run.stdout + run.stderr


def main():
    failures = []
    checks = sorted(path.stem.removeprefix("check_") for path in HERE.glob("check_*.py"))
    first_rows = {row[0]: row for row in reversed(ROWS)}
    for check in checks:
        code, output = run_program(check, {})
        if code != 0 or output:
            failures.append(f"{check}: reports the sound tree:\n{output}")
        if check not in first_rows:
            failures.append(f"{check}: has no row here, so nobody knows whether it can fail")
            continue
        _, changes, expected = first_rows[check]
        code, output = run_program(check, changes)
        if code != 1 or expected not in output:
            failures.append(f"{check}: exit code {code} and:\n{output}")
    for check, changes, expected in ROWS:
        output = report(check, changes)
        if expected not in output:
            failures.append(f"{check}: '{expected}' expected, got:\n{output}")
    print("\n".join(failures) or f"{len(ROWS)} violations found by {len(checks)} checks")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
