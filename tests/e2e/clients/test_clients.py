"""The clients operators use: dig and kdig, as a person would type them."""

import re
import shutil
import subprocess

import pytest

from harness import POOLS


def run(server, program, *arguments):
    """(status, flags, records of the answer as (name, type, data), whole output)"""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    server_arguments = ["@127.0.0.1", "-p", str(server.port)]
    done = subprocess.run([program, *server_arguments, *arguments], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING: Message" not in done.stdout and "malformed" not in done.stdout.lower(), done.stdout
    status = re.search(r"status: (\w+)", done.stdout).group(1)
    flags = set(re.search(r"[Ff]lags: ([a-z ]*);", done.stdout).group(1).split())
    records = {(name, rtype, data) for name, rtype, data in
               re.findall(r"^([^;\s]\S*)\s+\d+\s+IN\s+(\w+)\s+(.+)$", done.stdout, re.MULTILINE)}
    return status, flags, records, done.stdout


def addresses(records, rtype="A"):
    return {data for _, kind, data in records if kind == rtype}


@pytest.mark.parametrize("program", ["dig", "kdig"])
@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize("subnet, rtype, datacenter", [
    ("81.2.69.0/24", "A", "ams"), ("8.8.8.8/32", "A", "iad"), ("2a00:1450::/32", "AAAA", "ams"),
    ("1.0.16.0/24", "AAAA", "sin")])
def test_steered_answers_with_a_client_subnet(example, program, transport, subnet, rtype, datacenter):
    status, flags, records, output = run(example, program, "www.example.com", rtype, f"+subnet={subnet}", transport)
    assert status == "NOERROR" and {"qr", "aa"} <= flags and "tc" not in flags and "ra" not in flags
    assert addresses(records, rtype) == POOLS[datacenter][rtype]
    # dig: CLIENT-SUBNET: 81.2.69.0/24/17, kdig: CLIENT-SUBNET: 81.2.69.0/24/17
    echoed = re.search(rf"CLIENT-SUBNET: {re.escape(subnet)}/(\d+)", output)
    assert echoed and 0 < int(echoed.group(1)) <= 48, output
    assert ("(TCP)" in output) == (transport == "+tcp")


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_nsid(example, program):
    output = run(example, program, "www.example.com", "+nsid")[3]
    assert re.search(r'NSID: .*"e2e"|NSID: .*\(?"?e2e', output), output


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_without_recursion_desired(example, program):
    assert "rd" not in run(example, program, "static.example.com", "+norec")[1]
    assert "rd" in run(example, program, "static.example.com", "+rec")[1]


@pytest.mark.parametrize("program", ["dig", "kdig"])
@pytest.mark.parametrize("arguments", [["+noedns"], ["+edns=0"], ["+bufsize=512"], ["+bufsize=4096"], ["+dnssec"],
                                       ["+cdflag"], ["+adflag"], ["+nocookie"], ["+cookie"]], ids=" ".join)
def test_options_do_not_change_what_is_answered(example, program, arguments):
    if (program, arguments) == ("kdig", ["+edns=0"]):
        arguments = ["+edns"]
    status, flags, records, _ = run(example, program, "static.example.com", *arguments)
    assert (status, addresses(records)) == ("NOERROR", {"192.0.2.80"})
    assert "aa" in flags and "ad" not in flags


@pytest.mark.parametrize("program", ["dig", "kdig"])
@pytest.mark.parametrize("name, rtype, status, authority", [
    ("nothing.example.com", "A", "NXDOMAIN", "SOA"), ("static.example.com", "MX", "NOERROR", "SOA"),
    ("host.lab.example.com", "A", "NOERROR", "NS"), ("www.example.net", "A", "REFUSED", None)])
def test_answers_without_data(example, program, name, rtype, status, authority):
    told, flags, records, _ = run(example, program, name, rtype)
    assert told == status
    assert ("aa" in flags) == (authority == "SOA")
    kinds = {kind for _, kind, _ in records}
    assert kinds == ({"NS", "A"} if authority == "NS" else {authority} if authority else set())


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_a_cut_answer_is_fetched_over_tcp_by_itself(server, program):
    text = " ".join(f'"{"x" * 200}"' for _ in range(4))
    zone = (server.map / "zones/example.com.zone").read_text(encoding="utf-8")
    server.write("zones/example.com.zone", f"{zone}long IN TXT {text}\n")
    assert server.reload().returncode == 0
    with server.moves(udp_queries=1, udp_answers=1, truncated_answers=1, tcp_connections=1, tcp_queries=1,
                      tcp_answers=1, static_answers=1):
        status, flags, records, output = run(server, program, "long.example.com", "TXT", "+noedns")
    assert status == "NOERROR" and "tc" not in flags and addresses(records, "TXT") == {text}
    assert "(TCP)" in output
    ignored = run(server, program, "long.example.com", "TXT", "+noedns", "+ignore")
    assert "tc" in ignored[1]


def test_dig_shows_badvers_and_asks_again(example):
    status, _, records, output = run(example, "dig", "static.example.com", "+edns=1", "+noednsneg")
    assert status == "BADVERS" and not records and "EDNS: version: 0" in output
    status, _, records, _ = run(example, "dig", "static.example.com", "+edns=1", "+ednsneg")
    assert (status, addresses(records)) == ("NOERROR", {"192.0.2.80"})


def test_dig_keeps_a_tcp_connection_open_for_several_questions(example):
    if shutil.which("dig") is None:
        pytest.skip("dig is not installed")
    with example.moves(tcp_connections=1, tcp_queries=2, tcp_answers=2, edns_queries=2, static_answers=2):
        done = subprocess.run(["dig", "@127.0.0.1", "-p", str(example.port), "+tcp", "+keepopen", "+nocookie", "+short",
                               "static.example.com", "A", "static.example.com", "AAAA"],
                              capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["192.0.2.80", "2001:db8:a::80"]
