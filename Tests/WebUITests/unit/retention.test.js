// What would go once retention is changed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { goesAtOnce, isKeep } from "../../../Sources/WebUI/assets/data/retention.js";

test("whole days and for ever are times to keep something for", () => {
  for (const text of ["1d", "30d", "99999d", "forever"]) assert.equal(isKeep(text), true, text);
  for (const text of ["", "0d", "030d", "100000d", "30", "30h", "1.5d", "-1d", "for ever", "30d\n"]) {
    assert.equal(isKeep(text), false, text);
  }
});

test("what goes is told of the kinds that are changed", () => {
  const drops = [{ kind: "runs", rows: 1200 }, { kind: "runs", rows: 34 }, { kind: "events", rows: 1 }];
  assert.equal(goesAtOnce(drops, ["runs"]).text, "2 days with 1,234 rows would go within the hour, for good.");
  assert.equal(goesAtOnce(drops, ["events"]).text, "1 day with 1 row would go within the hour, for good.");
  assert.equal(goesAtOnce(drops, ["runs", "events"]).text, "3 days with 1,235 rows would go within the hour, for good.");
  assert.deepEqual(goesAtOnce(drops.slice(0, 2), ["events"]), { isAny: false, text: "Nothing would go at once." });
});
