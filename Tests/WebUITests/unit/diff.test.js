// What changed between two texts; and JSON as a tree, tables of comma-separated values.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCSV } from "../../../Sources/WebUI/assets/data/csv.js";
import { compare, diffLines, folded, sides, words } from "../../../Sources/WebUI/assets/data/diff.js";
import { members, pathText, search, summary, valueAt } from "../../../Sources/WebUI/assets/data/tree.js";

const short = (diff) => diff.lines.map((line) => ({ same: " ", gone: "-", new: "+" }[line.kind] + line.text)).join("|");

test("lines that went and came, with their numbers", () => {
  const diff = diffLines("a\nb\nc\nd\n", "a\nc\nx\nd\n");
  assert.equal(short(diff), " a|-b| c|+x| d");
  assert.deepEqual([diff.gone, diff.added, diff.isRough], [1, 1, false]);
  assert.deepEqual(diff.lines[2], { kind: "same", before: 3, after: 2, text: "c" });
});

test("nothing, all new, all gone", () => {
  assert.equal(short(diffLines("", "")), "");
  assert.equal(short(diffLines("", "a")), "+a");
  assert.equal(short(diffLines("a\nb", "")), "-a|-b");
  assert.equal(short(diffLines("a\r\nb", "a\nb")), " a| b");
});

/** The length of the longest common part, by the table. */
function common(left, right) {
  const table = Array.from({ length: left.length + 1 }, () => new Array(right.length + 1).fill(0));
  for (let x = 1; x <= left.length; x += 1) {
    for (let y = 1; y <= right.length; y += 1) {
      table[x][y] = left[x - 1] === right[y - 1] ? table[x - 1][y - 1] + 1 : Math.max(table[x - 1][y], table[x][y - 1]);
    }
  }
  return table[left.length][right.length];
}

test("a thousand random pairs: what is kept is equal, in order, and as much as can be", () => {
  let seed = 7;
  const random = (below) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  for (let round = 0; round < 1000; round += 1) {
    const make = () => Array.from({ length: random(14) }, () => "abcd"[random(4)]);
    const [left, right] = [make(), make()];
    const { pairs } = compare(left, right, 1000);
    const told = `${left.join("")} ${right.join("")}`;
    assert.equal(pairs.length, common(left, right), told);
    pairs.forEach(([x, y], index) => {
      assert.equal(left[x], right[y], told);
      if (index > 0) assert.ok(pairs[index - 1][0] < x && pairs[index - 1][1] < y, told);
    });
  }
});

test("texts that have too little in common are compared roughly, in bounded time", () => {
  const one = Array.from({ length: 8000 }, (_, index) => `a${index}`).join("\n");
  const other = Array.from({ length: 8000 }, (_, index) => `b${index}`).join("\n");
  const diff = diffLines(`same\n${one}\nend`, `same\n${other}\nend`);
  assert.deepEqual([diff.isRough, diff.gone, diff.added], [true, 8000, 8000]);
  assert.equal(diff.lines[0].kind, "same");
});

test("equal lines far from a change are left out", () => {
  const text = Array.from({ length: 100 }, (_, index) => `${index}`);
  const diff = diffLines(text.join("\n"), text.map((line) => (line === "50" ? "x" : line)).join("\n"));
  const counts = folded(diff.lines, 3).map((part) => (part.kind === "gap" ? part.count : part.lines.length));
  assert.deepEqual(counts, [47, 8, 46]);
});

test("side by side: what came stands beside what went", () => {
  const rows = sides(diffLines("a\nb\nc\nd", "a\nx\nd").lines);
  assert.deepEqual(rows.map(({ left, right }) => [left?.text ?? null, right?.text ?? null]),
    [["a", "a"], ["b", "x"], ["c", null], ["d", "d"]]);
});

test("changed words are marked, lines without likeness are not", () => {
  assert.deepEqual(words("timeout: 30", "timeout: 60").after, [
    { text: "timeout: ", isMarked: false }, { text: "60", isMarked: true }]);
  assert.deepEqual(words("abc", "xyz").before, [{ text: "abc", isMarked: false }]);
});

test("a tree: members by the page, paths, search", () => {
  const value = { steps: [{ id: "a" }, { id: "Bee", "odd name": 7 }], note: null };
  assert.deepEqual(members(value.steps, 1, 9), [{ key: 1, value: value.steps[1] }]);
  assert.equal(pathText(["steps", 1, "odd name"]), '$.steps[1]["odd name"]');
  assert.equal(valueAt(value, ["steps", 1, "odd name"]), 7);
  assert.equal(valueAt(value, ["steps", "constructor"]), undefined);
  assert.deepEqual(search(value, "bee").paths, [["steps", 1, "id"]]);
  assert.deepEqual(search(value, "null").paths, [["note"]]);
  assert.deepEqual([summary([]), summary({ a: 1 })], ["[0 items]", "{1 member}"]);
});

test("comma-separated values with quotes, line ends and too many rows", () => {
  assert.deepEqual(parseCSV('a,"b ""x"", c"\r\n1,\n"two\nlines",3').rows, [
    ["a", 'b "x", c'], ["1", ""], ["two\nlines", "3"]]);
  assert.deepEqual(parseCSV("1\n2\n3\n", { rowsMax: 2 }), { rows: [["1"], ["2"]], isMore: true });
  assert.deepEqual(parseCSV('"open', {}).rows, [["open"]]);
  assert.deepEqual(parseCSV("a\tb", { separator: "\t" }).rows, [["a", "b"]]);
});
