// How numbers, times and foreign texts are written for people.
// @ts-check
import { present } from "./clock.js";

// What writes dates is made when the first one is written: making it takes longer than a page's first drawing has.
/** @type {Record<string, Intl.DateTimeFormat>} */
const writers = {};
/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const forms = {
  clock: { hour: "2-digit", minute: "2-digit", second: "2-digit" }, day: { day: "numeric", month: "short" },
  whole: { dateStyle: "medium", timeStyle: "long" },
};
/** @param {keyof typeof forms} form @param {Date} date */
const written = (form, date) => (writers[form] ??= new Intl.DateTimeFormat("en-GB", forms[form])).format(date);

/**
 * `12,345`.
 * @param {number} value
 */
export const count = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/**
 * `1 run`, `2 runs`.
 * @param {number} value
 * @param {string} noun
 * @param {string} [many]
 */
export const plural = (value, noun, many = `${noun}s`) => `${count(value)} ${value === 1 ? noun : many}`;

/**
 * A time's length in one or two units: `40 ms`, `1.2 s`, `3 m 4 s`, `2 h 5 m`, `3 d 4 h`.
 * @param {number | null | undefined} milliseconds
 */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined || Number.isNaN(milliseconds)) return "–";
  const ms = Math.max(0, milliseconds);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} m`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/**
 * How long ago, coarsely: `now`, `12 s ago`, `5 m ago`; the future as `in 5 m`.
 * @param {string | null | undefined} at @param {number} now
 */
export function ago(at, now) {
  if (!at) return "–";
  const ms = now - Date.parse(at);
  const text = coarse(Math.abs(ms));
  if (text === "now") return text;
  return ms < 0 ? `in ${text}` : `${text} ago`;
}

/** @param {number} ms */
function coarse(ms) {
  if (ms < 2000) return "now";
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} m`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

/**
 * `14:03:07`, with the day where it is not today's.
 * @param {string | null | undefined} at
 * @param {number} [now] By the node's clock.
 */
export function moment(at, now = present()) {
  if (!at) return "–";
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday ? written("clock", date) : `${written("day", date)}, ${written("clock", date)}`;
}

/**
 * The whole moment, for a tooltip.
 * @param {string | null | undefined} at
 */
export const fullMoment = (at) => (at ? written("whole", new Date(at)) : "");

/**
 * `1.4 MB`, decimal units.
 * @param {number} value
 */
export function bytes(value) {
  for (const [unit, size] of /** @type {[string, number][]} */ ([["GB", 1e9], ["MB", 1e6], ["kB", 1e3]])) {
    if (value >= size) return `${(value / size).toFixed(value >= size * 10 ? 0 : 1)} ${unit}`;
  }
  return `${value} B`;
}

/**
 * A run's id as it is shown in lists: enough to tell it apart.
 * @param {string} id
 */
export const shortID = (id) => id.slice(0, 8);

/** What could turn the direction of a line, hide in it or end it: the inside of a class of a pattern with `u`. */
export const trickClass = "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"
  + "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}";
const tricks = new RegExp(`[${trickClass}]`, "gu");

/**
 * A character's code: `\u202e`, and `\u{e0041}` where four digits do not hold it, so that none is read as another's.
 * @param {string} char
 */
export const code = (char) => {
  const hex = /** @type {number} */ (char.codePointAt(0)).toString(16);
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
};

/**
 * A foreign text for one line: what would turn, hide or break it is shown as its code.
 * @param {unknown} value @param {number} [max] Characters at most.
 */
export function plain(value, max = 400) {
  const text = typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
  // Half of a sign that is two units long would be a mark of its own.
  const cut = text.length > max ? `${text.slice(0, max).replace(/[\ud800-\udbff]$/, "")}…` : text;
  return cut.replace(tricks, (char) => (char === "\n" ? "⏎" : char === "\t" ? " " : code(char)));
}

/**
 * A foreign text of many lines: line ends and tabs stay, the rest as in {@link plain}.
 * @param {string} text
 */
export const plainLines = (text) =>
  text.replace(tricks, (char) => (char === "\n" || char === "\t" ? char : char === "\r" ? "" : code(char)));
