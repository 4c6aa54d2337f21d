"""gdnsd and its gdnsd_geoip_test, run by tests; both come with Debian's package gdnsd."""

import contextlib
import re
import shutil
import subprocess
import tempfile

import dns.exception
import dns.message
import dns.query
import pytest

import harness

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
GEOIP_TEST = shutil.which("gdnsd_geoip_test", path=PATH)
DAEMON = shutil.which("gdnsd", path=PATH)

needed = pytest.mark.skipif(not GEOIP_TEST or not DAEMON,
                            reason="gdnsd is not installed; src/setup/packages.sh test installs it")

ANSWER = re.compile(r"^(\S+) => (\S+)/(\d+) => ?(.*)$")


def lookup(folder, questions):
    """What gdnsd's maps say of each (map, address): [(datacenters, scope)]. `folder` holds the file `config`."""
    asked = "".join(f"{name} {address}\n" for name, address in questions)
    done = subprocess.run([GEOIP_TEST, "-c", folder], input=asked, capture_output=True, text=True,
                          timeout=harness.DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr
    answers = []
    for line in done.stdout.splitlines():
        found = ANSWER.match(line.removeprefix("> "))
        if found:
            answers.append((tuple(found[4].replace(",", " ").split()), int(found[3])))
    assert len(answers) == len(questions), f"{len(answers)} answers to {len(questions)} questions\n{done.stderr[-2000:]}"
    return answers


class Daemon:
    """A gdnsd on loopback that answers from a folder with `config`, `geoip/` and `zones/`."""

    def __init__(self, folder, port):
        self.folder = folder
        self.port = port

    def ask(self, query):
        return dns.query.udp(query, "127.0.0.1", port=self.port, timeout=harness.DEADLINE_S)


@contextlib.contextmanager
def daemon(folder, options=""):
    """Writes `options` into the config's options, which must have the words `listen => 127.0.0.1`."""
    port = harness.free_port()
    # A Unix socket's path is short, so its folder is too.
    with tempfile.TemporaryDirectory(prefix="gdnsd-") as state:
        text = (folder / "config").read_text(encoding="utf-8")
        assert text.count("listen => 127.0.0.1") == 1
        running = folder / "running"
        shutil.copytree(folder, running, ignore=shutil.ignore_patterns("running"))
        (running / "config").write_text(
            text.replace("listen => 127.0.0.1",
                         f"listen => 127.0.0.1, dns_port => {port}, run_dir => \"{state}\", state_dir => \"{state}\" "
                         + options), encoding="utf-8")
        log_path = folder / "gdnsd.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen([DAEMON, "-c", running, "start"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        server = Daemon(folder, port)

        def answers():
            told = log_path.read_text(encoding="utf-8", errors="replace")
            assert process.poll() is None, f"gdnsd ended with {process.returncode}:\n{told}"
            try:
                return dns.query.tcp(dns.message.make_query("example.com", "SOA"), "127.0.0.1", port=port, timeout=1)
            except (OSError, EOFError, dns.exception.Timeout):
                return None

        try:
            harness.until(answers, lambda: log_path.read_text(encoding="utf-8", errors="replace"))
            yield server
        finally:
            process.terminate()
            process.wait(timeout=harness.DEADLINE_S)
