// What is offered for a run's steps is what the node takes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { skipOf } from "../../../Sources/WebUI/assets/pages/run/allowed.js";

const row = (id, kind, state, current = {}) => ({ id, kind, state, isUndo: false, items: [],
  current: state === "pending" ? null : { state: state === "waiting" ? "intent" : state, failure: null, ...current } });
const needs = { work: ["ask"], last: ["work"] };
const why = (run, step, rows) => skipOf({ status: run }, rows.find((one) => one.id === step), rows,
  (id) => needs[id] ?? [])?.why ?? null;

test("a step that failed can be done by hand once the run has ended or waits for a time", () => {
  const rows = [row("ask", "approval", "succeeded"), row("work", "shell", "failed"), row("last", "shell", "pending")];
  assert.deepEqual(["failed", "waiting", "cancelled"].map((status) => why(status, "work", rows)), ["", "", ""]);
  assert.deepEqual(["running", "queued", "succeeded"].map((status) => why(status, "work", rows)), [null, null, null]);
  assert.equal(why("failed", "ask", rows), null);
});

test("not behind an approval or a signal that has not come, however far", () => {
  for (const ask of [row("ask", "approval", "failed"), row("ask", "approval", "skipped", { failure: "no" }),
    row("ask", "approval", "pending")]) {
    assert.match(why("failed", "last", [ask, row("work", "shell", "pending"), row("last", "shell", "pending")]),
      /needs “ask”, an approval that has not succeeded/);
  }
  const skipped = [row("ask", "approval", "skipped"), row("work", "shell", "failed")];
  assert.equal(why("failed", "work", skipped), "", "its own condition left it out");
});

test("not while the run asks for something else, or does", () => {
  const failed = row("work", "shell", "failed");
  assert.match(why("waiting", "work", [row("ask", "approval", "succeeded"), failed,
    row("sign", "wait_signal", "waiting")]), /waits at “sign”, a wait for a signal/);
  assert.match(why("waiting", "work", [row("ask", "approval", "succeeded"), failed,
    row("other", "shell", "waiting")]), /“other” is under way/);
  assert.equal(why("waiting", "work", [row("ask", "approval", "succeeded"), row("work", "shell", "waiting")]), "");
});

test("what succeeded needs nobody's hand, unless it was undone", () => {
  const done = row("work", "shell", "succeeded");
  assert.equal(why("failed", "work", [row("ask", "approval", "succeeded"), done]), null);
  const undone = { ...done, items: [{ ...row("work!0", "", "succeeded"), isUndo: true }] };
  assert.equal(why("failed", "work", [row("ask", "approval", "succeeded"), undone]), "");
});
