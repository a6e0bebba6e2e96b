// A WebSocket client that is no browser (npm's ws), with and without a session.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { login, startDemo } from "./harness.mjs";

let demo;
before(async () => { demo = await startDemo(); });
after(async () => { await demo?.stop(); });

const address = () => `${demo.edge.replace("http:", "ws:")}/ws`;

test("without a session the upgrade is refused with 401", async () => {
  const socket = new WebSocket(address(), { handshakeTimeout: 10_000 });
  const [request, answer] = await once(socket, "unexpected-response");
  assert.equal(answer.statusCode, 401);
  request.destroy();
});

test("with a session messages come back until the session is ended", async () => {
  const earlier = await demo.sessions();
  const cookie = await login(demo.edge, "alice");
  const session = await demo.newSession(earlier);
  const socket = new WebSocket(address(), { headers: { cookie }, handshakeTimeout: 10_000 });
  await once(socket, "open");
  for (const size of [0, 1, 125, 126, 60_000]) {
    const sent = Buffer.alloc(size, 7);
    socket.send(sent);
    const [received, binary] = await once(socket, "message");
    assert.ok(binary && sent.equals(received), `${size} bytes came back as ${received.length}`);
  }
  const closed = once(socket, "close");
  await demo.api("DELETE", `sessions/${session.sessionId}`);
  const [code] = await closed;
  assert.equal(code, 1008);

  const again = new WebSocket(address(), { headers: { cookie }, handshakeTimeout: 10_000 });
  const [request, answer] = await once(again, "unexpected-response");
  assert.equal(answer.statusCode, 401);
  request.destroy();
});
