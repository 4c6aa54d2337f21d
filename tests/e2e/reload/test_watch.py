"""Watched files: a change is served by itself once it is quiet; only where the site file asks for it."""

import shutil

from harness import datacenter_of, until

GB = "81.2.69.0/24"
EUROPE = "{for: europe,           prefer: [ams]}"
EUROPE_MOVED = "{for: europe,           prefer: [iad]}"


def datacenter(server):
    return datacenter_of(server.query("www.example.com", subnet=GB), "A")


def watching(new_server):
    server = new_server()
    server.write_site(watch="{settle: 0}")
    return server.start()


def test_a_changed_map_is_served_by_itself(new_server):
    server = watching(new_server)
    server.edit("maps.yaml", EUROPE, EUROPE_MOVED)
    until(lambda: datacenter(server) == "iad", "the new map serves")
    assert "event=files_changed" in server.log()
    server.edit("maps.yaml", EUROPE_MOVED, EUROPE)
    until(lambda: datacenter(server) == "ams", "and the next as well")


def test_a_changed_networks_file_is_served_by_itself(new_server):
    """Also one that lies deeper than the map's folders are followed."""
    server = new_server()
    server.write_site(watch="{settle: 0}")
    feed = server.map / "a" / "b" / "c" / "d" / "e" / "f" / "feed.nets"
    feed.parent.mkdir(parents=True)
    feed.write_text("198.51.100.0/24\n", encoding="utf-8")
    server.edit("maps.yaml", EUROPE, EUROPE + '\n      - {for: "file:a/b/c/d/e/f/feed.nets", prefer: [iad]}')
    server.start()
    assert datacenter(server) == "ams"
    fresh = feed.with_name(".feed.new")
    fresh.write_text(f"{GB}\n", encoding="utf-8")
    fresh.rename(feed)
    until(lambda: datacenter(server) == "iad", "the new feed serves")
    fresh.write_text("81.2.69.7/24\n", encoding="utf-8")
    fresh.rename(feed)  # written in place it would be empty for a moment, which is no mistake
    until(lambda: not server.status()["last_reload"]["ok"], "a feed with an error is refused")
    assert "feed.nets:1:1: '81.2.69.7/24' has host bits set" in server.ctl("status").stderr
    assert datacenter(server) == "iad"


def test_a_swapped_link_is_a_change(new_server):
    """How git-sync and the like deploy."""
    server = new_server()
    first, second = server.map.with_name("rev-1"), server.map.with_name("rev-2")
    server.edit("maps.yaml", EUROPE, EUROPE_MOVED)
    server.map.rename(second)
    shutil.copytree(second, first)
    maps = first / "maps.yaml"
    maps.write_text(maps.read_text(encoding="utf-8").replace(EUROPE_MOVED, EUROPE), encoding="utf-8")
    server.map.symlink_to("rev-1")
    server.write_site(watch="{settle: 0}")
    server.start()
    assert datacenter(server) == "ams"
    fresh = server.map.with_name(".map.new")
    fresh.symlink_to("rev-2")
    fresh.rename(server.map)
    until(lambda: datacenter(server) == "iad", "the other revision serves")


def test_a_broken_map_is_not_served_and_its_mending_is(new_server):
    server = watching(new_server)
    server.edit("maps.yaml", "{for: europe, ", "{for: europa, ")
    until(lambda: not server.status()["last_reload"]["ok"], "a reload that failed")
    assert datacenter(server) == "ams"
    server.edit("maps.yaml", "{for: europa, ", "{for: europe, ")
    until(lambda: server.status()["last_reload"]["ok"], "the mended map")


def test_watching_is_switched_by_the_site_file_while_it_runs(new_server):
    server = new_server().start()
    server.edit("maps.yaml", EUROPE, EUROPE_MOVED)
    server.write_site(watch="on")
    assert server.reload().returncode == 0
    assert datacenter(server) == "iad"
    server.write_site(watch="off")
    until(lambda: server.epoch() == 3, "the site file is watched as well")
    server.edit("maps.yaml", EUROPE_MOVED, EUROPE)
    assert server.reload().returncode == 0
    assert server.epoch() == 4, "nothing else reloaded"
