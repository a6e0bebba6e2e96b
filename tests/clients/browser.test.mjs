// What people see: Chromium logs in, uses the demo app, and is thrown out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { OUTPUT, PASSWORD, startDemo, until } from "./harness.mjs";

const WAIT_MILLIS = 15_000;

let demo;
let browser;

before(async () => {
  demo = await startDemo();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      // Chromium refuses its sandbox to root.
      ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** Runs `story` in a browser profile of its own; keeps a picture when it fails. */
function inBrowser(name, options, story) {
  test(name, async () => {
    const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
    context.setDefaultTimeout(WAIT_MILLIS);
    const page = await context.newPage();
    try {
      await story(page, context);
    } catch (error) {
      await picture(page, `failed-${name.replace(/\W+/g, "-")}`).catch(() => {});
      throw error;
    } finally {
      await context.close();
    }
  });
}

const picture = (page, name) => page.screenshot({ path: `${OUTPUT}${name}.png`, fullPage: true });
const form = (page) => page.locator("form:has(input[name=password])");

async function isLogin(page) {
  await form(page).waitFor();
  assert.equal(new URL(page.url()).pathname, "/.gatepass/login");
}

async function fillIn(page, username, password) {
  await isLogin(page);
  await page.fill("input[name=username]", username);
  await page.fill("input[name=password]", password);
  await form(page).locator("button[type=submit], button:not([type]), input[type=submit]").first().click();
}

async function isApp(page, username) {
  await page.locator("#who").waitFor();
  assert.match(await page.locator("#who").innerText(), new RegExp(`\\b${username}\\b`, "i"));
}

inBrowser("a session lives, is seen by an administrator, and is ended", {}, async (page) => {
  const earlier = await demo.sessions();
  await page.goto(`${demo.edge}/`);
  await isLogin(page);
  await picture(page, "1-login");
  await fillIn(page, "alice", PASSWORD);
  await isApp(page, "alice");
  await page.locator("#ws-state[data-state=open]").waitFor();

  await page.fill("#ws-input", "is anybody there?");
  await page.click("#ws-send");
  await page.getByText("received: is anybody there?").waitFor();

  const session = await demo.newSession(earlier);
  assert.equal(session.userId, "alice");
  assert.equal(session.userDirectory, "DEMO");
  assert.ok(Date.parse(session.sessionStart) <= Date.parse(session.lastActive), JSON.stringify(session));

  // Two events are more than a second apart, so lastActive can move whatever its precision.
  const shown = Number.parseInt(await page.locator("#events").innerText(), 10) || 0;
  await page.waitForFunction(`Number(document.getElementById("events").textContent) >= ${shown + 3}`);
  await picture(page, "2-application");
  assert.equal(await page.evaluate("fetch('echo').then((answer) => answer.status)"), 200);
  await until("lastActive moved", async () => {
    const now = await demo.api("GET", `sessions/${session.sessionId}`);
    return Date.parse(now.lastActive) > Date.parse(session.lastActive);
  });

  const ended = await demo.api("DELETE", `sessions/${session.sessionId}`);
  assert.equal(ended.sessionId, session.sessionId);
  await page.locator("#ws-state[data-state=closed]").waitFor();
  assert.match(await page.locator("#ws-state").innerText(), /^closed 1008\b/);
  await page.locator("#events-state[data-state=closed]").waitFor();
  await picture(page, "3-ended");
  const open = await demo.sessions();
  assert.ok(open.every((other) => other.sessionId !== session.sessionId), JSON.stringify(open));

  assert.equal(await page.evaluate("fetch('echo').then((answer) => answer.status)"), 401);
  await page.goto(`${demo.edge}/`);
  await isLogin(page);
  await picture(page, "4-login-again");
});

inBrowser("a script without a session gets 401, a page load the login", {}, async (page, context) => {
  const script = await context.request.get(`${demo.edge}/echo`, {
    headers: { accept: "application/json" },
    maxRedirects: 0,
  });
  assert.equal(script.status(), 401);
  await page.goto(`${demo.edge}/echo?x=1`);
  await isLogin(page);
});

inBrowser("a wrong password is told, and the right one still works", {}, async (page) => {
  const earlier = await demo.sessions();
  await page.goto(`${demo.edge}/`);
  await fillIn(page, "bob", "not-the-password");
  const told = page.locator("[role=alert], .error").first();
  await told.waitFor();
  assert.notEqual((await told.innerText()).trim(), "");
  await picture(page, "5-wrong-password");
  const open = await demo.sessions();
  assert.equal(open.length, earlier.length, "a failed login opened a session");
  await fillIn(page, "bob", PASSWORD);
  await isApp(page, "bob");
});

inBrowser("the login leads to the page that was asked for", {}, async (page) => {
  await page.goto(`${demo.edge}/echo?a=1&b=two%20words`);
  await fillIn(page, "alice", PASSWORD);
  await page.waitForURL(`${demo.edge}/echo?a=1&b=two%20words`);
  const echo = JSON.parse(await page.locator("pre").innerText());
  assert.equal(echo.query, "a=1&b=two%20words");
});

inBrowser("the login needs no JavaScript", { javaScriptEnabled: false }, async (page) => {
  await page.goto(`${demo.edge}/`);
  await fillIn(page, "alice", PASSWORD);
  await page.locator("#who").waitFor();
  assert.match(await page.locator("#who").innerText(), /\balice\b/i);
  await picture(page, "6-without-javascript");
});

inBrowser("signing out ends the session, also for a kept cookie", {}, async (page, context) => {
  const earlier = await demo.sessions();
  await page.goto(`${demo.edge}/`);
  await fillIn(page, "alice", PASSWORD);
  await isApp(page, "alice");
  const session = await demo.newSession(earlier);
  const cookies = await context.cookies();
  assert.ok(cookies.length > 0 && cookies.every((cookie) => cookie.httpOnly), JSON.stringify(cookies));

  await page.click("#sign-out");
  const confirm = page.locator("form[method=post]:not(:has(input[name=password])) button").first();
  await until("signed out, or asked whether to", async () => {
    if (await confirm.isVisible()) await confirm.click();
    return (await demo.sessions()).every((other) => other.sessionId !== session.sessionId);
  });
  await page.goto(`${demo.edge}/`);
  await isLogin(page);

  await context.clearCookies();
  await context.addCookies(cookies);
  await page.goto(`${demo.edge}/`);
  await isLogin(page);
});

inBrowser("a user ends a session of theirs from another browser", { javaScriptEnabled: false }, async (page) => {
  const earlier = await demo.sessions();
  await page.goto(`${demo.edge}/`);
  await fillIn(page, "bob", PASSWORD);
  await isApp(page, "bob");
  const own = await demo.newSession(earlier);

  const phone = await browser.newContext({
    viewport: { width: 400, height: 800 },
    colorScheme: "dark",
    userAgent: "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
  });
  try {
    const other = await phone.newPage();
    other.setDefaultTimeout(WAIT_MILLIS);
    await other.goto(`${demo.edge}/.gatepass/sessions`);
    await fillIn(other, "bob", PASSWORD);
    await other.waitForURL(`${demo.edge}/.gatepass/sessions`);
    await picture(other, "7-sessions-phone-dark");
    const { scrollWidth, clientWidth } = await other.evaluate(
      "({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth })",
    );
    assert.ok(scrollWidth <= clientWidth, `the page is ${scrollWidth} wide on a screen of ${clientWidth}`);

    await page.goto(`${demo.edge}/.gatepass/sessions`);
    await picture(page, "8-sessions-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "8-sessions-dark");
    await page.emulateMedia({ colorScheme: "light" });
    const item = page.locator("li", { hasText: "Firefox on Android" });
    assert.equal(await item.count(), 1);
    assert.equal(await page.locator("li", { hasText: "This device" }).locator("button").count(), 0);
    await item.getByRole("button", { name: "End" }).click();
    await page.getByText("The session has ended.").waitFor();
    assert.equal(await page.locator("li", { hasText: "Firefox on Android" }).count(), 0);
    await picture(page, "9-session-ended");

    await other.goto(`${demo.edge}/`);
    await isLogin(other);
    await page.goto(`${demo.edge}/`);
    await isApp(page, "bob");
    const open = await demo.sessions();
    assert.ok(open.some((session) => session.sessionId === own.sessionId), JSON.stringify(open));
  } finally {
    await phone.close();
  }
});
