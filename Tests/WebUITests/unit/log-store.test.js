// The lines of a log are all known of, however few of them one answer brings.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Scope, effect } from "../../../Sources/WebUI/assets/core/signal.js";
import { Ranges } from "../../../Sources/WebUI/assets/data/ranges.js";
import { LogStore } from "../../../Sources/WebUI/assets/leaves/log/store.js";

/** A node with a log: an answer has fewer lines than were asked for where they are long; it grows once it is counted. */
function node({ total, fits, isLive, grown = total }) {
  /** @type {string[]} */
  const asked = [];
  globalThis.fetch = async (/** @type {any} */ path) => {
    asked.push(String(path));
    const given = new URL(String(path), "http://node");
    if (given.pathname.endsWith("/numbers")) total = grown;
    const from = Number(given.searchParams.get("from"));
    const count = Number(given.searchParams.get("count"));
    const last = Math.min(total, from + Math.min(fits, count) - 1);
    const lines = Array.from({ length: Math.max(0, last - from + 1) }, (_, at) => ({ line: from + at, text: "x" }));
    const next = last < total || isLive ? last + 1 : null;
    return new Response(JSON.stringify(given.pathname.endsWith("/numbers") ? { total, ranges: [[from, total]], next: null }
      : { lines, next }));
  };
  return asked;
}

/** @param {() => boolean} condition */
const until = (condition) => new Promise((resolve) => {
  effect(() => { if (condition()) resolve(undefined); });
});

/** @param {(store: LogStore) => Promise<void>} body */
async function withStore(body) {
  const scope = new Scope();
  const store = scope.run(() => new LogStore("r"));
  store.ask({}, null);
  await body(store);
  scope.end();
}

test("a log of long lines is counted to its end, not to the end of its first answer", async () => {
  for (const isLive of [false, true]) {
    node({ total: 1000, fits: 65, isLive });
    await withStore(async (store) => {
      await until(() => store.isCounted.value);
      assert.equal(store.total.peek(), 1000);
      assert.equal(store.lines.size, 65);
    });
  }
});

test("lines behind the end of an answer are asked for until they came, and no line that is not there twice", async () => {
  node({ total: 1000, fits: 65, isLive: true });
  await withStore(async (store) => {
    await until(() => store.isCounted.value);
    store.want(Ranges.of(1, 1000), 400, 480, null);
    await until(() => (store.arrivals.value, store.lines.has(480)));
    const asked = node({ total: 1000, fits: 65, isLive: true });
    await store.fetch("/v1/runs/r/log?from=1001&count=500", 1200);
    assert.equal(asked.length, 2);
  });
});

test("a short log that has ended is one request", async () => {
  const asked = node({ total: 10, fits: 500, isLive: false });
  await withStore(async (store) => {
    await until(() => store.isCounted.value);
    assert.deepEqual([store.total.peek(), asked.length], [10, 1]);
  });
});

test("lines that come while others are read are there before they are counted", async () => {
  node({ total: 10, fits: 500, isLive: true, grown: 13 });
  await withStore(async (store) => {
    const missing = /** @type {number[]} */ ([]);
    effect(() => { missing.push(store.total.value - store.lines.size); });
    await until(() => store.isCounted.value);
    assert.equal(store.total.peek(), 13);
    assert.equal(Math.max(...missing), 0);
  });
});
