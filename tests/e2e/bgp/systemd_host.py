"""A host that systemd runs: this machine's own systemd is its process 1, and what our packages install lies over this
machine's files.

It has mounts, processes, cgroups and a name of its own, and the network namespace that it is given. What is written there
goes to memory, and all of it is gone with the host.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

import harness

SYSTEMD = "/usr/lib/systemd/systemd"
UNITS = "/usr/lib/systemd/system"
# Nothing else of this machine's is started; the targets are empty.
TARGETS = ("basic", "multi-user", "network", "network-online", "shutdown", "sysinit")
LINKED = ("systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket", "exabgp.service",
          "exabgp.service.d", "meridian-agent.service", "meridiand.service", "meridiand.service.d")

# Its cgroups are below one of its own, which is the root of all that it sees.
ENTER_CGROUP = """set -e
mount --make-rprivate /
mkdir "$FOLDER/cgroup" && mount -t cgroup2 none "$FOLDER/cgroup"
mkdir "$FOLDER/cgroup/$NAME" && echo $$ > "$FOLDER/cgroup/$NAME/cgroup.procs"
exec unshare --cgroup --ipc --uts --pid --fork --kill-child sh -c "$BOOT"
"""
BOOT = f"""set -e
hostname "$NAME"
mkdir "$FOLDER/memory" && mount -t tmpfs tmpfs "$FOLDER/memory" && cd "$FOLDER/memory"
mkdir work root && cp -a "$FOLDER/image" upper
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 none sys/fs/cgroup
for folder in run tmp dev; do mount -t tmpfs tmpfs $folder; done
for node in null zero full random urandom tty; do touch dev/$node && mount --bind /dev/$node dev/$node; done
mkdir dev/pts dev/shm && mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666 && ln -s pts/ptmx dev/ptmx
pivot_root . mnt && cd /
umount -l /mnt
exec env -i PATH=/usr/sbin:/usr/bin container=test SYSTEMD_UNIT_PATH=/etc/units {SYSTEMD} --system --show-status=false
"""
REMOVE_CGROUP = """mount -t cgroup2 none "$FOLDER/cgroup" && cd "$FOLDER/cgroup/$NAME" || exit 0  # it was never made
cd .. && find "$NAME" -depth -type d -exec rmdir {} +
"""


class Host:
    def __init__(self, namespace, folder, build):
        self.namespace = namespace
        self.folder = folder / "host"
        self.image = self.folder / "image"
        self.console = folder / "console.log"
        self.environment = {"PATH": "/usr/sbin:/usr/bin", "FOLDER": str(self.folder), "NAME": f"mhost{os.getpid()}",
                            "BOOT": BOOT}
        self.process = None
        if not os.access(SYSTEMD, os.X_OK) or shutil.which("exabgp", path="/usr/sbin:/usr/bin") is None:
            pytest.skip("systemd or exabgp is not installed")
        self.folder.mkdir()
        subprocess.run(["cmake", "--install", build, "--prefix", "/usr", "--strip"], check=True, capture_output=True,
                       env={**os.environ, "DESTDIR": str(self.image)}, timeout=harness.DEADLINE_S)
        units = self.image / "etc/units"
        units.mkdir(parents=True)
        for target in TARGETS:
            (units / f"{target}.target").write_text("[Unit]\n", encoding="ascii")
        (units / "default.target").symlink_to("multi-user.target")
        for unit in LINKED:
            (units / unit).symlink_to(f"{UNITS}/{unit}")

    def add(self, path, source):
        """A file or folder, before the host starts; a file's text may be given instead."""
        at = self.image / path.lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, pathlib.Path):
            shutil.copytree(source, at)
        else:
            at.write_text(source, encoding="utf-8")

    def boot(self):
        """Until systemd is well, which knows nothing of our units yet. Where that can't be, the test is skipped."""
        with self.console.open("wb") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c",
                 ENTER_CGROUP], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        try:
            harness.until(lambda: self.state() == "running", lambda: f"systemd is {self.state()}")
        except AssertionError as problem:
            pytest.skip(f"no systemd in namespaces here: {problem}; {self.console.read_text(errors='replace')}")
        self.run("systemctl", "start", "systemd-journald")

    def state(self):
        asked = self.run("systemctl", "is-system-running", check=False)
        return asked.stdout.strip() or asked.stderr

    def process_1(self):
        """Its number out here. As long as the host is being made: that of a mount, a copy, or 0."""
        assert self.process.poll() is None, "it has ended"
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int((children.read_text(encoding="ascii").split() or ["0"])[0])

    def start(self, *words):
        """A program in the host; its output is to be read."""
        return subprocess.Popen(["nsenter", f"--target={self.process_1()}", "--mount", "--pid", "--net", "--cgroup", "--ipc",
                                 "--uts", *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(self, *words, check=True):
        with self.start(*words) as process:
            out, err = process.communicate(timeout=harness.DEADLINE_S)
        assert not check or process.returncode == 0, f"{' '.join(map(str, words))}: {err}{out}{self.journal()}"
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def show(self, unit, name):
        """What systemd knows of a unit: `ActiveState`, `MainPID`, `NRestarts`, …"""
        return self.run("systemctl", "show", "--value", "--property", name, unit).stdout.strip()

    def status_of(self, pid):
        """/proc/PID/status of a process of the host's, by name."""
        text = self.run("cat", f"/proc/{pid}/status").stdout
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def journal(self, *arguments):
        self.run("journalctl", "--sync", check=False)
        return self.run("journalctl", "--no-pager", "--output=short-unix", *arguments, check=False).stdout

    def close(self):
        if self.process is None:
            return
        self.process.kill()  # and with it all that is in there
        self.process.wait()
        harness.until(lambda: subprocess.run(["unshare", "--mount", "sh", "-c", REMOVE_CGROUP], env=self.environment,
                                             check=False, capture_output=True).returncode == 0, "its cgroups stay")
