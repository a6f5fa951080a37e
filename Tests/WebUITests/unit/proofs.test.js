// Decides what is told of checks: found, implied, to come, and never to come.
import assert from "node:assert/strict";
import test from "node:test";
import { proofsOf, summaryOf } from "../../../Sources/WebUI/assets/data/proofs.js";

const outcome = (id, result = "passed") => ({ id, kind: "shell", required: true, result, expected: "1", observed: "2" });
const attempt = (number, more = {}) => ({ step: "a", attempt: number, state: "succeeded", superseded: false, failure: null,
  verifiers: [], ...more });
const row = (state, attempts = [], items = []) => ({ id: "a", title: "", kind: "", isUndo: false, state, attempts, items,
  current: attempts.filter((one) => !one.superseded).at(-1) ?? null, begunAt: null, endedAt: null });
const check = (id, more = {}) => ({ id, required: true, check: { custom: { assert: "x" } }, ...more });
const step = { preconditions: [check("p")], verify: [check("v")] };
const told = (one, status = "running") => proofsOf([one], () => step, { status })
  .map((proof) => `${proof.id}:${proof.result}${proof.note ? ` (${proof.note})` : ""}`);

test("what was found is told, and what must have held because the step began", () => {
  assert.deepEqual(told(row("succeeded", [attempt(1, { verifiers: [outcome("v")] })])),
    ["p:held (the step would not have begun otherwise)", "v:passed"]);
  const failure = "precondition 'p' does not hold: expected a, b, found c";
  const [before, after] = proofsOf([row("failed", [attempt(1, { state: "failed", failure })])], () => step,
    { status: "failed" });
  assert.deepEqual([before.result, before.expected, before.observed], ["failed", "a, b", "c"]);
  assert.deepEqual([after.result, after.note], ["never", "the step ended before"]);
});

test("what is to come is told apart from what nobody will check", () => {
  assert.deepEqual(told(row("pending")), ["p:open", "v:open"]);
  assert.deepEqual(told(row("pending"), "failed"),
    ["p:never (the run ended before the step)", "v:never (the run ended before the step)"]);
  assert.deepEqual(told(row("skipped", [attempt(0, { state: "skipped" })])),
    ["p:never (the step was skipped)", "v:never (the step was skipped)"]);
  const again = [attempt(1, { state: "failed", verifiers: [outcome("v", "failed")] }), attempt(2, { state: "intent" })];
  assert.deepEqual(told(row("running", again)), ["p:open", "v:failed", "v:open"]);
});

test("the note of a step that was done by hand is a proof", () => {
  const by = { by: "ada", note: "I looked", at: "2026-01-01T00:00:00Z" };
  const list = proofsOf([row("by_hand", [attempt(0, { state: "skipped", by_hand: by })])], () => step, { status: "running" });
  assert.deepEqual(list.map((proof) => proof.result), ["never", "hand", "never"]);
  assert.deepEqual([list[1].note, list[1].observed], ["ada", "I looked"]);
});

test("the sum says what held, what is to come and what was not made", () => {
  const of = (...results) => summaryOf(results.map((result) => ({ isLatest: true, result })));
  assert.deepEqual(of(), { text: "Nothing to prove", tone: "queued" });
  assert.deepEqual(of("hand"), { text: "Nothing to prove", tone: "queued" });
  assert.deepEqual(of("open", "never"), { text: "2 checks: 1 to come, 1 not made", tone: "queued" });
  assert.deepEqual(of("passed", "held", "hand", "never"), { text: "2 checks held, 1 not made", tone: "proof" });
  assert.deepEqual(of("passed", "error", "open"), { text: "1 check of 2 did not hold, 1 to come", tone: "failed" });
});
