#!/usr/bin/env python3
"""Two gateways on one Redis: how soon a session that is ended on one is refused by the other,
and what a request costs whose gateway keeps its sessions in the memory, in a file, in Redis.

See README.md beside this file. Prints figures; asserts nothing about time.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import harness
from harness import CONNECTIONS, Contender, fill, pinned

STORES = ["memory", "file", "redis"]

# Between two requests of B, in seconds; the system makes some 50 us more of it.
PAUSE = 20e-6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--ends", type=int, default=5000)
    parser.add_argument("--one-core", action="store_true", help="load and servers on one core")
    parser.add_argument("--gatepass", help="measure this program instead of building one")
    arguments = parser.parse_args()
    if arguments.one_core:
        harness.share_one_core()
    harness.need(("wrk", "wrk"), ("taskset", "util-linux"), ("redis-server", "redis-server"))
    program = arguments.gatepass
    if not program:
        built = harness.cargo("build", "--locked", "--profile", "dist", "--bin", "gatepass")
        program = built / "dist" / "gatepass"
    built = harness.cargo("build", "--locked", "--release", cwd=harness.PEERS)
    with harness.servers() as (start, folder):
        upstream_port = harness.free_port()
        command = pinned("load", built / "release" / "upstream", f"127.0.0.1:{upstream_port}")
        house = House(start, folder, program, start("upstream", command, upstream_port))
        if arguments.ends:
            ends(house, arguments.ends)
        if arguments.rounds:
            contenders = [house.contender(store) for store in STORES]
            print(f"{arguments.rounds} rounds of {arguments.seconds} s, {CONNECTIONS} connections, "
                  f"cores: {harness.CORES}", flush=True)
            harness.interleave(contenders, arguments.rounds, arguments.seconds)
            harness.table(contenders, contenders[0])


class House:
    """What the gateways have in common."""

    def __init__(self, start, folder, program, upstream):
        self.start, self.folder, self.program, self.upstream = start, folder, program, upstream
        self.redis = harness.redis(start, folder)
        command = [program, "key", "create", "--id", "bench", "--role", "site-admin",
                   "--file", folder / "keys.toml", "--json"]
        made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        self.key = next(value for value in json.loads(made).values()
                        if isinstance(value, str) and len(value) > 30)

    def gateway(self, name, store, *pin):
        port, admin_port = harness.free_port(), harness.free_port()
        settings = {
            "memory": "",
            "file": f'path = "{name}.redb"',
            "redis": f'[store.redis]\nnodes = ["redis://127.0.0.1:{self.redis.port}"]\n'
                     f'node = "{name}"',
        }
        config = fill("gatepass-fleet.toml", self.folder, f"{name}.toml", PORT=port,
                      ADMIN_PORT=admin_port, UPSTREAM=f"127.0.0.1:{self.upstream.port}",
                      KIND=store, STORE=settings[store])
        server = self.start(name, [*pin, self.program, "serve", "--config", config], port)
        server.admin_port = admin_port
        return server

    def contender(self, store):
        server = self.gateway(f"on-{store}", store, *pinned("server"))
        cookie = Client(server.port).log_in("ann")
        status, _, body, kept = harness.fetch(server.port, headers={"Cookie": cookie}, count=20)
        if (status, len(body), kept) != (200, 1024, True):
            sys.exit(f"{store}: status {status}, {len(body)} bytes, kept alive: {kept}")
        return Contender(store, server, {"Cookie": cookie})


class Client:
    """A connection that stays, and costs little: a `read` for a short answer."""

    def __init__(self, port):
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, method, path, *headers):
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def receive(self):
        """Status, head and body of the next answer."""
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.read()
        head, body = answer.split(b"\r\n\r\n", 1)
        head = head.decode()
        length = next((int(line.split(":")[1]) for line in head.split("\r\n")
                       if line.lower().startswith("content-length:")), 0)
        while len(body) < length:
            body += self.read()
        return int(head.split(" ", 2)[1]), head, body

    def read(self):
        return self.socket.recv(65536) or sys.exit("a gateway closed its connection")

    def ask(self, method, path, *headers):
        self.send(method, path, *headers)
        return self.receive()

    def log_in(self, user):
        status, head, _ = self.ask("GET", "/empty", f"bench-user: {user}")
        line = next((line for line in head.split("\r\n")
                     if line.lower().startswith("set-cookie:")), None)
        if not line:
            sys.exit(f"no session: {status}\n{head}")
        return line.split(":", 1)[1].split(";")[0].strip()


def ends(house, count):
    """From the request to A's side port until B's edge says 401, asked again and again: the answer
    is late by a pause and a request at most."""
    a, b = (house.gateway(name, "redis") for name in "ab")
    edge_a, side_port, edge_b = Client(a.port), Client(a.admin_port), Client(b.port)
    key = f"Authorization: Bearer {house.key}"
    sessions = "/api/v1/spaces/bench/sessions"
    from_call, asked = [], []
    for number in range(count):
        cookie = f"Cookie: {edge_a.log_in(f'user{number}')}"
        if (status := edge_b.ask("GET", "/empty", cookie)[0]) not in (200, 204):
            sys.exit(f"the other gateway says {status}")
        before = time.perf_counter()
        edge_b.ask("GET", "/empty", cookie)
        asked.append(time.perf_counter() - before)
        page = json.loads(side_port.ask("GET", f"{sessions}?limit=1", key)[2])
        path = f"{sessions}/{page['sessions'][0]['sessionId']}"
        called = time.perf_counter()
        side_port.send("DELETE", path, key)
        # With a pause: whoever asks without one takes a core from those who are measured.
        while edge_b.ask("GET", "/empty", cookie)[0] != 401:
            time.sleep(PAUSE)
        seen = time.perf_counter()
        if (status := side_port.receive()[0]) not in (200, 204):
            sys.exit(f"the side port says {status}")
        from_call.append(seen - called)
    print(f"{count} sessions ended at A's side port, load {os.getloadavg()[0]:.1f}")
    print(f"  a request of B: {percentiles(asked)}")
    print(f"  from the call until B refuses it: {percentiles(from_call)}", flush=True)


def percentiles(times):
    times = sorted(times)
    at = {share: times[min(len(times) - 1, int(len(times) * share))] * 1e3
          for share in (0.5, 0.99, 0.999)}
    return f"p50 {at[0.5]:.2f}  p99 {at[0.99]:.2f}  p99.9 {at[0.999]:.2f} ms"


if __name__ == "__main__":
    main()
