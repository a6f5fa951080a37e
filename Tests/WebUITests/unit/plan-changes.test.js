// What changed between two plans is told by step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { planChanges } from "../../../Sources/WebUI/assets/data/plan-changes.js";

test("steps are added, removed, changed; the order of members is no change", () => {
  const before = { name: "p", maxParallel: 8, steps: [{ id: "a", needs: [], x: 1 }, { id: "b" }, { id: "c",
    n: { p: 1, q: 2 } }] };
  const after = { name: "p", maxParallel: 4, steps: [{ x: 2, needs: [], id: "a" }, { n: { q: 2, p: 1 }, id: "c" },
    { id: "d" }] };
  assert.deepEqual(planChanges(before, after), { added: ["d"], removed: ["b"], changed: ["a"],
    other: ["maxParallel"] });
});

test("a plan does not differ from itself", () => {
  const plan = { name: "p", steps: [{ id: "a" }] };
  assert.deepEqual(planChanges(plan, plan), { added: [], removed: [], changed: [], other: [] });
});
