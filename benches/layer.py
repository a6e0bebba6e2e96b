#!/usr/bin/env python3
"""Requests per second of a small axum application, with and without a session layer.

See README.md beside this file. Prints medians and ratios; asserts nothing about time.
"""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import harness
from harness import Contender, pinned

KINDS = {
    "plain": None,
    "identity": None,
    "gatepass": "/",
    "tower-sessions": "/login",
    "tower-sessions-save": "/login",
    "gatepass-redis": "/",
    "tower-sessions-redis": "/login",
    "tower-sessions-redis-save": "/login",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--one-core", action="store_true", help="load and servers on one core")
    parser.add_argument("--connections", type=int, default=harness.CONNECTIONS)
    parser.add_argument("--redis-away", type=int, default=0, metavar="US",
                        help="microseconds that each way to Redis takes, as over a network")
    parser.add_argument("--only", help="kinds, separated by commas; the first is compared with")
    arguments = parser.parse_args()
    if arguments.one_core:
        harness.share_one_core()
    harness.CONNECTIONS = arguments.connections
    harness.need(("wrk", "wrk"), ("taskset", "util-linux"), ("redis-server", "redis-server"))
    built = harness.cargo("build", "--locked", "--release", cwd=harness.PEERS)
    kinds = arguments.only.split(",") if arguments.only else KINDS
    with harness.servers() as (start, folder):
        redis = harness.redis(start, folder)
        if arguments.redis_away:
            redis = delayed(start, built / "release" / "delay", redis, arguments.redis_away)
        contenders = [contender(start, built / "release" / "layer", kind, redis) for kind in kinds]
        print(f"{arguments.rounds} rounds of {arguments.seconds} s, {arguments.connections} connections",
              flush=True)
        harness.interleave(contenders, arguments.rounds, arguments.seconds)
        harness.table(contenders, contenders[0])


def delayed(start, program, server, delay):
    port = harness.free_port()
    ways = [f"127.0.0.1:{port}", f"127.0.0.1:{server.port}", delay]
    return start("delay", pinned("load", program, *ways), port)


def contender(start, program, kind, redis):
    port = harness.free_port()
    addresses = [f"127.0.0.1:{port}", f"127.0.0.1:{redis.port}"]
    server = start(kind, pinned("server", program, kind, *addresses), port)
    headers = {"Cookie": "theme=dark"}
    if login := KINDS[kind]:
        _, answered, _, _ = harness.fetch(port, login)
        headers = {"Cookie": answered["set-cookie"].split(";")[0]}
    status, answered, body, kept = harness.fetch(port, headers=headers, count=20)
    if (status, body, kept) != (200, b"hello", True):
        sys.exit(f"{kind}: status {status}, {body}, kept alive: {kept}")
    if kind.startswith("gatepass") and "set-cookie" in answered:
        sys.exit(f"{kind} opens a session for each request")
    return Contender(kind, server, headers)


if __name__ == "__main__":
    main()
