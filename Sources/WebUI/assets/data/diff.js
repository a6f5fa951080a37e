// What changed between two texts: lines by Myers' way, words inside of changed lines; bounded. Pure.
// @ts-check

/** Lines of a side, and changes, above which two texts are only compared roughly. */
export const linesMax = 50_000;
const changesMax = 2500;
/** Words of a line that are compared. */
const wordsMax = 400;

/**
 * A line of the comparison with its numbers on both sides, from 1.
 * @typedef {{kind: "same" | "gone" | "new", before: number | null, after: number | null, text: string}} DiffLine
 * @typedef {{lines: DiffLine[], gone: number, added: number, isRough: boolean}} Diff `isRough`: too much changed to say
 *   it exactly; a block stands as replaced.
 */

/**
 * Compares two texts by lines.
 * @param {string} before @param {string} after
 * @returns {Diff}
 */
export function diffLines(before, after) {
  const left = split(before);
  const right = split(after);
  const { pairs, isRough } = compare(left, right, changesMax);
  /** @type {DiffLine[]} */
  const lines = [];
  let at = 0;
  let to = 0;
  const upTo = (/** @type {number} */ nextAt, /** @type {number} */ nextTo) => {
    for (; at < nextAt; at += 1) lines.push({ kind: "gone", before: at + 1, after: null, text: left[at] });
    for (; to < nextTo; to += 1) lines.push({ kind: "new", before: null, after: to + 1, text: right[to] });
  };
  for (const [one, other] of pairs) {
    upTo(one, other);
    lines.push({ kind: "same", before: one + 1, after: other + 1, text: left[one] });
    at += 1;
    to += 1;
  }
  upTo(left.length, right.length);
  return {
    lines, isRough, gone: left.length - pairs.length, added: right.length - pairs.length,
  };
}

/** @param {string} text */
function split(text) {
  if (text === "") return [];
  const lines = text.split(/\r?\n/);
  if (lines[lines.length - 1] === "") lines.pop();
  return lines;
}

/**
 * The places that two lists have in common, in order.
 * @param {string[]} left @param {string[]} right @param {number} changes The most that are looked for.
 * @returns {{pairs: [number, number][], isRough: boolean}}
 */
export function compare(left, right, changes) {
  let start = 0;
  let endLeft = left.length;
  let endRight = right.length;
  while (start < endLeft && start < endRight && left[start] === right[start]) start += 1;
  while (endLeft > start && endRight > start && left[endLeft - 1] === right[endRight - 1]) {
    endLeft -= 1;
    endRight -= 1;
  }
  /** @type {[number, number][]} */
  const pairs = [];
  for (let at = 0; at < start; at += 1) pairs.push([at, at]);
  const isLong = Math.max(endLeft, endRight) - start > linesMax;
  const middle = isLong ? null : myers(left.slice(start, endLeft), right.slice(start, endRight), changes);
  for (const [one, other] of middle ?? []) pairs.push([one + start, other + start]);
  for (let at = endLeft; at < left.length; at += 1) pairs.push([at, endRight + at - endLeft]);
  return { pairs, isRough: middle === null };
}

/**
 * Myers' shortest edit; `null` where it takes more changes than asked for.
 * @param {string[]} left @param {string[]} right @param {number} changes
 * @returns {[number, number][] | null}
 */
function myers(left, right, changes) {
  if (left.length === 0 || right.length === 0) return [];
  // Numbers are compared faster than texts.
  /** @type {Map<string, number>} */
  const numbers = new Map();
  const number = (/** @type {string} */ text) => {
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, numbers.size);
    return numbers.size - 1;
  };
  const one = Int32Array.from(left, number);
  const other = Int32Array.from(right, number);
  const most = Math.min(changes, one.length + other.length);
  const middle = most + 1;
  const reach = new Int32Array(2 * most + 3);
  /** @type {Int32Array[]} */
  const trace = [];
  for (let step = 0; step <= most; step += 1) {
    trace.push(reach.slice(middle - step - 1, middle + step + 2));
    for (let diagonal = -step; diagonal <= step; diagonal += 2) {
      const at = middle + diagonal;
      const isDown = diagonal === -step || (diagonal !== step && reach[at - 1] < reach[at + 1]);
      let x = isDown ? reach[at + 1] : reach[at - 1] + 1;
      while (x < one.length && x - diagonal < other.length && one[x] === other[x - diagonal]) x += 1;
      reach[at] = x;
      if (x >= one.length && x - diagonal >= other.length) return walkBack(trace, one.length, other.length);
    }
  }
  return null;
}

/** @param {Int32Array[]} trace @param {number} x @param {number} y @returns {[number, number][]} */
function walkBack(trace, x, y) {
  /** @type {[number, number][]} */
  const pairs = [];
  for (let step = trace.length - 1; step >= 0; step -= 1) {
    const reach = trace[step];
    const at = (/** @type {number} */ diagonal) => reach[diagonal + step + 1];
    const diagonal = x - y;
    const isDown = diagonal === -step || (diagonal !== step && at(diagonal - 1) < at(diagonal + 1));
    const before = isDown ? diagonal + 1 : diagonal - 1;
    const fromX = step === 0 ? 0 : at(before);
    const fromY = step === 0 ? 0 : fromX - before;
    const beginX = step === 0 ? 0 : isDown ? fromX : fromX + 1;
    while (x > beginX && y > (step === 0 ? 0 : isDown ? fromY + 1 : fromY)) {
      x -= 1;
      y -= 1;
      pairs.push([x, y]);
    }
    x = fromX;
    y = fromY;
  }
  return pairs.reverse();
}

/**
 * A stretch of the comparison: lines, or how many equal ones are left out (`from` is their place).
 * @typedef {{kind: "lines", lines: DiffLine[]} | {kind: "gap", from: number, count: number}} Stretch
 */

/**
 * Leaves out what is equal, up to some lines around each change.
 * @param {DiffLine[]} lines @param {number} around
 * @returns {Stretch[]}
 */
export function folded(lines, around) {
  const isKept = new Uint8Array(lines.length);
  lines.forEach((line, index) => {
    if (line.kind !== "same") isKept.fill(1, Math.max(0, index - around), index + around + 1);
  });
  /** @type {Stretch[]} */
  const stretches = [];
  for (let from = 0; from < lines.length;) {
    let to = from;
    while (to < lines.length && isKept[to] === isKept[from]) to += 1;
    // A gap of one line is no shorter than the line.
    if (isKept[from] || to - from < 2) stretches.push({ kind: "lines", lines: lines.slice(from, to) });
    else stretches.push({ kind: "gap", from, count: to - from });
    from = to;
  }
  return stretches;
}

/**
 * Lines beside each other: what is gone to the left of what came in its place.
 * @param {DiffLine[]} lines
 * @returns {{left: DiffLine | null, right: DiffLine | null}[]}
 */
export function sides(lines) {
  const rows = [];
  for (let from = 0; from < lines.length;) {
    if (lines[from].kind === "same") {
      rows.push({ left: lines[from], right: lines[from] });
      from += 1;
      continue;
    }
    let to = from;
    while (to < lines.length && lines[to].kind !== "same") to += 1;
    const block = lines.slice(from, to);
    const gone = block.filter((line) => line.kind === "gone");
    const added = block.filter((line) => line.kind === "new");
    for (let at = 0; at < Math.max(gone.length, added.length); at += 1) {
      rows.push({ left: gone[at] ?? null, right: added[at] ?? null });
    }
    from = to;
  }
  return rows;
}

/**
 * The words that changed between two lines.
 * @param {string} before @param {string} after
 * @returns {{before: {text: string, isMarked: boolean}[], after: {text: string, isMarked: boolean}[]}}
 */
export function words(before, after) {
  const left = before.match(/\w+|\s+|[^\w\s]/gu) ?? [];
  const right = after.match(/\w+|\s+|[^\w\s]/gu) ?? [];
  const whole = { before: [{ text: before, isMarked: false }], after: [{ text: after, isMarked: false }] };
  if (left.length > wordsMax || right.length > wordsMax) return whole;
  const { pairs } = compare(left, right, wordsMax);
  const kept = pairs.filter(([at]) => left[at].trim() !== "").length;
  // Lines that have next to nothing in common are two lines, no changed one.
  if (kept * 4 < Math.min(left.length, right.length)) return whole;
  const inLeft = new Set(pairs.map(([at]) => at));
  const inRight = new Set(pairs.map(([, at]) => at));
  return { before: pieces(left, inLeft), after: pieces(right, inRight) };
}

/** @param {string[]} parts @param {Set<number>} same */
function pieces(parts, same) {
  /** @type {{text: string, isMarked: boolean}[]} */
  const made = [];
  parts.forEach((text, index) => {
    const isMarked = !same.has(index);
    const last = made[made.length - 1];
    if (last && last.isMarked === isMarked) last.text += text;
    else made.push({ text, isMarked });
  });
  return made;
}
