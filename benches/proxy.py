#!/usr/bin/env python3
"""Requests per second through gatepass, against nginx and haproxy, in interleaved rounds.

See README.md beside this file. Prints medians and ratios; asserts nothing about time.
"""

import argparse
import base64
import json
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import harness
from harness import CONNECTIONS, Contender, fill, pinned

ISSUER, AUDIENCE = "https://login.example.com", "bench"


def main():
    arguments = parse()
    programs = [("wrk", "wrk"), ("openssl", "openssl"), ("taskset", "util-linux")]
    programs += [("nginx", "nginx-light"), ("haproxy", "haproxy")]
    harness.need(*programs)
    if arguments.one_core:
        harness.share_one_core()
    binaries = dict(named(text) for text in arguments.gatepass)
    if not binaries:
        built = harness.cargo("build", "--locked", "--profile", "dist", "--bin", "gatepass")
        binaries = {"gatepass": built / "dist" / "gatepass"}
    built = harness.cargo("build", "--locked", "--release", cwd=harness.PEERS)
    peers = built / "release"

    with harness.servers() as (start, folder):
        port = harness.free_port()
        command = pinned("load", peers / "upstream", f"127.0.0.1:{port}")
        upstream = start("upstream", command, port)
        token = rs256(folder)
        contenders = [Contender("direct", upstream)]
        contenders += nginx(start, folder, upstream, arguments)
        contenders += haproxy(start, folder, upstream, token, arguments)
        contenders.append(bare_hyper(start, peers, upstream))
        for name, program in binaries.items():
            contenders += gatepass(start, folder, name, program, upstream, token, arguments)
        names = arguments.only.split(",") if arguments.only else []
        contenders = [one for one in contenders if not names or one.name in [*names, "nginx"]]
        for one in contenders:
            check(one, upstream)
        print(f"{arguments.rounds} rounds of {arguments.seconds} s, {CONNECTIONS} connections, "
              f"{arguments.workers} worker(s), cores: {harness.CORES}", flush=True)
        harness.interleave(contenders, arguments.rounds, arguments.seconds)
        base = next(one for one in contenders if one.name == "nginx")
        harness.table(contenders, base)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1, help="of each server (default: 1)")
    parser.add_argument("--only", help="names, separated by commas; nginx is always there")
    parser.add_argument("--one-core", action="store_true", help="load and servers on one core")
    parser.add_argument("--gatepass", action="append", default=[], metavar="NAME=PROGRAM",
                        help="measure this instead of building one; several are compared")
    return parser.parse_args()


def named(text):
    name, _, program = text.rpartition("=")
    return name or "gatepass", program


def nginx(start, folder, upstream, arguments):
    port, forwarded_port, auth_port = (harness.free_port() for _ in range(3))
    fill("nginx.conf", folder, UPSTREAM=f"127.0.0.1:{upstream.port}", PORT=port,
         FORWARDED_PORT=forwarded_port, AUTH_PORT=auth_port,
         WORKERS=arguments.workers, FOLDER=folder)
    command = ["nginx", "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]
    server = start("nginx", pinned("server", *command), port)
    return [Contender("nginx", server),
            Contender("nginx forwarded", server, port=forwarded_port),
            Contender("nginx auth_request", server, port=auth_port)]


def haproxy(start, folder, upstream, token, arguments):
    port, jwt_port = harness.free_port(), harness.free_port()
    fill("haproxy.cfg", folder, UPSTREAM=f"127.0.0.1:{upstream.port}", PORT=port,
         JWT_PORT=jwt_port, WORKERS=arguments.workers, KEY=folder / "public.pem")
    server = start("haproxy", pinned("server", "haproxy", "-f", folder / "haproxy.cfg"), port)
    bearer = {"Authorization": f"Bearer {token}"}
    return [Contender("haproxy", server),
            Contender("haproxy RS256", server, bearer, port=jwt_port)]


def bare_hyper(start, peers, upstream):
    port = harness.free_port()
    addresses = [f"127.0.0.1:{port}", f"127.0.0.1:{upstream.port}"]
    server = start("bare hyper", pinned("server", peers / "bare_hyper", *addresses), port)
    return Contender("bare hyper", server)


def gatepass(start, folder, name, program, upstream, token, arguments):
    port = harness.free_port()
    fill("gatepass.toml", folder, UPSTREAM=f"127.0.0.1:{upstream.port}", PORT=port,
         ADMIN_PORT=harness.free_port(), WORKERS=arguments.workers, ISSUER=ISSUER,
         AUDIENCE=AUDIENCE)
    command = pinned("server", program, "serve", "--config", folder / "gatepass.toml")
    server = start(name, command, port)
    # The first request with the token opens the session that both rows use.
    bearer = {"Authorization": f"Bearer {token}"}
    status, headers, _, _ = harness.fetch(port, headers=bearer)
    if status != 200 or "set-cookie" not in headers:
        sys.exit(f"gatepass gave no session: {status} {headers.items()}")
    cookie = headers["set-cookie"].split(";")[0]
    return [Contender(f"{name} cookie", server, {"Cookie": cookie}),
            Contender(f"{name} bearer", server, bearer)]


def check(contender, upstream):
    """That it forwards, and over connections that it keeps."""
    def accepted():
        return int(harness.fetch(upstream.port, "/connections")[2])

    status, _, body, kept = harness.fetch(contender.port, headers=contender.headers, count=20)
    if (status, len(body), kept) != (200, 1024, True):
        sys.exit(f"{contender.name}: status {status}, {len(body)} bytes, kept alive: {kept}")
    if contender.headers:
        without, _, _, _ = harness.fetch(contender.port)
        if without == 200:
            sys.exit(f"{contender.name} answers 200 to who has no credentials")
    before = accepted()
    requests = contender.load(1, keep=False)["rate"]
    opened = accepted() - before - 1
    _, _, head, _ = harness.fetch(contender.port, "/head", contender.headers)
    lines = len(head.splitlines()) - 2
    print(f"{contender.name}: {opened} connections to the upstream for some {requests:.0f} "
          f"requests; it forwards {lines} header lines", flush=True)
    if opened > 4 * CONNECTIONS:
        sys.exit(f"{contender.name} does not keep its connections to the upstream")


def rs256(folder):
    """A token, signed with a new key whose public half is public.pem in `folder`."""
    private, public = folder / "private.pem", folder / "public.pem"
    quiet = {"check": True, "stderr": subprocess.DEVNULL}
    subprocess.run(["openssl", "genrsa", "-out", private, "2048"], **quiet)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], **quiet)
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "name": "Alice", "exp": now + 86400,
              "email": "alice@example.com", "groups": ["sales", "admins"]}
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    signed = ".".join(encode(json.dumps(part).encode()) for part in parts)
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", private],
                               input=signed.encode(), capture_output=True, check=True).stdout
    return f"{signed}.{encode(signature)}"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


if __name__ == "__main__":
    main()
