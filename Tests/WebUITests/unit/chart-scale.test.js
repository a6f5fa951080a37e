// Round marks of a chart's axes, stacked sums, and what lies under the pointer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { greatest, marks, moments, placeAt, stacked } from "../../../Sources/WebUI/assets/data/chart-scale.js";

test("marks begin at nothing, are round, and hold the greatest value", () => {
  assert.deepEqual(marks(28, 4, "count"), [0, 10, 20, 30]);
  assert.deepEqual(marks(0, 4, "count"), [0, 1]);
  assert.deepEqual(marks(3, 5, "count"), [0, 1, 2, 3]);
  for (const max of [1, 7, 99, 1234, 5_000_000]) {
    const list = marks(max, 4, "count");
    assert.ok(list[list.length - 1] >= max && list.length <= 7, `${max}: ${list}`);
  }
});

test("lengths of time are marked in seconds, minutes and hours", () => {
  assert.deepEqual(marks(70_000, 3, "duration"), [0, 30_000, 60_000, 90_000]);
  assert.deepEqual(marks(4 * 3_600_000, 2, "duration"), [0, 7_200_000, 14_400_000]);
});

test("moments stand at round times of the place's clocks", () => {
  const from = Date.UTC(2026, 10, 20, 10, 7);
  const { step, list } = moments(from, from + 3 * 3_600_000, 6, 0);
  assert.equal(step, 1_800_000);
  assert.equal(new Date(list[0]).toISOString(), "2026-11-20T10:30:00.000Z");
  const elsewhere = moments(from, from + 86_400_000, 4, 5.5 * 3_600_000).list;
  // Midnight, six, noon, by clocks that are five and a half hours ahead.
  assert.ok(elsewhere.every((at) => (at + 5.5 * 3_600_000) % (6 * 3_600_000) === 0));
});

test("bars stand on those below them, and what is not known counts as nothing", () => {
  assert.deepEqual(stacked([[1, 2], [3, null], [0, 5]]), [[1, 2], [4, 2], [4, 7]]);
  assert.deepEqual(stacked([]), []);
  assert.equal(greatest([[1, null], [7]]), 7);
  assert.equal(greatest([[null]]), 0);
});

test("a pointer beside the plot is at its first or last place", () => {
  assert.deepEqual([-5, 0, 50, 99, 500].map((x) => placeAt(x, 100, 10)), [0, 0, 5, 9, 9]);
});
