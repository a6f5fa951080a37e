// Which lines are meant, where a scrolled place is, and what an address means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { read, write } from "../../../Sources/WebUI/assets/data/log-address.js";
import { Ranges } from "../../../Sources/WebUI/assets/data/ranges.js";
import { anchorAt, heightMax, heightOf, moved, topOf } from "../../../Sources/WebUI/assets/data/scroll.js";

test("ranges count, find the nth and tell the place of a number", () => {
  const ranges = Ranges.from([[2, 4], [7, 7], [10, 12]]);
  assert.equal(ranges.count, 7);
  assert.deepEqual([0, 2, 3, 4, 6, 7, -1].map((place) => ranges.at(place)), [2, 4, 7, 10, 12, null, null]);
  assert.deepEqual([1, 2, 4, 5, 7, 8, 12, 99].map((number) => ranges.placeOf(number)), [0, 0, 2, 3, 3, 4, 6, 7]);
  assert.deepEqual([1, 3, 5, 7, 12, 13].map((number) => ranges.has(number)), [false, true, false, true, true, false]);
  assert.equal(Ranges.of(1, 0).count, 0);
});

test("the next and the one before, at the ends none", () => {
  const ranges = Ranges.from([[2, 3], [7, 7]]);
  assert.deepEqual([0, 2, 3, 7].map((number) => ranges.next(number)), [2, 3, 7, null]);
  assert.deepEqual([9, 7, 3, 2].map((number) => ranges.previous(number)), [7, 3, 2, null]);
});

test("what touches is one range; widened ranges stay within the lines", () => {
  const ranges = Ranges.of(1, 5).add(6, 8);
  assert.deepEqual([ranges.starts, ranges.ends], [[1], [8]]);
  const wide = Ranges.from([[1, 1], [5, 5], [20, 20]]).widened(2, 20);
  assert.deepEqual([wide.starts, wide.ends], [[1, 18], [7, 20]]);
});

test("a hundred thousand ranges agree with counting", () => {
  const ranges = new Ranges();
  for (let number = 1; number <= 200_000; number += 2) ranges.add(number, number);
  assert.equal(ranges.count, 100_000);
  assert.equal(ranges.at(54_321), 108_643);
  assert.equal(ranges.placeOf(108_643), 54_321);
});

test("a few rows are scrolled to the pixel", () => {
  const extent = { rows: 200_000, rowHeight: 18, view: 600 };
  assert.equal(heightOf(extent), 3_600_000);
  assert.deepEqual(anchorAt(extent, 1805), { row: 100, offset: 5 });
  assert.equal(topOf(extent, { row: 100, offset: 5 }), 1805);
  assert.deepEqual(anchorAt({ rows: 3, rowHeight: 18, view: 600 }, 40), { row: 0, offset: 0 });
});

test("ten million rows reach from the first to the last within what a browser can lay out", () => {
  const extent = { rows: 10_000_000, rowHeight: 18, view: 600 };
  assert.equal(heightOf(extent), heightMax);
  assert.deepEqual(anchorAt(extent, 0), { row: 0, offset: 0 });
  const last = anchorAt(extent, heightMax - 600);
  assert.equal(Math.ceil(last.row + (last.offset + 600) / 18), 10_000_000);
  for (const row of [0, 1, 4_999_999, 9_999_900]) {
    assert.ok(Math.abs(anchorAt(extent, topOf(extent, { row, offset: 0 })).row - row) <= 1);
  }
});

test("an anchor moves over rows of different heights", () => {
  const height = (row) => (row % 2 ? 36 : 18);
  assert.deepEqual(moved({ row: 4, offset: 0 }, 20, height, 100), { row: 5, offset: 2 });
  assert.deepEqual(moved({ row: 4, offset: 0 }, -20, height, 100), { row: 3, offset: 16 });
  assert.deepEqual(moved({ row: 1, offset: 0 }, -100, height, 100), { row: 0, offset: 0 });
});

test("addresses of lines", () => {
  assert.deepEqual(read("L120"), { step: null, attempt: null, first: 120, last: 120 });
  assert.deepEqual(read("L130-L120"), { step: null, attempt: null, first: 120, last: 130 });
  assert.deepEqual(read("build:2:L7"), { step: "build", attempt: 2, first: 7, last: 7 });
  assert.deepEqual(read("items[3]:L7-9"), { step: "items[3]", attempt: null, first: 7, last: 9 });
  for (const text of ["", "x", "L", "L1x", "Lx"]) assert.equal(read(text), null);
  for (const text of ["L1", "L3-L9", "build:2:L7", "a:L1"]) assert.equal(write(/** @type {any} */ (read(text))), text);
});
