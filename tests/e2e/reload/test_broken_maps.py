"""A map with errors changes nothing: every problem is told once, at its place, and the old map goes on serving."""

import re

import pytest

from harness import EXAMPLE, datacenter_of

LOCATED = re.compile(r"^(?P<file>/[^:]+):(?P<line>\d+):(?P<column>\d+): (?P<message>.+)$")

PROBLEMS = [
    # why, file, how to break it (old text, new text; None: the file is new), the message's place and words
    ("unknown region", "maps.yaml", "{for: europe, ", "{for: europa, ", 4, 15,
     "region 'europa' is not defined; did you mean 'europe'?"),
    ("host bits set", "maps.yaml", "{for: 203.0.113.192/26,", "{for: 203.0.113.193/26,", 8, 15,
     "'203.0.113.193/26' has host bits set; the network is 203.0.113.192/26"),
    ("two rules, one place", "maps.yaml", "      - {for: everyone, ",
     "      - {for: CN, prefer: [sin]}\n      - {for: everyone, ", 9, 9,
     "two rules of map 'web' claim CN: this one (place at {map}/maps.yaml:9:15) and the one at "
           "{map}/maps.yaml:7:9 (place at {map}/maps.yaml:7:15); take it out of one of them"),
    ("unknown datacenter of a pool", "services.yaml", "      sin: [203.0.113.20]",
     "      sin: [203.0.113.20]\n      sinn: [203.0.113.21]", 22, 7,
     "pool of 'api.example.com': datacenter 'sinn' is not defined; did you mean 'sin'?"),
    ("a rule leaves a service nothing", "services.yaml", "\n      sin: [203.0.113.30]", "", 24, 3,
     "'*.cdn.example.com' has no pool in use in any datacenter of the rule at {map}/maps.yaml:7:9 (only: [sin]); add a "
     "pool there, or write 'only: []' if these clients are to get no answer"),
    ("a tab", "services.d/more.yaml", None, "services:\n  more.example.com:\n\tmap: web\n", 3, 1,
     "a tab indents this line; YAML allows spaces only"),
    ("unknown key", "datacenters.yaml", "capacity: 20000", "capcity: 20000", 4, 30,
     "unknown key 'capcity'; did you mean 'capacity'?"),
]


def break_map(server, file, old, new):
    if old is None:
        server.write(file, new)
    else:
        server.edit(file, old, new)


def expected_lines(server, problems):
    return {f"{server.map}/{file}:{line}:{column}: {message.replace('{map}', str(server.map))}"
            for _, file, _, _, line, column, message in problems}


def error_lines(text):
    """The located errors of a tool's output; warnings and the closing line left out."""
    lines = [line for line in text.splitlines() if LOCATED.match(line)]
    return [line for line in lines if not LOCATED.match(line)["message"].startswith("warning: ")]


@pytest.mark.parametrize("problem", PROBLEMS, ids=[row[0] for row in PROBLEMS])
def test_each_problem_alone_is_told_once_at_its_place(new_server, programs, problem):
    server = new_server()  # not started: check needs none
    break_map(server, *problem[1:4])
    done = programs.check(server.map)
    assert done.returncode == 1 and not done.stdout
    assert error_lines(done.stderr) == list(expected_lines(server, [problem]))
    warnings = done.stderr.count(": warning: ")
    assert done.stderr.splitlines()[-1] == (f"{server.map}: 1 error, {warnings} warning{'' if warnings == 1 else 's'}; "
                                            "a server would keep the map it has")


def break_all(server):
    """Every problem at once; the duplicate comes after a line was added, so its place moves."""
    told = []
    for row in PROBLEMS:
        break_map(server, *row[1:4])
        row = list(row)
        if row[0] == "a rule leaves a service nothing":
            row[4] += 1  # the pool added above it
        told.append(tuple(row))
    return expected_lines(server, told)


def test_all_problems_are_told_in_one_check_and_one_reload(server, programs):
    expected = break_all(server)
    checked = programs.check(server.map)
    assert checked.returncode == 1
    lines = error_lines(checked.stderr)
    assert len(lines) == len(set(lines)), "a problem was told twice"
    assert set(lines) == expected

    with server.moves(reloads_failed=1):
        done = server.reload()
    assert done.returncode == 1
    assert error_lines(done.stderr) == lines, "reload and check tell the same, in the same order"
    assert "not reloaded: the old map stays · epoch 1 serves" in done.stdout


def test_the_old_map_goes_on_and_status_says_so_until_a_good_one_comes(server):
    for subnet, datacenter in (("81.2.69.0/24", "ams"), ("8.8.8.0/24", "iad")):
        assert datacenter_of(server.query("www.example.com", subnet=subnet), "A") == datacenter
    expected = break_all(server)
    for _ in range(3):  # failing again and again does no more harm than once
        assert server.reload().returncode == 1
    with server.moves(udp_queries=2, udp_answers=2, edns_queries=2, client_subnet_queries=2, steered_answers=2):
        for subnet, datacenter in (("81.2.69.0/24", "ams"), ("8.8.8.0/24", "iad")):
            assert datacenter_of(server.query("www.example.com", subnet=subnet), "A") == datacenter

    status = server.status()
    assert status["epoch"] == 1 and not status["last_reload"]["ok"]
    told = {f"{row['file']}:{row['line']}:{row['column']}: {row['message']}"
            for row in status["last_reload"]["problems"] if row["severity"] == "error"}
    assert told == expected
    assert status["counters"]["reloads_failed_total"] == 3
    text = server.ctl("status").stdout
    assert re.search(r"^reload +FAILED, the old map serves", text, re.MULTILINE)
    for line in expected:
        assert line in server.log().replace('\\"', '"')

    restore(server)
    with server.moves(reloads_ok=1):
        assert server.reload().returncode == 0
    assert server.epoch() == 2
    assert re.search(r"^reload +good", server.ctl("status").stdout, re.MULTILINE)


def restore(server):
    for file in ("maps.yaml", "services.yaml", "datacenters.yaml"):
        server.write(file, (EXAMPLE / "map" / file).read_text(encoding="utf-8"))
    (server.map / "services.d/more.yaml").unlink()
    (server.map / "services.d").rmdir()


@pytest.mark.parametrize("file, content, message", [
    ("maps.yaml", b"", "maps.yaml"),
    ("maps.yaml", b"\xff\xfe\x00", "maps.yaml"),
    ("services.yaml", b"services: [", "services.yaml"),
    ("datacenters.yaml", b"datacenters:\n  ams: {at: [91, 0]}\n", "datacenters.yaml:2:"),
    ("zones/example.com.zone", b"$TTL 3600\n@ IN A 192.0.2.1\n", "example.com.zone"),
    ("zones/example.com.zone", b"@ IN SOA broken\n", "example.com.zone:1:"),
    ("region.yaml", b"regions: {}\n", "region.yaml: is no file of a map; did you mean 'regions.yaml'?"),
], ids=["empty", "not text", "open bracket", "latitude", "no SOA", "bad SOA", "stranger"])
def test_files_that_are_no_map_are_refused_too(server, file, content, message):
    (server.map / file).write_bytes(content)
    with server.moves(reloads_failed=1):
        done = server.reload()
    assert done.returncode == 1 and message in done.stderr
    assert server.epoch() == 1
    assert datacenter_of(server.query("www.example.com", subnet="81.2.69.0/24"), "A") == "ams"


@pytest.mark.parametrize("file, message", [
    ("maps.yaml", "{map}: holds no maps.yaml and no maps.d"),
    ("services.yaml", "{map}: holds no services.yaml and no services.d"),
    ("datacenters.yaml", "{map}: holds no datacenters.yaml and no datacenters.d"),
    ("zones/example.com.zone", "{map}/zones: holds no *.zone; a server needs at least one zone"),
])
def test_a_missing_file_is_named(server, file, message):
    (server.map / file).unlink()
    done = server.reload()
    assert done.returncode == 1
    assert message.replace("{map}", str(server.map)) in done.stderr.splitlines()
    assert datacenter_of(server.query("www.example.com", subnet="81.2.69.0/24"), "A") == "ams"


def test_a_message_cannot_be_made_to_forge_a_log_line(server):
    """Control characters of a map file come out escaped."""
    server.edit("maps.yaml", "{for: europe, ", '{for: "x\\ny event=forged", ')
    assert server.reload().returncode == 1
    assert not any(line.startswith("y event=forged") for line in server.log().splitlines())
