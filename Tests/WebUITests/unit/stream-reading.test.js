// The stream between a node and the tabs of a browser: what a tab asks for, hears and says, on a clock that is turned.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: Date.parse("2026-11-20T12:00:00Z") });
/** @type {any} */
let channel;
globalThis.BroadcastChannel = /** @type {any} */ (class {
  constructor() {
    channel = this;
    this.told = [];
  }
  postMessage(message) { this.told.push(message); }
});
/** @type {() => Promise<void>} Has the tab lead, as a browser does when the one before is gone. */
let lead;
Object.defineProperty(globalThis, "navigator", { configurable: true, value: {
  locks: { request: (_, body) => { lead = body; } },
} });
mock.method(performance, "now", () => Date.now());
mock.method(Math, "random", () => 0.5);

/** @type {{path: string, at: number}[]} */
let asked = [];
/** @type {(path: string) => Response | Promise<Response>} */
let node = () => { throw new TypeError("failed to fetch"); };
globalThis.fetch = /** @type {any} */ (async (path) => {
  asked.push({ path, at: Date.now() });
  return node(path);
});
const json = (body, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers });

const api = await import("../../../Sources/WebUI/assets/data/api.js");
const { Scope } = await import("../../../Sources/WebUI/assets/core/signal.js");
const { resource } = await import("../../../Sources/WebUI/assets/data/resource.js");
const stream = await import("../../../Sources/WebUI/assets/data/stream.js");

/** Lets what is awaited come. */
async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
}
async function pass(milliseconds) {
  for (let gone = 0; gone < milliseconds; gone += 50) {
    mock.timers.tick(50);
    await settle();
  }
}
const status = () => stream.state.peek().status;

test("a tab that follows asks the node when it hears that nobody is signed in any more", async () => {
  let questions = 0;
  api.onOtherSession.value = async () => {
    questions += 1;
    throw new Error("the node is away");
  };
  stream.start();
  channel.onmessage({ data: { kind: "events", events: [], cursor: "1:7" } });
  assert.equal(stream.state.peek().cursor, "1:7");
  channel.onmessage({ data: { kind: "state", state: { ...stream.state.peek(), status: "off" } } });
  await settle();
  assert.deepEqual([questions, status()], [1, "connecting"], "a node that cannot say signs nobody out");
  api.onOtherSession.value = null;
});

test("a tab that leads has read what others tell of the stream itself", async () => {
  /** @type {ReadableStreamDefaultController} */
  let body;
  node = () => new Response(new ReadableStream({ start(controller) { body = controller; } }));
  const heard = [];
  const scope = new Scope();
  scope.run(() => stream.listen((event) => heard.push(event)));
  lead();
  await settle();
  assert.equal(status(), "live");
  const gaps = stream.gaps.peek();
  channel.onmessage({ data: { kind: "events", events: [{ type: "run.started", run: "a" }], cursor: "1:8" } });
  channel.onmessage({ data: { kind: "gap" } });
  channel.onmessage({ data: { kind: "state", state: { ...stream.state.peek(), status: "off" } } });
  assert.deepEqual([heard, stream.gaps.peek(), status()], [[], gaps, "live"]);
  body.enqueue(new TextEncoder().encode('id: 1:8\ndata: {"type":"run.started","run":"a"}\n\n'));
  await settle();
  assert.equal(heard.length, 1);
  scope.end();
  body.close();
});

test("too many lanes and none to follow: it asks now and then, says when the node is away, and asks less often then", async () => {
  node = (path) => {
    if (path.startsWith("/v1/events")) return json({ detail: "it would follow 2000 lanes" }, 400);
    return path.startsWith("/v1/sessions") ? json({ code: "not_found" }, 404) : json({});
  };
  await pass(2000);
  assert.equal(status(), "polling", "nobody looks at a session");
  const away = () => { throw new TypeError("failed to fetch"); };
  const answering = node;
  node = away;
  await pass(6000);
  assert.equal(status(), "reconnecting");
  node = answering;
  await pass(11_000);
  assert.equal(status(), "polling");

  const scope = new Scope();
  scope.run(() => stream.interest("old"));
  await pass(6000);
  assert.equal(status(), "polling", "an archived session has no lanes");
  node = away;
  await pass(6000);
  assert.equal(status(), "reconnecting");
  asked = [];
  await pass(20_000);
  assert.ok(asked.length > 0 && asked.length < 8, `${asked.length} requests in 20 s`);

  node = () => json({ detail: "busy" }, 503, { "retry-after": "30" });
  await pass(11_000);
  assert.equal(status(), "reconnecting", "a node that is busy has not said that there are no lanes");
  asked = [];
  await pass(18_000);
  assert.deepEqual(asked, []);

  node = (path) => (path.startsWith("/v1/events") ? new Response(new ReadableStream({}))
    : json(path.includes("cursor=") ? { lanes: [{ id: 8 }], next: null } : { lanes: [{ id: 7 }], next: "more" }));
  for (let second = 0; second < 31 && status() !== "live"; second += 1) await pass(1000);
  assert.equal(status(), "live");
  assert.match(asked.at(-1)?.path ?? "", /lanes=7%2C8/);
  scope.end();
});

test("who is not signed in any more is not followed, also where nobody else hears of it", async () => {
  node = () => json({}, 401);
  stream.stop();
  await pass(1000);
  stream.start();
  lead();
  await pass(1000);
  assert.equal(status(), "off");
});

test("what the node asks to wait is waited, whatever events say meanwhile", async () => {
  assert.equal(status(), "off", "the stream says nothing here");
  const scope = new Scope();
  node = () => json({ detail: "busy" }, 429, { "retry-after": "10" });
  asked = [];
  scope.run(() => resource(() => "/v1/things"));
  await settle();
  const things = () => asked.filter((one) => one.path === "/v1/things").length;
  assert.equal(things(), 1);
  for (let second = 0; second < 9; second += 1) {
    stream.gaps.value = stream.gaps.peek() + 1;
    await pass(1000);
  }
  assert.equal(things(), 1);
  node = () => json({});
  await pass(1500);
  assert.equal(things(), 2);
  stream.gaps.value = stream.gaps.peek() + 1;
  await pass(500);
  assert.equal(things(), 3);
  scope.end();
});
