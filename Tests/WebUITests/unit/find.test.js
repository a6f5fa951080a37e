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
  for (const winding of ["(a+)+$", "(a|b)*c", "a*b*c*d", "(", "(x{2,})*", "(a|aa){1,}", `${".?".repeat(30)}!`,
    `${"(a|a)".repeat(30)}!`, "a{0,999}a{0,999}b", "(a)\\1+b", `${"x??".repeat(30)}!`]) {
    assert.equal(finder(winding, expression), null, winding);
  }
});

test("the worst line of what is looked for takes a moment", () => {
  for (const source of ["a+a+b", "a+b", ".?.?.?.?.?.?.?.?!", "(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b", "a{0,99}a{0,9}b", ".*?!",
    "(?:a?a?)?a+b"]) {
    const look = finder(source, expression);
    const started = performance.now();
    for (let line = 0; line < 10; line += 1) look?.("a".repeat(100_000));
    assert.ok(performance.now() - started < 1500, `${source}: ${performance.now() - started} ms`);
  }
});

test("what people look for is marked", () => {
  const line = `${"x".repeat(60)} ERROR: GET /a took 1532 ms at 2026-01-02`;
  for (const source of ["(error|warn|fatal|panic): ", "https?|get", "\\d{4}-\\d{2}-\\d{2}", "took \\d+ ?ms", "error.*ms",
    "(?:get|put) /\\w+ .*15", "[?*+|]|took", "e{2}|x{3,5}"]) {
    assert.equal(finder(source, expression)?.(line)?.length > 0, true, source);
  }
});

test("a line that may fit behind what is looked at fits as a whole", () => {
  const look = finder("a+b", expression);
  assert.equal(look?.(`${"x".repeat(20_000)}ab`), null);
  assert.deepEqual(look?.("xab"), [[1, 3]]);
});

test("marks cut parts where they begin and end, codes stay whole", () => {
  const runs = [{ source: "hel" }, { source: "\u0000", isCode: true }, { source: "lo there" }];
  const pieces = marked(runs, [[2, 6]]);
  assert.deepEqual(pieces.map(({ run, from, to, isMarked }) => [run.source.slice(from, to), isMarked]), [
    ["he", false], ["l", true], ["\u0000", true], ["lo", true], [" there", false]]);
  assert.equal(marked(runs, []).length, 3);
});
