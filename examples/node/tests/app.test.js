// The service over HTTP, on a port of its own.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";

import { createApp } from "../src/app.js";

const server = createApp();
let url;

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

const get = (path) => fetch(url + path);

test("visits are counted", async () => {
  assert.deepEqual(await (await get("/")).json(), { service: "visits", visits: 1 });
  assert.deepEqual(await (await get("/?again")).json(), { service: "visits", visits: 2 });
});

test("health is ok", async () => {
  assert.deepEqual(await (await get("/health")).json(), { status: "ok" });
});

test("what is not there, and what may not be done, is refused", async () => {
  assert.equal((await get("/no/such/page")).status, 404);
  assert.equal((await get("/toString")).status, 404);
  assert.equal((await fetch(url, { method: "POST" })).status, 405);
});

test("metrics have one series per route", async () => {
  await (await get("/")).text();
  await (await get("/no/such/page")).text();
  const page = await get("/metrics");
  const text = await page.text();
  assert.match(page.headers.get("content-type"), /^text\/plain/);
  assert.match(text, /http_requests_total\{method="GET",route="\/",status="200"\} /);
  assert.match(text, /http_requests_total\{method="GET",route="unmatched",status="404"\} /);
  assert.match(text, /http_request_duration_seconds_count\{method="GET",route="\/"\} /);
  assert.ok(!text.includes("/no/such/page"));
});

test("what machines ask for is not counted", async () => {
  await (await get("/health")).text();
  await (await get("/metrics")).text();
  const text = await (await get("/metrics")).text();
  assert.doesNotMatch(text, /route="\/(health|metrics)"/);
});
