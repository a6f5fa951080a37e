// A run's steps are the plan's, with what the journal says of each now.
import assert from "node:assert/strict";
import { test } from "node:test";
import { baseOf, causeOf, failedStep, progressOf, stepRows,
  stepToShow } from "../../../Sources/WebUI/assets/data/steps.js";

const plan = { steps: [
  { id: "a", needs: [] }, { id: "b", needs: ["a"], retry: { maxAttempts: 3 } }, { id: "ask", needs: ["b"],
    kind: "approval" },
] };
const kindOf = (step) => step.kind ?? "shell";
const row = (step, attempt, state, more = {}) => ({ step, attempt, state, superseded: false,
  begun_at: "2026-01-01T00:00:00Z",
  ended_at: null, failure: null, result: null, outputs: {}, verifiers: [], ...more });
const rows = (journal, status, begun) => stepRows(plan, journal, { status }, { kindOf, begun });
const states = (...given) => rows(...given).map((one) => one.state);

test("what has not begun is pending, in the plan's order", () => {
  assert.deepEqual(states([], "queued"), ["pending", "pending", "pending"]);
});

test("a step without a row whose needs have ended is under way while its run is", () => {
  assert.deepEqual(states([row("a", 1, "succeeded")], "running"), ["succeeded", "running", "pending"]);
  assert.deepEqual(states([row("a", 1, "succeeded"), row("b", 1, "succeeded")], "running"), ["succeeded",
    "succeeded", "pending"]);
});

test("an intent is running, waiting where it waits for somebody, unknown in a run that ended", () => {
  assert.deepEqual(states([row("a", 1, "intent")], "running"), ["running", "pending", "pending"]);
  assert.equal(states([row("ask", 1, "intent")], "waiting")[2], "waiting");
  assert.equal(states([row("a", 1, "intent")], "failed")[0], "unknown");
});

test("a failed attempt that is not the last is tried again", () => {
  assert.equal(states([row("a", 1, "succeeded"), row("b", 1, "failed")], "running")[1], "retrying");
  assert.equal(states([row("a", 1, "succeeded"), row("b", 3, "failed")], "running")[1], "failed");
});

test("attempts of an earlier go are kept, the state is that of what counts", () => {
  const found = rows([row("a", 1, "failed", { superseded: true })], "queued")[0];
  assert.equal(found.state, "pending");
  assert.equal(found.attempts.length, 1);
  assert.equal(states([row("a", 1, "skipped", { by_hand: { by: "ada", note: "x", at: "" } })], "queued")[0], "by_hand");
});

test("items of a fan-out and undoings stand under their step, what the plan does not know comes last", () => {
  const found = rows([row("a[10]", 1, "succeeded"), row("a[2]", 1, "failed"), row("b!0", 1, "succeeded"), row("old",
    1, "succeeded")], "failed");
  assert.deepEqual(found[0].items.map((item) => item.id), ["a[2]", "a[10]"]);
  assert.equal(found[1].items[0].isUndo, true);
  assert.equal(found[3].id, "old");
  assert.equal(baseOf("a[1]!0"), "a");
});

test("the cause is the step that failed first, told without repeating its name", () => {
  const found = rows([row("b", 1, "failed", { ended_at: "2026-01-01T00:00:02Z" }), row("a", 1, "failed",
    { ended_at: "2026-01-01T00:00:01Z" })], "failed");
  assert.equal(failedStep(found)?.id, "a");
  assert.deepEqual(causeOf({ status: "failed", failure: "step 'b' failed: exit 3" }, found), { text: "exit 3",
    step: "b" });
  assert.deepEqual(causeOf({ status: "timed_out", failure: "took too long" }, found), { text: "took too long",
    step: "a" });
  assert.equal(causeOf({ status: "succeeded", failure: null }, found), null);
  assert.equal(stepToShow(found)?.id, "a");
  assert.deepEqual(progressOf(found), { done: 0, total: 3 });
});
