// The example page in a real browser, with the real React SDK, against a running stack. `make test-browser` starts the
// stack and this file, which reads PAGE_URL, API_URL, RUNWAY_URL and CHROMIUM from the environment.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

const { PAGE_URL, API_URL, RUNWAY_URL, CHROMIUM } = process.env;
const PATIENCE_MS = 60_000;

let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ],
  });
});

after(() => browser?.close());

/** A fresh page, and all that it does on the network. */
async function open(context) {
  const page = await browser.newPage();
  context.after(() => page.close());
  page.setDefaultTimeout(PATIENCE_MS);
  const seen = { requests: [], sockets: [], connects: [] };
  page.on("request", (request) => seen.requests.push(request));
  page.on("websocket", (socket) => seen.sockets.push(socket.url()));
  page.on("response", async (response) => {
    if (response.request().method() !== "POST" || !response.url().startsWith(API_URL)) return;
    const head = { status: response.status(), headers: await response.allHeaders(), url: response.url() };
    seen.connects.push({ ...head, body: await response.json() });
  });
  await page.goto(PAGE_URL);
  return { page, seen };
}

async function call(page, avatarId) {
  await page.getByRole("combobox").fill(avatarId);
  await page.getByRole("button", { name: "Call" }).click();
}

/** Wait until `read` gives something that is not undefined. */
async function eventually(read, what) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function visits() {
  return (await (await fetch(`${RUNWAY_URL}/_simulator/visits`)).json()).visits;
}

const visitWith = (token) =>
  eventually(async () => (await visits()).find((visit) => visit.token === token), "a WebSocket with that token");

test("a call gets credentials and takes its token to the avatar's server", async (context) => {
  const { page, seen } = await open(context);
  await call(page, "game-character");
  const connect = await eventually(() => seen.connects.at(0), "the response to connect");

  assert.equal(connect.status, 200, JSON.stringify(connect.body));
  assert.deepEqual(Object.keys(connect.body).sort(), ["roomName", "serverUrl", "sessionId", "token"]);
  assert.equal(connect.headers["cache-control"], "no-store");
  assert.equal(connect.headers["access-control-allow-origin"], new URL(PAGE_URL).origin);

  const visit = await visitWith(connect.body.token);
  assert.equal(visit.sessionId, connect.body.sessionId);
  const server = new URL(connect.body.serverUrl);
  const socket = new URL(seen.sockets.at(0));
  assert.equal(socket.host, server.host);
  assert.ok(socket.pathname.startsWith(server.pathname), `${socket.pathname} is below ${server.pathname}`);
});

test("no key reaches the browser", async (context) => {
  const { page, seen } = await open(context);
  await call(page, "influencer");
  await eventually(() => seen.connects.at(0), "the response to connect");

  const sent = seen.requests.map((request) => request.url() + JSON.stringify(request.headers()) + request.postData());
  const received = [await page.content(), JSON.stringify(seen.connects)];
  assert.ok(sent.length > 0);
  for (const text of [...sent, ...received]) assert.doesNotMatch(text, /key_[0-9a-f]{16}/);
  for (const request of seen.requests) assert.equal(request.headers().authorization, undefined);
});

test("the page shows Runway's reason when the avatar does not exist", async (context) => {
  const { page, seen } = await open(context);
  await call(page, "00000000-0000-4000-8000-000000000000");
  assert.match(await page.getByRole("alert").textContent(), /Avatar not found/);
  assert.equal(seen.connects.length, 0);
  assert.equal(seen.sockets.length, 0);
});

test("the page shows the reason of a refusal to connect", async (context) => {
  const { page, seen } = await open(context);
  const connectUrl = `${API_URL}/api/avatar/connect?clientToken=ct_of.another-client`;
  await page.route("**/connect-url", (route) => route.fulfill({ json: { connectUrl } }));
  await call(page, "game-character");
  const shown = await page.getByRole("alert").textContent();
  const refused = await eventually(() => seen.connects.at(0), "the response to connect");

  assert.equal(refused.status, 401);
  assert.equal(shown, refused.body.error);
  assert.equal(seen.sockets.length, 0);
});

test("a used client token is refused with a reason that the page may read", async (context) => {
  const { page, seen } = await open(context);
  await call(page, "cat-character");
  const first = await eventually(() => seen.connects.at(0), "the response to connect");
  const again = await page.evaluate(async (url) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ avatarId: "cat-character" }),
    });
    return { status: response.status, body: await response.json() };
  }, first.url);

  assert.ok([401, 403, 429].includes(again.status), `status ${again.status}`);
  assert.ok(again.body.error.length > 0);
});

test("a second call gets a fresh session", async (context) => {
  const { page, seen } = await open(context);
  await call(page, "tennis-coach");
  const first = await eventually(() => seen.connects.at(0), "the first response");
  await visitWith(first.body.token);
  // The stand-in sends no message, so the SDK may have ended the call by itself.
  await page.getByRole("button", { name: "Hang up" }).click({ timeout: 1000 }).catch(() => {});
  await page.getByRole("button", { name: "Call" }).click();
  const second = await eventually(() => seen.connects.at(1), "the second response");

  assert.notEqual(second.body.sessionId, first.body.sessionId);
  assert.notEqual(second.body.token, first.body.token);
  await visitWith(second.body.token);
});
