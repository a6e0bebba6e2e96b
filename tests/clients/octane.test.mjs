// The Octane JavaScript SDK, as its users use it, against the side port.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import sdk from "@microfocus/alm-octane-js-rest-sdk";
import log4js from "log4js";
import { login, startDemo, until, SPACE } from "./harness.mjs";

const { Octane, OctaneVanilla, Query } = sdk;
const SECRET = "demo-secret-do-not-use";
const WORKSPACE = 1002;
const DAY_MILLIS = 86_400_000;
const BOGUS = "00000000-0000-7000-8000-000000000000";

let demo;
let octane;
let cookies;
before(async () => {
  // The SDK sets itself to "debug"; its users set it back in the same way.
  log4js.getLogger().level = "off";
  demo = await startDemo();
  octane = client("demo-space-admin");
  cookies = [];
  for (const user of ["alice", "bob", "alice", "bob", "alice"]) {
    cookies.push(await login(demo.edge, user));
  }
});
after(async () => { await demo?.stop(); });

/** The SDK as its documentation shows it: an API key where a user and a password are asked for. */
function client(user, password = SECRET) {
  return new Octane({ server: demo.admin, sharedSpace: Number(SPACE), workspace: WORKSPACE, user, password });
}

const list = () => octane.get("sessions");
const ids = (answer) => answer.data.map((session) => session.id);
const base = `/api/shared_spaces/${SPACE}`;
const custom = (path, operation = "get", body = undefined) => octane.executeCustomRequest(path, operation, body);

/** The open sessions of a demo user. */
async function sessionsOf(name) {
  const query = Query.field("end_time").equal(Query.NULL)
    .and(Query.field("user").equal(Query.field("name").equal(name)));
  return (await list().query(query.build()).execute()).data;
}

/** Rejects with the answer's status, by which the SDK's users tell errors apart. */
function status(code, errorCode) {
  return (error) => {
    assert.equal(error.response?.status, code, `${error}: ${JSON.stringify(error.response?.data)}`);
    assert.equal(error.response.data.error_code, errorCode);
    assert.ok(!JSON.stringify(error.response.data).includes("total_count"));
    return true;
  };
}

test("the first call is refused, signs in by itself and is sent again", async () => {
  const answer = await list().execute();
  assert.equal(answer.exceeds_total_count, false);
  assert.equal(answer.total_count, answer.data.length);
  assert.equal(answer.data.filter((session) => session.user.name === "alice").length, 3);
  const own = answer.data.filter((session) => session.user.name === "demo-space-admin");
  assert.equal(own.length, 1);
  assert.equal(own[0].access_type, "API");
  assert.equal(own[0].client_type, "Integration");
  assert.ok(answer.data.every((session) => session.type === "session"));
});

test("signing in and out by hand works and is refused with a wrong secret", async () => {
  const other = client("demo-space-admin");
  await other.authenticate();
  assert.equal((await other.executeCustomRequest("/api/current_user", "get")).name, "demo-space-admin");
  await other.signOut();
  await assert.rejects(client("demo-space-admin", "wrong").get("sessions").execute(),
    status(401, "platform.not_authenticated"));
});

test("the query builder's references, ranges, wildcards, lists and negations are understood", async () => {
  const [first] = await sessionsOf("alice");
  const all = (await list().execute()).data;
  const now = new Date();
  const lately = Query.field("start_time").between(new Date(now - DAY_MILLIS), now);
  const alice = Query.field("user").equal(Query.field("id").equal(first.user.id));
  for (const [query, expected] of [
    [lately, () => true],
    [lately.and(alice), (session) => session.user.name === "alice"],
    [lately.and(alice.not()), (session) => session.user.name !== "alice"],
    [lately.and().field("client_ip").equal("127.*"), () => true],
    [lately.and().field("access_type").equal("A*"), (session) => session.access_type === "API"],
    [lately.and().field("client_type").inComparison(["CI", "Integration"]), (session) => session.client_type !== "UI"],
    [lately.and().field("user").inComparison([Query.field("name").equal("alice"), Query.field("name").equal("b*")]),
      (session) => ["alice", "bob"].includes(session.user.name)],
    [Query.field("id").inComparison([first.id, BOGUS]), (session) => session.id === first.id],
    [Query.field("end_time").equal(Query.NULL).and(alice.or(Query.field("access_type").equal("API")).group()),
      (session) => session.end_time === null && session.user.name !== "bob"],
    [Query.field("end_time").notEqual(Query.NULL).and(lately), (session) => session.end_time !== null],
    [Query.field("start_time").greaterEqual(new Date(now - DAY_MILLIS)), () => true],
  ]) {
    const found = await list().query(query.build()).execute();
    assert.deepEqual(ids(found).sort(), ids({ data: all.filter(expected) }).sort(), query.build());
  }
});

test("fields, order and pages", async () => {
  const open = Query.field("end_time").equal(Query.NULL).build();
  const whole = await list().query(open).orderBy("-start_time", "id").execute();
  const paged = [];
  while (paged.length < whole.total_count) {
    const page = await list().query(open).orderBy("-start_time", "id").fields("creation_time", "user{full_name}")
      .limit(2).offset(paged.length).execute();
    assert.equal(page.total_count, whole.total_count);
    assert.ok(page.data.length > 0);
    paged.push(...page.data);
  }
  assert.deepEqual(ids({ data: paged }), ids(whole));
  assert.deepEqual(Object.keys(paged[0]).sort(), ["creation_time", "id", "type", "user"]);
  assert.deepEqual(Object.keys(paged[0].user).sort(), ["full_name", "id", "type"]);
  const one = await octane.get("sessions").at(paged[0].id).fields("license").execute();
  assert.deepEqual(one, { type: "session", id: paged[0].id, license: null });
});

test("groups", async () => {
  const { groupsTotalCount, groups } = await custom(`${base}/sessions/groups?group_by=user&query="(end_time=null)"`);
  assert.equal(groupsTotalCount, groups.length);
  const counts = Object.fromEntries(groups.map((group) => [group.value.name, group.count]));
  assert.equal(counts.alice, 3);
  assert.equal(counts.bob, 2);
});

test("a bogus id does not keep the others from ending, and the task says so", async () => {
  const targets = ids({ data: await sessionsOf("bob") });
  assert.equal(targets.length, 2);
  const query = [targets[0], BOGUS, targets[1]].map((id) => `id='${id}'`).join(";");
  const answer = await custom(`${base}/sessions/terminate/?query="(${query})"`, "update",
    { data: [{ is_closed: true }] });
  const id = answer.background_task_id;
  assert.equal(answer.data[0].id, id);
  const task = await until("the task has ended", async () => {
    const { data } = await custom(`${base}/background_tasks?fields=status,result&query="id=${id}"`);
    assert.equal(data.length, 1);
    return !["queued", "running"].includes(data[0].status) && data[0];
  });
  assert.equal(task.status, "completed_with_errors");
  assert.equal(task.result.requested, 3);
  assert.equal(task.result.terminated, 2);
  assert.deepEqual(task.result.errors, [{
    index: 1,
    error_code: "platform.entity_not_found",
    properties: { entity_type: "session", entity_id: BOGUS },
  }]);
  assert.equal((await sessionsOf("bob")).length, 0);
  const ended = await list().query(`id='${targets[0]}'`).fields("end_time", "end_reason", "ended_by").execute();
  assert.equal(ended.data[0].end_reason, "terminated");
  assert.equal(ended.data[0].ended_by, "demo-space-admin");
  // Completed means: the user's next request is refused.
  const refused = await fetch(`${demo.edge}/echo`, { headers: { cookie: cookies[1] }, redirect: "manual" });
  assert.equal(refused.status, 401);
});

test("a filter ends what it describes, after a dry run that ends nothing", async () => {
  const path = `${base}/sessions/terminate?query="user={name='alice'}"&wait=20000`;
  const body = { data: [{ is_closed: true }] };
  const dry = await custom(`${path}&dry_run=true`, "update", body);
  assert.equal(dry.data[0].result.terminated, 3);
  assert.equal((await sessionsOf("alice")).length, 3);
  const real = await custom(path, "update", body);
  assert.equal(real.data[0].status, "completed");
  assert.equal(real.data[0].result.terminated, 3);
  assert.equal((await sessionsOf("alice")).length, 0);
});

test("the SDK's update and bulk update end sessions at once", async () => {
  for (let count = 0; count < 3; count += 1) await login(demo.edge, "alice");
  const [one, two, three] = ids({ data: await sessionsOf("alice") });
  const closed = await octane.update("sessions", { id: one, is_closed: true }).execute();
  assert.equal(closed.id, one);
  assert.ok(closed.end_time);
  const many = await octane.updateBulk("sessions", [two, three].map((id) => ({ id, is_closed: true }))).execute();
  assert.equal(many.total_count, 2);
  await assert.rejects(octane.updateBulk("sessions", [{ id: BOGUS, is_closed: true }]).execute(), (error) => {
    assert.equal(error.response.status, 409);
    assert.equal(error.response.data.total_error_count, 1);
    return true;
  });
});

test("errors have the statuses and codes that scripts look for", async () => {
  await assert.rejects(list().query("color EQ ^red^").execute(), status(400, "platform.unknown_field"));
  await assert.rejects(list().query("(end_time EQ ").execute(), status(400, "platform.illegal_query"));
  await assert.rejects(list().query("start_time GT ^2000-01-01T00:00:00Z^").execute(),
    status(400, "platform.illegal_query"));
  await assert.rejects(list().limit(1001).execute(), status(400, "platform.illegal_query"));
  await assert.rejects(octane.get("sessions").at(BOGUS).execute(), status(404, "platform.entity_not_found"));
  await assert.rejects(octane.get("defects").execute(), status(404, "platform.web_application"));
  await assert.rejects(custom("/api/shared_spaces/9999/sessions"), (error) => {
    assert.match(JSON.stringify(error.response.data), /SharedSpaceNotFoundException/);
    return error.response.status === 404;
  });
  await assert.rejects(custom(`${base}/sessions/terminate`, "update", { data: [{ is_closed: true }] }),
    status(400, "platform.illegal_query"));
  for (const user of ["demo-site-admin", "demo-reader"]) {
    await assert.rejects(client(user).get("sessions").execute(), status(403, "platform.not_authorized"));
  }
});

test("after its own session was ended the SDK signs in again by itself", async () => {
  const own = async () => ids({ data: await sessionsOf("demo-space-admin") });
  const earlier = await own();
  const ended = await custom(`${base}/sessions/terminate?query="user={name='demo-space-admin'}"&wait=20000`, "update",
    { data: [{ is_closed: true }] });
  assert.equal(ended.data[0].result.terminated, earlier.length);
  const later = await own();
  assert.equal(later.length, 1);
  assert.ok(!earlier.includes(later[0]));
});

test("the SDK's older client works as well", async () => {
  const { hostname, port } = new URL(demo.admin);
  const vanilla = new OctaneVanilla({
    host: hostname,
    port: Number(port),
    shared_space_id: Number(SPACE),
    workspace_id: WORKSPACE,
    tech_preview_API: true,
    routesConfig: { defines: { constants: {}, params: {} } },
  });
  await new Promise((resolve, reject) => {
    const credentials = { client_id: "demo-space-admin", client_secret: SECRET };
    vanilla.authenticate(credentials, (error) => (error ? reject(error) : resolve()));
  });
  const answer = await new Promise((resolve, reject) => {
    vanilla.requestor.get({ url: "/sessions", qs: { query: '"(end_time=null)"' } },
      (error, response, body) => (error ? reject(error) : resolve({ status: response.statusCode, body })));
  });
  assert.equal(answer.status, 200);
  assert.ok(answer.body.data.some((session) => session.user.name === "demo-space-admin"));
});
