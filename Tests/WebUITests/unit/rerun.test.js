// A retry takes over what succeeded, and nothing that stands on what runs again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rerunSteps } from "../../../Sources/WebUI/assets/data/rerun.js";

const plan = { steps: [
  { id: "a", needs: [] }, { id: "b", needs: ["a"] }, { id: "c", needs: ["b"] }, { id: "d", needs: ["a"] },
] };
const record = (step, state, more = {}) => ({ step, state, ...more });

test("from what failed: it and what needs it", () => {
  const journal = [record("a", "succeeded"), record("b", "failed"), record("d", "succeeded"), record("c", "skipped",
    { failure: "b failed" })];
  assert.deepEqual(rerunSteps(plan, journal, null), ["b", "c"]);
});

test("a step skipped by its own condition is done", () => {
  const journal = [record("a", "succeeded"), record("b", "skipped"), record("c", "succeeded"), record("d",
    "succeeded")];
  assert.deepEqual(rerunSteps(plan, journal, null), []);
});

test("from a chosen step: its dependents too, although they succeeded", () => {
  const journal = ["a", "b", "c", "d"].map((step) => record(step, "succeeded"));
  assert.deepEqual(rerunSteps(plan, journal, "b"), ["b", "c"]);
  assert.deepEqual(rerunSteps(plan, journal, "a"), ["a", "b", "c", "d"]);
});

test("what was undone is done again, what does not count any more is not looked at", () => {
  const journal = [record("a", "succeeded"), record("d", "succeeded"), record("d!0", "succeeded"), record("b",
    "succeeded"),
    record("c", "succeeded", { superseded: true })];
  assert.deepEqual(rerunSteps(plan, journal, null), ["c", "d"]);
});

test("what was done by hand is done", () => {
  const journal = [record("a", "succeeded"), record("b", "skipped", { failure: "exit 1", by_hand: { by: "ada" } }),
    record("c", "succeeded"), record("d", "succeeded")];
  assert.deepEqual(rerunSteps(plan, journal, null), []);
});
