"""What the tests of this level share: the real programs, a running server, and waiting for a condition.

Nothing here sleeps for a fixed time to "be sure": `until` polls with a deadline that only a broken server meets.
Every server listens on port 0 of loopback, in a folder of its own.
"""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rdatatype

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "config" / "examples" / "three-datacenters"

# Generous: a sanitized server on a busy machine is slow, and only a broken one waits this long.
DEADLINE_S = 45

# The pools of www.example.com and example.com in the example.
POOLS = {
    "ams": {"A": {"192.0.2.10", "192.0.2.11"}, "AAAA": {"2001:db8:a::10"}},
    "iad": {"A": {"198.51.100.10", "198.51.100.11"}, "AAAA": {"2001:db8:b::10"}},
    "sin": {"A": {"203.0.113.10", "203.0.113.11"}, "AAAA": {"2001:db8:c::10"}},
}

SANITIZER_REPORT = re.compile(r"(AddressSanitizer|ThreadSanitizer|LeakSanitizer|UndefinedBehavior|runtime error):?.*")


class Background:
    """Does what run() of a subclass says on a thread of its own, while a `with` block lasts; then `is_over`."""

    def __init__(self):
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        raise NotImplementedError

    def start(self):
        self.thread.start()
        return self

    def close(self):
        self.is_over = True
        self.thread.join()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


class StallWatch(Background):
    """How long the machine had no time for us: a thread on each core that wants to run every 5 ms notes how late it was."""

    PERIOD_S = 0.005
    USUAL_S = 0.02

    def __init__(self):
        super().__init__()
        self.late = {core: [] for core in os.sched_getaffinity(0)}

    def run(self):
        threads = [threading.Thread(target=self.watch, args=each, daemon=True) for each in self.late.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def watch(self, core, late):
        os.sched_setaffinity(threading.get_native_id(), {core})
        while not self.is_over:
            before = time.monotonic()
            time.sleep(self.PERIOD_S)
            by = time.monotonic() - before - self.PERIOD_S
            if by > self.USUAL_S:
                late.append((before, by))

    def stalled_s(self, begin, end):
        """What is more than usual, between two times, on the core where it is most."""
        return max(sum(by for at, by in list(late) if begin - by < at < end) for late in self.late.values())


def until(condition, what, seconds=DEADLINE_S):
    """Polls until `condition()` is true and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.01)


class Programs:
    """The programs of one build."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.meridiand = self.build / "bin" / "meridiand"
        self.meridianctl = self.build / "bin" / "meridianctl"
        self.data = self.build / "share" / "meridian"
        for path in (self.meridiand, self.meridianctl, self.data / "country.mmdb"):
            assert path.exists(), f"{path} is missing; build first"
        cache = self.build / "CMakeCache.txt"
        text = cache.read_text(encoding="utf-8") if cache.exists() else ""
        found = re.search(r"^MERIDIAN_SANITIZE:\w+=(.*)$", text, re.MULTILINE)
        self.sanitized = bool(found and found.group(1))

    def ctl(self, *arguments, stdin="", env=None, cwd=None):
        """Runs meridianctl to its end."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MERIDIAN_")}
        return subprocess.run([self.meridianctl, *map(str, arguments)], input=stdin, capture_output=True, text=True,
                              timeout=DEADLINE_S, cwd=cwd, env={**environment, **(env or {})}, check=False)

    def check(self, map_folder, *arguments):
        return self.ctl("check", map_folder, "--data", self.data, *arguments)


class UnixConnection(http.client.HTTPConnection):
    """http.client over a unix socket."""

    def __init__(self, path):
        super().__init__("meridiand", timeout=DEADLINE_S)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask_http(control, method, target, body=None):
    """One raw request over a control socket; (status code, content type, text)."""
    with contextlib.closing(UnixConnection(control)) as connection:
        connection.request(method, target, body=body)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read().decode()


def free_port():
    """A port that was free for TCP and UDP a moment ago, for programs that can't tell which one they took."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]


def resident_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmRSS:\s+(\d+) kB", text, re.MULTILINE).group(1))


def end_process(process, number=signal.SIGTERM):
    """Ends a process of ours, at the latest with SIGKILL."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)
    process.send_signal(number)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class AdoptedProcess:
    """A server that another server started. It is ours once that one has ended: see `adopt_orphans`."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                return None  # still the other server's child
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout=DEADLINE_S):
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("meridiand", timeout)
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def adopt_orphans():
    """Processes whose parent ended become our children, so that their exit codes can be checked."""
    pr_set_child_subreaper = 36
    assert ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0) == 0


class Server:
    """One meridiand with a copy of the example's map; `start` it, and the fixture ends it."""

    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = pathlib.Path(folder)
        self.map = self.folder / "map"
        self.site = self.folder / "meridian.yaml"
        self.control = self.folder / "control.sock"
        self.log_file = self.folder / "stderr.log"
        self.process = None
        self.port = None
        self.binary = programs.meridiand
        shutil.copytree(EXAMPLE / "map", self.map)
        (self.map / "expect.yaml").unlink()  # tests change what the example promises
        self.write_site()

    # --- files -----------------------------------------------------------------------------------

    def write_site(self, listen="127.0.0.1:0", **options):
        lines = ["map: map", "site: e2e", f'listen: {{dns: ["{listen}"]}}']
        lines += [f"{key}: {value}" for key, value in options.items()]
        self.site.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def write(self, file, text):
        """Replaces a file of the map, by rename as deployment tools do."""
        path = self.map / file
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text, encoding="utf-8")
        fresh.rename(path)
        return path

    def edit(self, file, old, new):
        """Replaces one piece of text that must be there."""
        text = (self.map / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        return self.write(file, text.replace(old, new))

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    # --- life ------------------------------------------------------------------------------------

    def launch(self, *extra):
        """Starts the process and waits for nothing."""
        command = [self.binary, "--site", self.site, "--data", self.programs.data]
        if "--control" not in extra:
            command += ["--control", self.control]
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen([*map(str, command), *map(str, extra)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        return self

    def start(self):
        self.launch()
        return self.start_after_launch()

    def start_after_launch(self):
        """Waits until it answers."""
        until(self.is_ready, lambda: f"a server that answers; its log:\n{self.log()}")
        self.port = int(self.status()["listening"][0].rsplit(":", 1)[1])
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"meridiand ended with {self.process.returncode}:\n{self.log()}"
        if not self.control.exists():
            return False
        try:
            return self.api("GET", "/v1/status")[0] == 200
        except OSError:
            return False

    def wait(self):
        """Waits until it has ended by itself; its exit code and log."""
        return self.process.wait(timeout=DEADLINE_S), self.log()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def end(self):
        """Teardown: a server that still runs must stop cleanly, and no sanitizer may have spoken."""
        if self.process is None:
            return
        was_running = self.process.poll() is None
        try:
            code = self.stop()[0] if was_running else self.process.returncode
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "killed: it did not stop"
        print(f"--- log of meridiand {self.process.pid}\n{self.log()}")
        report = SANITIZER_REPORT.search(self.log())
        assert report is None, report.group(0)
        assert not was_running or code == 0, f"meridiand ended with {code}"

    def is_alive(self):
        return self.process.poll() is None

    def resident_kb(self):
        return resident_kb(self.process.pid)

    def upgrade(self, *arguments):
        """Hands over to a new process, which is this server from now on. The old one must end well."""
        done = self.ctl("upgrade", "--json", *arguments)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.log()}"
        told = json.loads(done.stdout)
        old, self.process = self.process, AdoptedProcess(told["pid"])
        assert old.wait(timeout=DEADLINE_S) == 0, self.log()
        return told

    # --- control ---------------------------------------------------------------------------------

    def ctl(self, *arguments, **options):
        return self.programs.ctl("--control", self.control, *arguments, **options)

    def api(self, method, target, body=None):
        """One raw request; (status code, JSON)."""
        status, _, text = ask_http(self.control, method, target, body)
        return status, json.loads(text)

    def status(self):
        done = self.ctl("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def counters(self):
        return self.api("GET", "/v1/status")[1]["counters"]

    def settled_counters(self):
        """Once what was answered before is counted, which is just after it was sent."""
        last = {}

        def is_settled():
            now = self.counters()
            same = all(now[name] == last.get(name) for name in now if not name.startswith("control_"))
            last.update(now)
            return same

        until(is_settled, "counters that stay")
        return last

    def epoch(self):
        return self.api("GET", "/v1/status")[1]["epoch"]

    def reload(self):
        return self.ctl("reload")

    def explain(self, *arguments):
        """A live explanation as JSON."""
        done = self.ctl("explain", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def moves(self, **expected):
        """What happens inside moves exactly these counters (written without `_total`) by exactly so much.

        An answer may be counted just after it was sent, so this waits. Left out are control counters, rows of the
        journal (the audit log has what is asked for there), and how many answers were kept ones: those are counted as
        what they are as well.
        """
        before = self.settled_counters()
        yield
        wanted = {f"{name}_total": by for name, by in expected.items()}
        moved = {}

        def as_wanted():
            after = self.counters()
            moved.clear()
            moved.update({name: after[name] - before[name] for name in after
                          if after[name] != before[name] and not name.startswith(("control_", "journal_rows_", "kept_"))})
            return moved == wanted

        until(as_wanted, lambda: f"counters moved by {moved}, not by {wanted}", seconds=10)

    # --- queries ---------------------------------------------------------------------------------

    def address(self):
        return ("127.0.0.1", self.port)

    def query(self, name, rtype="A", tcp=False, **options):
        """Asks and returns the parsed answer; options as in `make_query`."""
        return self.ask(make_query(name, rtype, **options), tcp=tcp)

    def ask(self, message, tcp=False):
        send = dns.query.tcp if tcp else dns.query.udp
        return send(message, "127.0.0.1", port=self.port, timeout=DEADLINE_S)

    def ask_raw(self, wire):
        """The bytes of the answer over UDP to these bytes."""
        with self.udp() as udp:
            udp.send(wire)
            return udp.recv(65535)

    def tcp(self):
        return socket.create_connection(self.address(), timeout=DEADLINE_S)

    def udp(self):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.settimeout(DEADLINE_S)
        udp.connect(self.address())
        return udp


@contextlib.contextmanager
def running_server(programs, prepare=None):
    """A server in a folder of its own, ended at the end; `prepare(server)` changes its files before it starts."""
    with tempfile.TemporaryDirectory(prefix="meridian-e2e-") as path:
        server = Server(programs, path)
        if prepare is not None:
            prepare(server)
        try:
            yield server.start()
            server.end()
        finally:
            if server.process is not None and server.process.poll() is None:
                server.process.kill()
                server.process.wait()


def make_query(name, rtype="A", subnet=None, edns=True, payload=1232, nsid=False, version=0):
    """`subnet` is "192.0.2.0/24"; its bits past the prefix must be zero."""
    options = []
    if subnet is not None:
        address, bits = subnet.split("/")
        options.append(dns.edns.ECSOption(address, int(bits)))
    if nsid:
        options.append(dns.edns.GenericOption(dns.edns.OptionType.NSID, b""))
    if not edns:
        assert not options, "options need EDNS"
        return dns.message.make_query(name, rtype, use_edns=False)
    query = dns.message.make_query(name, rtype, use_edns=0, payload=payload, options=options)
    query.ednsflags |= version << 16  # where it stands; dnspython's own argument does not get it there
    return query


def subnet_of(response):
    """The client subnet option of an answer, or None."""
    found = [option for option in response.options if option.otype == dns.edns.OptionType.ECS]
    assert len(found) <= 1
    return found[0] if found else None


def texts(response, rtype, section="answer"):
    """The records of one type in a section, as a set of strings."""
    wanted = dns.rdatatype.from_text(rtype)
    return {item.to_text() for rrset in getattr(response, section) if rrset.rdtype == wanted for item in rrset}


def datacenter_of(response, rtype):
    """Whose pool of www.example.com answered; the answer must be that pool whole."""
    addresses = texts(response, rtype)
    found = [name for name, pool in POOLS.items() if pool[rtype] == addresses]
    assert len(found) == 1, f"{addresses} is no pool"
    return found[0]


def frame(wire):
    """A message as it goes over TCP."""
    return struct.pack("!H", len(wire)) + wire


def read_exactly(stream, size):
    """`size` bytes, or what came before the other side closed."""
    data = b""
    while len(data) < size:
        piece = stream.recv(size - len(data))
        if not piece:
            break
        data += piece
    return data


def read_frame(stream):
    """One message from TCP; None when the other side closed instead."""
    try:
        head = read_exactly(stream, 2)
        if not head:
            return None
        assert len(head) == 2, "the stream ended within a length"
        size = struct.unpack("!H", head)[0]
        body = read_exactly(stream, size)
    except ConnectionResetError:
        return None
    assert len(body) == size, "the stream ended within a message"
    return body
