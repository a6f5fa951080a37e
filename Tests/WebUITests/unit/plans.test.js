// Decides which plans are listed: one for each digest, the latest run first, with the templates that stand for it.
import assert from "node:assert/strict";
import test from "node:test";
import { knownPlans } from "../../../Sources/WebUI/assets/data/plans.js";

test("a plan is listed once, with its latest run and its templates; what ran latest comes first", () => {
  const found = knownPlans([{ name: "t1", plan: "b", plan_digest: "2" }, { name: "t2", plan: "c", plan_digest: "3" },
    { name: "t3", plan: "b", plan_digest: "2" }],
  [{ id: "r3", plan: "a", plan_digest: "1" }, { id: "r2", plan: "b", plan_digest: "2" }, { id: "r1", plan: "a", plan_digest: "1" }]);
  assert.deepEqual(found.map((one) => [one.digest, one.name, one.templates.join(), one.last?.id ?? null]),
    [["1", "a", "", "r3"], ["2", "b", "t1,t3", "r2"], ["3", "c", "t2", null]]);
  assert.deepEqual(knownPlans([], []), []);
});
