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
