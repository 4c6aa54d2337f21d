"""expect.yaml: check proves it, and a server neither starts with nor reloads a map that breaks it."""

import json
import shutil

from harness import EXAMPLE, datacenter_of

GB = "81.2.69.0/24"
BREAKS = "expect:\n  - {from: GB, map: web, first: iad}\n"
KEEPS = "expect:\n  - {from: GB, map: web, first: ams, never: [sin]}\n"
MESSAGE = ":2:5: clients from GB must get iad first (map web), but "


def write(path, text):
    path.write_text(text, encoding="utf-8")


def test_check_proves_expectations(programs, folder):
    shutil.copytree(EXAMPLE / "map", folder / "map")
    write(folder / "map" / "expect.yaml", KEEPS)
    done = programs.ctl("check", "map", "--data", programs.data, cwd=folder)
    assert done.returncode == 0 and not done.stderr
    assert " · 1 expectation proven · 0 warnings · " in done.stdout
    write(folder / "map" / "expect.yaml", BREAKS)
    done = programs.ctl("check", "map", "--data", programs.data, cwd=folder)
    assert done.returncode == 1 and not done.stdout
    first, last = done.stderr.splitlines()
    assert first.startswith("map/expect.yaml" + MESSAGE) and " gets ams for " in first
    assert last == "map: 1 expectation broken; a server would keep the map it has"


def test_an_expectation_about_nobody_is_a_warning(programs, folder):
    shutil.copytree(EXAMPLE / "map", folder / "map")
    write(folder / "map" / "expect.yaml", "expect: [{from: AS3320, map: web, first: iad}]\n")
    done = programs.ctl("check", "map", "--data", programs.data, cwd=folder)
    assert done.returncode == 0 and " · 1 warning · " in done.stdout
    assert done.stderr == ("map/expect.yaml:1:17: warning: this expectation is about nobody: no address is known to be "
                           "in AS3320\n")


def test_a_reload_that_breaks_an_expectation_changes_nothing(server):
    path = server.map / "expect.yaml"
    write(path, BREAKS)
    with server.moves(reloads_failed=1, reloads_expectation_broken=1):
        done = server.reload()
    assert done.returncode == 1
    assert f"{path}{MESSAGE}" in done.stdout + done.stderr
    assert server.epoch() == 1
    assert datacenter_of(server.query("www.example.com", subnet=GB), "A") == "ams"
    assert "event=expectations_broken broken=1 epoch=1" in server.log()
    assert json.dumps(server.status()["last_reload"]["problems"]).count("must get iad first") == 1
    write(path, KEEPS)
    with server.moves(reloads_ok=1):
        assert server.reload().returncode == 0
    assert server.epoch() == 2


def test_a_server_does_not_start_with_a_map_that_breaks_an_expectation(new_server):
    server = new_server()
    write(server.map / "expect.yaml", BREAKS)
    code, log = server.launch().wait()
    assert code == 2 and f"{server.map}/expect.yaml{MESSAGE}" in log
