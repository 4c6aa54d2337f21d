"""`meridianctl import`: exit codes, what is written where, the report; and the example of PowerDNS's manual."""

import json
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent

ZONE = "$TTL 60\n@ SOA ns1 admin 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.53\n"


@pytest.fixture
def source(folder):
    """gdnsd's folder with nothing that can't be carried over."""
    there = folder / "gdnsd"
    (there / "zones").mkdir(parents=True)
    (there / "config").write_text("plugins => { multifo => { m => [ 192.0.2.1, 192.0.2.2 ] } }\n", encoding="utf-8")
    (there / "zones" / "example.com").write_text(ZONE + "www 60/60 DYNA multifo!m\n", encoding="utf-8")
    return there


def run(programs, source, directory, *arguments):
    return programs.ctl("import", "gdnsd", source / "config", directory, "--data", programs.data, *arguments)


def test_what_is_carried_over_whole_exits_with_zero_and_passes_check(programs, folder, source):
    done = run(programs, source, folder / "map")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{folder}/map: imported · 1 zone, 1 service, 1 datacenter, 1 map, 1 rule · 0 things not imported, 0 notes\n"
    assert done.stderr == ""
    assert sorted(str(path.relative_to(folder / "map")) for path in (folder / "map").rglob("*") if path.is_file()) == [
        "datacenters.yaml", "maps.yaml", "services.yaml", "zones/example.com.zone"]
    checked = programs.check(folder / "map")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_gaps_exit_with_two_and_the_map_is_there(programs, folder, source):
    with (source / "config").open("a", encoding="utf-8") as config:
        config.write("options => { listen => 192.0.2.53 }\n")
    done = run(programs, source, folder / "map")
    assert done.returncode == 2
    assert done.stdout.splitlines()[0] == (
        f"{source}/config:2:14: not imported: option listen = 192.0.2.53: the site file's 'listen: dns:' has the addresses "
        "and ports")
    assert done.stdout.splitlines()[1].endswith("· 1 thing not imported, 0 notes")
    assert programs.check(folder / "map").returncode == 0


def test_errors_exit_with_one_and_write_nothing(programs, folder, source):
    (source / "config").write_text("plugins => { multifo => {\n", encoding="utf-8")
    done = run(programs, source, folder / "map")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{source}/config:1:25: this '{{' is never closed\nmeridianctl: nothing was written\n"
    assert not (folder / "map").exists()


def test_a_directory_with_files_is_refused_without_force(programs, folder, source):
    (folder / "map").mkdir()
    (folder / "map" / "mine").write_text("keep", encoding="utf-8")
    done = run(programs, source, folder / "map")
    assert done.returncode == 1
    assert done.stderr == f"meridianctl: {folder}/map is not empty; name a new directory, or overwrite with --force\n"
    assert [path.name for path in (folder / "map").iterdir()] == ["mine"]
    assert run(programs, source, folder / "map", "--force").returncode == 0
    assert (folder / "map" / "mine").read_text(encoding="utf-8") == "keep"


def test_a_map_that_check_refuses_is_an_error(programs, folder, source):
    # gdnsd takes any address; a pool here has addresses that hosts can have.
    (source / "config").write_text("plugins => { multifo => { m => [ 224.0.0.1 ] } }\n", encoding="utf-8")
    done = run(programs, source, folder / "map")
    assert done.returncode == 1
    assert "'224.0.0.1' is a multicast address" in done.stderr
    assert "a server would refuse it" in done.stderr


def test_the_report_as_json(programs, folder, source):
    with (source / "config").open("a", encoding="utf-8") as config:
        config.write("options => { listen => 192.0.2.53 }\n")
    done = run(programs, source, folder / "map", "--json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert told["directory"] == str(folder / "map")
    assert told["imported"] == {"datacenters": 1, "maps": 1, "rules": 1, "services": 1, "zones": 1}
    assert told["notes"] == []
    assert [(gap["file"], gap["line"], gap["column"]) for gap in told["gaps"]] == [(f"{source}/config", 2, 14)]


def test_bad_usage_exits_with_two_and_writes_nothing(programs, folder, source):
    done = programs.ctl("import", "bind", source / "config", folder / "map")
    assert done.returncode == 2
    assert not (folder / "map").exists()


def explain(programs, folder, name, address):
    done = programs.ctl("explain", name, "--map", folder, "--data", programs.data, "--from", address, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_example_of_powerdns_leads_to_the_same_addresses(programs, folder):
    done = programs.ctl("import", "pdns-geoip", HERE / "pdns_zones.yaml", folder / "map", "--data", programs.data)
    assert done.returncode == 2, done.stdout + done.stderr
    assert programs.check(folder / "map").returncode == 0
    told = [line.split(": not imported: ") for line in done.stdout.splitlines()[:-1]]
    assert [int(where.split(":")[-2]) for where, _ in told] == [13, 28, 30, 34], done.stdout
    # By the shipped country database: Finland, Sweden, Japan, Brazil, Mexico; and a network of its own.
    for name, address, wanted in [
            ("service.geo.example.com", "91.152.0.1/32", "192.0.2.2"), ("service.geo.example.com", "133.1.0.1/32", "192.0.2.4"),
            ("service.geo.example.com", "200.160.0.1/32", "192.0.2.5"), ("map.geo.example.com", "132.248.10.1/32", "192.0.2.7"),
            ("map.geo.example.com", "133.1.0.1/32", "192.0.2.8"), ("map.geo.example.com", "198.51.100.9/32", "192.0.2.9")]:
        assert wanted in explain(programs, folder / "map", name, address)["addresses"], (name, address)
    drawn = explain(programs, folder / "map", "service.geo.example.com", "81.224.0.1/32")
    assert drawn["datacenter"] == "swe-eu-service"
    assert drawn["answer_most"] == 1
