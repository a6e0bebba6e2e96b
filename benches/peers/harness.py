"""What the benchmarks that drive servers have in common: starting them, loading them with
wrk, and reading their clocks. Standard library only."""

import functools
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

PEERS = Path(__file__).resolve().parent
REPOSITORY = PEERS.parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
CONNECTIONS = 64
CORES = {"server": 0, "load": min(1, os.cpu_count() - 1)}


def need(*packages):
    """Installs the Debian packages (program: package) of programs that are missing."""
    missing = [package for program, package in packages if not shutil.which(program, path=PATH)]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"missing programs; install {' '.join(missing)}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    # Their services must not start: the benchmarks run instances of their own.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    finally:
        if ours:
            policy.unlink()


def cargo(*arguments, cwd=REPOSITORY):
    """Runs cargo and returns the folder where its binaries are."""
    environment = dict(os.environ)
    target = Path(environment.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
    environment["CARGO_TARGET_DIR"] = str(target)
    if cwd == PEERS:
        # Apart from the crate's own: other features and profiles would rebuild each other.
        environment["CARGO_TARGET_DIR"] += "/peers"
    subprocess.run(["cargo", *arguments], check=True, cwd=cwd, env=environment)
    return Path(environment["CARGO_TARGET_DIR"])


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def pinned(role, *command):
    """`command` on the core of that role: "server" or "load"."""
    return ["taskset", "-c", str(CORES[role]), *command]


def share_one_core():
    """Puts everything on one core: no wake-ups of another core, whose price in a virtual
    machine hides what the servers themselves cost."""
    CORES["load"] = CORES["server"]


@contextmanager
def busy_cores():
    """Keeps idle cores from going to sleep: a loop on each that yields to everything else.
    In a virtual machine, waking a sleeping core costs more than a request, and whether one
    sleeps changes by chance from one second to the next."""
    loops = []
    policy = "os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))"
    try:
        for core in set(CORES.values()):
            setup = f"import os; os.sched_setaffinity(0, [{core}]); {policy}"
            loops.append(subprocess.Popen([sys.executable, "-c", f"{setup}\nwhile True: pass"]))
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


class Server:
    """A server that was started here, with its children."""

    def __init__(self, name, command, port, folder):
        self.name, self.port = name, port
        self.log = Path(folder) / f"{name.replace(' ', '-')}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.wait()

    def wait(self):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        sys.exit(f"{self.name} does not start:\n{self.log.read_text()}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def pids(self):
        pids = [self.process.pid]
        for pid in pids:
            try:
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except OSError:
                continue
            pids.extend(int(child) for child in children.split())
        return pids

    def cpu(self):
        """Seconds of user and kernel time so far."""
        user = kernel = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            user, kernel = user + int(fields[11]), kernel + int(fields[12])
        return user / TICKS, kernel / TICKS

    def peak_mib(self):
        total = 0
        for pid in self.pids():
            status = Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(r"VmHWM:\s+(\d+)", status)[1])
        return total / 1024


def fill(name, folder, into=None, **values):
    """The file `name` of the peers with its @KEYS@ filled in, in `folder`."""
    text = (PEERS / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    path = folder / (into or name)
    path.write_text(text)
    return path


def redis(start, folder):
    """A redis-server that keeps what it acknowledges, where the load is generated: none of the
    contenders has its processor time counted."""
    port = free_port()
    (folder / "redis").mkdir()
    settings = {"--port": port, "--bind": "127.0.0.1", "--dir": folder / "redis", "--save": "",
                "--appendonly": "yes"}
    words = [str(word) for setting in settings.items() for word in setting]
    return start("redis", pinned("load", "redis-server", *words), port)


def unverified():
    """TLS that asks for no proof of who the server is: it was started here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def fetch(port, path="/", headers=None, count=1, scheme="http"):
    """GETs over one connection; the last answer and whether the connection stayed."""
    if scheme == "https":
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=unverified())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        local = None
        for _ in range(count):
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            body = response.read()
            now = connection.sock and connection.sock.getsockname()
            kept = now is not None and local in (None, now)
            local = now
        return response.status, response.headers, body, kept
    finally:
        connection.close()


@contextmanager
def servers():
    """Yields a function that starts servers, and a folder for their files; stops them all."""
    started = []
    with priority(), tempfile.TemporaryDirectory(prefix="gatepass-bench-") as folder:

        def start(name, command, port):
            server = Server(name, command, port, folder)
            started.append(server)
            return server

        try:
            yield start, Path(folder)
        finally:
            for server in reversed(started):
                server.stop()


@contextmanager
def priority():
    """Lets what else runs on the machine wait, where that is allowed."""
    groups = Path("/proc/self/autogroup")
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)
        # Linux weighs sessions first, and processes within theirs.
        groups.write_text("-15")
    try:
        yield
    finally:
        with suppress(OSError):
            groups.write_text("0")


class Contender:
    """Something to load: a server, and the requests to load it with."""

    def __init__(self, name, server, headers=None, port=None, scheme="http"):
        self.name, self.server, self.port = name, server, port or server.port
        self.headers, self.scheme = headers or {}, scheme
        self.runs, self.counted = [], {}

    def load(self, seconds, keep=True, count=False):
        command = pinned("load", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency")
        for name, value in self.headers.items():
            command += ["-H", f"{name}: {value}"]
        command.append(f"{self.scheme}://127.0.0.1:{self.port}/")
        counters = Counters(self.server.pids())
        before = self.server.cpu()
        if count:
            command = counters.around(command)
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        user, kernel = (after - b for after, b in zip(self.server.cpu(), before))
        if "Non-2xx" in text or "Socket errors" in text:
            sys.exit(f"{self.name} did not answer every request well:\n{text}\n"
                     f"exit status: {self.server.process.poll()}\n{self.server.log.read_text()}")
        requests = int(re.search(r"(\d+) requests in", text)[1])
        run = {
            "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "user": user / requests * 1e5,
            "kernel": kernel / requests * 1e5,
            "cpu": (user + kernel) / requests * 1e5,
            **{event: events / requests for event, events in counters.read().items()},
            "p50": milliseconds(text, "50%"),
            "p99": milliseconds(text, "99%"),
            "mib": self.server.peak_mib(),
        }
        if keep:
            self.runs.append(run)
        return run

    def median(self, key):
        return statistics.median(run[key] for run in self.runs)

    def ratio(self, key, other):
        """The median over the rounds of this one's value by the other's in the same round."""
        pairs = zip(self.runs, other.runs)
        return statistics.median(mine[key] / theirs[key] for mine, theirs in pairs)


class Counters:
    """The processor's counters of some processes, where `perf` can read them."""

    def __init__(self, pids):
        self.pids = ",".join(str(pid) for pid in pids)
        self.file = tempfile.NamedTemporaryFile(mode="r", suffix=".perf")

    def around(self, command):
        if not counters_work():
            return command
        events = ",".join(EVENTS)
        return ["perf", "stat", "-x,", "-o", self.file.name, "-e", events, "-p", self.pids,
                "--", *command]

    def read(self):
        with self.file:
            fields = [line.split(",") for line in self.file if ",," in line]
        return {field[2]: int(field[0]) for field in fields if field[0].isdigit()}


@functools.cache
def counters_work():
    if not shutil.which("perf"):
        return False
    command = ["perf", "stat", "-x,", "-e", EVENTS[0], "true"]
    ran = subprocess.run(command, capture_output=True, text=True)
    return ran.returncode == 0 and ran.stderr[:1].isdigit()


def milliseconds(text, percentile):
    value, unit = re.search(rf"^\s+{percentile}\s+([\d.]+)(us|ms|s)", text, re.M).groups()
    return float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def interleave(contenders, rounds, seconds):
    """Loads each in turn, round after round; each round begins with another one."""
    for contender in contenders:
        contender.load(1, keep=False)
    with busy_cores():
        for number in range(rounds):
            start = number % len(contenders)
            for one in contenders[start:] + contenders[:start]:
                run = one.load(seconds)
                print(f"  round {number + 1}: {one.name:28} {run['rate']:9.0f} req/s", flush=True)
        # Apart from the rounds: reading counters slows down who is often put to sleep.
        if counters_work():
            for one in contenders:
                one.counted = one.load(seconds, keep=False, count=True)


def table(contenders, base):
    """The medians as Markdown tables; ratios are against `base`, round by round."""
    rows = []
    for one in contenders:
        rates = sorted(run["rate"] for run in one.runs)
        rows.append([
            one.name,
            f"{one.median('rate'):,.0f}",
            f"{rates[0]:,.0f} - {rates[-1]:,.0f}",
            f"{one.ratio('rate', base):.2f}",
            f"{one.median('cpu'):.2f} ({one.median('user'):.2f} + {one.median('kernel'):.2f})",
            f"{one.ratio('cpu', base):.2f}",
            f"{one.median('p50'):.2f} / {one.median('p99'):.2f}",
            f"{one.median('mib'):.0f}",
        ])
    markdown(["", "req/s", "lowest - highest", f"x {base.name}",
              "CPU s/100k (user + kernel)", "x", "p50 / p99 ms", "peak MiB"], rows)
    if not counters_work():
        return
    rows = []
    for one in contenders:
        user, kernel = (one.counted[f"instructions:{mode}"] for mode in "uk")
        ratio = user / base.counted["instructions:u"]
        rows.append([one.name, f"{user:,.0f}", f"{ratio:.2f}", f"{kernel:,.0f}"])
    markdown(["instructions per request", "user", f"x {base.name}", "kernel"], rows)


def markdown(head, rows):
    print()
    for row in [head, ["---"] * len(head), *rows]:
        print("| " + " | ".join(row) + " |")


EVENTS = ["instructions:u", "instructions:k"]
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
os.environ["PATH"] = PATH
