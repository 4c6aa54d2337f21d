"""What `meridianctl explain` prints: the same in text and JSON, with the rule's own place in the file."""

import json
import re

import pytest

from harness import POOLS, datacenter_of, subnet_of, texts

# client, type, datacenter, what stands at the rule's place in maps.yaml, what stands at the place's own
RULES = [
    ("81.2.69.0/24", "A", "ams", "{for: europe,", "continent:EU"),
    ("8.8.8.0/24", "A", "iad", "{for: north-america,", "US"),
    ("2a00:1450::/32", "AAAA", "ams", "{for: europe,", "continent:EU"),
    ("1.0.16.0/24", "A", "sin", "{for: asia-pacific,", "continent:AS"),
    ("1.0.1.0/24", "A", "sin", "{for: CN,", None),
    ("203.0.113.200/32", "A", "ams", "{for: 203.0.113.192/26,", None),
    ("102.176.1.0/24", "A", "ams", "{for: everyone,", None),
]


def text_at(place):
    """What a file holds at "file:line:column"."""
    file, line, column = re.fullmatch(r"(.+):(\d+):(\d+)", place).groups()
    with open(file, encoding="utf-8") as stream:
        return stream.read().splitlines()[int(line) - 1][int(column) - 1:]


def steps(text):
    """{"rule": "map web · …"}; a step may come twice, then the last one counts."""
    return dict(re.match(r"(\S+)\s+(.*)", line).groups() for line in text.splitlines())


@pytest.mark.parametrize("client, rtype, datacenter, rule, place", RULES, ids=[row[0] for row in RULES])
def test_text_json_and_answer_tell_the_same(example, client, rtype, datacenter, rule, place):
    done = example.ctl("explain", "www.example.com", rtype, "--from", client)
    assert done.returncode == 0 and not done.stderr, done.stderr
    text = steps(done.stdout)
    told = example.explain("www.example.com", rtype, "--from", client)
    response = example.query("www.example.com", rtype, subnet=client)

    assert told["datacenter"] == datacenter == datacenter_of(response, rtype)
    assert text["choice"].startswith(f"{datacenter} · ")
    assert set(told["addresses"]) == texts(response, rtype) == POOLS[datacenter][rtype]
    assert set(text["answer"].split(" · ")[0].split(", ")) == set(told["addresses"])
    assert told["scope_bits"] == subnet_of(response).scopelen
    assert text["scope"] == f"/{told['scope_bits']}"

    at = told["rule"]["at"]
    assert at.startswith(f"{example.map}/maps.yaml:") and at in text["rule"]
    assert text_at(at).startswith(rule), f"{at} is {text_at(at)!r}"
    if place is None:
        assert "region" not in told["rule"]
    else:
        place_at = told["rule"]["place_at"]
        assert place_at.startswith(f"{example.map}/regions.yaml:") and place_at in text["rule"]
        assert text_at(place_at).startswith(place), f"{place_at} is {text_at(place_at)!r}"


def test_the_note_of_a_rule_is_shown(example):
    done = example.ctl("explain", "www.example.com", "--from", "203.0.113.200/32")
    assert "note: Berlin office, located wrongly by GeoIP" in done.stdout
    told = example.explain("www.example.com", "--from", "203.0.113.200/32")
    assert told["rule"]["note"] == "Berlin office, located wrongly by GeoIP"


def test_the_record_that_placed_the_client_is_shown(example):
    told = example.explain("www.example.com", "--from", "81.2.69.0/24")
    assert told["place"]["country"] == "GB" and told["place"]["continent"] == "EU"
    assert [record["file"].endswith("country.mmdb") for record in told["place"]["records"]] == [True]
    assert "GB, EU" in steps(example.ctl("explain", "www.example.com", "--from", "81.2.69.0/24").stdout)["place"]


def test_an_address_stands_for_the_network_resolvers_send(example):
    for address, network in (("81.2.69.160", "81.2.69.0/24"), ("2a00:1450:4000:12ff::1", "2a00:1450:4000:1200::/56")):
        told = example.explain("www.example.com", "--from", address)
        assert told["client_subnet"] == network
        assert told == example.explain("www.example.com", "--from", network)


@pytest.mark.parametrize("name, outcome, word", [
    ("static.example.com", "static", "static"), ("nothing.example.com", "nxdomain", "nxdomain"),
    ("host.lab.example.com", "delegation", "delegation"), ("www.example.net", "refused", "REFUSED")])
def test_names_that_are_not_steered_are_told_so(example, name, outcome, word):
    assert example.explain(name, "--from", "8.8.8.8")["outcome"] == outcome
    assert word in example.ctl("explain", name, "--from", "8.8.8.8").stdout


def test_a_view_is_told_as_one_datacenter(example):
    told = example.explain("www-ams.example.com", "--from", "8.8.8.8")
    assert (told["fixed"], told["datacenter"], told["scope_bits"]) == (True, "ams", 0)
    assert set(told["addresses"]) == POOLS["ams"]["A"]


def test_a_cname_is_followed_into_the_steered_name_as_in_the_answer(example):
    """shop leads to www, so its answer depends on the client, and explain must not deny it."""
    response = example.query("shop.example.com", subnet="8.8.8.0/24")
    told = example.explain("shop.example.com", "--from", "8.8.8.0/24")
    text = example.ctl("explain", "shop.example.com", "--from", "8.8.8.0/24").stdout
    assert subnet_of(response).scopelen > 0 and datacenter_of(response, "A") == "iad"
    assert "the same for every client" not in text
    assert told["datacenter"] == "iad" and told["scope_bits"] == subnet_of(response).scopelen


def test_a_resolver_without_client_subnet_is_the_client(example):
    told = example.explain("www.example.com", "--resolver", "8.8.8.8")
    assert (told["datacenter"], told["scope_bits"], told["client"]["whose"]) == ("iad", 0, "resolver")
    told = example.explain("www.example.com", "--resolver", "8.8.8.8", "--from", "81.2.69.1")
    assert (told["datacenter"], told["client"]["whose"]) == ("ams", "client_subnet")


@pytest.mark.parametrize("arguments, message", [
    (["www.example.com", "--from", "81.2.69.7/24"], "has host bits set; the network is 81.2.69.0/24"),
    (["www.example.com", "--from", "nowhere"], "'nowhere' is not an IP network"),
    (["www.example.com", "--resolver", "nowhere"], "'nowhere' is not an IP address"),
    (["www.example.com", "BOGUS", "--from", "8.8.8.8"], "'BOGUS' is not a record type"),
    (["a..b", "--from", "8.8.8.8"], "a..b"),
    (["www.example.com", "--assume", "ams up"], "'ams up' is no assumption; write 'ams down', 'ams 50%', 'ams drained'"),
    (["www.example.com", "--assume", "asm down"], "the map has no datacenter 'asm'; did you mean 'ams'?"),
])
@pytest.mark.parametrize("live", [True, False], ids=["live", "offline"])
def test_what_cannot_be_explained_is_said_with_exit_code_2(example, programs, live, arguments, message):
    source = ["--control", example.control] if live else ["--map", example.map, "--data", programs.data]
    done = programs.ctl("explain", *arguments, *source)
    assert done.returncode == 2
    assert not done.stdout.startswith("{") and message in done.stderr
    assert done.stderr.startswith("meridianctl: ") and len(done.stderr.strip().splitlines()) == 1


def test_a_list_with_a_bad_line_answers_the_others_and_exits_2(programs, example):
    done = programs.ctl("explain", "www.example.com", "--map", example.map, "--data", programs.data, "--from", "-",
                        stdin="8.8.8.8\nnonsense\n\n81.2.69.1\n")
    assert done.returncode == 2
    assert [json.loads(line)["datacenter"] for line in done.stdout.splitlines()] == ["iad", "ams"]
    assert "'nonsense'" in done.stderr


def test_an_outage_can_be_played_through(example):
    told = example.explain("www.example.com", "--from", "81.2.69.1", "--assume", "ams down")
    assert (told["datacenter"], told["reason"], told["assumed"]) == ("iad", "fallback", "ams down")
    both = example.explain("www.example.com", "--from", "81.2.69.1", "--assume", "ams down", "--assume", "iad down")
    # A third is less than min_serving_capacity: too little to carry everyone.
    assert (both["datacenter"], both["reason"], both["assumed"]) == ("ams", "low_capacity", "ams down,iad down")
    text = example.ctl("explain", "www.example.com", "--from", "81.2.69.1", "--assume", "ams down").stdout
    assert "\nassumed   ams down\n" in text
    assert example.explain("www.example.com", "--from", "81.2.69.1")["datacenter"] == "ams", "nothing has changed"
