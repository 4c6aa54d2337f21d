"""Whatever is wrong with the new server, the old one never stops serving, and the operator learns why."""

import os
import signal
import threading

import pytest

from harness import datacenter_of, until

GB = "81.2.69.0/24"


def is_serving(server):
    return datacenter_of(server.query("www.example.com", subnet=GB), "A") == "ams" and server.counters()


def fails(server, *arguments):
    """The complaint of an upgrade that must fail; afterwards the same process serves and nothing is left over."""
    pid = server.process.pid
    with server.moves(upgrades_failed=1):
        done = server.ctl("upgrade", *arguments)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("meridianctl: not upgraded: the old server goes on: ")
    assert is_serving(server) and server.process.pid == pid and server.is_alive()
    children = open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8").read()
    assert children == "", "the new server has ended"
    assert "event=upgrade_failed" in server.log()
    return done.stderr


def with_program(new_server, programs, script):
    """A server whose binary was replaced since its start."""
    server = new_server()
    path = server.folder / "meridiand"
    path.symlink_to(programs.meridiand)
    server.binary = path
    server.start()
    path.unlink()
    if script is not None:
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    return server


def test_a_broken_map_is_told_where(server):
    path = server.edit("maps.yaml", "{for: europe, ", "{for: europa, ")
    complaint = fails(server)
    assert f"{path}:4:15: region 'europa' is not defined; did you mean 'europe'?" in complaint
    assert "nothing is served (it ended with exit code 2)" in complaint
    server.edit("maps.yaml", "{for: europa, ", "{for: europe, ")
    server.upgrade()
    assert is_serving(server)


def test_a_broken_site_file_is_told_where(server):
    text = server.site.read_text(encoding="utf-8")
    server.site.write_text(text + "workrs: 2\n", encoding="utf-8")
    assert f"{server.site}:4:1: unknown key 'workrs'" in fails(server)
    assert server.control.is_socket(), "a server that did not take over removes nothing"


def test_an_address_that_cannot_be_bound_is_told(server):
    server.write_site(listen='127.0.0.1:0", "192.0.2.1:0')
    assert "cannot bind udp 192.0.2.1:0: cannot assign requested address" in fails(server)


@pytest.mark.parametrize(("script", "reason"), [
    ("exit 1", "it ended with exit code 1"),
    ("kill -SEGV $$", "it was ended by signal 11"),
    (None, "cannot start "),
], ids=["exit 1", "crash", "no file"])
def test_a_program_that_does_not_run_is_told(new_server, programs, script, reason):
    server = with_program(new_server, programs, script)
    assert reason in fails(server)


def test_a_program_that_hangs_is_ended_when_its_time_is_over(new_server, programs):
    server = with_program(new_server, programs, "exec sleep 600")
    assert "it did not answer in time (it was ended by signal 9)" in fails(server, "--timeout", "1")


def test_a_second_upgrade_is_refused_while_one_is_under_way(new_server, programs):
    server = with_program(new_server, programs, "exec sleep 600")
    first = []
    thread = threading.Thread(target=lambda: first.append(server.ctl("upgrade", "--timeout", "5")))
    thread.start()
    until(lambda: "event=upgrade_started" in server.log(), "the first one")
    second = server.ctl("upgrade")
    assert second.returncode == 1 and "an upgrade is under way" in second.stderr
    assert server.reload().returncode == 0, "a reload goes on as ever"
    thread.join(timeout=45)
    assert first[0].returncode == 1 and is_serving(server)


def test_a_reload_during_an_upgrade_is_not_forgotten(new_server, programs):
    """The new server may have read the files before; it reads them once more."""
    server = with_program(new_server, programs, None)
    gate = server.folder / "gate"
    server.binary.write_text(f'#!/bin/sh\nwhile [ ! -e {gate} ]; do sleep 0.05; done\n'
                             f'exec {programs.meridiand} "$@"\n', encoding="utf-8")
    server.binary.chmod(0o755)
    done = []
    thread = threading.Thread(target=lambda: done.append(server.upgrade()))
    thread.start()
    until(lambda: "event=upgrade_started" in server.log(), "an upgrade")
    server.edit("maps.yaml", "{for: europe,           prefer: [ams]}", "{for: europe,           prefer: [iad]}")
    assert server.reload().returncode == 0
    gate.touch()
    thread.join(timeout=60)
    assert len(done) == 1
    until(lambda: server.epoch() == 2, "the new server's second reading")
    assert datacenter_of(server.query("www.example.com", subnet=GB), "A") == "iad"


def test_a_stop_ends_an_upgrade_that_is_under_way(new_server, programs):
    server = with_program(new_server, programs, "exec sleep 600")
    thread = threading.Thread(target=lambda: server.ctl("upgrade"))
    thread.start()
    until(lambda: "event=upgrade_started" in server.log(), "an upgrade")
    child = int(server.log().split("event=upgrade_started pid=")[1].split()[0])
    code, log = server.stop(signal.SIGTERM)
    assert code == 0 and "event=stopped" in log
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    thread.join(timeout=45)


@pytest.mark.parametrize("timeout", ["0", "3601", "soon"])
def test_a_timeout_that_is_none_is_bad_usage(server, timeout):
    assert server.ctl("upgrade", "--timeout", timeout).returncode == 2
    status, told = server.api("POST", f"/v1/upgrade?timeout={timeout}")
    assert (status, told["error"]) == (400, "upgrade takes timeout=SECONDS, 1 to 3600")
