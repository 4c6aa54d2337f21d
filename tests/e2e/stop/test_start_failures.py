"""A server that cannot start says why in one line, exits with 2, and touches nothing of others."""

import socket

import pytest

from harness import datacenter_of, until


def start_and_fail(server, *extra):
    code, log = server.launch(*extra).wait()
    assert code == 2, log
    return log


def last_line(log):
    return log.strip().splitlines()[-1]


def test_a_port_in_use_is_told_with_the_command_that_finds_the_other(server, new_server):
    second = new_server()
    second.write_site(listen=f"127.0.0.1:{server.port}")
    log = start_and_fail(second)
    assert last_line(log) == (f"meridiand: cannot bind udp 127.0.0.1:{server.port}: address already in use; another "
                              "program or another listen address (such as the wildcard) holds it: "
                              f"see 'ss -Hlnpu sport = :{server.port}'")
    assert not second.control.exists()
    assert datacenter_of(server.query("www.example.com", subnet="8.8.8.0/24"), "A") == "iad"


def test_a_tcp_port_in_use_is_told_as_such(new_server):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server = new_server()
        server.write_site(listen=f"127.0.0.1:{port}")
        log = start_and_fail(server)
    assert last_line(log).startswith(f"meridiand: cannot bind tcp 127.0.0.1:{port}: address already in use; ")
    assert f"ss -Hlnpt sport = :{port}" in log


def test_an_address_this_machine_does_not_have_is_told(new_server):
    server = new_server()
    server.write_site(listen="192.0.2.1:0")
    assert last_line(start_and_fail(server)) == (
        "meridiand: cannot bind udp 192.0.2.1:0: cannot assign requested address; no interface has this address: add "
        "it to one (a VIP to lo) or fix the listen list")


def test_a_broken_map_is_told_problem_by_problem(new_server):
    server = new_server()
    server.edit("maps.yaml", "{for: europe, ", "{for: europa, ")
    server.edit("datacenters.yaml", "capacity: 20000", "capcity: 20000")
    lines = start_and_fail(server).splitlines()
    assert f"{server.map}/maps.yaml:4:15: region 'europa' is not defined; did you mean 'europe'?" in lines
    assert f"{server.map}/datacenters.yaml:4:30: unknown key 'capcity'; did you mean 'capacity'?" in lines
    assert lines[-1] == f"meridiand: the map {server.map} has errors; nothing is served"
    assert not server.control.exists()


def test_a_missing_site_file_is_told(new_server, folder):
    server = new_server()
    server.site = folder / "nowhere.yaml"
    assert start_and_fail(server).splitlines() == [
        f"{server.site}: can't be read: there is no such file",
        f"meridiand: the site file {server.site} has errors"]


def test_a_bad_site_file_is_told_problem_by_problem(new_server):
    server = new_server()
    server.site.write_text('map: map\nlisten: {dns: ["1.2.3:x"]}\nworker: 3\n', encoding="utf-8")
    assert start_and_fail(server).splitlines() == [
        f"{server.site}:2:16: '1.2.3:x' is no address to listen on; write \"192.0.2.53:53\" or \"[2001:db8::53]:53\"",
        f"{server.site}:3:1: unknown key 'worker'; did you mean 'workers'?",
        f"meridiand: the site file {server.site} has errors"]


def test_a_missing_data_folder_is_told(new_server, folder):
    server = new_server()
    server.programs = type("Elsewhere", (), {**vars(server.programs), "data": folder / "none"})
    log = start_and_fail(server)
    assert f"{folder}/none/places.json" in log
    assert last_line(log).startswith("meridiand: ")


@pytest.mark.parametrize("option", ["--bogus", "positional"])
def test_an_unknown_option_is_bad_usage(new_server, option):
    log = start_and_fail(new_server(), option)
    assert option in log and "--help" in log


# --- the control socket --------------------------------------------------------------------------------


def test_a_control_socket_in_a_place_nobody_can_write_is_told(new_server):
    server = new_server()
    path = "/proc/nowhere/control.sock"
    line = last_line(start_and_fail(server, "--control", path))
    assert line == (f"meridiand: cannot listen on control socket {path}: No such file or directory; choose another "
                    "path with 'control: {unix: …}' or --control, or make its folder writable")


def test_a_control_path_that_is_too_long_is_told(new_server):
    server = new_server()
    path = str(server.folder / ("x" * 110))
    assert f"cannot listen on control socket {path}: File name too long; " in start_and_fail(server, "--control", path)
    server.write_site(control=f"{{unix: {'x' * 110}}}")
    log = start_and_fail(server)
    assert "a Unix socket's path has at most 107" in log


def test_a_control_socket_left_behind_is_replaced(new_server):
    server = new_server()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stale:
        stale.bind(str(server.control))
    assert server.control.is_socket()
    server.start()
    assert server.status()["site"] == "e2e"


def test_a_control_socket_of_a_running_server_is_not_taken(server, new_server):
    second = new_server()
    second.control = server.control
    line = last_line(start_and_fail(second))
    assert line.startswith(f"meridiand: cannot listen on control socket {server.control}: Address already in use; ")
    assert server.status()["epoch"] == 1, "the first one still has its socket"


@pytest.mark.parametrize("kind", ["file", "link to a file"])
def test_a_file_that_is_no_socket_is_not_removed(new_server, kind):
    """`--control` with a slip in it must not cost the operator a file."""
    server = new_server()
    precious = server.folder / "precious.yaml"
    precious.write_text("do not lose me\n", encoding="utf-8")
    path = precious
    if kind == "link to a file":
        path = server.folder / "link"
        path.symlink_to(precious)
    server.launch("--control", path)
    until(lambda: not server.is_alive() or "event=ready" in server.log(), server.log)
    assert path.is_file(), "it is a socket now, or gone"
    assert precious.read_text(encoding="utf-8") == "do not lose me\n"
    code, log = server.wait()
    assert code == 2 and f"cannot listen on control socket {path}: " in log


def test_the_folder_of_the_control_socket_is_made(new_server):
    server = new_server()
    server.control = server.folder / "run" / "meridian" / "control.sock"
    server.start()
    assert server.control.is_socket()


def test_the_control_path_of_the_site_file_is_relative_to_it(new_server):
    server = new_server()
    server.write_site(control="{unix: here.sock}")
    server.control = server.folder / "here.sock"
    server.launch("--control", "")
    until(server.is_ready, server.log)
    assert server.status()["site"] == "e2e"
