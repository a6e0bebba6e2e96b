#!/usr/bin/env python3
"""TLS through gatepass, against nginx, in interleaved rounds: requests over connections that
are kept, full handshakes, and how many reconnects are resumed.

See README.md beside this file. Prints medians and ratios; asserts nothing about time.
"""

import argparse
import ssl
import socket
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
import harness
from harness import CONNECTIONS, Contender, fill, pinned

RECONNECTS = 500


def main():
    arguments = parse()
    programs = [("wrk", "wrk"), ("openssl", "openssl"), ("taskset", "util-linux")]
    harness.need(*programs, ("nginx", "nginx-light"))
    if arguments.one_core:
        harness.share_one_core()
    program = arguments.gatepass
    if not program:
        built = harness.cargo("build", "--locked", "--profile", "dist", "--bin", "gatepass")
        program = built / "dist" / "gatepass"
    peers = harness.cargo("build", "--locked", "--release", cwd=harness.PEERS) / "release"
    with harness.servers() as (start, folder):
        certificate(folder)
        port = harness.free_port()
        command = pinned("load", peers / "upstream", f"127.0.0.1:{port}")
        upstream = start("upstream", command, port)
        servers = [nginx(start, folder, upstream, arguments),
                   gatepass(start, folder, program, upstream, arguments)]
        print(f"{arguments.rounds} rounds of {arguments.seconds} s, {CONNECTIONS} connections, "
              f"{arguments.workers} worker(s), cores: {harness.CORES}", flush=True)
        for name, close in [("kept connections", {}), ("a handshake each", {"Connection": "close"})]:
            contenders = [Contender(one.name, one.server, {**one.headers, **close}, scheme="https")
                          for one in servers]
            print(f"\n{name}", flush=True)
            harness.interleave(contenders, arguments.rounds, arguments.seconds)
            harness.table(contenders, contenders[0])
        rows = [[one.name, f"{resumed(one.port, version)} of {RECONNECTS}", version.name]
                for one in servers for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)]
        harness.markdown(["", "reconnects resumed", "version"], rows)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1, help="of each server (default: 1)")
    parser.add_argument("--one-core", action="store_true", help="load and servers on one core")
    parser.add_argument("--gatepass", metavar="PROGRAM", help="measure this, not one built now")
    return parser.parse_args()


def certificate(folder):
    """A P-256 certificate, server.pem, and its key, server.key."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-keyout", folder / "server.key", "-out", folder / "server.pem",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def nginx(start, folder, upstream, arguments):
    port = harness.free_port()
    fill("nginx-tls.conf", folder, UPSTREAM=f"127.0.0.1:{upstream.port}", PORT=port,
         WORKERS=arguments.workers, FOLDER=folder)
    command = ["nginx", "-p", folder, "-e", "stderr", "-c", folder / "nginx-tls.conf"]
    return Contender("nginx", start("nginx", pinned("server", *command), port))


def gatepass(start, folder, program, upstream, arguments):
    port = harness.free_port()
    fill("gatepass-tls.toml", folder, UPSTREAM=f"127.0.0.1:{upstream.port}", PORT=port,
         ADMIN_PORT=harness.free_port(), WORKERS=arguments.workers)
    command = pinned("server", program, "serve", "--config", folder / "gatepass-tls.toml")
    server = start("gatepass", command, port)
    status, headers, _, _ = harness.fetch(port, scheme="https")
    if status != 200 or "set-cookie" not in headers:
        sys.exit(f"gatepass gave no session: {status} {headers.items()}")
    return Contender("gatepass", server, {"Cookie": headers["set-cookie"].split(";")[0]})


def resumed(port, version):
    """How many of the reconnects of one client were resumed; each offers what the last gave."""
    context = harness.unverified()
    context.minimum_version = context.maximum_version = version
    session, count = None, 0
    for number in range(RECONNECTS + 1):
        plain = socket.create_connection(("127.0.0.1", port), 5)
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
            secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while secure.recv(65536):
                pass
            count += secure.session_reused if number else 0
            session = secure.session
    return count


if __name__ == "__main__":
    main()
