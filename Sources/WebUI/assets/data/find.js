// Where a search fits in a line that is shown: for the marks; which lines fit is the node's to say. Pure.
// @ts-check

/** Characters of a line that are looked at, and marks of one line. */
const charactersMax = 8000;
const marksMax = 200;
/** Where an expression can go many ways, fewer characters: a page must not hang on a link somebody sent. */
const windingCharactersMax = 400;

/**
 * Looks for a search in a line: places from and to of each fit. `null` where the places cannot be told cheaply;
 * the line as a whole fits then.
 * @param {string} query
 * @param {{isExpression: boolean, ignoresCase: boolean}} options
 * @returns {((text: string) => [number, number][]) | null}
 */
export function finder(query, { isExpression, ignoresCase }) {
  if (!query) return () => [];
  const ways = isExpression ? waysOf(query) : 0;
  if (ways > 2) return null;
  /** @type {RegExp} */
  let expression;
  try {
    const source = isExpression ? query.replaceAll("\\e", "\\u001b") : query.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
    expression = new RegExp(source, ignoresCase ? "gi" : "g");
  } catch {
    return null;
  }
  const max = ways > 1 ? windingCharactersMax : charactersMax;
  return (text) => {
    const looked = text.slice(0, max);
    /** @type {[number, number][]} */
    const found = [];
    expression.lastIndex = 0;
    for (let match = expression.exec(looked); match && found.length < marksMax; match = expression.exec(looked)) {
      if (match[0] === "") expression.lastIndex += 1;
      else found.push([match.index, match.index + match[0].length]);
    }
    return found;
  };
}

/**
 * In how many places an expression repeats without end; many where it repeats a group.
 * @param {string} source
 */
function waysOf(source) {
  let ways = 0;
  let isInSet = false;
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at];
    if (char === "\\") at += 1;
    else if (isInSet) isInSet = char !== "]";
    else if (char === "[") isInSet = true;
    else if (char === ")" && /^[*+{]/.test(source.slice(at + 1))) return Infinity;
    else if (char === "*" || char === "+" || /^\{\d+,\d*\}/.test(source.slice(at))) ways += 1;
  }
  return ways;
}

/**
 * Cuts parts of a text where marks begin and end.
 * @template {{source: string, isCode?: boolean}} T
 * @param {T[]} runs @param {[number, number][]} marks In order and apart.
 * @returns {{run: T, from: number, to: number, isMarked: boolean}[]}
 */
export function marked(runs, marks) {
  const pieces = [];
  let start = 0;
  let next = 0;
  for (const run of runs) {
    const end = start + run.source.length;
    let place = start;
    while (place < end) {
      while (next < marks.length && marks[next][1] <= place) next += 1;
      const mark = marks[next];
      const isMarked = Boolean(mark && mark[0] <= place);
      let to = mark && !run.isCode ? Math.min(end, isMarked ? mark[1] : Math.max(mark[0], place + 1)) : end;
      if (to <= place) to = end;
      pieces.push({ run, from: place - start, to: to - start, isMarked });
      place = to;
    }
    start = end;
  }
  return pieces;
}
