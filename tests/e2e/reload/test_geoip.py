"""GeoIP files are read again when they were replaced; a broken one leaves the old map in place."""

import os
import shutil

import pytest

from harness import datacenter_of

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
