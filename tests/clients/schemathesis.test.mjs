// Schemathesis (PyPI) against the side port: every route that /openapi.json describes, with
// thousands of requests, right and wrong. None may be answered with 5xx, and every answer must
// be as described. schemathesis.toml says how.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { OUTPUT, SITE_ADMIN, startDemo } from "./harness.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const SPACE_ADMIN = "demo-space-admin.demo-secret-do-not-use";
const SCHEMATHESIS = `${HERE}.venv/bin/schemathesis`;

let demo;
before(async () => { demo = await startDemo(); });
after(async () => { await demo?.stop(); });

/** Opens a session of a user of space 1002. */
async function open(user) {
  // Without blocking: the demo waits when nobody reads what it logs.
  const words = ["token", "--demo", "--user", user];
  const { stdout } = await promisify(execFile)(process.env.TESTED_GATEPASS, words);
  const headers = { authorization: `Bearer ${stdout.trim()}` };
  const answer = await fetch(`${demo.edge}/jwt/echo`, { headers });
  await answer.text();
  return answer.status;
}

/** Opens a session of space 1001, and leaves the key known: guessing at sign-in does not bar it. */
async function signIn() {
  const [client_id, client_secret] = SPACE_ADMIN.split(".");
  const answer = await fetch(`${demo.admin}/authentication/sign_in`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_id, client_secret }),
  });
  return answer.status;
}

test("every described route answers as described", { timeout: 300_000 }, async () => {
  assert.equal(await open("user0"), 200);
  assert.equal(await signIn(), 200);
  // From a file, since a document's own address is not tested.
  const document = await (await fetch(`${demo.admin}/openapi.json`)).json();
  writeFileSync(`${OUTPUT}openapi.json`, JSON.stringify(document));
  const words = [
    "--config-file", `${HERE}schemathesis.toml`, "run", "openapi.json", "--url", demo.admin,
    "--header", `Authorization: Bearer ${SITE_ADMIN}`,
  ];
  const env = { ...process.env, SCHEMATHESIS_HOOKS: `${HERE}schemathesis_hooks.py` };
  const child = spawn(SCHEMATHESIS, words, { cwd: OUTPUT, env, stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(`${OUTPUT}schemathesis.log`);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (piece) => { text += piece; log.write(piece); });
  }
  // It ends sessions and locks users as it goes, so others come.
  let users = 0;
  const timer = setInterval(() => { open(`user${users += 1}`).catch(() => {}); signIn().catch(() => {}); }, 500);
  try {
    const [code] = await once(child, "close");
    const shown = text.split("\n").map((line) => line.slice(0, 400)).slice(-120).join("\n");
    assert.equal(code, 0, shown);
    assert.equal(await signIn(), 200, "the key of the Octane dialect was not barred");
  } finally {
    clearInterval(timer);
    log.end();
  }
  const [, cases] = /(\d+) generated/.exec(text) ?? [];
  assert.ok(Number(cases) > 1_000, `only ${cases} requests were made`);
  const [, tested] = /Tested: (\d+)/.exec(text) ?? [];
  const operations = Object.values(document.paths)
    .flatMap((item) => Object.keys(item).filter((name) => name !== "parameters"));
  assert.equal(Number(tested), operations.length - 1, "all but the endless /api/v1/events");
  console.log(`schemathesis: ${cases} requests to ${tested} operations, all answered as described`);
});
