// Starts the binary's demo on free ports and knows its logins; shared by every test file.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

export const PASSWORD = "demo-password";
export const SPACE = "1001";
export const OUTPUT = fileURLToPath(new URL("output/", import.meta.url));

export const SITE_ADMIN = "demo-site-admin.demo-secret-do-not-use";
const START_MILLIS = 30_000;
const STOP_MILLIS = 15_000;

/** Starts `gatepass demo` and resolves once the side port says that it is ready. */
export async function startDemo() {
  const binary = process.env.TESTED_GATEPASS;
  assert.ok(binary, "TESTED_GATEPASS is not set: start the tests by tests/clients/run");
  const [edgePort, adminPort] = await freePorts(2);
  const child = spawn(
    binary,
    ["demo", "--edge", `127.0.0.1:${edgePort}`, "--admin", `127.0.0.1:${adminPort}`],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => { log += text; });
  }
  const exited = new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`exited with ${signal ?? code}`));
  });
  const demo = new Demo(`http://127.0.0.1:${edgePort}`, `http://127.0.0.1:${adminPort}`, child, exited);
  const state = await Promise.race([exited, demo.ready()]);
  if (state !== "ready") {
    child.kill("SIGKILL");
    assert.fail(`gatepass demo ${state}; it printed:\n${log}`);
  }
  return demo;
}

class Demo {
  #child;
  #exited;

  constructor(edge, admin, child, exited) {
    this.edge = edge;
    this.admin = admin;
    this.#child = child;
    this.#exited = exited;
  }

  async ready() {
    try {
      await until("the side port is ready", async () => {
        const answer = await fetch(`${this.admin}/health/ready`).catch(() => null);
        return answer?.status === 200;
      }, START_MILLIS);
      return "ready";
    } catch (error) {
      return error.message;
    }
  }

  /** Calls the native API as the site administrator; the decoded body of an expected 200. */
  async api(method, path) {
    const answer = await fetch(`${this.admin}/api/v1/spaces/${SPACE}/${path}`, {
      method,
      headers: { authorization: `Bearer ${SITE_ADMIN}` },
    });
    const text = await answer.text();
    assert.equal(answer.status, 200, `${method} ${path}: ${text}`);
    return JSON.parse(text);
  }

  /** The open sessions, newest first. */
  async sessions() {
    return (await this.api("GET", "sessions")).sessions;
  }

  /** The open session that is not among the earlier ones; fails unless there is exactly one. */
  async newSession(earlier) {
    const known = new Set(earlier.map((session) => session.sessionId));
    const fresh = (await this.sessions()).filter((session) => !known.has(session.sessionId));
    assert.equal(fresh.length, 1, JSON.stringify(fresh));
    return fresh[0];
  }

  /** Stops by SIGTERM, which must be enough. */
  async stop() {
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MILLIS);
    const how = await this.#exited;
    clearTimeout(timer);
    assert.equal(how, "exited with 0", "gatepass demo did not stop in order");
  }
}

/** Waits until `condition` resolves to something true, and resolves to that. */
export async function until(what, condition, millis = 10_000) {
  const deadline = Date.now() + millis;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${millis} ms, but never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  }));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Logs in as a program without a browser would; resolves to the Cookie header to send. */
export async function login(edge, username, password = PASSWORD) {
  const jar = new Map();
  const visit = async (address, init = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { accept: "text/html", ...(cookie && { cookie }), ...init.headers };
    const answer = await fetch(address, { ...init, headers, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      jar.set(name, value);
    }
    return answer;
  };
  // Node's fetch says `Sec-Fetch-Mode: cors`: a script, which is not redirected.
  const page = new URL(`${edge}/.gatepass/login`);
  const html = await (await visit(page)).text();
  const form = new URLSearchParams({ username, password });
  for (const [input] of html.matchAll(/<input\b[^>]*>/gi)) {
    if (/\btype="?hidden\b/i.test(input)) {
      form.set(attribute(input, "name"), attribute(input, "value") ?? "");
    }
  }
  const action = attribute(/<form\b[^>]*>/i.exec(html)?.[0] ?? "", "action") || page;
  const answer = await visit(new URL(action, page), {
    method: "POST",
    body: form,
    headers: { origin: edge },
  });
  assert.ok([302, 303].includes(answer.status), `the login answered ${answer.status}`);
  return [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
}

function attribute(tag, name) {
  const value = new RegExp(`\\b${name}="([^"]*)"`, "i").exec(tag)?.[1];
  return value?.replace(/&(amp|lt|gt|quot|#x27|#39|#x2f|#47);/gi, (entity, code) => (
    { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'", "#39": "'", "#x2f": "/", "#47": "/" }[code.toLowerCase()]
  ));
}
