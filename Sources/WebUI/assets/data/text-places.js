// Where things are in a text: lines and columns to offsets and back, indentation. Pure.
// @ts-check

/** @typedef {{start: number, end: number, text: string}} Edit Replaces a range; the selection follows from it. */

/**
 * The offset of a line and column, both from 1; what lies behind the text is its end.
 * @param {string} text @param {number} line
 * @param {number} column
 */
export function offsetOf(text, line, column) {
  let start = 0;
  for (let at = 1; at < line; at += 1) {
    const end = text.indexOf("\n", start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  const end = text.indexOf("\n", start);
  return Math.min(start + Math.max(0, column - 1), end < 0 ? text.length : end);
}

/**
 * The line and column of an offset, both from 1.
 * @param {string} text @param {number} offset
 */
export function placeOf(text, offset) {
  const before = text.slice(0, offset);
  const line = count(before) + 1;
  return { line, column: offset - before.lastIndexOf("\n") };
}

/**
 * How many lines end in a text.
 * @param {string} text
 */
export function count(text) {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

/**
 * Moves the lines of a selection in or out by two blanks, or puts blanks in where nothing is selected.
 * @param {string} text @param {number} start
 * @param {number} end @param {boolean} isOut
 * @returns {Edit & {from: number, to: number}} The edit, and the selection behind it.
 */
export function indent(text, start, end, isOut) {
  if (start === end && !isOut) {
    const column = start - (text.lastIndexOf("\n", start - 1) + 1);
    const blanks = " ".repeat(2 - (column % 2));
    return { start, end, text: blanks, from: start + blanks.length, to: start + blanks.length };
  }
  const first = text.lastIndexOf("\n", start - 1) + 1;
  // A selection that ends at the beginning of a line does not hold that line.
  const last = end > start && text[end - 1] === "\n" ? end - 1 : end;
  const stop = text.indexOf("\n", last);
  const whole = text.slice(first, stop < 0 ? text.length : stop);
  const lines = whole.split("\n");
  const moved = lines.map((line) => isOut ? line.replace(/^ {1,2}|^\t/, "") : line === "" ? line : `  ${line}`);
  const next = moved.join("\n");
  const shift = moved[0].length - lines[0].length;
  return {
    start: first, end: first + whole.length, text: next,
    from: Math.max(first, start + shift), to: Math.max(first, end + next.length - whole.length),
  };
}

/**
 * What a line end takes with it: the blanks its line begins with, two more behind a colon.
 * @param {string} text @param {number} offset
 */
export function lineEnd(text, offset) {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  const blanks = /^ */.exec(line)?.[0] ?? "";
  const item = /^ *- (?=\S)/.exec(line) && !/^ *- [\w."'-]+:\s*$/.test(line) && /^ *- [\w."'-]+:/.test(line)
    ? "  " : "";
  return `\n${blanks}${/:\s*$/.test(line) ? (/^ *- /.test(line) ? "    " : "  ") : item}`;
}

/**
 * Makes comments of the lines of a selection, or takes that away where all of them are.
 * @param {string} text @param {number} start
 * @param {number} end
 * @returns {Edit & {from: number, to: number}}
 */
export function comment(text, start, end) {
  const first = text.lastIndexOf("\n", start - 1) + 1;
  const last = end > start && text[end - 1] === "\n" ? end - 1 : end;
  const stop = text.indexOf("\n", last);
  const whole = text.slice(first, stop < 0 ? text.length : stop);
  const lines = whole.split("\n");
  const isAll = lines.every((line) => /^\s*(#|$)/.test(line));
  const next = lines.map((line) => isAll ? line.replace(/^(\s*)# ?/, "$1")
    : line.trim() === "" ? line : line.replace(/^(\s*)/, "$1# ")).join("\n");
  return { start: first, end: first + whole.length, text: next, from: first, to: first + next.length };
}
