// Decides in which order approvals are shown.
import assert from "node:assert/strict";
import test from "node:test";
import { byUrgency, keyOf, mayChange } from "../../../Sources/WebUI/assets/data/approvals.js";

const now = Date.parse("2026-01-01T12:00:00Z");
const one = (run, asked, expires = null, may = true) => ({ run, step: "s", asked_at: asked, expires_at: expires, may_decide: may });
const order = (list) => byUrgency(list, now).map((approval) => approval.run).join("");

test("whose time ends within the hour comes first, then who waits longest", () => {
  assert.equal(order([one("a", "2026-01-01T10:00:00Z"), one("b", "2026-01-01T09:00:00Z", "2026-01-02T12:00:00Z"),
    one("c", "2026-01-01T11:00:00Z", "2026-01-01T12:30:00Z"), one("d", "2026-01-01T11:30:00Z", "2026-01-01T12:10:00Z")]), "dcba");
});

test("what one cannot decide comes last", () => {
  assert.equal(order([one("a", "2026-01-01T08:00:00Z", "2026-01-01T12:01:00Z", false), one("b", "2026-01-01T11:59:00Z")]), "ba");
});

test("a step that asks again is another question", () => {
  assert.notEqual(keyOf(one("a", "2026-01-01T10:00:00Z")), keyOf(one("a", "2026-01-01T11:00:00Z")));
});

test("what waits is asked for anew when something begins to wait, is decided, or a run that waits ends", () => {
  const tables = [["run.waiting", "z", true], ["approval.decided", "z", true], ["run.timed_out", "a", true],
    ["run.resumed", "a", true], ["run.succeeded", "z", false], ["run.started", "a", false]];
  for (const [type, run, wanted] of tables) assert.equal(mayChange({ type, run }, [one("a", "")]), wanted, type);
});
