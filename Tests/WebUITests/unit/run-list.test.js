// Decides how a shown list of runs takes up what came anew, what events say at once, and what a line of CSV is.
import assert from "node:assert/strict";
import test from "node:test";
import {
  attemptOf, cause, csvLine, merged, patched, queuedMilliseconds, shownState, workedMilliseconds,
} from "../../../Sources/WebUI/assets/data/run-list.js";

const run = (id, more = {}) => ({ id, status: "queued", enqueued_at: "2026-01-01T00:00:00Z", ...more });
const ids = (rows) => rows.map((one) => one.id).join("");

test("new runs come in front, and what is below stays", () => {
  const { rows, isCut } = merged([..."cba"].map((id) => run(id)), [..."edc"].map((id) => run(id)), false);
  assert.equal(ids(rows), "edcba");
  assert.equal(isCut, false);
});

test("what does not fit any more is gone, as far as the beginning reaches", () => {
  assert.equal(ids(merged([..."edcba"].map((id) => run(id)), [..."eca"].map((id) => run(id)), false).rows), "eca");
  assert.equal(ids(merged([..."edcba"].map((id) => run(id)), [..."ed"].map((id) => run(id)), true).rows), "ed");
  assert.equal(ids(merged([..."dcba"].map((id) => run(id)), [..."dbx"].map((id) => run(id)), false).rows), "dbxa");
});

test("when all of the beginning is new, nobody knows what lies between", () => {
  const { rows, isCut } = merged([..."cba"].map((id) => run(id)), [..."zyx"].map((id) => run(id)), false);
  assert.equal(ids(rows), "zyx");
  assert.ok(isCut);
});

test("events say the status at once; others leave the list as it is", () => {
  const rows = [run("a"), run("b", { status: "running", started_at: "2026-01-01T00:00:01Z" })];
  assert.equal(patched(rows, [{ type: "run.progress", run: "a", at: "" }, { type: "run.started", run: "z", at: "" }]), rows);
  const next = patched(rows, [{ type: "run.started", run: "a", at: "2026-01-01T00:00:02Z" },
    { type: "run.failed", run: "b", at: "2026-01-01T00:00:03Z" }]);
  assert.deepEqual(next.map((one) => [one.status, one.finished_at ?? null]), [["running", null], ["failed", "2026-01-01T00:00:03Z"]]);
  assert.equal(next[0].started_at, "2026-01-01T00:00:02Z");
});

test("an event that is older than the end that is shown changes nothing", () => {
  const rows = [run("a", { status: "failed", finished_at: "2026-01-01T00:00:09Z" })];
  assert.equal(patched(rows, [{ type: "run.started", run: "a", at: "2026-01-01T00:00:02Z" }]), rows);
  assert.equal(patched(rows, [{ type: "run.requeued", run: "a", at: "2026-01-01T00:00:10Z" }])[0].status, "queued");
});

test("the time in the queue and the time of work are told apart", () => {
  const one = run("a", { started_at: "2026-01-01T00:00:10Z", finished_at: "2026-01-01T00:00:25Z" });
  assert.equal(queuedMilliseconds(one, 0), 10_000);
  assert.equal(workedMilliseconds(one, 0), 15_000);
  assert.equal(workedMilliseconds(run("a"), 0), null);
  assert.equal(queuedMilliseconds(run("a"), Date.parse("2026-01-01T00:01:00Z")), 60_000);
});

test("the time in the queue is that of the present go, without the wait for its time", () => {
  const now = Date.parse("2026-01-05T00:01:00Z");
  const again = run("a", { ready_at: "2026-01-05T00:00:00Z" });
  assert.equal(queuedMilliseconds(again, now), 60_000);
  assert.equal(queuedMilliseconds({ ...again, started_at: "2026-01-05T00:00:02Z" }, now), 2000);
  assert.equal(queuedMilliseconds({ ...again, finished_at: "2026-01-05T00:00:03Z", status: "cancelled" }, now), 3000);
  const later = run("a", { ready_at: "2026-01-06T00:00:00Z" });
  assert.equal(queuedMilliseconds(later, now), null);
  assert.equal(queuedMilliseconds({ ...later, finished_at: "2026-01-05T00:00:00Z" }, now), null);
});

test("the cause is one line, a pause is a state of its own while a run is open", () => {
  assert.equal(cause(run("a", { failure: "exit code 3" }), 0), "exit code 3");
  assert.equal(cause(run("a", { paused_by: "kim" }), 0), "paused by kim");
  assert.equal(shownState(run("a", { paused_by: "kim" })), "paused");
  assert.equal(shownState(run("a", { paused_by: "kim", status: "cancelled" })), "cancelled");
  assert.equal(cause(run("a", { due_at: "2026-01-02T00:00:00Z" }), 0), "due 2026-01-02 00:00:00 UTC");
});

test("a line of CSV keeps what is in it, and is no formula", () => {
  assert.equal(csvLine(["a", null, 3, 'say "x", y', { n: 1 }]), 'a,,3,"say ""x"", y","{""n"":1}"\r\n');
  assert.equal(csvLine(["=1+1", "@x", "-2", -2]), "'=1+1,'@x,'-2,-2\r\n");
});

test("attempts by people and retries by itself are told apart", () => {
  assert.deepEqual(attemptOf({ attempt: 1, retry_count: 0 }), { text: "1", words: "Attempt 1", isFirst: true });
  assert.deepEqual(attemptOf({ attempt: 2, retry_count: 1 }),
    { text: "2 (+1)", words: "Attempt 2, and one retry by itself", isFirst: false });
  assert.equal(attemptOf({ attempt: 1, retry_count: 3 }).words, "Attempt 1, and 3 retries by itself");
  assert.equal(attemptOf({ attempt: 2 }).text, "2");
});
