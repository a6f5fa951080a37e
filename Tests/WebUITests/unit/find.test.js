// Marks of a search in a line: what fits, what is too winding to be marked, marks across coloured parts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { finder, marked } from "../../../Sources/WebUI/assets/data/find.js";

const text = { isExpression: false, ignoresCase: true };
const expression = { isExpression: true, ignoresCase: true };

test("a text is found as it stands, whatever it means in an expression", () => {
  assert.deepEqual(finder("a.c", text)("a.c abc A.C"), [[0, 3], [8, 11]]);
  assert.deepEqual(finder("a", { ...text, ignoresCase: false })("Aa"), [[1, 2]]);
  assert.deepEqual(finder("[x]-/(", text)("in [x]-/( here"), [[3, 9]]);
});

test("an expression is found; one that fits nothing long leaves no mark", () => {
  assert.deepEqual(finder("er+or \\d", expression)("an Error 5"), [[3, 10]]);
  assert.deepEqual(finder("x*", expression)("aaa"), []);
});

test("what could take a page's time is not looked for: the line as a whole fits", () => {
  for (const winding of ["(a+)+$", "(a|b)*c", "a*b*c*d", "(", "(x{2,})*", "(a|aa){1,}"]) {
    assert.equal(finder(winding, expression), null, winding);
  }
  const started = process.hrtime.bigint();
  finder("a+a+b", expression)("a".repeat(8000));
  assert.ok(process.hrtime.bigint() - started < 2_000_000_000n);
});

test("marks cut parts where they begin and end, codes stay whole", () => {
  const runs = [{ source: "hel" }, { source: "\u0000", isCode: true }, { source: "lo there" }];
  const pieces = marked(runs, [[2, 6]]);
  assert.deepEqual(pieces.map(({ run, from, to, isMarked }) => [run.source.slice(from, to), isMarked]), [
    ["he", false], ["l", true], ["\u0000", true], ["lo", true], [" there", false]]);
  assert.equal(marked(runs, []).length, 3);
});
