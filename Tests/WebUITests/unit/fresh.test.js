// What of a list of approvals is new.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fresh } from "../../../Sources/WebUI/assets/data/fresh.js";

test("each approval is new once, and again when it comes back", () => {
  const known = new Set();
  const a = { run: "r1", step: "ask" };
  const b = { run: "r2", step: "ask" };
  assert.deepEqual(fresh(known, [a]), [a]);
  assert.deepEqual(fresh(known, [a, b]), [b]);
  assert.deepEqual(fresh(known, [b]), []);
  assert.deepEqual(fresh(known, [a, b]), [a]);
});

test("one that is asked again is new", () => {
  const known = new Set();
  const asked = (at) => ({ run: "r1", step: "ask", asked_at: at });
  fresh(known, [asked("10:00")]);
  assert.deepEqual(fresh(known, [asked("11:00")]), [asked("11:00")]);
});
