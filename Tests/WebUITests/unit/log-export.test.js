// What a search of a log found is saved as it is shown: with the lines around, each once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { found } from "../../../Sources/WebUI/assets/leaves/log/export.js";

const line = (/** @type {number} */ number) => ({ line: number, text: String(number), at: "" });
const search = { text: "x", isExpression: false, ignoresCase: true };

test("lines around what was found are saved once, and a log that may grow has an end", async () => {
  const asked = [];
  globalThis.fetch = async (path) => {
    asked.push(String(path));
    const from = Number(new URL(String(path), "http://node").searchParams.get("from"));
    const matches = [3, 5, 9].filter((at) => at >= from).slice(0, 2)
      .map((at) => ({ ...line(at), before: [line(at - 1)], after: [line(at + 1)] }));
    const next = matches.length === 2 ? matches[1].line + 1 : 11;
    return new Response(JSON.stringify({ matches, next }));
  };
  const pieces = await found("r", /** @type {any} */ ({ filter: { level: "error" }, search }), 1);
  assert.deepEqual(pieces, [2, 3, 4, 5, 6, 8, 9, 10].map((number) => `${number}\n`));
  assert.equal(asked.length, 3);
  assert.ok(asked.every((path) => path.includes("context=1") && path.includes("level=error")));
});
