"""Site files for the generated configurations, and the commands that make these."""

import subprocess

import yaml

import harness
import lab

OURS, THEIRS = 65101, 65000


def site(folder, local_router=False, password=None, **neighbors):
    """A site file on lab's wire. `password` is that of every neighbour."""
    folder.mkdir(parents=True, exist_ok=True)
    known = {
        "up": {"address": lab.NEIGHBOR4, "local": "10.9.1.1", "as": THEIRS},
        "up6": {"address": lab.NEIGHBOR6, "local": "2001:db8:9::1", "as": THEIRS},
    }
    for name, more in neighbors.items():
        known[name] = {**known.get(name, {}), **more}
    if password is not None:
        secret = folder / "bgp.password"
        secret.write_text(password + "\n", encoding="utf-8")
        secret.chmod(0o640)
        for neighbor in known.values():
            neighbor["password"] = "bgp.password"
    document = {
        "map": "map",
        "site": "ams1",
        "listen": {"dns": ["198.51.100.53:53", "[2001:db8:53::53]:53"]},
        "anycast": {
            "as": OURS,
            "router_id": "10.9.1.1",
            "vips": {
                "ns1": {"address": "198.51.100.53", "prefix": lab.V4},
                "ns1-v6": {"address": "2001:db8:53::53", "prefix": lab.V6},
            },
            "neighbors": known,
            "prepend": 2,
            "local_router": local_router,
            "agent": {"bridge": str(folder / "agent.sock")},
        },
    }
    path = folder / "meridian.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def generate(meridianctl, path, *words):
    """The text, which the command writes as a file as well."""
    out = path.parent / ("-".join(words).replace("/", "") or "x")
    command = [meridianctl, "anycast", "config", *words, "--site", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=harness.DEADLINE_S, check=False)
    assert done.returncode == 0 and done.stderr == "", done
    subprocess.run([*command, "--out", out], check=True, timeout=harness.DEADLINE_S)
    assert out.read_text(encoding="utf-8") == done.stdout and out.stat().st_mode & 0o007 == 0
    return done.stdout
