"""Operators take clients away from a datacenter of a running server, and give them back."""

from harness import datacenter_of, until

GB = "81.2.69.0/24"


def datacenter(server):
    return datacenter_of(server.query("www.example.com", subnet=GB), "A")


def shedding(server):
    return {item["datacenter"]: item for item in server.status()["shedding"]}


def test_a_drained_datacenter_gets_no_clients_and_returns(new_server):
    server = new_server().start()
    assert datacenter(server) == "ams"
    done = server.ctl("drain", "ams", "--reason", "CHG-7 power", "--for", "1h")
    assert done.returncode == 0 and "drained" in done.stdout and "CHG-7 power" in done.stdout, done.stderr
    assert datacenter(server) != "ams"
    assert shedding(server)["ams"]["drained"] and 3500 < shedding(server)["ams"]["left_s"] <= 3600
    assert "ams" in server.ctl("status").stdout and "drained" in server.ctl("status").stdout
    assert "drained" in server.ctl("explain", "www.example.com", "--from", GB).stdout
    assert 'event=shedding_set datacenter=ams percent=100 reason="CHG-7 power" for_s=3600' in server.log()

    assert server.reload().returncode == 0
    assert datacenter(server) != "ams", "a reload gives nothing back"
    done = server.ctl("undrain", "ams")
    assert done.returncode == 0 and done.stdout == "every datacenter keeps its clients\n", done.stderr
    assert datacenter(server) == "ams" and not shedding(server)
    assert "event=shedding_ended datacenter=ams" in server.log()
    assert server.counters()["shedding_changes_total"] == 2


def test_a_part_is_shed_and_ends_by_itself(new_server):
    server = new_server().start()
    assert server.ctl("shed", "ams", "40%", "--for", "1s").returncode == 0
    until(lambda: not shedding(server), "the second is over")
    assert "event=shedding_ended datacenter=ams" in server.log()


def test_it_outlives_an_upgrade(new_server):
    server = new_server().start()
    assert server.ctl("drain", "ams", "--reason", "CHG-7").returncode == 0
    assert server.ctl("shed", "iad", "0.25", "--for", "1d").returncode == 0
    server.upgrade()
    assert datacenter(server) != "ams"
    taken = shedding(server)
    assert taken["ams"]["drained"] and taken["ams"]["reason"] == "CHG-7" and "left_s" not in taken["ams"]
    assert taken["iad"]["share"] == 0.25 and 86_000 < taken["iad"]["left_s"] <= 86_400
    assert server.ctl("undrain", "ams").returncode == 0
    assert datacenter(server) == "ams"


def test_what_makes_no_sense_is_refused_with_what_would_be_right(new_server):
    server = new_server().start()
    done = server.ctl("drain", "asm")
    assert done.returncode == 1 and "no datacenter 'asm'; did you mean 'ams'?" in done.stderr
    done = server.ctl("shed", "ams", "130%")
    assert done.returncode == 2 and "'130%' is no share; write 30% or 0.3" in done.stderr
    done = server.ctl("drain", "ams", "--for", "90d")
    assert done.returncode == 2 and "'90d' is no time up to 30 days" in done.stderr
    assert server.programs.ctl("--control", server.folder / "nobody.sock", "drain", "ams").returncode == 2
    assert not shedding(server)
