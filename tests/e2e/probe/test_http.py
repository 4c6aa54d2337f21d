"""http and https probes against nginx, and against servers that hang, trickle, lie and lead elsewhere."""

import socket
import time

import pytest

import harness
import peers


def servers(folder, authority):
    authority.sign("good", "www.example.com")
    authority.sign("expired", "www.example.com", start="20200101000000Z", end="20200201000000Z")
    authority.sign("other", "other.example.com")

    def write(ports):
        plain, good, expired, other, http2, http2_plain, named, _ = ports
        tls = "ssl_certificate {0}/{1}.pem; ssl_certificate_key {0}/{1}.key;"
        listen = "listen 127.0.0.1:{} {};"
        return "\n".join([
            f"""server {{ {listen.format(plain, "")}
  location = /healthz {{ add_header X-Meridian-Weight 40; return 200 "all is ok\\n"; }}
  location = /badweight {{ add_header X-Meridian-Weight lots; return 200 "ok\\n"; }}
  location = /json {{ return 200 '{{"state": "ok", "weight": 25}}'; }}
  location = /broken {{ return 503 "sorry\\n"; }}
  location = /moved {{ return 302 /healthz; }}
  location = /away {{ return 302 http://elsewhere.example/healthz; }}
  location = /loop {{ return 302 /loop; }}
  location = /seen {{ return 200 "$request_method $http_host $http_x_one $server_protocol [$http_cookie]"; }}
  location = /secret {{ return 302 https://www.example.com:{good}/; }}
}}""",
            *[f'server {{ {listen.format(port, "ssl")} {tls.format(folder, file)} location / {{ return 200 "tls\\n"; }} }}'
              for port, file in ((good, "good"), (expired, "expired"), (other, "other"))],
            f'server {{ {listen.format(http2, "ssl http2")} {tls.format(folder, "good")} '
            'location / { return 200 "$server_protocol"; } }',
            f'server {{ {listen.format(http2_plain, "http2")} location / {{ return 200 "$server_protocol"; }} }}',
            # Two names behind one address: which certificate comes is for SNI to say.
            f'server {{ {listen.format(named, "ssl")} server_name other.example.com; {tls.format(folder, "other")} '
            'location / { return 200 "other $host"; } }',
            f'server {{ {listen.format(named, "ssl")} server_name www.example.com; {tls.format(folder, "good")} '
            'location / { return 200 "www $host"; } }',
        ])

    return write


@pytest.fixture(scope="module")
def web(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    authority = peers.Authority(folder)
    with peers.nginx(folder, servers(folder, authority)) as ports:
        names = ("plain", "good", "expired", "other", "http2", "http2_plain", "named")
        yield type("Web", (), {"ca": authority.file, "folder": folder, **dict(zip(names, ports))})


def http(programs, web, path, **keys):
    return peers.probe(programs, type="http", port=web.plain, path=path, **keys)


def https(programs, port, web, **keys):
    return peers.probe(programs, type="https", port=port, host="www.example.com", ca_file=web.ca, **keys)


def test_status_and_body(programs, web):
    assert http(programs, web, "/healthz")["ok"]
    assert http(programs, web, "/healthz", body="is ok")["ok"]
    assert http(programs, web, "/healthz", body_regex="^all .* ok")["ok"]
    assert http(programs, web, "/broken")["cause"] == "status 503, wanted 200-299"
    assert http(programs, web, "/broken", status=["200-299", "503"])["ok"]
    assert http(programs, web, "/healthz", body="up")["cause"] == \
        "body: 'up' is not in it, which begins with 'all is ok?'"
    assert http(programs, web, "/healthz", body_regex="[0-9]")["cause"].startswith("body: '[0-9]' does not match it")


def test_what_is_sent(programs, web):
    assert http(programs, web, "/seen", host="www.example.com", header="X-One: two",
                body="GET www.example.com two HTTP/1.1 []")["ok"]
    assert http(programs, web, "/seen", body=f"GET 127.0.0.1:{web.plain}")["ok"]
    assert http(programs, web, "/seen", method="OPTIONS", body="OPTIONS ")["ok"]
    assert http(programs, web, "/healthz", method="HEAD")["ok"]
    # A method that nginx does not allow there is an answer like any other.
    assert http(programs, web, "/seen", method="TRACE")["cause"] == "status 405, wanted 200-299"


def test_no_proxy_of_the_environment_is_used(programs, web, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    assert http(programs, web, "/healthz")["ok"]


def test_weights(programs, web):
    assert http(programs, web, "/healthz", weight_header="x-meridian-weight")["weight"] == 40
    assert http(programs, web, "/json", weight_key="weight")["weight"] == 25
    assert "weight" not in http(programs, web, "/json", weight_key="other")
    assert "weight" not in http(programs, web, "/healthz", weight_header="x-other")
    bad = http(programs, web, "/badweight", weight_header="x-meridian-weight")
    assert bad["ok"] and bad["warning"] == "weight 'lots' is not a whole number from 0 to 100" and "weight" not in bad
    not_json = http(programs, web, "/healthz", weight_key="weight")
    assert not_json["ok"] and not_json["warning"] == "weight: the body is not a JSON object"


def test_redirects(programs, web):
    assert http(programs, web, "/moved")["cause"] == "status 302, wanted 200-299"
    assert http(programs, web, "/moved", status="302")["ok"]
    assert http(programs, web, "/moved", redirects=1, body="all is ok")["ok"]
    assert http(programs, web, "/away", redirects=5)["cause"] == \
        "redirect: to elsewhere.example, which is not this endpoint"
    assert http(programs, web, "/loop", redirects=3)["cause"] == "redirect: one more than the 3 that are followed"
    # To https of the host that the check names, on another port of the same address.
    assert http(programs, web, "/secret", redirects=1, host="www.example.com", ca_file=web.ca, body="tls")["ok"]
    assert http(programs, web, "/secret", redirects=1, ca_file=web.ca)["cause"] == \
        "redirect: to www.example.com, which is not this endpoint"


def test_certificates(programs, web):
    good = https(programs, web.good, web, body="tls")
    assert good["ok"] and good["warning"] == ""
    assert https(programs, web.expired, web)["cause"] == "certificate: certificate has expired"
    assert https(programs, web.other, web)["cause"] == "certificate: is not for www.example.com"
    untrusted = peers.probe(programs, type="https", port=web.good, host="www.example.com")
    assert untrusted["cause"].startswith("certificate: ") and not untrusted["ok"]
    # Whoever does not verify still learns when it ends.
    lax = https(programs, web.expired, web, verify=0)
    assert lax["ok"] and lax["warning"] == "certificate ended on 2020-02-01"
    assert https(programs, web.other, web, verify=0)["ok"]


def test_certificate_thresholds(programs, web):
    """The good certificate ends on 2039-01-01."""
    days_left = int((time.mktime((2039, 1, 1, 0, 0, 0, 0, 0, 0)) - time.time()) / 86400)
    # The calendar of OpenSSL is the real one, so it stays good while ours is moved.
    warned = https(programs, web.good, web, days_later=days_left - 5, certificate_warn_d=14)
    assert warned["ok"] and "on 2039-01-01" in warned["warning"] and warned["warning"].startswith("certificate ends in ")
    failed = https(programs, web.good, web, days_later=days_left - 5, certificate_fail_d=7)
    assert not failed["ok"] and failed["cause"].startswith("certificate ends in ")


def test_sni_and_host_may_differ(programs, web):
    assert https(programs, web.named, web, body="www www.example.com")["ok"]
    assert https(programs, web.named, web, sni="other.example.com", body="other www.example.com")["cause"] == \
        "body: 'other www.example.com' is not in it, which begins with 'www www.example.com'"
    # The certificate is that of the SNI, and so is the name it is held against.
    assert https(programs, web.named, web, sni="other.example.com")["ok"]
    assert https(programs, web.other, web, sni="other.example.com")["ok"]


def test_http2(programs, web):
    assert https(programs, web.http2, web, http2=1, body="HTTP/2.0")["ok"]
    assert https(programs, web.good, web, http2=1)["cause"] == "answer: not in HTTP/2, which the check wants"
    assert https(programs, web.http2, web, body="HTTP/1.1")["ok"]
    assert peers.probe(programs, type="http", port=web.http2_plain, http2=1, body="HTTP/2.0")["ok"]
    assert not http(programs, web, "/healthz", http2=1)["ok"]


def test_ports_without_tls_and_without_a_server(programs, web):
    assert https(programs, web.plain, web)["cause"].startswith("TLS: ")
    (port,) = peers.free_ports(1)
    assert peers.probe(programs, type="http", port=port)["cause"] == "connect: refused"


def test_servers_that_hang(programs):
    def nothing(connection):
        connection.recv(1 << 16)
        connection.recv(1)

    def half_a_body(connection):
        peers.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        connection.recv(1)

    def trickle(connection):
        peers.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            connection.settimeout(0.02)
            try:
                connection.recv(1)
                return
            except socket.timeout:
                pass

    for serve, cause in ((nothing, "answer: timed out after 300 ms"), (half_a_body, "body: timed out after 300 ms"),
                         (trickle, "body: timed out after 300 ms")):
        with peers.raw_server(serve) as server:
            result = peers.probe(programs, type="http", port=server.port, timeout_ms=300)
            assert result["cause"] == cause
            assert 290_000 <= result["took_us"]
    with peers.raw_server(nothing) as server:
        assert peers.probe(programs, type="https", port=server.port, timeout_ms=300)["cause"] == "TLS: timed out after 300 ms"


def test_a_bad_status_is_told_though_the_body_hangs(programs):
    def serve(connection):
        peers.read_request(connection)
        connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nhalf")
        connection.recv(1)

    with peers.raw_server(serve) as server:
        assert peers.probe(programs, type="http", port=server.port, timeout_ms=300)["cause"] == "status 500, wanted 200-299"


@pytest.mark.parametrize("reply, cause", [
    (b"", "answer: closed by the endpoint"),
    (b"nonsense\r\n", "answer: Received HTTP/0.9 when not allowed"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", "body: cut off"),
    (b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(90)) + b"\r\n",
     "answer: headers of more than 64 KiB"),
])
def test_replies_that_are_none(programs, reply, cause):
    def serve(connection):
        peers.read_request(connection)
        connection.sendall(reply)
        connection.close()

    with peers.raw_server(serve) as server:
        result = peers.probe(programs, type="http", port=server.port)
        assert not result["ok"] and result["cause"].startswith(cause)


def test_a_body_without_end_is_judged_by_its_beginning(programs):
    def serve(connection):
        peers.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nfine")
        while True:
            connection.sendall(b"x" * 65536)

    with peers.raw_server(serve) as server:
        assert peers.probe(programs, type="http", port=server.port, body="fine")["ok"]
        assert not peers.probe(programs, type="http", port=server.port, body="never")["ok"]


def test_each_probe_has_a_connection_of_its_own(programs, web):
    results = peers.probe(programs, type="http", port=web.plain, path="/healthz", address=["127.0.0.1"] * 50)
    assert len(results) == 50 and all(result["ok"] for result in results)


def test_the_source_address_is_used(programs, web):
    before = (web.folder / "access.log").read_text(encoding="utf-8")
    assert "127.0.0.77" not in before
    assert http(programs, web, "/healthz", source_v4="127.0.0.77")["ok"]
    # nginx writes its line after the answer.
    harness.until(lambda: "127.0.0.77" in (web.folder / "access.log").read_text(encoding="utf-8"), "the line of the probe")
