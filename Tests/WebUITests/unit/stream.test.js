// The stream's state through connections, silence and ends; its frames in pieces.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, next, parser, staleMilliseconds, wait } from "../../../Sources/WebUI/assets/data/stream-machine.js";

test("connecting, live, stale, reconnecting, live again", () => {
  let state = begin(0);
  assert.equal(state.status, "connecting");
  state = next(state, { type: "opened", at: 10 });
  assert.equal(state.status, "live");
  state = next(state, { type: "id", id: "1:5" });
  state = next(state, { type: "tick", at: 10 + staleMilliseconds });
  assert.deepEqual([state.status, state.since], ["stale", 10]);
  state = next(state, { type: "heard", at: 30_000 });
  assert.equal(state.status, "live");
  state = next(state, { type: "closed", at: 31_000 });
  state = next(state, { type: "closed", at: 32_000 });
  assert.deepEqual([state.status, state.since, state.tries, state.cursor], ["reconnecting", 31_000, 2, "1:5"]);
  state = next(state, { type: "opened", at: 33_000 });
  assert.deepEqual([state.status, state.tries], ["live", 0]);
});

test("waits grow to a bound, and chance spreads them", () => {
  assert.equal(wait(0, 0), 125);
  assert.equal(wait(0, 1), 250);
  assert.ok(wait(40, 1) <= 10_000);
});

test("frames come in any pieces", () => {
  const text = 'id: 1:2\ndata: {"type":"run.started"}\n\n:\n\nevent: bookmark\ndata: {"cursor":"1:9"}\n\n';
  for (let size = 1; size < text.length; size += 3) {
    const frames = parser();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...frames.push(text.slice(at, at + size)));
    assert.deepEqual(found, [
      { event: "message", data: '{"type":"run.started"}', id: "1:2" },
      { event: "bookmark", data: '{"cursor":"1:9"}', id: null },
    ]);
  }
});

test("a frame that only tells where the stream is counts, and one without anything does not", () => {
  const frames = parser().push("id: 1:7\n\n:\n\nid: 1:8\nevent: bookmark\ndata: {}\n\n");
  assert.deepEqual(frames, [
    { event: "message", data: "", id: "1:7" }, { event: "bookmark", data: "{}", id: "1:8" },
  ]);
});

test("nobody signed in is left only by signing in; without lanes to follow it asks now and then", () => {
  let state = next(next(begin(0), { type: "opened", at: 1 }), { type: "off", at: 2 });
  assert.equal(state.status, "off");
  state = next(state, { type: "on", at: 3 });
  assert.deepEqual([state.status, state.cursor], ["connecting", null]);
  state = next(next(state, { type: "opened", at: 4 }), { type: "id", id: "1:2" });
  assert.equal(next(state, { type: "on", at: 5 }), state);
  state = next(state, { type: "polling", at: 6 });
  assert.deepEqual([state.status, state.cursor, state.since], ["polling", null, 6]);
  assert.deepEqual([next(state, { type: "polling", at: 9 }).since], [6]);
});
