// A JSON value as a tree: what a search finds, where, and how deep it looks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { depthMax, pathText, search, valueAt } from "../../../Sources/WebUI/assets/data/tree.js";

const texts = (value, query) => search(value, query).paths.map(pathText);

test("names and values are found in order, without case; what they belong to is told", () => {
  const value = { Name: 1, list: [{ "odd name": "x" }, "no name"], big: 9007199254740993n, "": null };
  assert.deepEqual(texts(value, "name"), ["$.Name", "$.list[0][\"odd name\"]", "$.list[1]"]);
  assert.deepEqual(texts(value, "740993"), ["$.big"]);
  assert.deepEqual(texts("a name", "name"), ["$"]);
  assert.equal(valueAt(value, search(value, "odd").paths[0]), "x");
  assert.deepEqual(search(value, ""), { paths: [], isMore: false, isDeep: false });
});

test("what is nested without end is searched as deep as is said, in a moment", () => {
  const nested = JSON.parse(`${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`);
  const started = performance.now();
  const { paths, isDeep } = search(nested, "a");
  assert.ok(performance.now() - started < 1000);
  assert.deepEqual([paths.length, isDeep], [depthMax, true]);
  assert.equal(search(JSON.parse('[[{"a":[]}]]'), "a").isDeep, false);
});
