"""`meridianctl explain` tells what the server answers: live and offline, for clients from everywhere."""

import ipaddress
import json
import random

import pytest

from harness import datacenter_of, subnet_of, texts

CLIENTS = 300
SEED = 20260101
# Where clients are: the large allocations of the five registries.
V6_BLOCKS = ["2001:200::/23", "2400::/12", "2600::/12", "2800::/12", "2a00::/12", "2c00::/12"]
# What one compares by what one asked for, and so differs on purpose.
DIFFERS = {"epoch"}


def random_clients():
    draw = random.Random(SEED)
    clients = []
    for index in range(CLIENTS):
        if index % 2 == 0:
            word = draw.randrange(1 << 24, 224 << 24)
            network = ipaddress.ip_network((word, 32)).supernet(new_prefix=draw.choice([16, 20, 24, 24, 24, 32]))
        else:
            block = ipaddress.ip_network(draw.choice(V6_BLOCKS))
            word = int(block.network_address) + draw.randrange(block.num_addresses)
            network = ipaddress.ip_network((word, 128)).supernet(new_prefix=draw.choice([32, 48, 56, 56, 64]))
        clients.append(network)
    return clients


def rtype_of(network):
    return "A" if network.version == 4 else "AAAA"


@pytest.fixture(scope="module")
def offline(programs, example):
    """client → explanation from the files, one list for each type."""
    explained = {}
    for rtype in ("A", "AAAA"):
        clients = [str(network) for network in random_clients() if rtype_of(network) == rtype]
        done = programs.ctl("explain", "www.example.com", rtype, "--map", example.map, "--data", programs.data,
                            "--from", "-", stdin="\n".join(clients) + "\n")
        assert done.returncode == 0 and not done.stderr, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == len(clients), "one line a client"
        explained.update({client: json.loads(line) for client, line in zip(clients, lines)})
    return explained


def compare_with_answer(server, network, told):
    rtype = rtype_of(network)
    response = server.query("www.example.com", rtype, subnet=str(network))
    context = f"{network}: {told}"
    assert told["verdict"] == "answer" and told["client_subnet"] == str(network), context
    assert told["client"]["whose"] == ("client_subnet" if subnet_is_public(told) else "private_client_subnet"), context
    assert datacenter_of(response, rtype) == told["datacenter"], context
    assert texts(response, rtype) == set(told["addresses"]), context
    assert subnet_of(response).scopelen == told["scope_bits"], context
    assert {rrset.ttl for rrset in response.answer} == {told["ttl_s"]}, context
    assert told["agrees"] is True, context


def subnet_is_public(told):
    return told["client"]["whose"] != "private_client_subnet"


def test_offline_explanations_are_what_the_server_answers(example, offline):
    clients = random_clients()
    subnets = sum(subnet_is_public(offline[str(network)]) for network in clients)
    moves = {"udp_queries": CLIENTS, "udp_answers": CLIENTS, "edns_queries": CLIENTS,
             "client_subnet_queries": CLIENTS, "steered_answers": CLIENTS}
    if subnets != CLIENTS:
        moves["client_subnet_ignored_queries"] = CLIENTS - subnets
    with example.moves(**moves):
        for network in clients:
            compare_with_answer(example, network, offline[str(network)])
    # A comparison of one place with itself would prove nothing.
    assert {told["datacenter"] for told in offline.values()} == {"ams", "iad", "sin"}
    assert len({told["scope_bits"] for told in offline.values()}) > 8
    assert len({told["place"].get("country") for told in offline.values()}) > 20


def test_live_explanations_equal_the_offline_ones(programs, example, offline):
    # A sanitized meridianctl takes long to start, so only some of them then.
    for network in random_clients()[::15 if programs.sanitized else 1]:
        live = example.explain("www.example.com", rtype_of(network), "--from", network)
        kept = {key: value for key, value in live.items() if key not in DIFFERS}
        assert kept == {key: value for key, value in offline[str(network)].items() if key not in DIFFERS}
        assert live["epoch"] == 1


def test_offline_and_live_agree_after_a_change(server, programs):
    """Not a constant of the example: another map moves both."""
    server.edit("maps.yaml", "{for: europe,           prefer: [ams]}", "{for: europe,           prefer: [sin]}")
    assert server.reload().returncode == 0
    done = programs.ctl("explain", "www.example.com", "--map", server.map, "--data", programs.data, "--from",
                        "81.2.69.0/24", "--json")
    offline = json.loads(done.stdout)
    live = server.explain("www.example.com", "--from", "81.2.69.0/24")
    assert offline["datacenter"] == live["datacenter"] == "sin"
    assert live["epoch"] == 2
    compare_with_answer(server, ipaddress.ip_network("81.2.69.0/24"), live)


@pytest.mark.parametrize("state, command", [("drained", ["drain"]), ("shed 60%", ["shed", "60%"])])
def test_an_assumption_is_what_the_server_answers_once_it_is_true(server, programs, state, command):
    """`sticky` draws are the same at every place, so shed clients are told one by one."""
    clients = [str(network) for network in random_clients() if network.version == 4][:100]
    assumed = ["--assume", f"ams {state}"]
    offline = programs.ctl("explain", "www.example.com", "--map", server.map, "--data", programs.data, "--from", "-",
                           *assumed, stdin="\n".join(clients) + "\n")
    told = dict(zip(clients, map(json.loads, offline.stdout.splitlines()), strict=True))
    live = {client: server.explain("www.example.com", "--from", client, *assumed) for client in clients[:20]}
    before = {client: datacenter_of(server.query("www.example.com", subnet=client), "A") for client in clients}
    name, *share = command
    assert server.ctl(name, "ams", *share).returncode == 0
    moved = 0
    for client in clients:
        answered = datacenter_of(server.query("www.example.com", subnet=client), "A")
        moved += answered != before[client]
        assert told[client]["datacenter"] == answered, client
        assert told[client]["assumed"] == f"ams {state}"
        if client in live:
            assert live[client]["datacenter"] == answered, client
    assert moved > 3
