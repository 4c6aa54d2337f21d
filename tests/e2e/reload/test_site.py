"""The site file is read with every reload: listeners come and go, and what cannot change is told."""

import socket

import dns.query

from harness import datacenter_of, frame, make_query, read_frame, until

GB = "81.2.69.0/24"


def write_site(server, listen, **options):
    """`listen`: a list of addresses."""
    server.write_site(listen='", "'.join(listen), **options)


def ask(host, port, tcp=False):
    send = dns.query.tcp if tcp else dns.query.udp
    return datacenter_of(send(make_query("www.example.com", subnet=GB), host, port=port, timeout=20), "A")


def ports(server):
    return {address.rsplit(":", 1)[0]: int(address.rsplit(":", 1)[1]) for address in server.status()["listening"]}


def test_an_address_is_added_and_removed_while_the_others_go_on(server):
    with server.tcp() as kept:
        write_site(server, ["127.0.0.1:0", "127.0.0.2:0"])
        assert server.reload().returncode == 0
        both = ports(server)
        assert both["127.0.0.1"] == server.port, "an unchanged address keeps its sockets"
        assert ask("127.0.0.2", both["127.0.0.2"]) == ask("127.0.0.2", both["127.0.0.2"], tcp=True) == "ams"

        write_site(server, ["127.0.0.1:0"])
        assert server.reload().returncode == 0
        assert ports(server) == {"127.0.0.1": server.port}

        def is_closed():
            try:
                socket.create_connection(("127.0.0.2", both["127.0.0.2"]), timeout=5).close()
                return False
            except ConnectionRefusedError:
                return True

        def is_deaf():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.connect(("127.0.0.2", both["127.0.0.2"]))
                client.settimeout(0.2)
                client.send(make_query("www.example.com").to_wire())
                try:
                    client.recv(512)
                    return False
                except TimeoutError:
                    return False
                except ConnectionRefusedError:
                    return True

        until(is_closed, "the removed listener is closed")
        until(is_deaf, "each worker has closed its socket")
        kept.sendall(frame(make_query("www.example.com", subnet=GB).to_wire()))
        assert read_frame(kept), "an open connection outlives both reloads"
    assert "event=listening_ended address=127.0.0.2:" in server.log()


def test_an_address_that_cannot_be_bound_leaves_everything_as_it_was(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]
        write_site(server, ["127.0.0.2:0", f"127.0.0.1:{taken}"])
        server.edit("maps.yaml", "{for: europe,           prefer: [ams]}", "{for: europe,           prefer: [iad]}")
        with server.moves(reloads_failed=1):
            done = server.reload()
    assert done.returncode == 1
    assert f"{server.site}: cannot bind udp 127.0.0.1:{taken}: address already in use" in done.stderr
    assert (ports(server), server.epoch()) == ({"127.0.0.1": server.port}, 1)
    assert ask("127.0.0.1", server.port) == "ams"


def test_a_site_file_with_an_error_is_told_where_and_changes_nothing(server):
    server.site.write_text(server.site.read_text(encoding="utf-8") + "workrs: 2\n", encoding="utf-8")
    done = server.reload()
    assert done.returncode == 1
    assert f"{server.site}:4:1: unknown key 'workrs'; did you mean 'workers'?" in done.stderr
    assert (ask("127.0.0.1", server.port), server.epoch()) == ("ams", 1)


def test_the_site_s_name_and_map_change(server):
    moved = server.map.with_name("other")
    server.map.rename(moved)
    server.site.write_text('map: other\nsite: e2e-2\nlisten: {dns: ["127.0.0.1:0"]}\n', encoding="utf-8")
    assert server.reload().returncode == 0
    assert server.status()["site"] == "e2e-2"
    response = server.query("www.example.com", nsid=True)
    assert any(option.data == b"e2e-2" for option in response.options if hasattr(option, "data"))


def test_what_cannot_change_is_told(server):
    server.write_site(workers=1, control="{unix: other.sock}")
    done = server.reload()
    assert done.returncode == 0
    assert f"{server.site}: warning: the number of workers stays as it is until" in done.stderr
    assert f"{server.site}: warning: the control socket stays at " in done.stderr
