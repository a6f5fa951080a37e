// Lines, columns and indentation of the editor.
import assert from "node:assert/strict";
import { test } from "node:test";
import { comment, count, indent, lineEnd, offsetOf, placeOf } from "../../../Sources/WebUI/assets/data/text-places.js";

const text = "one\n  two: 2\n\nfour";
/** The text behind an edit. */
const after = (source, edit) => source.slice(0, edit.start) + edit.text + source.slice(edit.end);

test("a place and its offset are the same thing, and what lies outside is an end", () => {
  for (let offset = 0; offset <= text.length; offset += 1) {
    const { line, column } = placeOf(text, offset);
    assert.equal(offsetOf(text, line, column), offset);
  }
  assert.deepEqual(placeOf(text, 4), { line: 2, column: 1 });
  assert.equal(offsetOf(text, 1, 99), 3);
  assert.equal(offsetOf(text, 99, 1), text.length);
  assert.equal(offsetOf(text, 3, 5), offsetOf(text, 3, 1));
  assert.equal(count(text), 3);
});

test("Tab puts blanks in up to the next even column, and moves whole lines where some are selected", () => {
  assert.equal(after("a", indent("a", 1, 1, false)), "a ");
  assert.equal(after("ab", indent("ab", 2, 2, false)), "ab  ");
  const edit = indent("a\n\nb\nc", 0, 4, false);
  assert.equal(after("a\n\nb\nc", edit), "  a\n\n  b\nc");
  assert.deepEqual([edit.from, edit.to], [2, 8]);
});

test("a selection that ends at a line's beginning does not move that line", () => {
  assert.equal(after("a\nb\n", indent("a\nb\n", 0, 2, false)), "  a\nb\n");
});

test("shift and Tab take blanks away, and no more than there are", () => {
  assert.equal(after("    a\n b\nc", indent("    a\n b\nc", 0, 9, true)), "  a\nb\nc");
  const edit = indent(" a", 2, 2, true);
  assert.deepEqual([after(" a", edit), edit.from, edit.to], ["a", 1, 1]);
});

test("a line end keeps the indentation, and goes deeper behind a colon", () => {
  assert.equal(lineEnd("  a: 1", 6), "\n  ");
  assert.equal(lineEnd("steps:", 6), "\n  ");
  assert.equal(lineEnd("  - id: a", 9), "\n    ");
  assert.equal(lineEnd("  - shell:", 10), "\n      ");
  assert.equal(lineEnd("  - item", 8), "\n  ");
});

test("comments are made of lines that are none, and taken away where all are", () => {
  const made = after("  a\n\nb", comment("  a\n\nb", 0, 6));
  assert.equal(made, "  # a\n\n# b");
  assert.equal(after(made, comment(made, 0, made.length)), "  a\n\nb");
});
