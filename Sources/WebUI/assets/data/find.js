// Where a search fits in a line that is shown: for the marks; which lines fit is the node's to say. Pure.
// @ts-check

/** Characters of a line that are looked at, and marks of one line. */
const charactersMax = 8000;
const marksMax = 200;
/** Steps that an expression may take in a line: a page must not hang on a link somebody sent. */
const stepsMax = 4_000_000;
/** Where so few characters could be looked at, none are. */
const charactersMin = 100;

/**
 * Looks for a search in a line: places from and to of each fit. `null` where the places cannot be told cheaply,
 * of all lines or of one; a line that fits does so as a whole then.
 * @param {string} query
 * @param {{isExpression: boolean, ignoresCase: boolean}} options
 * @returns {((text: string) => [number, number][] | null) | null}
 */
export function finder(query, { isExpression, ignoresCase }) {
  if (!query) return () => [];
  const max = isExpression ? charactersFor(query) : charactersMax;
  if (max < charactersMin) return null;
  /** @type {RegExp} */
  let expression;
  try {
    const source = isExpression ? query.replaceAll("\\e", "\\u001b") : query.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
    expression = new RegExp(source, ignoresCase ? "gi" : "g");
  } catch {
    return null;
  }
  return (text) => {
    const looked = text.slice(0, max);
    /** @type {[number, number][]} */
    const found = [];
    expression.lastIndex = 0;
    for (let match = expression.exec(looked); match && found.length < marksMax; match = expression.exec(looked)) {
      if (match[0] === "") expression.lastIndex += 1;
      else found.push([match.index, match.index + match[0].length]);
    }
    return found.length === 0 && text.length > max ? null : found;
  };
}

/**
 * How many characters an expression may look at, so that the worst of them take no more than the steps allowed. What
 * repeats without end tries each place of the rest; each choice doubles what is tried.
 * @param {string} source
 */
function charactersFor(source) {
  let endless = 0;
  let choices = 1;
  /** Alternatives of the groups that are open. */
  const open = [1];
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at];
    const rest = source.slice(at, at + 24);
    const times = /^\{(\d+)(,?)(\d*)\}/.exec(rest);
    if (/^\\[1-9k]/.test(rest)) return 0;
    if (char === "\\") at += 1;
    else if (char === "[") at = endOfSet(source, at);
    else if (char === "(") {
      open.push(1);
      // What the group is: a `?` that repeats nothing.
      if (source[at + 1] === "?") at += 1;
    } else if (char === "|") open[open.length - 1] += 1;
    else if (char === ")") {
      // A group that repeats has ways without number.
      if (/^[*+{]/.test(rest.slice(1))) return 0;
      choices *= open.pop() ?? 1;
    } else if ("*+?".includes(char) || times) {
      if (times) choices *= Math.max(1, Number(times[3] || times[1]));
      if (char === "?") choices *= 2;
      if (char === "*" || char === "+" || (times?.[2] && !times[3])) endless += 1;
      at += (times?.[0].length ?? 1) - 1;
      // Lazy or not, it has as many ways.
      if (source[at + 1] === "?") at += 1;
    }
  }
  for (const alternatives of open) choices *= alternatives;
  // Of a few places that each come behind the last there are fewer than of as many at will.
  const fewer = [1, 2, 6, 24][endless] ?? 1;
  return Math.min(charactersMax, Math.floor(((stepsMax / choices) * fewer) ** (1 / (endless + 1))));
}

/**
 * The place of the bracket that closes a set.
 * @param {string} source @param {number} from
 */
function endOfSet(source, from) {
  for (let at = from + 1; at < source.length; at += 1) {
    if (source[at] === "\\") at += 1;
    else if (source[at] === "]") return at;
  }
  return source.length;
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
