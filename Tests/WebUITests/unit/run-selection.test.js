// Decides which runs are chosen after each click: what is taken out of all is spared, and never what is left alone.
import assert from "node:assert/strict";
import test from "node:test";
import { selectionOf } from "../../../Sources/WebUI/assets/data/run-selection.js";

const rows = [..."abcde"].map((id) => ({ id, status: "queued" }));
const ids = (selection) => [...selection.ids.peek()].sort().join("");

test("a run that is taken out of all that fit is spared: the others that are shown stay", () => {
  const selection = selectionOf();
  selection.all();
  assert.equal(selection.toggle(rows, "c"), true);
  assert.ok(!selection.isAll.peek());
  assert.equal(ids(selection), "abde");
  assert.ok(!selection.has("c") && selection.has("a"));
  assert.equal(selection.toggle(rows, "c"), false);
  assert.equal(ids(selection), "abcde");
});

test("a stretch is added, and adds nothing to all", () => {
  const selection = selectionOf();
  selection.toggle(rows, "b");
  selection.range(rows, "d");
  assert.equal(ids(selection), "bcd");
  selection.extend(rows, "d", "e");
  assert.equal(ids(selection), "bcde");
  selection.all();
  selection.range(rows, "a");
  selection.extend(rows, "a", "b");
  assert.ok(selection.isAll.peek());
});

test("what is chosen and not shown is counted", () => {
  const selection = selectionOf();
  selection.shown(rows);
  assert.equal(selection.away(rows), 0);
  assert.equal(selection.away(rows.slice(2)), 2);
  selection.all();
  assert.equal(selection.away([]), 0);
  selection.clear();
  assert.equal(selection.away(rows), 0);
});
