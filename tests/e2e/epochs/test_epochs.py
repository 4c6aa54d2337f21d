"""Epochs on the disk: what is kept, going back, and starts whose sources are broken."""

import json
import shutil

import pytest

from harness import datacenter_of, until

GB = "81.2.69.0/24"


@pytest.fixture
def site(new_server):
    """A server that keeps its epochs."""
    server = new_server()
    server.write_site(state="state")
    return server.start()


def send_europe(server, datacenter):
    server.edit("maps.yaml", "{for: europe,           prefer: [ams]}", f"{{for: europe,           prefer: [{datacenter}]}}")


def datacenter(server):
    return datacenter_of(server.query("www.example.com", subnet=GB), "A")


def kept(server):
    done = server.ctl("epochs", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def restart(server, code=0):
    assert server.stop()[0] == code
    server.start()


def test_loads_are_kept_and_shown(site):
    first = kept(site)
    assert (first["epoch"], [one["epoch"] for one in first["kept"]]) == (1, [1])
    assert len(first["hash"]) == 64 and site.status()["epoch_hash"] == first["hash"]
    send_europe(site, "iad")
    assert site.reload().returncode == 0
    second = kept(site)
    assert [one["epoch"] for one in second["kept"]] == [2, 1]
    assert second["kept"][1]["hash"] == first["hash"] != second["hash"]
    assert [one["serves"] for one in second["kept"]] == [True, False]
    shown = site.ctl("epochs").stdout.splitlines()
    assert shown[0].startswith(f"serves     2 · {second['hash'][:12]} · 20")
    assert shown[1].startswith(f"           1 · {first['hash'][:12]} · 20")


def test_going_back_and_forth(site):
    send_europe(site, "iad")
    assert site.reload().returncode == 0 and datacenter(site) == "iad"
    back = site.ctl("rollback")
    assert back.returncode == 0 and back.stdout.startswith("rolled back · epoch 1 serves · ")
    assert datacenter(site) == "ams"
    assert site.explain("www.example.com", "--from", GB)["rule"]["at"].endswith("maps.yaml:4:9")
    refused = site.reload()
    assert refused.returncode == 1 and "is the map that was gone back from" in refused.stderr
    restart(site)
    assert (datacenter(site), site.epoch()) == ("ams", 1)
    assert site.reload().returncode == 1, "nor after a restart"
    forced = site.ctl("reload", "--force")
    assert forced.returncode == 0, forced.stderr
    assert (datacenter(site), site.epoch()) == ("iad", 3)
    assert site.ctl("rollback", "1").returncode == 0 and datacenter(site) == "ams"
    assert site.counters()["rollbacks_total"] == 1, "since the restart"


def test_going_back_where_there_is_nothing(site, new_server):
    none = site.ctl("rollback")
    assert none.returncode == 1 and "no epoch is kept that is older than the one that serves" in none.stderr
    missing = site.ctl("rollback", "77")
    assert missing.returncode == 1 and "epoch 77 is not kept" in missing.stderr
    assert site.ctl("rollback", "0").returncode == 2
    assert site.api("POST", "/v1/rollback?epoch=x")[0] == 400
    assert site.api("GET", "/v1/rollback")[0] == 405
    without = new_server().start()
    shown = without.ctl("epochs")
    assert shown.returncode == 0 and "the site file has no 'state'" in shown.stderr
    assert without.ctl("rollback").returncode == 1


def test_a_start_with_a_broken_map_goes_on_with_the_last_good_one(site):
    send_europe(site, "iad")
    assert site.reload().returncode == 0
    site.write("maps.yaml", "maps: broken\n")
    restart(site)
    assert (datacenter(site), site.epoch()) == ("iad", 2)
    assert "event=epoch_restored epoch=2" in site.log()
    until(lambda: not site.status()["last_reload"]["ok"], "the broken sources are told")
    status = site.status()
    assert status["last_reload"]["problems"] and status["counters"]["reloads_failed_total"] == 1
    assert not status["has_rules"]
    explained = site.ctl("explain", "www.example.com", "--from", GB).stdout
    assert "as it was kept on the disk" in explained
    assert site.explain("www.example.com", "--from", GB)["datacenter"] == "iad"
    shutil.copyfile(site.folder / "state" / "epochs" / "0000000002" / "map" / "maps.yaml", site.map / "maps.yaml")
    assert site.reload().returncode == 0
    assert site.status()["has_rules"] and datacenter(site) == "iad"


def test_a_start_without_its_map_and_database(site, programs):
    shutil.copyfile(programs.data / "country.mmdb", site.folder / "geo.mmdb")
    site.write_site(state="state", geoip="[geo.mmdb]")
    assert site.reload().returncode == 0
    (site.folder / "geo.mmdb").unlink()
    shutil.move(site.map, site.folder / "gone")
    restart(site)
    assert (datacenter(site), site.epoch()) == ("ams", 2)
    until(lambda: not site.status()["last_reload"]["ok"], "the missing sources are told")
    assert (datacenter(site), site.epoch()) == ("ams", 2)


def test_a_start_whose_map_changed_serves_it_soon(site):
    send_europe(site, "iad")
    restart(site)
    until(lambda: site.epoch() == 2, "the new map")
    assert datacenter(site) == "iad"
    until(lambda: [one["epoch"] for one in kept(site)["kept"]] == [2, 1], "the new map on disk")


def test_a_start_with_unchanged_sources_is_quick_and_complete_soon(site):
    restart(site)
    assert "event=epoch_restored epoch=1" in site.log()
    assert datacenter(site) == "ams"
    until(lambda: site.status()["has_rules"], "rules are read behind it")
    assert site.epoch() == 1
    assert site.explain("www.example.com", "--from", GB)["place"]["country"] == "GB"


def test_damaged_epochs_do_not_keep_a_server_from_starting(site):
    send_europe(site, "iad")
    assert site.reload().returncode == 0
    folder = site.folder / "state" / "epochs"
    maps = folder / "0000000002" / "maps.bin"
    content = bytearray(maps.read_bytes())
    content[len(content) // 2] ^= 1
    maps.write_bytes(content)
    restart(site)
    assert "event=epoch_unreadable epoch=2 why=" in site.log()
    until(lambda: site.epoch() == 3, "the sources, which are good")
    assert datacenter(site) == "iad"
    until(lambda: site.status()["last_reload"]["epoch"] == 3, "epoch 3 is kept, too")
    for file in folder.rglob("*"):
        if file.is_file():
            file.write_bytes(b"")
    restart(site)
    assert datacenter(site) == "iad"


def test_a_full_or_forbidden_state_folder_costs_the_epochs_alone(new_server):
    server = new_server()
    (server.folder / "state").write_text("a file\n", encoding="utf-8")
    server.write_site(state="state")
    server.start()
    assert datacenter(server) == "ams"
    assert "event=epoch_not_kept" in server.log()
    reload = server.reload()
    assert reload.returncode == 0 and "epoch not kept: " in reload.stderr


def test_a_hand_over_goes_on_with_the_epochs(site):
    send_europe(site, "iad")
    assert site.reload().returncode == 0
    site.upgrade()
    assert (datacenter(site), site.epoch()) == ("iad", 2)
    assert [one["epoch"] for one in kept(site)["kept"]] == [2, 1]
    assert site.ctl("rollback").returncode == 0 and datacenter(site) == "ams"
    site.upgrade()
    assert (datacenter(site), site.epoch()) == ("ams", 1)
    site.write("maps.yaml", "maps: broken\n")
    failed = site.ctl("upgrade")
    assert failed.returncode == 1 and "not upgraded" in failed.stderr, "an upgrade is no time for broken maps"


def test_a_name_is_not_emptied_by_accident(site):
    site.edit("maps.yaml", "{for: europe,           prefer: [ams]}", "{for: europe,           only: []}")
    assert site.reload().returncode == 0, "some still get an answer"
    text = (site.map / "services.yaml").read_text(encoding="utf-8")
    assert "api.example.com" in text
    site.write("services.yaml", text.replace("api.example.com", "other.example.com"))
    refused = site.reload()
    assert refused.returncode == 1
    assert "would leave without an answer what has one now: api.example.com" in refused.stderr
    assert site.counters()["reloads_emptied_total"] == 1
    assert site.ctl("reload", "--force").returncode == 0
    assert site.query("api.example.com").rcode() == 3
