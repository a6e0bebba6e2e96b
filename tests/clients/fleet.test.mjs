// The Octane and Qlik clients against two gateways on one Redis, behind something that sends each
// connection to the next of them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import https from "node:https";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import sdk from "@microfocus/alm-octane-js-rest-sdk";
import log4js from "log4js";
import qlikAuth from "qlik-auth";
import { QlikProxyClient } from "qlik-rest-api";
import WebSocket, { WebSocketServer } from "ws";
import { cookieOf, gatepass, portOf, startEcho, startGateway } from "./gateway.mjs";
import { freePorts, until } from "./harness.mjs";

const { Octane, Query } = sdk;
const KEY = "octane";
const SESSION_ID = "3b0a54c2-8a35-4d22-9f55-61b3a0a0c2ee";
const XRF = "0123456789abcdef";

let redis;
let application;
let sockets;
let edge;
let admin;
let octane;
let secret;
let module;
let nodes = [];

before(async () => {
  log4js.getLogger().level = "off";
  redis = await startRedis();
  application = await startEcho();
  sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  sockets.on("connection", (socket) => socket.send("hello"));
  module = await startModule();
  edge = await startBalancer("edge");
  admin = await startBalancer("admin");
  const first = await startGateway(configure("a"), (folder) => {
    const made = gatepass(folder, "key", "create", "--id", KEY, "--role", "space-admin", "--space", "1001", "--json");
    secret = JSON.parse(made).bearer.slice(`${KEY}.`.length);
  });
  nodes = [first];
  nodes.push(await startGateway(configure("b"), (folder) => {
    cpSync(join(first.folder, "tls"), join(folder, "tls"), { recursive: true, force: true });
    cpSync(join(first.folder, "keys.toml"), join(folder, "keys.toml"));
  }));
  // What the SDK calls with: every request a connection of its own, so that it goes to the next node.
  https.globalAgent = new https.Agent({ ca: first.ca, keepAlive: false });
  octane = client();
});

after(async () => {
  for (const balancer of [edge, admin]) balancer?.close();
  for (const node of nodes) await node.stop();
  for (const server of [application, module]) {
    server?.closeAllConnections();
    server?.close();
  }
  sockets?.close();
  await redis?.stop();
});

function configure(node) {
  return (ports) => `
[edge]
listen = ["127.0.0.1:${ports.edge}"]
tls = { certificates = [{ chain = "tls/server.pem", key = "tls/server.key" }] }

[admin]
listen = "127.0.0.1:${ports.admin}"
url = "${admin.address}"
api_keys = "keys.toml"
tls = { certificates = [{ chain = "tls/server.pem", key = "tls/server.key" }], client_ca = "tls/ca.pem", client_certificates = "optional" }
certificate_roles = [{ subject_cn = "QlikClient", role = "site-admin" }]

[store]
kind = "redis"

[store.redis]
nodes = ["redis://127.0.0.1:${redis.port}"]
node = "${node}"

[[space]]
id = "1001"
hosts = ["127.0.0.1"]
upstream = ["http://127.0.0.1:${portOf(application)}"]
authn = ["ticket"]
identity_headers = ["qlik"]

[space.ticket]
module = "http://127.0.0.1:${portOf(module)}/login"

[space.qlik]
endpoints = true

[[space]]
id = "1002"
hosts = ["127.0.0.1"]
prefix = "/sockets"
upstream = ["http://127.0.0.1:${portOf(sockets)}"]
authn = ["ticket"]
identity_headers = ["qlik"]

[space.websocket]
origins = ["mashup.example.com"]
`;
}

async function startRedis() {
  const [port] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), "gatepass-redis-"));
  const words = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const child = spawn("redis-server", words.map(String), { stdio: "ignore" });
  const exited = once(child, "exit");
  await until("redis-server answers", async () => {
    const socket = connect(port, "127.0.0.1");
    const answers = await once(socket, "connect").then(() => true, () => false);
    socket.destroy();
    return answers;
  });
  return {
    port,
    async stop() {
      child.kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Sends each connection to the next node's port of this name. */
async function startBalancer(name) {
  const carried = [0, 0];
  let turn = 0;
  const server = createServer((near) => {
    const index = turn++ % nodes.length;
    carried[index] += 1;
    const far = connect(nodes[index].ports[name], "127.0.0.1");
    near.pipe(far).pipe(near);
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { address: `https://127.0.0.1:${portOf(server)}`, port: portOf(server), carried, close: () => server.close() };
}

/** A ticketing module as the package's README has it; whoever comes is Ann. */
async function startModule() {
  const server = createHttpServer((request, response) => {
    qlikAuth.init(request, response);
    const options = { Certificate: `${nodes[0].folder}/tls/client.pfx`, PassPhrase: "" };
    qlikAuth.requestTicket(request, response, { UserDirectory: "LAB", UserId: "ann", Attributes: [] }, options);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** The SDK as its documentation shows it. */
function client() {
  return new Octane({ server: admin.address, sharedSpace: 1001, workspace: 1002, user: KEY, password: secret });
}

/** Qlik's REST client with the administrator's certificate. */
function qlik(proxy) {
  return new QlikProxyClient({
    host: "127.0.0.1",
    port: admin.port,
    ...(proxy && { proxy }),
    httpsAgent: new https.Agent({ ...nodes[0].mutual, keepAlive: false, rejectUnauthorized: true }),
    authentication: { user_dir: "INTERNAL", user_name: "sa_api" },
  });
}

/** A request to the edge, at the next node. */
const ask = (path, options) => nodes[0].ask(`${edge.address}${path}`, options);
const base = "/api/shared_spaces/1001";
const list = () => octane.get("sessions");
const ids = (answer) => answer.data.map((session) => session.id);
const custom = (path, operation = "get", body = undefined) => octane.executeCustomRequest(path, operation, body);
const closed = { data: [{ is_closed: true }] };

async function openAs(user, space) {
  const bought = await qlik(space).Post("ticket", { UserDirectory: "LAB", UserId: user });
  assert.equal(bought.status, 201);
  const prefix = space ? `/${space}` : "";
  const answer = await ask(`${prefix}/data?qlikTicket=${bought.data.Ticket}`);
  assert.match(answer.cookies[0] ?? answer.body, /^__Host-gatepass(-sockets)?=/);
  return cookieOf(answer.cookies[0]);
}

async function sessionsOf(name) {
  const query = Query.field("end_time").equal(Query.NULL)
    .and(Query.field("user").equal(Query.field("name").equal(name)));
  return (await list().query(query.build()).execute()).data;
}

test("a ticket that was bought at one node opens a session at another, which all nodes know", async () => {
  for (const user of ["ann", "bob", "ann", "bob", "ann"]) {
    const cookie = await openAs(user);
    for (const _ of nodes) {
      const used = await ask("/data", { headers: { cookie } });
      assert.equal(used.status, 200, used.body);
      assert.equal(JSON.parse(used.body).headers["x-qlik-user"], `UserDirectory=LAB; UserId=${user}`);
    }
  }
});

test("the Octane SDK signs in once and reads page after page from whichever node", async () => {
  const open = Query.field("end_time").equal(Query.NULL).build();
  const whole = await list().query(open).orderBy("-start_time", "id").execute();
  assert.equal(whole.total_count, 6);
  const paged = [];
  while (paged.length < whole.total_count) {
    const page = await list().query(open).orderBy("-start_time", "id").limit(1).offset(paged.length).execute();
    assert.equal(page.total_count, whole.total_count);
    paged.push(...page.data);
  }
  assert.deepEqual(ids({ data: paged }), ids(whole));
  assert.equal((await sessionsOf(KEY)).length, 1, "nobody asked it to sign in again");
});

test("the Octane SDK ends sessions in the background and asks whichever node about it", async () => {
  const targets = ids({ data: await sessionsOf("bob") });
  assert.equal(targets.length, 2);
  const query = targets.map((id) => `id='${id}'`).join(";");
  const started = await custom(`${base}/sessions/terminate?query="(${query})"`, "update", closed);
  const id = started.background_task_id;
  const task = await until("the task has ended", async () => {
    const { data } = await custom(`${base}/background_tasks?fields=status,result&query="id=${id}"`);
    assert.equal(data.length, 1);
    return !["queued", "running"].includes(data[0].status) && data[0];
  });
  assert.equal(task.status, "completed");
  assert.equal(task.result.terminated, 2);
  for (const _ of nodes) {
    assert.equal((await custom(`${base}/background_tasks/${id}`)).result.terminated, 2);
    assert.equal((await sessionsOf("bob")).length, 0);
  }
  const all = `${base}/sessions/terminate?query="user={name='ann'}"&wait=20000`;
  const dry = await custom(`${all}&dry_run=true`, "update", closed);
  assert.equal(dry.data[0].result.terminated, 3);
  const real = await custom(all, "update", closed);
  assert.equal(real.data[0].status, "completed");
  assert.equal((await sessionsOf("ann")).length, 0);
});

test("who has signed out is signed out everywhere, and signs in again", async () => {
  const [earlier] = ids({ data: await sessionsOf(KEY) });
  await octane.signOut();
  const [later, ...more] = ids({ data: await sessionsOf(KEY) });
  assert.deepEqual(more, []);
  assert.notEqual(later, earlier);
});

test("Qlik's REST client keeps sessions at whichever node", async () => {
  const added = await qlik().Post("session", {
    UserDirectory: "LAB", UserId: "cat", Attributes: [{ Group: "sales" }], SessionId: SESSION_ID,
  });
  assert.equal(added.status, 201);
  const cookie = `__Host-gatepass=${SESSION_ID}`;
  for (const _ of nodes) {
    assert.equal((await ask("/app", { headers: { cookie } })).status, 200);
    assert.equal((await qlik().Get(`session/${SESSION_ID}`)).data.UserId, "cat");
    assert.equal((await qlik().Get("user/lab/CAT")).data.length, 1);
    await assert.rejects(qlik().Post("session", { UserDirectory: "LAB", UserId: "eve", SessionId: SESSION_ID }), /status code 409/);
  }
  assert.equal((await qlik().Delete("user/LAB/cat")).status, 200);
  await until("it is refused everywhere", async () => {
    const answers = await Promise.all(nodes.map(() => ask("/app", { headers: { cookie } })));
    return answers.every((answer) => answer.status === 401);
  });
});

test("a ticketing module need not know which node remembers where the browser was going", async () => {
  const headers = { accept: "text/html" };
  for (const page of [1, 2, 3]) {
    const start = await ask(`/app/overview?page=${page}`, { headers });
    assert.equal(start.status, 302);
    const login = new URL(start.headers.location);
    assert.equal(login.searchParams.get("proxyRestUri"), `${admin.address}/qps/`);
    const bought = await fetch(login, { redirect: "manual" });
    const back = new URL(bought.headers.get("location") ?? assert.fail(await bought.text()));
    assert.equal(back.origin + back.pathname, `${edge.address}/app/overview`);
    const redeemed = await ask(back.pathname + back.search, { headers });
    assert.equal(redeemed.headers.location, `/app/overview?page=${page}`);
  }
});

test("one of fifty redemptions at all nodes succeeds", async () => {
  const bought = await qlik().Post("ticket", { UserDirectory: "LAB", UserId: "dan" });
  const tries = Array.from({ length: 50 }, () => ask(`/data?QlikTicket=${bought.data.Ticket}`));
  const answers = await Promise.all(tries);
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1);
});

test("a CSRF token holds at every node, and an end at any of them closes WebSockets and logs out", async () => {
  const cookie = await openAs("eve", "sockets");
  const own = await openAs("fay");
  const token = async () => (await ask("/qps/csrftoken", { headers: { cookie: own } })).headers["qlik-csrf-token"];
  assert.equal(await token(), await token());
  const socket = new WebSocket(`wss://127.0.0.1:${edge.port}/sockets/?qlikTicket=${(await qlik("sockets")
    .Post("ticket", { UserDirectory: "LAB", UserId: "eve" })).data.Ticket}`, {
    ca: nodes[0].ca, origin: "https://mashup.example.com", headers: { cookie },
  });
  await once(socket, "message");
  const ended = once(socket, "close");
  const xrf = { "x-qlik-xrfkey": XRF };
  const path = `${admin.address}/qps/sockets/user/LAB/eve?xrfkey=${XRF}`;
  // By either node; the WebSocket is at one of them.
  await nodes[0].ask(path, { method: "DELETE", headers: xrf, ...nodes[0].mutual });
  assert.equal((await ended)[0], 1008);
  assert.equal((await ask("/qps/user", { method: "DELETE", headers: { cookie: own } })).status, 204);
  await until("logged out everywhere", async () => {
    const answers = await Promise.all(nodes.map(() => ask("/data", { headers: { cookie: own } })));
    return answers.every((answer) => answer.status === 401);
  });
});

test("all nodes had their part in it", () => {
  for (const balancer of [edge, admin]) assert.ok(Math.min(...balancer.carried) >= 10, `${balancer.carried}`);
});
