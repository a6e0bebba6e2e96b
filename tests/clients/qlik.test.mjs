// Qlik's clients, as their users use them: the REST client and a ticketing module against the
// side port by client certificate, and the engine's WebSocket client through the edge.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import enigma from "enigma.js";
import qlikAuth from "qlik-auth";
import { QlikProxyClient } from "qlik-rest-api";
import WebSocket, { WebSocketServer } from "ws";
import { cookieOf, portOf, startEcho, startGateway } from "./gateway.mjs";

const schema = createRequire(import.meta.url)("enigma.js/schemas/12.2027.0.json");
const SESSION_ID = "0d1f6b52-7c63-4c7a-9d14-5b8f3f0d9a11";
const NO_SESSION = "00000000-0000-4000-8000-000000000000";
const XRF = "0123456789abcdef";
const xrf = (path) => [`${path}?xrfkey=${XRF}`, { "x-qlik-xrfkey": XRF }];

let application;
let engine;
let module;
let gateway;
/** What the engine was asked, newest last: the headers of its upgrade requests. */
const upgrades = [];

before(async () => {
  application = await startEcho();
  engine = await startEngine();
  module = await startModule();
  gateway = await startGateway(({ edge, admin }) => `
[edge]
listen = ["127.0.0.1:${edge}"]
tls = { certificates = [{ chain = "tls/server.pem", key = "tls/server.key" }] }

[admin]
listen = "127.0.0.1:${admin}"
tls = { certificates = [{ chain = "tls/server.pem", key = "tls/server.key" }], client_ca = "tls/ca.pem", client_certificates = "optional" }
certificate_roles = [{ subject_cn = "QlikClient", role = "site-admin" }]

[admin.session_module]
space = "1003"

[[space]]
id = "1001"
hosts = ["127.0.0.1"]
upstream = ["http://127.0.0.1:${portOf(application)}"]
authn = ["ticket"]
identity_headers = ["qlik"]

[space.ticket]
module = "http://127.0.0.1:${portOf(module)}/login?from=gatepass"

[space.qlik]
endpoints = true

[[space]]
id = "1002"
hosts = ["127.0.0.1"]
prefix = "/engine"
upstream = ["http://127.0.0.1:${portOf(engine)}"]
authn = ["ticket"]
identity_headers = ["qlik"]

[space.websocket]
origins = ["mashup.example.com"]
csrf_token = false

[[space]]
id = "1003"
hosts = ["127.0.0.1"]
prefix = "/external"
upstream = ["http://127.0.0.1:${portOf(application)}"]
authn = ["ticket"]
`);
});

after(async () => {
  await gateway?.stop();
  for (const server of [application, engine, module]) {
    server?.closeAllConnections();
    server?.close();
  }
});

/** An engine that answers JSON-RPC, as far as opening a session and asking its version needs. */
async function startEngine() {
  const server = createServer((request, response) => response.end("the engine"));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => {
    upgrades.push({ url: request.url, headers: request.headers });
    socket.send(JSON.stringify({ jsonrpc: "2.0", method: "OnConnected", params: { qSessionState: "SESSION_CREATED" } }));
    socket.on("message", (data) => {
      const { id, method } = JSON.parse(data);
      const result = method === "EngineVersion" ? { qVersion: { qComponentVersion: "12.2027.0" } } : {};
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** A ticketing module as the package's README has it; whoever comes is Ann. */
async function startModule() {
  const server = createServer((request, response) => {
    qlikAuth.init(request, response);
    const profile = { UserDirectory: "LAB", UserId: "ann", Attributes: [{ Group: "sales" }, { Group: "admins" }] };
    const options = { Certificate: `${gateway.folder}/tls/client.pfx`, PassPhrase: "" };
    qlikAuth.requestTicket(request, response, profile, options);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** The REST client with the administrator's certificate. */
function client(proxy) {
  return new QlikProxyClient({
    host: "127.0.0.1",
    port: gateway.ports.admin,
    ...(proxy && { proxy }),
    httpsAgent: new https.Agent({ ...gateway.mutual, rejectUnauthorized: true }),
    authentication: { user_dir: "INTERNAL", user_name: "sa_api" },
  });
}

async function buyTicket(space, user) {
  const answer = await client(space).Post("ticket", { UserDirectory: "LAB", UserId: user });
  assert.equal(answer.status, 201);
  assert.equal(answer.data.Ticket.length, 16);
  return answer.data.Ticket;
}

test("the REST client finds the proxy alive, by certificate only", async () => {
  const answer = await client().Get("alive");
  assert.deepEqual([answer.status, answer.data], [200, { value: true }]);
  const stranger = new QlikProxyClient({
    host: "127.0.0.1",
    port: gateway.ports.admin,
    httpsAgent: new https.Agent({ ca: gateway.ca }),
    authentication: { user_dir: "INTERNAL", user_name: "sa_api" },
  });
  await assert.rejects(stranger.Get("session"), /status code 401/);
});

test("the REST client adds a session whose id is the browser's cookie, and deletes it", async () => {
  const added = await client().Post("session", {
    UserDirectory: "LAB", UserId: "bob", Attributes: [{ Group: "sales" }, { Group: "" }], SessionId: SESSION_ID,
  });
  assert.equal(added.status, 201);
  const { UserName, SessionStart, LastActive, ...exact } = added.data;
  assert.deepEqual(exact, {
    UserDirectory: "LAB", UserId: "bob", Attributes: [{ Group: "sales" }, { Group: "" }], SessionId: SESSION_ID, NewUser: true,
  });
  const cookie = `__Host-gatepass=${SESSION_ID}`;
  const used = await gateway.ask(`${gateway.edge}/app`, { headers: { cookie } });
  assert.equal(used.status, 200);
  const { headers } = JSON.parse(used.body);
  assert.equal(headers["x-qlik-user"], "UserDirectory=LAB; UserId=bob");
  assert.equal(headers.cookie, undefined);

  const one = await client().Get(`session/${SESSION_ID}`);
  assert.equal(one.data.SessionId, SESSION_ID);
  const all = await client().Get("session");
  const listed = all.data.filter((session) => session.UserId === "bob");
  assert.equal(listed.length, 1);
  assert.notEqual(listed[0].SessionId, SESSION_ID, "a list tells no secret");
  const ofUser = await client().Get("user/lab/BOB");
  assert.deepEqual(ofUser.data.map((session) => session.SessionId), [listed[0].SessionId]);
  await assert.rejects(client().Post("session", { UserDirectory: "LAB", UserId: "eve", SessionId: SESSION_ID }), /status code 409/);

  const ended = await client().Delete(`session/${listed[0].SessionId}`);
  assert.equal(ended.status, 200);
  const refused = await gateway.ask(`${gateway.edge}/app`, { headers: { cookie } });
  assert.equal(refused.status, 401);
  await assert.rejects(client().Get(`session/${SESSION_ID}`), /status code 404/);
});

test("the REST client deletes a user's sessions", async () => {
  for (const UserId of ["cat", "CAT", "dan"]) {
    const added = await client("engine").Post("session", { UserDirectory: "LAB", UserId, Attributes: [] });
    assert.equal(added.status, 201);
  }
  assert.equal((await client("engine").Delete("user/LAB/Cat")).status, 200);
  assert.deepEqual((await client("engine").Get("user/LAB/cat")).data, []);
  assert.equal((await client("engine").Get("user/LAB/dan")).data.length, 1);
  assert.deepEqual((await client().Get("user/LAB/dan")).data, [], "each virtual proxy has its own");
});

test("errors have the texts that clients look for", async () => {
  const get = async (path, options) => {
    const [target, headers] = xrf(path);
    return gateway.administer(target, { ...options, headers: { ...headers, ...options?.headers } });
  };
  const missing = await get(`/qps/session/${NO_SESSION}`);
  assert.equal(missing.status, 404);
  assert.match(missing.body, /No session with id/);
  const forged = await gateway.administer(`/qps/session?xrfkey=${XRF}`, { headers: { "x-qlik-xrfkey": "fedcba9876543210" } });
  assert.equal(forged.status, 403);
  assert.match(forged.body, /XSRF prevention check failed\. Possible XSRF discovered\./);
  const target = await get("/qps/ticket", {
    method: "POST", body: JSON.stringify({ UserDirectory: "LAB", UserId: "ann", TargetId: NO_SESSION }),
  });
  assert.equal(target.status, 400);
  assert.equal(target.body, JSON.stringify(`Specified targetId ${NO_SESSION} was unknown`));
  const main = await get("/qps/about/openapi/Main");
  assert.ok(main.body.includes("basePath"));
});

test("a ticketing module logs a browser in, and the session cookie comes first", async () => {
  const page = { accept: "text/html" };
  const start = await gateway.ask(`${gateway.edge}/app/overview?chart=1`, { headers: page });
  assert.equal(start.status, 302);
  const login = new URL(start.headers.location);
  assert.equal(login.searchParams.get("from"), "gatepass");
  assert.match(login.searchParams.get("targetId"), /^[0-9a-f-]{36}$/);
  assert.equal(login.searchParams.get("proxyRestUri"), `${gateway.admin}/qps/`);

  const bought = await fetch(login, { redirect: "manual" });
  const back = new URL(bought.headers.get("location") ?? assert.fail(await bought.text()));
  assert.equal(back.origin + back.pathname, `${gateway.edge}/app/overview`);
  assert.equal(back.searchParams.get("chart"), "1");

  const redeemed = await gateway.ask(back, { headers: page });
  assert.match(redeemed.cookies[0] ?? "", /^__Host-gatepass=/);
  assert.equal(redeemed.headers.location, "/app/overview?chart=1", "the ticket is taken off");
  const cookie = cookieOf(redeemed.cookies[0]);
  const used = await gateway.ask(`${gateway.edge}/app/overview?chart=1`, { headers: { ...page, cookie } });
  assert.equal(used.status, 200);
  const seen = JSON.parse(used.body);
  assert.equal(seen.url, "/app/overview?chart=1");
  assert.match(seen.headers["x-qlik-security"], /Group=sales; Group=admins/);

  const again = await gateway.ask(back, { headers: page });
  assert.equal(again.status, 401, "a ticket is for one use");
  assert.ok(!gateway.log.includes(back.searchParams.get("QlikTicket")), "no ticket in the log");
});

test("a script's GET with a ticket gives the session cookie first", async () => {
  const ticket = await buyTicket(undefined, "fay");
  const answer = await gateway.ask(`${gateway.edge}/data?a=1&qlikTicket=${ticket}`);
  assert.equal(answer.status, 200);
  assert.match(answer.cookies[0], /^__Host-gatepass=/);
  assert.equal(JSON.parse(answer.body).url, "/data?a=1");
});

test("one of a hundred redemptions of a ticket succeeds", async () => {
  const ticket = await buyTicket(undefined, "gil");
  const tries = Array.from({ length: 100 }, () => gateway.ask(`${gateway.edge}/data?QlikTicket=${ticket}`));
  const answers = await Promise.all(tries);
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
  const refusals = new Set(answers.filter((answer) => answer.status !== 200).map((answer) => `${answer.status} ${answer.body}`));
  assert.equal(refusals.size, 1, [...refusals].join("\n"));
  assert.ok([...refusals][0].startsWith("401 "));
});

test("enigma.js talks through the edge until an administrator ends the session", async () => {
  const ticket = await buyTicket("engine", "hal");
  const session = enigma.create({
    schema,
    url: `wss://127.0.0.1:${gateway.ports.edge}/engine/app/engineData?qlikTicket=${ticket}`,
    createSocket: (url) => new WebSocket(url, { ca: gateway.ca, origin: "https://mashup.example.com" }),
  });
  const closed = once(session, "closed");
  const notified = once(session, "notification:OnSessionClosed");
  const global = await session.open();
  assert.equal((await global.engineVersion()).qComponentVersion, "12.2027.0");
  const upgrade = upgrades.at(-1);
  assert.equal(upgrade.headers["x-qlik-user"], "UserDirectory=LAB; UserId=hal");
  assert.equal(upgrade.url, "/app/engineData", "neither prefix nor ticket");

  const [open] = await gateway.sessions("1002").then((all) => all.filter((one) => one.userId === "hal"));
  const [target, headers] = xrf(`/qps/engine/session/${open.sessionId}`);
  const ended = await gateway.administer(target, { method: "DELETE", headers });
  assert.equal(ended.status, 200);
  assert.equal(JSON.parse(ended.body).LastSessionForUser, true);
  const [params] = await notified;
  assert.equal(params.severity, "fatal");
  const [event] = await closed;
  assert.equal(event.code, 1008);
});

test("a WebSocket from a page that is not on the list is refused", async () => {
  const ticket = await buyTicket("engine", "ida");
  const answer = await gateway.ask(`${gateway.edge}/engine/?qlikTicket=${ticket}`);
  const cookie = cookieOf(answer.cookies[0]);
  const socket = new WebSocket(`wss://127.0.0.1:${gateway.ports.edge}/engine/`, {
    ca: gateway.ca, origin: "https://evil.example.com", headers: { cookie },
  });
  const [request, refusal] = await once(socket, "unexpected-response");
  assert.equal(refusal.statusCode, 403);
  request.destroy();
});

test("a mash-up asks who the user is, and logs out", async () => {
  const who = async (headers) => JSON.parse((await gateway.ask(`${gateway.edge}/qps/user`, { headers })).body);
  assert.deepEqual(await who({}), { session: "inactive" });
  const ticket = await buyTicket(undefined, "jim");
  const cookie = cookieOf((await gateway.ask(`${gateway.edge}/?qlikTicket=${ticket}`)).cookies[0]);
  const known = await who({ cookie });
  assert.deepEqual([known.userDirectory, known.userId, known.userName], ["LAB", "jim", "jim"]);
  const token = await gateway.ask(`${gateway.edge}/qps/csrftoken`, { headers: { cookie } });
  assert.equal(token.status, 204);
  assert.ok(token.headers["qlik-csrf-token"].length >= 16);
  const out = await gateway.ask(`${gateway.edge}/qps/user`, { method: "DELETE", headers: { cookie } });
  assert.equal(out.status, 204);
  assert.equal((await who({ cookie })).session, "inactive");
});

test("an external proxy keeps its sessions here, by certificate", async () => {
  const body = JSON.stringify({ UserDirectory: "EXT", UserId: "kim", Attributes: [], SessionId: "kims-secret-session-id" });
  const headers = { "content-type": "application/json" };
  const stranger = await gateway.ask(`${gateway.admin}/session`, { method: "POST", body, headers });
  assert.equal(stranger.status, 401);
  const added = await gateway.administer("/session", { method: "POST", body, headers });
  assert.ok([200, 201].includes(added.status), added.body);
  const found = await gateway.administer("/session/kims-secret-session-id");
  assert.equal(JSON.parse(found.body).UserId, "kim");
  const ofUser = await gateway.administer("/user/EXT/kim");
  assert.equal(JSON.parse(ofUser.body).length, 1);
  const gone = await gateway.administer("/session/kims-secret-session-id", { method: "DELETE" });
  assert.equal(gone.status, 200);
  assert.equal((await gateway.sessions("1003")).length, 0);
});
