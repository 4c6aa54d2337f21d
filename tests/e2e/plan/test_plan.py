"""`meridianctl plan` as a program: exit codes, gates, JSON, demand; an applied plan is silent."""

import json
import shutil
import subprocess

import pytest

import harness
from harness import EXAMPLE

EUROPE = "{for: europe,           prefer: [ams]}"
EUROPE_MOVED = "{for: europe,           prefer: [iad]}"


# A small world, so that a map compiles at once.
WORLD = """
8.0.0.0/8     country=US continent=NA
128.0.0.0/2   country=US continent=NA
2600::/11     country=US continent=NA
81.2.69.0/24  country=GB continent=EU
82.0.0.0/7    country=DE continent=EU
96.0.0.0/4    country=FR continent=EU
2a00::/12     country=FR continent=EU
58.0.0.0/8    country=JP continent=AS
"""


@pytest.fixture
def maps(folder, programs):
    """Two copies of the example's map: `old`, and `new` to be edited. And `world.mmdb`."""
    (folder / "world.txt").write_text(WORLD.strip() + "\n", encoding="utf-8")
    subprocess.run([programs.build / "bin" / "text_mmdb", folder / "world.txt", folder / "world.mmdb"], check=True,
                   timeout=harness.DEADLINE_S)
    for name in ("old", "new"):
        shutil.copytree(EXAMPLE / "map", folder / name)
    return folder


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def move_europe(maps):
    edit(maps / "new" / "maps.yaml", EUROPE, EUROPE_MOVED)
    (maps / "new" / "expect.yaml").unlink(missing_ok=True)


def plan(programs, maps, *arguments):
    return programs.ctl("plan", *arguments, "--geoip", "world.mmdb", "--data", programs.data, cwd=maps)


def test_the_same_map_changes_nothing_and_says_nothing(programs, maps):
    done = plan(programs, maps, "old", "new")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_change_is_told_and_applied_it_is_silent(programs, maps):
    move_europe(maps)
    done = plan(programs, maps, "old", "new")
    assert done.returncode == 2 and not done.stderr
    assert done.stdout.startswith("moved  ")
    assert "\n  ams → iad  " in done.stdout and "\n  places " in done.stdout and "\n  DE Germany  " in done.stdout
    shutil.rmtree(maps / "old")
    shutil.copytree(maps / "new", maps / "old")
    done = plan(programs, maps, "old", "new")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_json_tells_the_same(programs, maps):
    move_europe(maps)
    done = plan(programs, maps, "old", "new", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 2 and told["changed"] and told["compared"] == 5
    assert [(flow["from"], flow["to"]) for flow in told["all"]["flows"]] == [("ams", "iad")]
    flow = told["all"]["flows"][0]["moved"]
    assert flow == told["all"]["moved"] and flow["ipv4"] > 100_000_000
    # The view of one datacenter does not move: 4 names of 5 do, and each of them as much.
    moved = {name: service["moved"]["ipv4"] for service in told["services"] for name in service["names"]}
    assert set(moved) == {"example.com", "www.example.com", "api.example.com", "*.cdn.example.com"}
    assert sum(moved.values()) / 5 == pytest.approx(flow["ipv4"])
    # Turned around, everything goes back.
    back = json.loads(plan(programs, maps, "new", "old", "--json").stdout)
    assert [(flow["from"], flow["to"]) for flow in back["all"]["flows"]] == [("iad", "ams")]
    assert back["all"]["moved"] == told["all"]["moved"]


@pytest.mark.parametrize("gates, code", [(["max_moved=50%"], 2), (["max_moved=5%"], 3),
                                         (["max_moved=50%", "expectations"], 2),
                                         (["max_moved=50%", "max_moved=5%"], 3)], ids=str)
def test_gates(programs, maps, gates, code):
    move_europe(maps)
    arguments = [word for gate in gates for word in ("--gate", gate)]
    done = plan(programs, maps, "old", "new", *arguments)
    assert done.returncode == code
    assert done.stdout.startswith("gate failed  max_moved: " if code == 3 else "moved  ")


def test_demand_weighs_and_capacity_gates(programs, maps):
    move_europe(maps)
    (maps / "demand").write_text("# network queries\n81.2.69.0/24 50000\n8.8.8.0/24 20000\n", encoding="utf-8")
    done = plan(programs, maps, "old", "new", "--demand", "demand", "--gate", "capacity",
                "--gate", "max_moved_demand=10%", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 3
    assert told["max_moved_demand"] == pytest.approx(50 / 70)
    loads = {row["name"]: row["after"]["demand"] for row in told["datacenters"]}
    # One name of five is a view of ams, so a fifth of the demand is always there.
    assert loads["ams"] == pytest.approx(14_000) and loads["iad"] == pytest.approx(56_000)
    assert sum(loads.values()) == pytest.approx(70_000)
    assert [gate.split(":")[0] for gate in told["gates_failed"]] == ["capacity", "max_moved_demand"]
    # All of it falls back to ams, which takes 40,000.
    assert [(row["datacenter"], row["lost"], row["after"]) for row in told["overloads"]] == [
        ("ams", "iad", pytest.approx(70_000))]


def test_one_map_under_two_assumptions(programs, maps):
    done = plan(programs, maps, "old", "--assume", "ams down", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 2
    assert {flow["from"] for flow in told["all"]["flows"]} == {"ams"}
    assert "DE" in {place["code"] for place in told["places"]}
    done = plan(programs, maps, "old", "--assume", "ams down", "--assume-old", "ams down")
    assert (done.returncode, done.stdout) == (0, "")


def test_shed_and_rules_for_resolvers(programs, maps):
    """A well datacenter has room to shed 20 %, but not 50 %; a rule for resolvers is no silent change."""
    done = plan(programs, maps, "old", "--assume", "ams shed 20%")
    assert (done.returncode, done.stdout) == (0, "")
    told = json.loads(plan(programs, maps, "old", "--assume", "ams shed 50%", "--json").stdout)
    assert told["all_without_client_subnet"] is None
    assert {flow["from"] for flow in told["all"]["flows"]} == {"ams"}
    path = maps / "new" / "maps.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "    resolvers: [{for: 81.2.69.0/24, prefer: [iad]}]\n",
                    encoding="utf-8")
    done = plan(programs, maps, "old", "new")
    assert done.returncode == 2
    assert ", of queries without a client subnet\n  from → to, without a client subnet" in done.stdout
    told = json.loads(plan(programs, maps, "old", "new", "--json").stdout)
    assert told["all"]["moved"]["ipv4"] == 0
    moved = {name: service["without_client_subnet"]["moved"]["ipv4"]
             for service in told["services"] for name in service["names"]}
    assert set(moved.values()) == {256}


def test_one_map_under_two_databases(programs, maps):
    done = plan(programs, maps, "old", "--new-geoip", "world.mmdb")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_broken_expectations_and_emptied_names_are_told(programs, maps):
    (maps / "new" / "expect.yaml").write_text("expect: [{from: DE, map: web, first: iad}]\n", encoding="utf-8")
    edit(maps / "new" / "services.yaml", "  www-ams.example.com: {datacenter: ams, of: www.example.com}\n", "")
    done = plan(programs, maps, "old", "new", "--gate", "expectations")
    lines = done.stdout.splitlines()
    assert done.returncode == 3
    assert lines[0] == "gate failed  expectations: 1 is broken"
    assert lines[1].startswith("broken  new/expect.yaml:1:10: clients from DE must get iad first (map web), but ")
    assert lines[2] == "emptied  www-ams.example.com: nobody would get an address any more"
    assert "removed  www-ams.example.com" in lines


@pytest.mark.parametrize("arguments, message", [
    (["old"], "nothing to compare with"),
    (["old", "new", "--gate", "max_moves=5%"], "did you mean 'max_moved'?"),
    (["old", "new", "--gate", "capacity"], "the gate capacity needs --demand FILE"),
    (["old", "new", "--assume", "ams"], "'ams' is no assumption"),
    (["old", "new", "--assume", "amz down"], "--assume: the map has no datacenter 'amz'; did you mean 'ams'?"),
    (["old", "new", "--demand", "nowhere"], "nowhere: can't be read"),
    (["old", "nowhere"], "nowhere: the map directory can't be read"),
    (["old", "new", "third"], "third"),
    (["old", "new", "--bogus"], "--bogus"),
    ([], "old"),
], ids=str)
def test_what_cannot_be_told_exits_1(programs, maps, arguments, message):
    """Not 2 as elsewhere: a script takes 2 for a change."""
    done = plan(programs, maps, *arguments)
    assert done.returncode == 1 and not done.stdout
    assert message in done.stderr


def test_a_demand_file_with_errors_is_told_line_by_line(programs, maps):
    (maps / "demand").write_text("81.2.69.0/24\n81.2.69.1/24 5\n", encoding="utf-8")
    done = plan(programs, maps, "old", "new", "--demand", "demand")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "demand:1:13: expected a number of queries behind 81.2.69.0/24, found nothing",
        "demand:2:1: '81.2.69.1/24' has host bits set; the network is 81.2.69.0/24"]
