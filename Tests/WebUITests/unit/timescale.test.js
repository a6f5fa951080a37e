// A timeline keeps lengths, and cuts short the time in which nothing happened.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ticks, timescale } from "../../../Sources/WebUI/assets/data/timescale.js";

test("spans without a pause keep their lengths", () => {
  const scale = timescale([{ from: 1000, to: 2000 }, { from: 2000, to: 5000 }]);
  assert.equal(scale.at(1000), 0);
  assert.equal(scale.at(2000), 0.25);
  assert.equal(scale.at(5000), 1);
  assert.equal(scale.at(9000), 1);
});

test("a night between two attempts does not squash them", () => {
  const scale = timescale([{ from: 0, to: 10_000 }, { from: 40_000_000, to: 40_010_000 }]);
  assert.equal(scale.segments.filter((segment) => segment.isGap).length, 1);
  assert.ok(scale.at(10_000) > 0.4 && scale.at(40_000_000) < 0.6);
  assert.equal(scale.at(40_010_000), 1);
});

test("nothing has no length, and one moment is a beginning", () => {
  assert.equal(timescale([]).at(5), 0);
  assert.equal(timescale([{ from: 5, to: 5 }]).at(5), 0);
});

test("marks are round and not more than asked for", () => {
  assert.deepEqual(ticks(9000, 5), [0, 2000, 4000, 6000, 8000]);
  assert.deepEqual(ticks(0, 5), [0]);
  assert.ok(ticks(864_000_000, 6).length <= 7);
});
