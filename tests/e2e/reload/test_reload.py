"""A new map is served after `meridianctl reload` or SIGHUP, and nothing else changes."""

import concurrent.futures
import json
import signal

from harness import datacenter_of, subnet_of, texts, until

GB = "81.2.69.0/24"
EUROPE = "{for: europe,           prefer: [ams]}"
EUROPE_MOVED = "{for: europe,           prefer: [iad]}"


def datacenter(server, subnet=GB):
    return datacenter_of(server.query("www.example.com", subnet=subnet), "A")


def test_reload_serves_the_changed_map(server):
    assert (datacenter(server), server.epoch()) == ("ams", 1)
    server.edit("maps.yaml", EUROPE, EUROPE_MOVED)
    assert datacenter(server) == "ams", "files alone change nothing"
    with server.moves(reloads_ok=1):
        done = server.reload()
    assert (done.returncode, done.stderr) == (0, "")
    assert "reloaded · epoch 2 serves" in done.stdout
    # The command waited: the very next query already sees the new map.
    assert (datacenter(server), server.epoch()) == ("iad", 2)
    assert datacenter(server, "1.0.16.0/24") == "sin", "the others stay where they were"


def test_the_json_of_reload_is_the_api_s(server):
    done = server.ctl("reload", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert (told["ok"], told["epoch"], told["problems"]) == (True, 2, []) and told["took_ms"] >= 0
    assert server.status()["last_reload"] == told


def test_sighup_reloads_as_well(server):
    server.edit("maps.yaml", EUROPE, EUROPE_MOVED)
    with server.moves(reloads_ok=1, udp_queries=1, udp_answers=1, edns_queries=1, client_subnet_queries=1,
                      steered_answers=1):
        server.process.send_signal(signal.SIGHUP)
        until(lambda: server.epoch() == 2, "epoch 2 after SIGHUP")
        assert datacenter(server) == "iad"


def test_sighup_with_a_broken_map_keeps_the_old_one_and_logs_why(server):
    path = server.edit("maps.yaml", "{for: europe, ", "{for: europa, ")
    with server.moves(reloads_failed=1):
        server.process.send_signal(signal.SIGHUP)
        until(lambda: not server.status()["last_reload"]["ok"], "a reload that failed")
    assert (datacenter(server), server.epoch()) == ("ams", 1)
    assert f"{path}:4:15: region 'europa' is not defined; did you mean 'europe'?" in server.log()


def test_every_part_of_a_map_is_read_again(server):
    """Zones, services, regions and datacenters, not only the rules."""
    server.edit("zones/example.com.zone", "static      IN A     192.0.2.80", "static      IN A     192.0.2.81")
    server.edit("services.yaml", "      ams: [192.0.2.30]", "      ams: [192.0.2.31]")
    server.edit("regions.yaml", "[US, CA]", "[US, CA, JP]")
    assert server.reload().returncode == 0
    assert texts(server.query("static.example.com"), "A") == {"192.0.2.81"}
    assert texts(server.query("x.cdn.example.com", subnet=GB), "A") == {"192.0.2.31"}
    assert datacenter(server, "1.0.16.0/24") == "iad"


def test_zones_and_services_come_and_go(server):
    zone = (server.map / "zones/example.com.zone").read_text(encoding="utf-8")
    assert server.query("www.example.org").rcode() == 5
    server.write("zones/example.org.zone", zone.replace("example.com", "example.org"))
    services = (server.map / "services.yaml").read_text(encoding="utf-8")
    added = "  www.example.org: {map: web, pools: {ams: [192.0.2.7], sin: [192.0.2.8]}}\n"
    server.write("services.yaml", services + added)
    assert server.reload().returncode == 0
    assert texts(server.query("www.example.org", subnet=GB), "A") == {"192.0.2.7"}
    assert (server.status()["zones"], server.status()["services"]) == (2, 6)
    (server.map / "zones/example.org.zone").unlink()
    server.write("services.yaml", services)
    refused = server.reload()
    assert refused.returncode == 1 and "would leave without an answer what has one now: www.example.org" in refused.stderr
    assert texts(server.query("www.example.org", subnet=GB), "A") == {"192.0.2.7"}
    assert server.ctl("reload", "--force").returncode == 0
    assert server.query("www.example.org").rcode() == 5
    assert (server.status()["zones"], server.status()["services"]) == (1, 5)


def test_a_map_may_be_split_into_a_folder_beside_the_file(server):
    """services.yaml and services.d/*.yaml together."""
    server.write("services.d/more.yaml", "services:\n  more.example.com: {map: web, pools: {sin: [192.0.2.9]}}\n")
    assert server.reload().returncode == 0
    assert texts(server.query("more.example.com"), "A") == {"192.0.2.9"}
    assert datacenter(server) == "ams"


def test_a_map_folder_may_be_replaced_by_rename(server):
    """How a deployment swaps releases: the path stays, the folder behind it is another."""
    fresh = server.map.with_name("map.new")
    server.map.rename(fresh)
    assert server.reload().returncode == 1, "there is no map now"
    assert datacenter(server) == "ams"
    maps = fresh / "maps.yaml"
    maps.write_text(maps.read_text(encoding="utf-8").replace(EUROPE, EUROPE_MOVED), encoding="utf-8")
    server.map.symlink_to(fresh)
    assert server.reload().returncode == 0
    assert (datacenter(server), server.epoch()) == ("iad", 2)


def test_warnings_are_shown_and_do_not_stop_a_reload(server):
    regions = (server.map / "regions.yaml").read_text(encoding="utf-8")
    path = server.write("regions.yaml", regions + "  unused: [BR]\n")
    done = server.reload()
    assert (done.returncode, server.epoch()) == (0, 2)
    assert done.stderr == f"{path}:5:3: warning: no rule uses region 'unused'\n"
    problems = server.status()["last_reload"]["problems"]
    assert [(row["severity"], row["file"], row["line"], row["column"]) for row in problems] == [
        ("warning", str(path), 5, 3)]


def test_many_reloads_asked_for_at_once_all_get_an_answer(server):
    """Requests that wait share one build, so epochs grow by one to as many as there were requests."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.api("POST", "/v1/reload"), range(8)))
    assert [status for status, _ in answers] == [200] * 8
    assert all(told["ok"] for _, told in answers)
    assert max(told["epoch"] for _, told in answers) == server.epoch()
    assert 2 <= server.epoch() <= 9


def test_the_scope_of_an_answer_follows_the_new_map(server):
    """One rule for everyone: the place no longer matters, and the scope says so."""
    assert subnet_of(server.query("www.example.com", subnet=GB)).scopelen > 0
    server.write("maps.yaml", "maps:\n  web:\n    rules:\n      - {for: everyone, prefer: [iad]}\n")
    server.write("regions.yaml", "regions: {}\n")
    done = server.reload()
    assert done.returncode == 0, done.stderr
    response = server.query("www.example.com", subnet=GB)
    assert (datacenter_of(response, "A"), subnet_of(response).scopelen) == ("iad", 0)
