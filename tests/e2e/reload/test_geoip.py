"""GeoIP files are read again when they were replaced; a broken one leaves the old map in place."""

import os
import shutil

import pytest

from harness import datacenter_of, until

GB = "81.2.69.0/24"


def moved_to_singapore(original):
    """The shipped database with every record of Great Britain saying Singapore, byte for byte as long."""
    assert 1 <= original.count(b"\x42GB") <= 50, "the country code is no longer stored as plain text"
    return original.replace(b"\x42GB", b"\x42SG")


@pytest.fixture
def geo(new_server, programs):
    """A server with a database of its own in its folder."""
    server = new_server()
    shutil.copyfile(programs.data / "country.mmdb", server.folder / "geo.mmdb")
    server.write_site(geoip="[geo.mmdb]")
    return server.start()


def replace(server, content, times=None):
    """By rename, as updaters do; `times` are (access, modification) in ns."""
    fresh = server.folder / "geo.mmdb.new"
    fresh.write_bytes(content)
    if times is not None:
        os.utime(fresh, ns=times)
    fresh.rename(server.folder / "geo.mmdb")


def datacenter(server):
    return datacenter_of(server.query("www.example.com", subnet=GB), "A")


def test_a_replaced_database_is_read_again(geo):
    original = (geo.folder / "geo.mmdb").read_bytes()
    assert datacenter(geo) == "ams"
    replace(geo, moved_to_singapore(original))
    assert datacenter(geo) == "ams", "files alone change nothing"
    assert geo.reload().returncode == 0
    assert (datacenter(geo), geo.epoch()) == ("sin", 2)
    assert geo.explain("www.example.com", "--from", GB)["place"]["country"] == "SG"
    replace(geo, original)
    assert geo.reload().returncode == 0
    assert (datacenter(geo), geo.epoch()) == ("ams", 3)


def test_a_replaced_database_of_equal_size_and_time_is_read_again(geo):
    """Image-based deployments set every file's time to one value; the file is another one all the same."""
    path = geo.folder / "geo.mmdb"
    before = path.stat()
    replace(geo, moved_to_singapore(path.read_bytes()), times=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert geo.reload().returncode == 0
    assert datacenter(geo) == "sin"


def test_status_names_the_database(geo):
    (database,) = geo.status()["databases"]
    assert (database["name"], database["file"]) == ("default", str(geo.folder / "geo.mmdb"))
    assert database["type"] and database["built_at"].endswith("Z")


@pytest.mark.parametrize("keep", [0, 1, 100_000, -1], ids=["empty", "one byte", "half", "last byte missing"])
def test_a_truncated_database_is_refused_and_the_old_map_stays(geo, keep):
    path = geo.folder / "geo.mmdb"
    original = path.read_bytes()
    replace(geo, original[:keep])
    with geo.moves(reloads_failed=1):
        done = geo.reload()
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path}: ") and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert (datacenter(geo), geo.epoch()) == ("ams", 1)
    assert not geo.status()["last_reload"]["ok"]
    # And again: what failed once was not taken for read.
    assert geo.reload().returncode == 1
    replace(geo, moved_to_singapore(original))
    assert geo.reload().returncode == 0
    assert (datacenter(geo), geo.epoch()) == ("sin", 2)


def test_a_database_that_went_away_is_refused_and_the_old_map_stays(geo):
    path = geo.folder / "geo.mmdb"
    path.unlink()
    done = geo.reload()
    assert done.returncode == 1 and done.stderr.startswith(f"{path}: cannot open the GeoIP database")
    assert datacenter(geo) == "ams"


def test_a_database_overwritten_in_place_does_not_hurt_the_running_map(geo):
    """Copying over a file that is mapped into memory ends many servers with SIGBUS."""
    with (geo.folder / "geo.mmdb").open("r+b") as file:
        file.truncate(0)
    assert datacenter(geo) == "ams"
    assert geo.explain("www.example.com", "--from", GB)["datacenter"] == "ams"
    assert geo.reload().returncode == 1
    assert geo.explain("www.example.com", "--from", GB)["datacenter"] == "ams"
    assert geo.is_alive()


def test_an_update_that_moves_too_much_is_held_until_an_operator_accepts_it(geo):
    original = (geo.folder / "geo.mmdb").read_bytes()
    us = "8.8.8.0/24"
    ask = lambda: datacenter_of(geo.query("www.example.com", subnet=us), "A")
    assert ask() == "iad"
    replace(geo, original.replace(b"\x42US", b"\x42SG"))
    reload = geo.reload()
    assert reload.returncode == 0 and "geo.mmdb held: max_moved: " in reload.stderr
    assert "'meridianctl geoip accept' takes it all the same" in reload.stderr
    assert (ask(), geo.epoch()) == ("iad", 2)
    held = geo.status()["geoip_held"]
    assert [file.rsplit("/", 1)[1] for file in held["files"]] == ["geo.mmdb"] and len(held["reasons"]) == 1
    assert "\nheld       " in geo.ctl("status").stdout
    assert geo.log().count("event=geoip_held") == 1 and geo.counters()["geoip_updates_held_total"] == 1
    accepted = geo.ctl("geoip", "accept")
    assert accepted.returncode == 0 and accepted.stdout.startswith("accepted · epoch 3 serves · ")
    assert ask() == "sin"
    assert geo.status()["geoip_held"] is None and geo.counters()["geoip_updates_activated_total"] == 1
    assert "event=geoip_activated" in geo.log()


def test_what_is_held_stays_held_over_a_restart(geo):
    geo.write_site(geoip="[geo.mmdb]", state="state")
    assert geo.stop()[0] == 0
    geo.start()
    us = "8.8.8.0/24"
    replace(geo, (geo.folder / "geo.mmdb").read_bytes().replace(b"\x42US", b"\x42SG"))
    assert geo.stop()[0] == 0
    geo.start()
    until(lambda: geo.status()["geoip_held"], "the update that was held while the server was down")
    assert datacenter_of(geo.query("www.example.com", subnet=us), "A") == "iad"
    assert geo.ctl("geoip", "accept").returncode == 0
    assert datacenter_of(geo.query("www.example.com", subnet=us), "A") == "sin"
    assert geo.stop()[0] == 0
    geo.start()
    assert datacenter_of(geo.query("www.example.com", subnet=us), "A") == "sin"


def test_a_watched_feed_passes_the_same_gate(new_server):
    server = new_server()
    server.write("feeds/some.nets", "8.8.8.0/24\n")
    server.edit("maps.yaml", "      - {for: everyone,", "      - {for: \"file:feeds/some.nets\", prefer: [sin]}\n"
                "      - {for: everyone,")
    server.write_site(watch="{settle: 0}")
    server.start()
    ask = lambda subnet: datacenter_of(server.query("www.example.com", subnet=subnet), "A")
    assert (ask("8.8.8.0/24"), ask("8.8.9.0/24")) == ("sin", "iad")
    server.write("feeds/some.nets", "8.8.8.0/24\n8.8.9.0/24\n")
    until(lambda: ask("8.8.9.0/24") == "sin", "a small change of the feed")
    server.write("feeds/some.nets", "0.0.0.0/1\n")
    until(lambda: server.status()["geoip_held"], "a large one is held")
    assert ask("8.8.10.0/24") == "iad"
    assert server.ctl("geoip", "accept").returncode == 0
    assert ask("8.8.10.0/24") == "sin"
