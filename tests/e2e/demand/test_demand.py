"""`meridianctl demand`: real queries, the numbers of exactly these, and the plan that reads them."""

import json
import os
import re
import shutil
import stat

import pytest

from harness import DEADLINE_S, make_query, until

# Of the example's names: steered, and not.
STEERED = "www.example.com"

OFF = "demand is off, so nothing is counted; write 'demand: on' into the site file and reload"


def counting_server(new_server, sample="{sample: 1}", **options):
    server = new_server()
    server.write_site(demand=sample, **options)
    return server.start()


def ask(server, queries):
    """Asks `{subnet: how often}`, over UDP and TCP in turns, and waits until all are counted."""
    before = server.counters()["demand_queries_total"]
    asked = 0
    for subnet, times in queries.items():
        for _ in range(times):
            asked += 1
            server.query(STEERED, "A" if asked % 3 else "AAAA", tcp=asked % 2 == 0, subnet=subnet)
    until(lambda: server.counters()["demand_queries_total"] == before + asked, f"{asked} counted queries")


def demand(server, *arguments):
    done = server.ctl("demand", *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def lines(text):
    """{network: amount} of the lines, which stand in the order of their amounts."""
    found = [line.split() for line in text.splitlines() if not line.startswith("#")]
    amounts = [float(amount) for _, amount in found]
    assert amounts == sorted(amounts, reverse=True)
    assert len({network for network, _ in found}) == len(found)
    return {network: float(amount) for network, amount in found}


def comments(text):
    """{key: value} of the comments on top."""
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert text.splitlines()[:len(head)] == head
    return {line[2:11].strip(): line[11:] for line in head}


def test_every_query_of_every_network_is_in_the_file(new_server):
    server = counting_server(new_server)
    ask(server, {
        "81.2.69.0/24": 7,
        "81.2.69.128/25": 2,         # the same /24
        "8.8.0.0/16": 3,             # its first /24
        "2a00:1450:4001::/48": 5,
        "2a00:1450:4001:800::/56": 1,
        "2002:5102:4600::/40": 4,    # 6to4 of 81.2.70.0/24
        "10.1.2.0/24": 2,            # private: the resolver's address decided
        "0.0.0.0/0": 1,              # opted out
        None: 3,
    })
    text = demand(server, "--unit", "queries")
    assert lines(text) == {"81.2.69.0/24": 9, "8.8.0.0/24": 3, "2a00:1450:4001::/48": 6, "81.2.70.0/24": 4,
                           "127.0.0.0/24": 6}
    head = comments(text)
    assert head["site"] == "e2e" and head["unit"] == "queries" and head["total"] == "28 of 5 networks"
    assert head["sample"].startswith("one steered query in 1 ")
    assert head["error"] == "at most 0 too low on a line; a network without a line had at most 0"
    assert "left out" not in head and "unknown" not in head
    # By the second it is the same, by the seconds that the file tells.
    text = demand(server)
    head = comments(text)
    seconds = float(re.fullmatch(r"\S+, (\S+) s", head["until"]).group(1))
    assert head["unit"] == "queries a second"
    for network, queries in {"81.2.69.0/24": 9, "8.8.0.0/24": 3}.items():
        assert lines(text)[network] * seconds == pytest.approx(queries, rel=1e-4)


def test_answers_from_the_cache_count_for_their_own_client(new_server):
    server = counting_server(new_server)
    ask(server, {f"81.2.{third}.0/24": 5 for third in range(60, 70)})
    until(lambda: server.counters()["kept_answers_total"] > 10, "kept answers")
    assert lines(demand(server, "--unit", "queries")) == {f"81.2.{third}.0/24": 5 for third in range(60, 70)}


def test_only_steered_answers_count(new_server):
    server = counting_server(new_server)
    for name in ("static.example.com", "nothing.example.com", "elsewhere.test"):
        server.query(name, subnet="81.2.69.0/24")
    server.query(STEERED, "TXT", subnet="81.2.69.0/24")  # NODATA
    ask(server, {"8.8.8.0/24": 1})
    assert lines(demand(server, "--unit", "queries")) == {"8.8.8.0/24": 1}


def test_a_name_that_ignores_subnets_counts_its_resolvers(new_server):
    server = new_server()
    server.edit("services.yaml", "    answer: 2\n", "    answer: 2\n    client_subnet: ignore\n")
    server.write_site(demand="{sample: 1}")
    server.start()
    ask(server, {"81.2.69.0/24": 2})
    assert lines(demand(server, "--unit", "queries")) == {"127.0.0.0/24": 2}


def test_plan_reads_the_file(new_server, programs):
    server = counting_server(new_server)
    ask(server, {"81.2.69.0/24": 6, "8.8.8.0/24": 10, "2a00:1450:4001::/48": 4})
    file = server.folder / "demand.txt"
    assert demand(server, "--unit", "queries", "--out", file) == ""
    # The file of another site: what both counted adds up.
    with file.open("a", encoding="utf-8") as both:
        both.write(demand(server, "--unit", "queries"))
    moved = server.folder / "moved"
    shutil.copytree(server.map, moved)
    rules = (moved / "maps.yaml").read_text(encoding="utf-8")
    assert "{for: europe,           prefer: [ams]}" in rules
    (moved / "maps.yaml").write_text(rules.replace("{for: europe,           prefer: [ams]}",
                                                   "{for: europe,           prefer: [iad]}"), encoding="utf-8")
    done = programs.ctl("plan", server.map, moved, "--demand", file, "--json", "--data", programs.data)
    assert done.returncode == 2, done.stderr
    told = json.loads(done.stdout)
    before = {one["name"]: one["before"]["demand"] for one in told["datacenters"]}
    after = {one["name"]: one["after"]["demand"] for one in told["datacenters"]}
    assert sum(before.values()) == pytest.approx(40) and sum(after.values()) == pytest.approx(40)
    # Four of the five names move Europe's half; the view of one datacenter has everybody, and keeps them.
    assert told["services"][0]["moved"]["demand"] == pytest.approx(20)


def test_reset_tells_what_it_forgets(new_server):
    server = counting_server(new_server)
    ask(server, {"81.2.69.0/24": 4, "8.8.8.0/24": 1})
    file = server.folder / "first.txt"
    assert demand(server, "--unit", "queries", "--reset", "--out", file) == ""
    assert lines(file.read_text(encoding="utf-8")) == {"81.2.69.0/24": 4, "8.8.8.0/24": 1}
    assert lines(demand(server)) == {}
    ask(server, {"8.8.8.0/24": 2})
    assert lines(demand(server, "--unit", "queries")) == {"8.8.8.0/24": 2}


def test_counts_outlive_reloads_and_the_site_file_switches_them(new_server):
    server = counting_server(new_server)
    ask(server, {"81.2.69.0/24": 4})
    assert server.reload().returncode == 0
    ask(server, {"81.2.69.0/24": 1})
    server.write_site(demand="{sample: 2}")
    assert server.reload().returncode == 0
    text = demand(server, "--unit", "queries")
    assert lines(text) == {"81.2.69.0/24": 5} and comments(text)["sample"].startswith("one steered query in 2 ")
    assert re.search(r"^demand +5 queries of 1 network since \S+Z · one in 2 is counted$",
                     server.ctl("status").stdout, re.MULTILINE)
    server.write_site(demand="off")
    assert server.reload().returncode == 0
    done = server.ctl("demand")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"meridianctl: {OFF}\n")
    counted = server.counters()["demand_queries_total"]
    server.query(STEERED, subnet="81.2.69.0/24")
    server.write_site(demand="{sample: 1}")
    assert server.reload().returncode == 0
    ask(server, {"8.8.8.0/24": 1})
    assert lines(demand(server, "--unit", "queries")) == {"8.8.8.0/24": 1}
    assert server.counters()["demand_queries_total"] == counted + 1


def test_a_sample_counts_about_what_came(new_server):
    server = counting_server(new_server, sample="on")
    query = make_query(STEERED, subnet="81.2.69.0/24").to_wire()
    with server.udp() as udp:
        for _ in range(4_000):
            udp.send(query)
            udp.recv(4_096)

    def is_counted():
        return sum(lines(demand(server, "--unit", "queries")).values()) > 2_000

    until(is_counted, "counted queries")
    totals = server.status()["demand"]
    assert totals["sample"] == 16 and totals["queries"] % 16 == 0
    # 4,000 queries are known to √(16 × 4,000) = 253; six of these.
    assert abs(totals["queries"] - 4_000) < 6 * 253


def test_an_upgrade_counts_anew_and_keeps_the_counters(new_server):
    server = counting_server(new_server)
    ask(server, {"81.2.69.0/24": 4})
    server.upgrade()
    ask(server, {"8.8.8.0/24": 1})
    assert lines(demand(server, "--unit", "queries")) == {"8.8.8.0/24": 1}
    until(lambda: server.counters()["demand_queries_total"] == 5, "the old server's counts")


def test_it_is_off_unless_asked_for(example):
    done = example.ctl("demand")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"meridianctl: {OFF}\n")
    assert example.api("POST", "/v1/demand/reset") == (422, {"error": OFF})
    assert example.status()["demand"] is None
    assert "\ndemand " not in example.ctl("status").stdout


def test_few_queries_are_left_out_when_asked(new_server):
    server = counting_server(new_server)
    ask(server, {"81.2.69.0/24": 5, "8.8.8.0/24": 2, "58.0.0.0/24": 1})
    text = demand(server, "--unit", "queries", "--min", "3")
    assert lines(text) == {"81.2.69.0/24": 5}
    assert comments(text)["left out"].startswith("3 of 2 networks with fewer than 3 queries")


def test_the_json_is_the_servers_answer(new_server):
    server = counting_server(new_server)
    ask(server, {"81.2.69.0/24": 2, "2a00:1450:4001::/48": 1})
    told = json.loads(demand(server, "--json"))
    assert set(told) == {"site", "since", "until", "seconds", "sample", "queries", "networks_counted",
                         "networks_evicted", "missing_max", "networks"}
    assert told["networks"] == [{"network": "81.2.69.0/24", "queries": 2, "error": 0},
                                {"network": "2a00:1450:4001::/48", "queries": 1, "error": 0}]
    assert (told["queries"], told["networks_counted"], told["sample"]) == (3, 2, 1)
    assert 0 < told["seconds"] < 10 * DEADLINE_S
    for option in (("--unit", "queries"), ("--min", "2")):
        assert server.ctl("demand", "--json", *option).returncode == 2


def test_the_file_is_written_whole_or_not_at_all(new_server):
    server = counting_server(new_server)
    ask(server, {"81.2.69.0/24": 2})
    folder = server.folder / "out"
    folder.mkdir()
    file = folder / "demand.txt"
    file.write_text("the old one\n", encoding="utf-8")
    link = folder / "link"
    link.symlink_to(file)
    demand(server, "--out", link)
    assert link.is_symlink() and list(lines(file.read_text(encoding="utf-8"))) == ["81.2.69.0/24"]
    assert stat.S_IMODE(file.stat().st_mode) & 0o137 == 0
    # What can't be written is told before the server forgets anything.
    (folder / "pipe").symlink_to("/dev/null")
    for path, problem in ((folder, "is no regular file, and would be replaced by one"),
                          (folder / "pipe", "is no regular file, and would be replaced by one"),
                          (folder / "none" / "demand.txt", "can't be written: No such file or directory")):
        done = server.ctl("demand", "--reset", "--out", path)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"meridianctl: {path} {problem}\n")
    assert lines(demand(server, "--unit", "queries")) == {"81.2.69.0/24": 2}
    # Off: the file that is there stays.
    server.write_site(demand="off")
    assert server.reload().returncode == 0
    before = file.read_text(encoding="utf-8")
    assert server.ctl("demand", "--out", file).returncode == 1
    assert file.read_text(encoding="utf-8") == before
    assert sorted(os.listdir(folder)) == ["demand.txt", "link", "pipe"]


def test_without_a_server_it_says_so(programs, folder):
    done = programs.ctl("--control", folder / "none.sock", "demand", "--out", folder / "demand.txt")
    assert done.returncode == 2 and done.stdout == ""
    assert "no answer from a server at" in done.stderr
    assert os.listdir(folder) == []
    assert programs.ctl("demand", "--unit", "hours").returncode == 2
    assert programs.ctl("demand", "--min", "-1").returncode == 2


def test_completion_knows_it(programs):
    script = programs.ctl("completion", "bash").stdout
    assert re.search(r"^    demand\) words=\".*--out --unit --min --json --reset", script, re.MULTILINE)


