// A gateway of its own for a test file: certificates made by `gatepass cert dev`, both ports
// over TLS, a configuration of the test's, and the applications behind it.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, until } from "./harness.mjs";

const START_MILLIS = 30_000;
const STOP_MILLIS = 15_000;
const LOOPBACK = "127.0.0.1";

/** Runs the tested binary to its end; what it printed. */
export function gatepass(folder, ...words) {
  return execFileSync(process.env.TESTED_GATEPASS, words, { cwd: folder, encoding: "utf8" });
}

/** An application that tells what it received; `ports` of more than one test file never meet. */
export async function startEcho() {
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers }));
  });
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  return server;
}

export const portOf = (server) => server.address().port;

/**
 * Starts `gatepass serve` in a new folder with certificates in `tls/`. `configure` gets the ports
 * `{ edge, admin, plain }` and gives the configuration's text; `furnish` puts more into the folder.
 */
export async function startGateway(configure, furnish = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), "gatepass-clients-"));
  const [edge, admin, plain] = await freePorts(3);
  gatepass(folder, "cert", "dev", "--out", "tls");
  furnish(folder);
  writeFileSync(join(folder, "gatepass.toml"), configure({ edge, admin, plain }));
  const gateway = new Gateway(folder, { edge, admin, plain });
  await gateway.start();
  return gateway;
}

class Gateway {
  #child;
  #exited;
  log = "";

  constructor(folder, ports) {
    this.folder = folder;
    this.ports = ports;
    this.edge = `https://${LOOPBACK}:${ports.edge}`;
    this.admin = `https://${LOOPBACK}:${ports.admin}`;
    this.plain = `http://${LOOPBACK}:${ports.plain}`;
    this.ca = this.read("tls/ca.pem");
  }

  read(name) {
    return readFileSync(join(this.folder, name));
  }

  /** What a client with the administrator's certificate connects with. */
  get mutual() {
    return { ca: this.ca, pfx: this.read("tls/client.pfx"), passphrase: "" };
  }

  async start() {
    this.#child = spawn(process.env.TESTED_GATEPASS, ["serve"], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => { this.log += text; });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(`could not be started: ${error.message}`));
      this.#child.once("exit", (code, signal) => resolve(`exited with ${signal ?? code}`));
    });
    const ready = until("the side port is ready", async () => {
      const answer = await this.administer("/health/ready").catch(() => null);
      return answer?.status === 200 ? "ready" : null;
    }, START_MILLIS).catch((error) => error.message);
    const state = await Promise.race([this.#exited, ready]);
    if (state !== "ready") {
      this.#child.kill("SIGKILL");
      assert.fail(`gatepass serve ${state}; it printed:\n${this.log}`);
    }
  }

  /** One request that follows no redirect; `{ status, headers, cookies, body }`. */
  async ask(url, { method = "GET", headers = {}, body, ...tls } = {}) {
    const options = { method, headers, ca: this.ca, agent: false, ...tls };
    const request = https.request(url, options);
    request.end(body);
    const [answer] = await once(request, "response");
    let text = "";
    for await (const piece of answer.setEncoding("utf8")) text += piece;
    return {
      status: answer.statusCode,
      headers: answer.headers,
      cookies: answer.headers["set-cookie"] ?? [],
      body: text,
    };
  }

  /** Calls the side port with the administrator's certificate. */
  administer(path, options = {}) {
    return this.ask(`${this.admin}${path}`, { ...this.mutual, ...options });
  }

  /** The open sessions of a space. */
  async sessions(space) {
    const answer = await this.administer(`/api/v1/spaces/${space}/sessions`);
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body).sessions;
  }

  /** Stops by SIGTERM, which must be enough. */
  async stop() {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MILLIS);
    const how = await this.#exited;
    clearTimeout(timer);
    rmSync(this.folder, { recursive: true, force: true });
    assert.equal(how, "exited with 0", `gatepass serve did not stop in order:\n${this.log}`);
  }
}

/** The name and value of a Set-Cookie line, as a browser sends them back. */
export const cookieOf = (line) => line.split(";")[0];
