"""The unit files and kernel settings that the packages install, read by systemd and held to the rules of docs/anycast.md."""

import configparser
import pathlib
import re
import shutil
import subprocess

import pytest

import harness
from harness import REPOSITORY

DIST = REPOSITORY / "config" / "dist"
UNITS = sorted(DIST.glob("systemd/**/*.service")) + sorted(DIST.glob("systemd/**/*.conf"))
SYSCTLS = sorted(DIST.glob("sysctl.d/*.conf"))
# As Debian's, in what our drop-in changes.
EXABGP_UNIT = """[Unit]
Description=ExaBGP
[Service]
User=exabgp
RuntimeDirectory=exabgp
ExecStart=/usr/sbin/exabgp /etc/exabgp/exabgp.conf
Restart=always
CapabilityBoundingSet=CAP_NET_ADMIN
AmbientCapabilities=CAP_NET_ADMIN
"""


def settings(path, key):
    """All values of a key, in order."""
    return re.findall(rf"^{key}=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def verify(folder, change=lambda root: None):
    """What systemd says of our units in a system that has nothing but them and empty programs."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    root = folder / "root"
    units = root / "usr/lib/systemd/system"
    shutil.copytree(DIST / "systemd", units)
    (units / "exabgp.service").write_text(EXABGP_UNIT, encoding="utf-8")
    for target in ("sysinit", "basic", "multi-user", "network-online", "shutdown"):
        (units / f"{target}.target").write_text("[Unit]\n", encoding="utf-8")
    (units / "system.slice").write_text("[Slice]\n", encoding="utf-8")
    for program in ("usr/bin/meridiand", "usr/bin/meridianctl", "usr/bin/meridian-agent", "usr/sbin/exabgp", "usr/bin/kill",
                    "usr/bin/sleep"):
        (root / program).parent.mkdir(parents=True, exist_ok=True)
        (root / program).write_text("#!/bin/sh\n", encoding="utf-8")
        (root / program).chmod(0o755)
    change(units)
    names = [path.name for path in UNITS if path.suffix == ".service"]
    done = subprocess.run(["systemd-analyze", "verify", f"--root={root}", "--man=no", *names, "exabgp.service"],
                          capture_output=True, text=True, timeout=harness.DEADLINE_S, check=False)
    return (done.stdout + done.stderr).strip()


def test_systemd_takes_the_units(folder):
    assert verify(folder) == ""


@pytest.mark.parametrize("unit, line", [("meridian-agent.service", "Watchdog=5"),
                                        ("meridiand.service.d/anycast.conf", "Stop=/bin/true"),
                                        ("exabgp.service.d/meridian.conf", "Environment=exabgp.api.terminate=true")])
def test_this_would_see_a_unit_that_systemd_does_not_take(folder, unit, line):
    def spoil(units):
        path = units / unit
        path.write_text(path.read_text(encoding="utf-8").replace("[Service]\n", f"[Service]\n{line}\n"), encoding="utf-8")

    assert pathlib.Path(unit).name in verify(folder, spoil)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_no_unit_ties_its_life_to_another_s(path):
    """With BindsTo= ExaBGP stayed dead after the server had crashed; Requires= and PartOf= stop it along with the server."""
    for key in ("BindsTo", "Requires", "Requisite", "PartOf", "StopPropagatedFrom"):
        assert not settings(path, key)


def test_the_server_stops_after_its_traffic_has_gone():
    drop_in = DIST / "systemd/meridiand.service.d/anycast.conf"
    stop = settings(drop_in, "ExecStop")
    assert [line.split()[0:3] for line in stop] == [["-/usr/bin/meridianctl", "anycast", "drain"],
                                                    ["-/usr/bin/meridianctl", "anycast", "withdraw"],
                                                    ["-/usr/bin/sleep", "30"]]
    assert "--wait" in stop[0] and all("--reason" in line and "--for" in line for line in stop[:2])
    waits = re.search(r"--timeout (\d+)s", stop[0])
    assert int(waits[1]) < int(settings(drop_in, "TimeoutStopSec")[0].removesuffix("s"))
    # What the others stop after is what they start before.
    assert set(settings(drop_in, "After")[0].split()) == {"meridian-agent.service", "exabgp.service"}
    assert not settings(drop_in, "ExecStart") and not settings(drop_in, "ExecReload")


def test_agent_and_exabgp_are_started_for_ever():
    agent = DIST / "systemd/meridian-agent.service"
    exabgp = DIST / "systemd/exabgp.service.d/meridian.conf"
    for path in (agent, exabgp):
        assert settings(path, "StartLimitIntervalSec") == ["0"] and settings(path, "Restart") == ["always"]
    assert settings(agent, "Type") == ["notify"] and settings(agent, "WatchdogSec") == ["5s"]
    assert settings(exabgp, "RestartSec") == ["5s"]
    assert "exabgp_api_terminate=true" in " ".join(settings(exabgp, "Environment"))


def test_neither_agent_nor_exabgp_has_a_capability():
    for name in ("meridian-agent.service", "exabgp.service.d/meridian.conf"):
        assert settings(DIST / "systemd" / name, "CapabilityBoundingSet") == [""]
    assert settings(DIST / "systemd/exabgp.service.d/meridian.conf", "AmbientCapabilities") == [""]


def test_each_socket_is_in_reach_of_who_needs_it():
    """Sockets are open to their owner and group alone."""
    members = {"meridian-agent.service": "meridian", "meridiand.service.d/anycast.conf": "meridian-agent",
               "exabgp.service.d/meridian.conf": "meridian-agent"}
    for name, group in members.items():
        assert settings(DIST / "systemd" / name, "SupplementaryGroups") == [group]
    assert settings(DIST / "systemd/meridian-agent.service", "Group") == ["meridian-agent"]
    made = "".join(path.read_text(encoding="utf-8") for path in DIST.glob("sysusers.d/*.conf"))
    assert re.search(r"^u meridian ", made, re.MULTILINE) and re.search(r"^u meridian-agent ", made, re.MULTILINE)


@pytest.mark.parametrize("path", SYSCTLS, ids=lambda path: path.name)
def test_each_kernel_setting_exists_and_is_explained(path):
    explained = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line:
            explained = False
        elif line.startswith("#"):
            explained = True
        else:
            assert explained, line
            name = line.split("=")[0].strip()
            assert pathlib.Path("/proc/sys", *name.split(".")).exists(), name


def test_the_vips_are_on_the_loopback_interface():
    parser = configparser.ConfigParser(strict=False)
    parser.read_string((DIST / "networkd/10-meridian-vips.network.example").read_text(encoding="utf-8"))
    assert parser["Match"]["Name"] == "lo"
