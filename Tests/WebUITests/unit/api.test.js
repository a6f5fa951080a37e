// Requests: what is remembered, what is sent again as the same, how a failure is told.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { ApiError, csrf, get, make, onOtherSession, part, patch, person, url } from "../../../Sources/WebUI/assets/data/api.js";

/** @type {{path: string, method: string, headers: Record<string, string>, body: string | undefined}[]} */
let asked = [];
/** @type {((request: any) => Response | Promise<Response>)[]} */
let answers = [];

beforeEach(() => {
  asked = [];
  answers = [];
  globalThis.fetch = async (path, { method, headers, body }) => {
    asked.push({ path, method, headers, body });
    return /** @type {any} */ (answers.shift())(asked.at(-1));
  };
});

const document = (body, headers = {}, status = 200) => () => new Response(JSON.stringify(body), { status, headers });
const failing = () => { throw new TypeError("failed to fetch"); };
/** An answer whose connection breaks behind its first bytes. */
const cut = () => new Response(new ReadableStream({
  start(stream) {
    stream.enqueue(new TextEncoder().encode('{"a"'));
    stream.error(new Error("the connection was reset"));
  },
}), { headers: { etag: '"1"' } });

test("what the node says still holds is used again; an answer that was cut is not remembered", async () => {
  answers = [cut, document({ a: 1 }, { etag: '"1"' }), () => new Response(null, { status: 304 })];
  await assert.rejects(get("/v1/a"), (error) => error instanceof ApiError && error.status === 0);
  assert.deepEqual(await get("/v1/a"), { a: 1 });
  assert.equal(asked[1].headers["if-none-match"], undefined);
  assert.deepEqual(await get("/v1/a"), { a: 1 });
  assert.equal(asked[2].headers["if-none-match"], '"1"');
});

test("what got no answer has the same key when it is sent again; another has its own", async () => {
  answers = [failing, document({}, {}, 503), document({ id: "x" }), document({ id: "y" }), document({ id: "z" })];
  await assert.rejects(make("/v1/runs", { n: 1 }), /cannot be reached/);
  await assert.rejects(make("/v1/runs", { n: 1 }));
  await make("/v1/runs", { n: 1 });
  await make("/v1/runs", { n: 1 });
  await make("/v1/runs", { n: 2 });
  const keys = asked.map((one) => one.headers["idempotency-key"]);
  assert.equal(new Set(keys.slice(0, 3)).size, 1);
  assert.equal(new Set(keys).size, 3);
});

test("only what is asked for by itself says that it is tried again", async () => {
  answers = [failing, failing];
  await assert.rejects(get("/v1/a"), (error) => /tried again by itself/.test(error.next));
  await assert.rejects(make("/v1/a", {}), (error) => /look before you send it again/.test(error.next));
});

test("with another session's token a change is sent once more with the new one", async () => {
  csrf.value = "old";
  onOtherSession.value = async () => {
    csrf.value = "new";
    return true;
  };
  answers = [document({ code: "csrf" }, {}, 403), document({ done: true }), document({ code: "csrf" }, {}, 403),
    document({ code: "csrf" }, {}, 403)];
  assert.deepEqual(await make("/v1/a", {}), { done: true });
  assert.deepEqual(asked.map((one) => one.headers["x-csrf-token"]), ["old", "new"]);
  await assert.rejects(make("/v1/a", {}), (error) => error.status === 403);
  onOtherSession.value = null;
});

test("what one person began is not sent in another's name, nor when the node cannot say whose it is", async () => {
  person.value = "alice";
  onOtherSession.value = async () => {
    person.value = "bob";
    return true;
  };
  const refusal = document({ code: "csrf" }, {}, 403);
  answers = [refusal, refusal];
  // The second is refused when bob is known already: it was begun before.
  const both = await Promise.allSettled([make("/v1/a", {}), make("/v1/b", {})]);
  assert.deepEqual(both.map((one) => one.reason?.status), [403, 403]);
  answers = [refusal, document({ done: true })];
  onOtherSession.value = async () => { throw new ApiError(0, { detail: "away" }); };
  await assert.rejects(make("/v1/a", {}), (error) => error.code === "csrf");
  answers = [refusal, document({ done: true })];
  onOtherSession.value = async () => false;
  await assert.rejects(make("/v1/a", {}), (error) => error.code === "csrf");
  assert.equal(asked.length, 4);
  onOtherSession.value = null;
});

test("the same order two minutes later is another one; a caller's own key is only that call's", async () => {
  mock.timers.enable({ apis: ["Date"] });
  answers = [failing, failing, failing, document({}), failing, document({})];
  await assert.rejects(make("/v1/late", { n: 1 }));
  mock.timers.tick(119_000);
  await assert.rejects(make("/v1/late", { n: 1 }));
  mock.timers.tick(120_000);
  await assert.rejects(make("/v1/late", { n: 1 }));
  mock.timers.reset();
  await make("/v1/own", {}, "mine");
  await assert.rejects(make("/v1/own", {}, "mine"));
  await make("/v1/own", {});
  const keys = asked.map((one) => one.headers["idempotency-key"]);
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[1], keys[2]);
  assert.deepEqual([keys[3], keys[4], keys[5] === "mine"], ["mine", "mine", false]);
});

test("a foreign page in place of an answer is told as that, and a body that cannot be written as its own failure", async () => {
  answers = [() => new Response("<!doctype html>", { status: 200 })];
  await assert.rejects(get("/v1/a"), (error) => error.status === 200 && error.code === "malformed" && !error.isTransient);
  const circle = {};
  circle.self = circle;
  await assert.rejects(patch("/v1/a", circle), TypeError);
  assert.equal(asked.length, 1);
});

test("a node that asks for patience is heard, and names are parts of a path", async () => {
  answers = [document({ detail: "busy" }, { "retry-after": "7" }, 429)];
  await assert.rejects(get("/v1/a"), (error) => error.retryAfter === 7 && error.isTransient);
  assert.equal(url(`/v1/sessions/${part("a/b?c#d%")}`, { q: "x&y", none: null }),
    "/v1/sessions/a%2Fb%3Fc%23d%25?q=x%26y");
});
