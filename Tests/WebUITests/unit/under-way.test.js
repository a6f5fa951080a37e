// What is under way is not begun once more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isRepeated, underWay } from "../../../Sources/WebUI/assets/parts/under-way.js";

test("what is under way is not begun again before it has ended, well or not", async () => {
  const kept = underWay();
  let begun = 0;
  let end = (/** @type {any} */ _) => {};
  const work = () => {
    begun += 1;
    return new Promise((_, reject) => { end = reject; });
  };
  const first = kept.run("a", work);
  await kept.run("a", work);
  assert.deepEqual([begun, kept.has("a"), kept.has("b")], [1, true, false]);
  end(new Error("no"));
  await assert.rejects(first);
  assert.equal(kept.has("a"), false);
});

test("the second press of a double one and a key held down are known", () => {
  assert.deepEqual([{ detail: 0 }, { detail: 1 }, { detail: 2 }, { detail: 0, repeat: true }].map((event) =>
    isRepeated(/** @type {any} */ (event))), [false, false, true, true]);
});
