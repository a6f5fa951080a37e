// Decides that a filter of runs survives the address, is said to the node in its words, and is told piece by piece.
import assert from "node:assert/strict";
import test from "node:test";
import {
  ask, excluded, forBulk, fromText, isAny, isSaid, localTime, pieces, presets, read, standing, toText, toggled, write,
} from "../../../Sources/WebUI/assets/data/run-filter.js";

const of = (text) => read(new URLSearchParams(text));

test("what an address says is the same after it was written and read again", () => {
  for (const text of ["status=failed%2C-queued&session=p4&text=connection+refused&since=24h", "lane=A&quiet=1&by=finished&to=2026-01-02T03%3A04%3A05Z",
    "status=dead&template=deploy&key=acme", ""]) {
    const filter = of(text);
    assert.deepEqual(fromText(toText(filter)), filter);
    assert.deepEqual(of(new URLSearchParams(Object.entries(write(filter)).filter(([, value]) => value)).toString()), filter);
  }
});

test("what an address says wrongly is left out", () => {
  const filter = of("status=nonsense,-dead,-paused,failed,failed&since=constructor&from=tomorrow&by=birth&color=red");
  assert.deepEqual(filter.status, ["failed"]);
  assert.equal(filter.since, "");
  assert.equal(filter.from, "");
  assert.equal(filter.by, "enqueued");
  assert.ok(!isSaid(new URLSearchParams("color=red")) && isSaid(new URLSearchParams("lane=A")));
});

test("a click adds a status or takes it away, with Alt it is excluded or let in", () => {
  assert.deepEqual(toggled([], "failed"), ["failed"]);
  assert.deepEqual(toggled(["-failed", "queued"], "failed"), ["queued", "failed"]);
  assert.deepEqual(toggled(["failed"], "failed"), []);
  assert.deepEqual(excluded(["failed"], "failed"), ["-failed"]);
  assert.deepEqual(excluded(["-failed"], "failed"), []);
  assert.deepEqual(["failed", "queued", "running"].map((name) => standing(["failed", "-queued"], name)), ["in", "out", "any"]);
});

test("the node is asked in its own words; a time that reaches back begins at a moment", () => {
  const now = Date.parse("2026-05-01T12:00:00Z");
  assert.deepEqual(ask(of("status=failed,-queued&since=1h&session=p4"), now),
    { status: "failed,-queued", session: "p4", enqueued_after: "2026-05-01T11:00:00.000Z" });
  assert.deepEqual(ask(of("by=finished&from=2026-05-01T01:00:00Z&to=2026-05-01T02:00:00Z&quiet=1"), now),
    { finished_after: "2026-05-01T01:00:00Z", finished_before: "2026-05-01T02:00:00Z", quiet: "true" });
  for (const preset of Object.keys(presets)) assert.ok(ask(of(`since=${preset}`), now).enqueued_after);
});

test("words that the node does not take together are not said together", () => {
  assert.equal(ask(of("status=paused,-queued,failed"), 0).status, "paused,failed");
  assert.equal(ask(of("status=dead,queued,failed"), 0).status, "dead,failed");
  assert.equal(ask(of("status=paused,-failed"), 0).status, "paused,-failed");
});

test("what is chosen is what is asked: a word that does not go with the latest is let go, in the address and the pieces too", () => {
  assert.deepEqual(toggled(["dead"], "running"), ["running"]);
  assert.deepEqual(toggled(["dead"], "failed"), ["dead", "failed"]);
  assert.deepEqual(excluded(["dead", "failed"], "queued"), ["failed", "-queued"]);
  assert.deepEqual(toggled(["failed", "-queued"], "paused"), ["failed", "paused"]);
  assert.deepEqual(excluded(["failed", "paused"], "queued"), ["failed", "-queued"]);
  assert.deepEqual(excluded(["paused"], "failed"), ["paused", "-failed"]);
  const typed = of("status=dead,running,failed");
  assert.deepEqual([typed.status.join(), write(typed).status, ask(typed, 0).status, pieces(typed).map((piece) => piece.text).join()],
    ["dead,failed", "dead,failed", "dead,failed", "dead,failed"]);
});

test("times are told as the field for them has them, in the zone of who looks", () => {
  const at = Date.parse("2026-05-01T12:00:00Z");
  const shown = localTime(at);
  assert.equal(new Date(shown).getTime(), at);
  const [piece] = pieces(of("from=2026-05-01T12:00:00Z"));
  assert.equal(piece.text, `queued after ${shown.replace("T", " ")}`);
  assert.equal(pieces(of("since=15m&by=finished"), at)[0].text, `ended since ${shown.replace("T", " ")}`);
});

test("an action on many gets the statuses as a list", () => {
  assert.deepEqual(forBulk({ status: "failed,-queued", lane: "A" }), { status: ["failed", "-queued"], lane: "A" });
  assert.deepEqual(forBulk({ lane: "A" }), { lane: "A" });
});

test("each piece of a filter can be taken away alone", () => {
  const filter = of("status=failed,-timed_out&session=p4&since=24h&quiet=1");
  assert.deepEqual(pieces(filter).map((piece) => piece.text),
    ["failed", "not timed out", "session: p4", "queued in the last 24 hours", "no scheduled runs that went well"]);
  let left = filter;
  for (let rest = pieces(left); rest.length > 0; rest = pieces(left)) left = rest[0].without;
  assert.ok(isAny(left));
});
