// What a terminal would show of a line: its colours as data, and as codes what would turn, hide or erase. Pure.
// @ts-check
import { code as codeOf, trickClass } from "../core/format.js";

/**
 * How a part of a line looks. Colours are a number from 0 to 15, or `#rrggbb`; `null` is the page's own.
 * @typedef {{fg: number | string | null, bg: number | string | null, isBold: boolean, isDim: boolean,
 *   isItalic: boolean, isUnderlined: boolean, isStruck: boolean, isInverse: boolean, href: string | null}} Style
 */
/**
 * A part of a line of one look. `isCode` stands for a character that is shown as its code; `source` is what the
 * line holds there, of the same length as the line itself has.
 * @typedef {{text: string, source: string, style: Style, isCode: boolean}} Run
 * @typedef {{runs: Run[], hidden: string, rest: number}} Line `hidden` was written over, `rest` is not shown any more.
 */

/** @type {Style} */
export const plainStyle = Object.freeze({
  fg: null, bg: null, isBold: false, isDim: false, isItalic: false, isUnderlined: false, isStruck: false,
  isInverse: false, href: null,
});

/** What is shown as its code: it would turn, hide, move or erase; tabs are text. */
const odd = new RegExp(`(?!\t)[${trickClass}]`, "u");
const lineMax = 8000;

/**
 * Reads a line.
 * @param {string} text
 * @param {number} [max] Characters that are shown at most.
 * @returns {Line}
 */
export function parse(text, max = lineMax) {
  // Lines of other systems end so.
  const given = text.endsWith("\r") ? text.slice(0, -1) : text;
  if (!odd.test(given)) {
    const shown = cut(given, max);
    return { runs: shown ? [{ text: shown, source: shown, style: plainStyle, isCode: false }] : [], hidden: "",
      rest: given.length - shown.length };
  }
  return read(given, max);
}

/**
 * The line without what only colours it.
 * @param {string} text
 */
export const bare = (text) => parse(text, Infinity).runs.map((run) => run.source).join("");

/** @param {string} text @param {number} max */
function cut(text, max) {
  if (text.length <= max) return text;
  // No half of a character at the end.
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max);
}

/**
 * A place of the line with what stands there.
 * @typedef {{text: string, style: Style, isCode: boolean}} Cell
 */

/** @param {string} text @param {number} max @returns {Line} */
function read(text, max) {
  /** @type {Cell[]} */
  const cells = [];
  let column = 0;
  let hidden = "";
  let style = plainStyle;
  let place = 0;
  /** Where the next terminator is: it is looked for once, however many sequences begin before it. */
  const stop = { at: -1 };
  const erase = (/** @type {number} */ from) => {
    hidden += cells.slice(from).map((cell) => cell.text).join("");
    cells.length = Math.min(cells.length, from);
  };
  while (place < text.length && cells.length < max) {
    const char = /** @type {string} */ (String.fromCodePoint(/** @type {number} */ (text.codePointAt(place))));
    if (char === "\u001b" || char === "\u009b" || char === "\u009d") {
      const sequence = escape(text, place, stop);
      if (sequence) {
        place = sequence.end;
        if (sequence.kind === "sgr") style = paint(style, sequence.body);
        else if (sequence.kind === "link") style = { ...style, href: safeLink(sequence.body) };
        else if (sequence.kind === "erase") erase(sequence.body === "1" || sequence.body === "2" ? 0 : column);
        if (cells.length < column) column = cells.length;
        continue;
      }
    }
    place += char.length;
    if (char === "\r") {
      column = 0;
      continue;
    }
    if (column < cells.length && cells[column].text.trim()) hidden += cells[column].text;
    cells[column] = { text: char, style, isCode: odd.test(char) };
    column += 1;
  }
  return { runs: joined(cells), hidden, rest: text.length - place };
}

/**
 * Cells of one look as one part.
 * @param {Cell[]} cells
 * @returns {Run[]}
 */
function joined(cells) {
  /** @type {Run[]} */
  const runs = [];
  for (const { text, style, isCode } of cells) {
    const last = runs[runs.length - 1];
    if (last && !isCode && !last.isCode && last.style === style) {
      last.text += text;
      last.source += text;
    } else runs.push({ text: isCode ? code(text) : text, source: text, style, isCode });
  }
  return runs;
}

/**
 * A character's code, as `\u202e`; those that end in a terminal as people know them.
 * @param {string} char
 */
export const code = (char) => (char === "\u001b" ? "\\e" : codeOf(char));

/**
 * The escape sequence at a place; `null` where it has no end, so that nothing can hide behind it (ECMA-48).
 * @param {string} text @param {number} start @param {{at: number}} stop
 * @returns {{kind: "sgr" | "link" | "erase" | "other", body: string, end: number} | null}
 */
function escape(text, start, stop) {
  const first = text[start];
  const kind = first === "\u009b" ? "[" : first === "\u009d" ? "]" : text[start + 1];
  let place = start + (first === "\u001b" ? 2 : 1);
  if (kind === undefined) return null;
  if (kind === "[") {
    const begin = place;
    while (place < text.length && /[\u0020-\u003f]/.test(text[place])) place += 1;
    if (place >= text.length || !/[\u0040-\u007e]/.test(text[place])) return null;
    const body = text.slice(begin, place);
    const final = text[place];
    const named = final === "m" && /^[\d;:]*$/.test(body) ? "sgr" : final === "K" ? "erase" : "other";
    return { kind: named, body, end: place + 1 };
  }
  if ("]PX^_".includes(kind)) {
    if (stop.at < place) {
      const found = text.slice(place).search(/[\u0007\u001b\u009c]/);
      stop.at = found < 0 ? text.length : place + found;
    }
    const isBell = text[stop.at] !== "\u001b";
    if (stop.at === text.length || (!isBell && text[stop.at + 1] !== "\\")) return null;
    const body = text.slice(place, stop.at);
    const link = kind === "]" ? /^8;[^;]*;(.*)$/.exec(body) : null;
    return { kind: link ? "link" : "other", body: link?.[1] ?? "", end: stop.at + (isBell ? 1 : 2) };
  }
  if (/[\u0020-\u002f]/.test(kind)) {
    while (place < text.length && /[\u0020-\u002f]/.test(text[place])) place += 1;
    const isEnded = place < text.length && /[\u0030-\u007e]/.test(text[place]);
    return isEnded ? { kind: "other", body: "", end: place + 1 } : null;
  }
  return /[\u0030-\u007e]/.test(kind) ? { kind: "other", body: "", end: place } : null;
}

/**
 * A link of a foreign text: only to the web, else none.
 * @param {string} text @returns {string | null}
 */
export function safeLink(text) {
  if (!/^https?:\/\//i.test(text) || text.length > 2048 || odd.test(text)) return null;
  try {
    return new URL(text).href;
  } catch {
    return null;
  }
}

/**
 * The look after a sequence that sets it.
 * @param {Style} style @param {string} body
 * @returns {Style}
 */
function paint(style, body) {
  const numbers = body.split(/[;]/);
  let next = { ...style };
  for (let at = 0; at < numbers.length; at += 1) {
    const parts = numbers[at].split(":");
    const number = Number(parts[0] || 0);
    if (number === 38 || number === 48) {
      const given = parts.length > 1 ? parts.slice(1).filter((part, index) => part !== "" || index !== 1)
        : numbers.slice(at + 1, at + 5);
      const { colour, used } = colourOf(given.map((part) => Number(part || 0)));
      if (parts.length === 1) at += used;
      if (colour !== null) next = number === 38 ? { ...next, fg: colour } : { ...next, bg: colour };
    } else next = set(next, number);
  }
  return Object.keys(next).every((key) => /** @type {any} */ (next)[key] === /** @type {any} */ (plainStyle)[key])
    ? plainStyle : next;
}

/** @param {Style} style @param {number} number @returns {Style} */
function set(style, number) {
  if (number >= 30 && number <= 37) return { ...style, fg: number - 30 };
  if (number >= 90 && number <= 97) return { ...style, fg: number - 82 };
  if (number >= 40 && number <= 47) return { ...style, bg: number - 40 };
  if (number >= 100 && number <= 107) return { ...style, bg: number - 92 };
  switch (number) {
    case 0: return { ...plainStyle, href: style.href };
    case 1: return { ...style, isBold: true };
    case 2: return { ...style, isDim: true };
    case 3: return { ...style, isItalic: true };
    case 4: return { ...style, isUnderlined: true };
    case 7: return { ...style, isInverse: true };
    case 9: return { ...style, isStruck: true };
    case 22: return { ...style, isBold: false, isDim: false };
    case 23: return { ...style, isItalic: false };
    case 24: return { ...style, isUnderlined: false };
    case 27: return { ...style, isInverse: false };
    case 29: return { ...style, isStruck: false };
    case 39: return { ...style, fg: null };
    case 49: return { ...style, bg: null };
    // Blinking stays away; 8 (concealed) would hide what a line says.
    default: return style;
  }
}

/**
 * A colour by its kind and numbers.
 * @param {number[]} given
 * @returns {{colour: number | string | null, used: number}}
 */
function colourOf(given) {
  const isByte = (/** @type {number} */ value) => Number.isInteger(value) && value >= 0 && value <= 255;
  if (given[0] === 5) return { colour: isByte(given[1]) ? indexed(given[1]) : null, used: 2 };
  if (given[0] === 2) {
    const parts = given.slice(1, 4);
    return { colour: parts.length === 3 && parts.every(isByte) ? hex(parts) : null, used: 4 };
  }
  return { colour: null, used: 1 };
}

/**
 * One of the 256 colours.
 * @param {number} index
 * @returns {number | string}
 */
function indexed(index) {
  if (index < 16) return index;
  if (index >= 232) return hex([0, 0, 0].fill(8 + (index - 232) * 10));
  const cube = [0, 95, 135, 175, 215, 255];
  const at = index - 16;
  return hex([cube[Math.floor(at / 36)], cube[Math.floor(at / 6) % 6], cube[at % 6]]);
}

/** @param {number[]} parts */
const hex = (parts) => `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
