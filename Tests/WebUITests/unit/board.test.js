// What a board shows and how events and moves change it, by tables.
import assert from "node:assert/strict";
import test from "node:test";
import {
  apply, between, cardsWanted, heights, isAlive, isCut, kindOf, layout, merge, moved, neighbour, shifted, wishOf,
} from "../../../Sources/WebUI/assets/data/board.js";

const card = (id, status = "queued", more = {}) => ({
  id, plan: id, plan_digest: "d", template: null, status, attempt: 1, retry_count: 0, priority: 0, key: "",
  enqueued_at: "2026-01-01T00:00:00Z", ready_at: "2026-01-01T00:00:00Z", due_at: null, started_at: null,
  finished_at: null, failure: null, failed_step: null, wait_reason: null, wait: null, paused_by: null, parent: null, node: null,
  progress: { done: 0, total: 2 }, step: null, ...more,
});
const lane = (id, name, cards) => ({
  id, name, width: 1, priority: 0, paused: null, worker: "room", queued_is_more: false, cards, recent: [],
  active: cards.filter((one) => one.status !== "queued").length,
  queued: cards.filter((one) => one.status === "queued").length,
});
const board = (...lanes) => ({
  version: 1, waiting: 0, lanes, nodes: [],
  session: { id: 1, name: "s", status: "active", intent: "", open_runs: 0, created_at: "", ended_at: null,
    paused: null },
});
const ids = (cards) => cards.map((one) => one.id).join(" ");
const at = "2026-01-01T00:00:01.000Z";

test("what waits for people is first, then what runs, what waits, and the queue in the order of its claims", () => {
  const person = card("p", "waiting", { wait: { kind: "approval", step: "a", since: at } });
  const cards = [card("w", "waiting"), card("r", "running"), person, card("q2"), card("q1"), card("c", "claimed")];
  const { cards: sorted, tops, height } = layout(cards);
  assert.equal(ids(sorted), "p r c w q2 q1");
  assert.deepEqual(tops.slice(0, 3), [0, heights.person, heights.person + heights.running]);
  assert.equal(height, heights.person + 2 * heights.running + heights.waiting + 2 * heights.queued);
  assert.equal(kindOf(person), "person");
});

test("only the cards near the view are drawn", () => {
  const arranged = layout(Array.from({ length: 500 }, (_, index) => card(`q${index}`)));
  for (const [top, bottom] of [[0, 400], [4000, 4400], [-240, 10], [19_900, 20_400]]) {
    const [from, to] = between(arranged, top, bottom);
    const shown = arranged.tops.slice(from, to);
    const needed = arranged.tops.filter((y) => y + heights.queued > top && y < bottom);
    for (const y of needed) assert.ok(shown.includes(y), `${y} of ${top}…${bottom}`);
    assert.ok(shown.length <= needed.length + 3, `${shown.length} for ${top}…${bottom}`);
  }
  assert.deepEqual(between(layout([]), 0, 400), [0, 0]);
});

test("what is as it was stays the same object, so that only changes are drawn", () => {
  const known = board(lane(1, "A", [card("a"), card("b", "running")]), lane(2, "B", [card("c")]));
  const copy = JSON.parse(JSON.stringify(known));
  assert.equal(merge(known, copy), known);
  copy.lanes[0].cards[1].step = "next";
  const merged = merge(known, copy);
  assert.notEqual(merged, known);
  assert.equal(merged.lanes[1], known.lanes[1]);
  assert.equal(merged.lanes[0].cards[0], known.lanes[0].cards[0]);
  assert.equal(merged.lanes[0].cards[1].step, "next");
  const swapped = JSON.parse(JSON.stringify(known));
  swapped.lanes[0].cards.reverse();
  assert.equal(ids(merge(known, swapped).lanes[0].cards), "b a");
  assert.equal(merge(known, swapped).lanes[0].cards[0], known.lanes[0].cards[1]);
});

test("an event changes its card at once, and no other", () => {
  const known = board(lane(1, "A", [card("a"), card("b")]), lane(2, "B", [card("c")]));
  const begun = apply(known, { type: "run.started", run: "a", lane: 1, at });
  assert.equal(begun.lanes[0].cards[0].status, "running");
  assert.deepEqual([begun.lanes[0].active, begun.lanes[0].queued], [1, 1]);
  assert.equal(begun.lanes[1], known.lanes[1]);
  const stepped = apply(begun, { type: "step.started", run: "a", lane: 1, at, step: "build" });
  assert.equal(stepped.lanes[0].cards[0].step, "build");
  assert.equal(apply(stepped, { type: "step.started", run: "a", lane: 1, at, step: "build" }), stepped);
  const failed = apply(stepped, { type: "run.failed", run: "a", lane: 1, at, data: { reason: "it broke" } });
  assert.equal(ids(failed.lanes[0].cards), "b");
  assert.deepEqual([failed.lanes[0].recent[0].status, failed.lanes[0].recent[0].failure], ["failed", "it broke"]);
  assert.deepEqual([failed.lanes[0].active, failed.lanes[0].queued], [0, 1]);
  assert.equal(apply(failed, { type: "run.failed", run: "a", lane: 1, at }), failed);
  assert.equal(apply(known, { type: "run.started", run: "z", lane: 1, at }), known);
  assert.equal(apply(known, { type: "run.started", run: "a", lane: 9, at }), known);
});

test("a run that is retried says when; at most five ended runs are kept", () => {
  const event = { type: "run.retrying", run: "a", lane: 1, at, data: { in_ms: 5000 } };
  const waits = apply(board(lane(1, "A", [card("a", "running")])), event);
  assert.equal(waits.lanes[0].cards[0].due_at, "2026-01-01T00:00:06.000Z");
  let known = board(lane(1, "A", Array.from({ length: 8 }, (_, index) => card(`r${index}`, "running"))));
  for (let index = 0; index < 8; index += 1) {
    known = apply(known, { type: "run.succeeded", run: `r${index}`, lane: 1, at });
  }
  assert.equal(ids(known.lanes[0].recent), "r7 r6 r5 r4 r3");
  assert.equal(known.lanes[0].recent[0].progress.done, 2);
});

test("a queued card is moved within its lane and to another one", () => {
  const known = board(lane(1, "A", [card("x", "running"), card("a"), card("b"), card("c")]), lane(2, "B", [card("d")]));
  const tables = [
    [{ run: "c", lane: 1, before: "a" }, "x c a b", "d", { before: "a" }],
    [{ run: "a", lane: 1, before: null }, "x b c a", "d", { place: "last" }],
    [{ run: "a", lane: 2, before: "d" }, "x b c", "a d", { lane: "B", before: "d" }],
    [{ run: "a", lane: 2, before: null }, "x b c", "d a", { lane: "B", place: "last" }],
    [{ run: "x", lane: 2, before: null }, "x a b c", "d", { lane: "B", place: "last" }],
    [{ run: "gone", lane: 2, before: null }, "x a b c", "d", { place: "last" }],
  ];
  for (const [move, first, second, wish] of tables) {
    const next = moved(known, move);
    assert.equal(ids(next.lanes[0].cards), first, JSON.stringify(move));
    assert.equal(ids(next.lanes[1].cards), second, JSON.stringify(move));
    assert.deepEqual(wishOf(known, move), wish);
  }
  assert.deepEqual([moved(known, tables[2][0]).lanes[0].queued, moved(known, tables[2][0]).lanes[1].queued], [2, 2]);
});

test("shift and an arrow move a queued card by one, or to the lane beside it", () => {
  const known = board(lane(1, "A", [card("x", "running"), card("a"), card("b"), card("c")]), lane(2, "B", []));
  const tables = [
    ["a", "up", null], ["b", "up", { run: "b", lane: 1, before: "a" }],
    ["a", "down", { run: "a", lane: 1, before: "c" }],
    ["b", "down", { run: "b", lane: 1, before: null }], ["c", "down", null], ["x", "down", null], ["gone", "up", null],
    ["a", "right", { run: "a", lane: 2, before: null }], ["a", "left", null],
  ];
  for (const [run, way, wanted] of tables) assert.deepEqual(shifted(known, run, way), wanted, `${run} ${way}`);
});

test("a card goes down no further than its queue is known", () => {
  const cut = { ...lane(1, "A", [card("a"), card("b"), card("c")]), queued: 9 };
  assert.deepEqual(shifted(board(cut), "a", "down"), { run: "a", lane: 1, before: "c" });
  assert.equal(shifted(board(cut), "b", "down"), null);
  assert.equal(shifted(board(cut), "c", "down"), null);
  assert.deepEqual(shifted(board({ ...cut, queued: 3 }), "b", "down"), { run: "b", lane: 1, before: null });
  assert.ok(isCut(cut) && isCut({ ...cut, queued: 3, queued_is_more: true }) && !isCut({ ...cut, queued: 3 }));
});

test("a pulse is that of a node whose lease holds, never a guess", () => {
  const one = (node, status = "running") => card("a", status, { node });
  assert.ok(isAlive(one("n1"), "room", ["n1"]));
  assert.ok(!isAlive(one("n2"), "room", ["n1"]));
  assert.ok(!isAlive(one(null), "room", ["n1", ""]));
  assert.ok(!isAlive(one("n1"), "external", ["n1"]));
  assert.ok(!isAlive(one("n1", "claimed"), "room", ["n1"]));
});

test("arrows go from card to card and over empty lanes", () => {
  const lanes = [
    { cards: [card("a"), card("b")], recent: [card("c", "failed")] },
    { cards: [], recent: [] }, { cards: [card("d")], recent: [] },
  ];
  const tables = [
    [null, "down", "a"], ["a", "down", "b"], ["b", "down", "c"], ["c", "down", "c"], ["a", "up", "a"],
    ["b", "right", "d"], ["d", "left", "a"], ["d", "right", "d"], ["gone", "down", "a"],
  ];
  for (const [run, way, wanted] of tables) assert.equal(neighbour(lanes, run, way), wanted, `${run} ${way}`);
  assert.equal(neighbour([], null, "down"), null);
});

test("more cards are fetched the deeper one looks, in three steps", () => {
  assert.deepEqual([0, 30, 31, 100, 101, 5000].map(cardsWanted), [40, 40, 120, 120, 500, 500]);
});

test("the failed step is the first that failed and was not done by another attempt", () => {
  const failed = (shown) => shown.lanes[0].cards[0].failed_step;
  const event = (type, step) => ({ type, run: "r", lane: 1, at, step });
  let shown = apply(board(lane(1, "A", [card("r", "running")])), event("step.failed", "a"));
  assert.equal(failed(shown), "a");
  shown = apply(apply(shown, event("step.succeeded", "b")), event("step.succeeded", "a"));
  assert.equal(failed(shown), null);
  shown = apply(apply(shown, event("step.failed", "b")), event("step.failed", "c"));
  assert.equal(failed(shown), "b");
});
