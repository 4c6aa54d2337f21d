"""Clients by other hands read the answers: drill (ldns), delv, host and nslookup (BIND's libraries), dig and kdig.

Each reads every answer of a table, and all must agree with what is configured. An answer a client finds malformed it
reports in words of its own, so that the exact outcome is what is compared: ("ok", records), "nxdomain", "nodata",
"referral" or "refused".
"""

import re
import shutil
import subprocess

import pytest

from harness import POOLS, running_server

AMS = POOLS["ams"]
# What is asked, and the outcome; addresses of www depend on the client, and all of these ask from loopback.
QUESTIONS = [
    ("static.example.com", "A", {"192.0.2.80"}),
    ("static.example.com", "AAAA", {"2001:db8:a::80"}),
    ("STATIC.Example.COM", "A", {"192.0.2.80"}),
    ("example.com", "MX", {"10 mail.example.com."}),
    ("example.com", "NS", {"ns1.example.com.", "ns2.example.com."}),
    ("example.com", "TXT", {'"v=spf1 mx -all"'}),
    ("www-ams.example.com", "A", AMS["A"]),
    ("www-ams.example.com", "AAAA", AMS["AAAA"]),
    ("c1.example.com", "A", {"192.0.2.80"}),
    ("x.wild.example.com", "TXT", {'"wild"'}),
    ("a.dn.example.com", "A", {"192.0.2.81"}),
    ("big.example.com", "A", {f"10.0.0.{number}" for number in range(100)}),
    ("static.example.com", "SRV", "nodata"),
    ("ent.example.com", "A", "nodata"),
    ("nothing.example.com", "A", "nxdomain"),
    ("x.static.example.com", "TXT", "nxdomain"),
    ("host.lab.example.com", "A", "referral"),
    ("www.example.net", "A", "refused"),
]

MORE = """
c1 IN CNAME c2
c2 IN CNAME static
*.wild IN TXT "wild"
dn IN DNAME dt
a.dt IN A 192.0.2.81
a.ent IN A 192.0.2.82
""" + "".join(f"big IN A 10.0.0.{number}\n" for number in range(100))


def add_names(server):
    zone = server.map / "zones/example.com.zone"
    server.write("zones/example.com.zone", zone.read_text(encoding="utf-8") + MORE)


@pytest.fixture(scope="module")
def asked(programs):
    with running_server(programs, add_names) as server:
        yield server


def run(program, *arguments):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def records(text, rtype):
    """The rdata of one type among lines of a master file."""
    return {line.split(None, 4)[4].strip() for line in text.splitlines()
            if re.match(rf"[^;\s]\S*\s+\d+\s+IN\s+{rtype}\s", line)}


def sections_outcome(text, status, rtype):
    """Of a client that prints the message: its sections and flags."""
    answer = re.search(r"ANSWER SECTION:\n(.*?)(\n\n|\Z)", text, re.DOTALL)
    found = records(answer[1], rtype) if answer else set()
    if status != "NOERROR":
        return status.lower()
    if found:
        return found
    return "nodata" if re.search(r"flags:[a-z ]* aa", text, re.IGNORECASE) else "referral"


def ask_dig(server, name, rtype, *more):
    text = run("dig", "@127.0.0.1", "-p", server.port, "+tries=1", name, rtype, *more)
    return sections_outcome(text, re.search(r"status: (\w+)", text)[1], rtype)


def ask_kdig(server, name, rtype, *more):
    text = run("kdig", "@127.0.0.1", "-p", server.port, name, rtype, *more)
    assert "WARNING: " not in text.replace("WARNING: truncated", ""), text
    return sections_outcome(text, re.search(r"status: (\w+)", text)[1], rtype)


def ask_drill(server, name, rtype, *more):
    """-a: fall back to TCP when TC is set."""
    text = run("drill", "-a", *more, "-p", server.port, "@127.0.0.1", name, rtype)
    return sections_outcome(text, re.search(r"rcode: (\w+)", text)[1], rtype)


def ask_delv(server, name, rtype, *more):
    """-i: the zone is unsigned, and delv has no trust anchor for it."""
    text = run("delv", "@127.0.0.1", "-p", server.port, "-i", *more, name, rtype)
    failed = re.search(r";; resolution failed: (.*)", text)
    if failed is None:
        return records(text, rtype)
    # delv is a resolver: a referral from the server it asks for answers leads it nowhere, and it says so.
    if "non-improving referral" in text:
        return "referral"
    if "REFUSED unexpected RCODE" in text:
        return "refused"
    return {"ncache nxdomain": "nxdomain", "ncache nxrrset": "nodata"}.get(failed[1], text)


def ask_host(server, name, rtype, *more):
    text = run("host", *more, "-p", server.port, "-t", rtype, name, "127.0.0.1")
    failed = re.search(r"not found: \d+\((\w+)\)", text)
    if failed:
        return failed[1].lower()
    if re.search(r"has no \w+ record", text):
        return "nodata or referral"
    words = {"A": r"has address (\S+)", "AAAA": r"has IPv6 address (\S+)", "MX": r"mail is handled by (.+)",
             "NS": r"name server (\S+)", "TXT": r"descriptive text (.+)"}
    return set(re.findall(words[rtype], text))


def ask_nslookup(server, name, rtype, *more):
    text = run("nslookup", *more, f"-port={server.port}", f"-type={rtype}", name, "127.0.0.1")
    failed = re.search(r"server can't find \S+: (\w+)", text)
    if failed:
        return failed[1].lower()
    if "Can't find" in text:
        return "nodata or referral"
    body = text.partition("\n\n")[2]
    words = {"A": r"Address: (\S+)", "AAAA": r"Address: (\S+)", "MX": r"mail exchanger = (.+)",
             "NS": r"nameserver = (\S+)", "TXT": r"text = (.+)"}
    return {found.strip() for found in re.findall(words[rtype], body)}


# host and nslookup print less: what they cannot tell apart is one outcome for them.
CLIENTS = {"dig": (ask_dig, ["+tcp"]), "kdig": (ask_kdig, ["+tcp"]), "drill": (ask_drill, ["-t"]),
           "delv": (ask_delv, ["+tcp"]), "host": (ask_host, ["-T"]), "nslookup": (ask_nslookup, ["-vc"])}


@pytest.mark.parametrize("over_tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name, rtype, outcome", QUESTIONS, ids=[f"{row[0]} {row[1]}" for row in QUESTIONS])
def test_each_client_reads_what_is_configured(asked, client, name, rtype, outcome, over_tcp):
    ask, tcp = CLIENTS[client]
    told = ask(asked, name, rtype, *(tcp if over_tcp else []))
    if told == "nodata or referral":
        assert outcome in ("nodata", "referral")
    else:
        assert told == outcome
