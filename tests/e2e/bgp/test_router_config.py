"""`meridianctl anycast config`, judged by the programs that read what it makes."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

import harness
import lab
import router_config
from router_config import generate

BGPD = next((path for path in ("/usr/lib/frr/bgpd",) if pathlib.Path(path).exists()), None)
# What a password may hold; BIRD, FRR and ExaBGP must take all of it for itself.
ODD_PASSWORD = "a-b$!%&*+=@^_~|.,:;<>(){}[]#`/x"


@pytest.fixture(scope="session")
def meridianctl(bridge_program):
    return bridge_program.with_name("meridianctl")


def check(program, *words, **options):
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=harness.DEADLINE_S, check=False,
                          **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def sites(folder):
    """Of each kind one: plain, with passwords and far neighbours, with a local router, within one system."""
    far = {"multihop": True, "hold": 3, "drain_communities": ["65000:80", "65000:1:2"]}
    return {
        "plain": router_config.site(folder / "plain"),
        "far": router_config.site(folder / "far", password=ODD_PASSWORD, up=far, up6=far),
        "local": router_config.site(folder / "local", True, ODD_PASSWORD, up=far, up6={"hold": 600}),
        "inner": router_config.site(folder / "inner", up={"as": router_config.OURS, "multihop": True}),
    }


@pytest.mark.parametrize("kind", ["plain", "far", "local", "inner"])
def test_exabgp_takes_its_configuration(kind, folder, meridianctl, bridge_program):
    if lab.EXABGP is None:
        pytest.skip("exabgp is not installed")
    path = sites(folder)[kind]
    text = generate(meridianctl, path, "exabgp", "--bridge", str(bridge_program))
    (folder / "exabgp.conf").write_text(text, encoding="utf-8")
    told = check(lab.EXABGP, "--validate", folder / "exabgp.conf",
                 env={**os.environ, "exabgp.api.cli": "false", "exabgp.daemon.user": "root"})
    assert "graceful-restart disable" in told
    assert told.count(f'md5-password "{ODD_PASSWORD}"') == (2 if kind == "far" else 0)


@pytest.mark.parametrize("kind", ["plain", "far", "local", "inner"])
@pytest.mark.parametrize("neighbor", ["up", "up6"])
def test_bird_takes_a_neighbours_part(kind, neighbor, folder, meridianctl):
    if lab.BIRD is None:
        pytest.skip("bird is not installed")
    text = generate(meridianctl, sites(folder)[kind], "bird", "--neighbor", neighbor)
    (folder / "bird.conf").write_text(
        "router id 10.9.1.2;\nprotocol device { }\n" + ("protocol bfd { }\n" if kind == "local" else "") + text,
        encoding="utf-8")
    check(lab.BIRD, "-p", "-c", folder / "bird.conf")
    assert ("bfd {" in text) == (kind == "local")


def test_bird_takes_the_configuration_of_the_sites_own_router(folder, meridianctl):
    if lab.BIRD is None:
        pytest.skip("bird is not installed")
    (folder / "bird.conf").write_text(generate(meridianctl, sites(folder)["local"], "bird", "--for", "site"),
                                      encoding="utf-8")
    check(lab.BIRD, "-p", "-c", folder / "bird.conf")


@pytest.mark.parametrize("kind", ["plain", "far", "local", "inner"])
@pytest.mark.parametrize("neighbor", ["up", "up6"])
def test_frr_takes_a_neighbours_part(kind, neighbor, folder, meridianctl):
    if BGPD is None:
        pytest.skip("frr is not installed")
    (folder / "frr.conf").write_text(generate(meridianctl, sites(folder)[kind], "frr", "--neighbor", neighbor),
                                     encoding="utf-8")
    check(BGPD, "-C", "-f", folder / "frr.conf")


def test_frr_takes_the_configuration_of_the_sites_own_router(folder, meridianctl):
    if BGPD is None:
        pytest.skip("frr is not installed")
    (folder / "frr.conf").write_text(generate(meridianctl, sites(folder)["local"], "frr", "--for", "site"),
                                     encoding="utf-8")
    check(BGPD, "-C", "-f", folder / "frr.conf")


def complaint(meridianctl, path, *words):
    done = subprocess.run([meridianctl, "anycast", "config", *words, "--site", path], capture_output=True, text=True,
                          timeout=harness.DEADLINE_S, check=False)
    assert done.returncode == 1 and not done.stdout, done
    return done.stderr


def test_what_can_not_be_made_is_said(folder, meridianctl):
    plain = router_config.site(folder / "plain")
    assert "no neighbour is called 'upp'; did you mean 'up'?" in complaint(meridianctl, plain, "bird", "--neighbor", "upp")
    assert "`local_router: true`" in complaint(meridianctl, plain, "frr", "--for", "site")
    assert "can't stand in ExaBGP's file" in complaint(meridianctl, plain, "exabgp", "--bridge", "/usr/bin/a b")
    (folder / "none.yaml").write_text("map: map\n", encoding="utf-8")
    assert "has no `anycast`" in complaint(meridianctl, folder / "none.yaml", "exabgp")
    assert "there is no such file" in complaint(meridianctl, router_config.site(folder / "gone", up={"password": "x"}), "exabgp")
    secret = router_config.site(folder / "secret", password='in"jection')
    told = complaint(meridianctl, secret, "bird")
    assert "printable ASCII" in told and "jection" not in told
    (folder / "secret" / "bgp.password").chmod(0o644)
    assert "everyone can read" in complaint(meridianctl, secret, "bird")


class Site:
    """ExaBGP as the generated file has it, with the bridge and an agent of the test."""

    def __init__(self, namespace, folder, path, programs):
        self.agent = lab.Agent(folder / "agent.sock", [])
        self.exabgp = lab.ExaBgp(namespace, folder, "/bin/true")
        self.exabgp.configuration.write_text(
            generate(programs[0], path, "exabgp", "--bridge", str(programs[1]), "--state", str(folder / "state")),
            encoding="utf-8")

    def start(self, *neighbors):
        self.exabgp.start()
        self.agent.until_status(*(rf"^neighbor {neighbor} up" for neighbor in neighbors))
        return self

    def close(self):
        print(f"ExaBGP's log:\n{self.exabgp.log()}")  # shown when the test fails
        self.exabgp.end()
        self.agent.close()


def router_parts(meridianctl, path):
    """bird.conf of lab's router, which is both neighbours."""
    return "router id 10.9.1.2;\nprotocol device { }\nprotocol bfd { }\n" + generate(meridianctl, path, "bird")


@pytest.fixture
def far_end(wire, folder):
    """Starts lab's router with a configuration of the test."""
    made = []

    def start(text):
        router = lab.Router(wire[1], folder)
        made.append(router)
        (folder / "bird.conf").write_text(f'log "{folder}/bird.log" all;\n' + text, encoding="utf-8")
        return router.start()

    yield start
    for router in made:
        router.close()


# By default ExaBGP takes a password of hexadecimal digits for Base64.
@pytest.mark.parametrize("password", [None, "deadbeef00", ODD_PASSWORD])
def test_a_neighbour_takes_the_prefixes_of_the_vips_and_no_others(password, wire, folder, far_end, meridianctl,
                                                                 bridge_program):
    path = router_config.site(folder, password=password)
    router = far_end(router_parts(meridianctl, path))
    site = Site(wire[0], folder, path, (meridianctl, bridge_program))
    try:
        site.start(lab.NEIGHBOR4, lab.NEIGHBOR6)
        own, longer, alien = lab.V4, "198.51.100.128/25", "203.0.113.0/24"
        # First: else the limit of routes would keep these out, not the filter.
        site.agent.want(lab.route(prefix=longer), lab.route(prefix=alien))
        site.agent.until_status(rf"^route \* {alien} announce settled ", rf"^route \* {longer} announce settled ")
        site.agent.want(*(lab.route(prefix=prefix) for prefix in (own, longer, alien, lab.V6)))
        router.until_route(own, as_path="65101", local_pref="100")
        router.until_route(lab.V6)
        assert router.attributes(longer) is None and router.attributes(alien) is None
        site.agent.want(lab.route(attributes="next-hop self community 65535:0 as-path 65101,65101,65101"))
        router.until_route(own, local_pref="0", as_path="65101 65101 65101")
        # From behind another system it is a leak.
        site.agent.want(lab.route(attributes="next-hop self as-path 65101,64500"))
        router.until_no_route(own)
    finally:
        site.close()


def bird_of_the_site(namespace, folder, text):
    here = folder / "site-bird"
    here.mkdir()
    (here / "bird.conf").write_text(text.replace("log syslog all;", f'log "{here}/bird.log" all;'), encoding="utf-8")
    return subprocess.Popen(["ip", "netns", "exec", namespace, lab.BIRD, "-f", "-c", here / "bird.conf", "-s",
                             here / "bird.ctl", "-P", here / "bird.pid"])


def frr_of_the_site(namespace, folder, text):
    """FRR speaks IPv6 over no interface that has no link-local address yet."""
    harness.until(lambda: "tentative" not in (told := check("ip", "-n", namespace, "-6", "addr", "show", "scope", "link"))
                  and "fe80" in told, "no link-local address")
    here = folder / "site-frr"
    here.mkdir(mode=0o755)
    (here / "frr.conf").write_text(f"log file {here}/frr.log\n" + text, encoding="utf-8")
    for path in (folder, here, here / "frr.conf"):
        shutil.chown(path, "frr", "frr")
    common = ["-z", here / "zserv", "--vty_socket", here, "-f", here / "frr.conf"]
    started = []

    def start(daemon, *more):
        started.append(subprocess.Popen(["ip", "netns", "exec", namespace, f"/usr/lib/frr/{daemon}", *common, "-i",
                                         here / f"{daemon}.pid", *more]))

    # In watchfrr's order: what bgpd asks of a bfdd that zebra does not know yet can get lost.
    start("zebra")
    harness.until((here / "zserv").exists, "zebra does not listen")
    start("bfdd", "--bfdctl", here / "bfdd.sock")
    harness.until(lambda: re.search(r"^bfd\b", vtysh(here, "show zebra client summary"), re.M),
                  lambda: vtysh(here, "show zebra client summary"))
    start("bgpd")
    return started


def vtysh(folder, command):
    return subprocess.run(["vtysh", "--vty_socket", folder, "-c", command], capture_output=True, text=True,
                          timeout=harness.DEADLINE_S, check=False).stdout


def test_through_a_local_bird_each_neighbour_hears_what_it_wants_to(wire, folder, far_end, meridianctl,
                                                                    bridge_program):
    path = router_config.site(folder, True, "deadbeef00", up={"drain_communities": ["65000:80", "65000:1:2"]})
    router = far_end(router_parts(meridianctl, path))
    bird = bird_of_the_site(wire[0], folder, generate(meridianctl, path, "bird", "--for", "site"))
    site = Site(wire[0], folder, path, (meridianctl, bridge_program))
    try:
        judge_local_router(site, router, wire[0])
    finally:
        site.close()
        harness.end_process(bird)


def judge_local_router(site, router, namespace):
    """`next-hop self` would be ExaBGP's own end, which is a loopback address."""
    four, six = "next-hop 10.9.1.1", "next-hop 2001:db8:9::1"
    site.start("10.9.1.1", "2001:db8:9::1")
    site.agent.want(lab.route(attributes=four), lab.route(prefix=lab.V6, attributes=six),
                    lab.route(prefix="203.0.113.0/24", attributes=four))
    router.until_route(lab.V4, as_path="65101", next_hop="10.9.1.1", local_pref="100")
    router.until_route(lab.V6, as_path="65101")
    assert router.attributes("203.0.113.0/24") is None
    harness.until(lambda: len(re.findall(r"\bUp\b", router.says("show", "bfd", "sessions"))) == 2,
                  lambda: router.says("show", "bfd", "sessions"))
    # The host itself is to send nothing to the neighbour for what it announces.
    for family, prefix in (("-4", lab.V4), ("-6", lab.V6)):
        assert check("ip", "-n", namespace, family, "route", "show", prefix) == ""
    site.agent.want(lab.route(attributes=f"{four} community 65535:0"),
                    lab.route(prefix=lab.V6, attributes=f"{six} community 65535:0"))
    router.until_route(lab.V4, as_path="65101 65101 65101", local_pref="0", community="(65000,80) (65535,0)",
                       large_community="(65000, 1, 2)")
    router.until_route(lab.V6, as_path="65101 65101 65101", local_pref="0", community="(65535,0)")
    site.agent.want(lab.route("withdraw", attributes=four), lab.route(prefix=lab.V6, attributes=six))
    router.until_no_route(lab.V4)
    router.until_route(lab.V6, as_path="65101")


def test_through_a_local_frr_each_neighbour_hears_what_it_wants_to(wire, folder, far_end, meridianctl,
                                                                   bridge_program):
    if BGPD is None:
        pytest.skip("frr is not installed")
    path = router_config.site(folder, True, up={"drain_communities": ["65000:80", "65000:1:2"]})
    router = far_end(router_parts(meridianctl, path))
    frr = frr_of_the_site(wire[0], folder, generate(meridianctl, path, "frr", "--for", "site"))
    site = Site(wire[0], folder, path, (meridianctl, bridge_program))
    try:
        judge_local_router(site, router, wire[0])
    finally:
        print((folder / "site-frr" / "frr.log").read_text(encoding="utf-8", errors="replace"))
        site.close()
        for process in reversed(frr):
            harness.end_process(process)
