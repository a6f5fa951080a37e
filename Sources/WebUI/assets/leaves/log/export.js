// Lines of a log as text: what can be downloaded, what is copied.
// @ts-check
import { count, plural } from "../../core/format.js";
import { get, part, url } from "../../data/api.js";
import { copy } from "../../parts/copy.js";
import { attempt } from "../../parts/toast.js";
import { hasTimes } from "./state.js";

/** Lines that are copied, and lines of what was found that are saved, at most. */
const copyMax = 20_000;
const savedMax = 50_000;

/** @param {number} number */
const lines = (number) => plural(number, "line");

/**
 * What the download menu offers.
 * @param {{run: string, state: import("./state.js").LogState, store: import("./store.js").LogStore,
 *   shown: () => import("../../data/ranges.js").Ranges}} options
 * @returns {any[]}
 */
export function downloads({ run, state, store, shown }) {
  const raw = (/** @type {Record<string, unknown>} */ query) => url(`/v1/runs/${part(run)}/log/raw`, query);
  const times = hasTimes.peek() ? "true" : "";
  const named = { timestamps: "true", steps: "true" };
  const number = shown().count;
  return [
    state.isOnly.peek()
      ? { text: `What is shown (${number > savedMax ? `the first ${count(savedMax)} of ` : ""}${lines(number)})`,
        icon: "download", run: () => attempt(() => saveFound(run, store, state.around.peek(), number), savedNote) }
      : { text: `What is shown (${lines(number)})`, icon: "download", href: raw({ ...store.filter, timestamps: times }) },
    { text: `All lines (${lines(store.total.peek())})`, icon: "download", href: raw({}) },
    { text: "All lines with times and steps", icon: "download", href: raw(named) },
  ];
}

/** @param {{saved: number, all: number}} what */
const savedNote = ({ saved, all }) => (saved < all
  ? `The first ${count(saved)} of ${lines(all)} are saved: all lines of the log can be downloaded` : `${lines(saved)} saved`);

/**
 * Saves what the search found, with the lines around that are shown.
 * @param {string} run @param {import("./store.js").LogStore} store @param {number} around
 * @param {number} all Lines that are shown.
 */
async function saveFound(run, store, around, all) {
  const pieces = await found(run, store, around);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(pieces, { type: "text/plain" }));
  link.download = `run-${run}-matches.log`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return { saved: pieces.length, all: Math.max(all, pieces.length) };
}

/**
 * What the search found, with so many lines around, each line once.
 * @param {string} run @param {import("./store.js").LogStore} store @param {number} around
 */
export async function found(run, store, around) {
  const { text, isExpression, ignoresCase } = /** @type {import("./state.js").Search} */ (store.search);
  const query = { ...store.filter, q: text, regex: isExpression ? "true" : "", ignore_case: ignoresCase ? "true" : "false",
    count: 200, context: String(around) };
  /** @type {string[]} */
  const pieces = [];
  let last = 0;
  let from = 1;
  while (pieces.length < savedMax) {
    const answer = await get(url(`/v1/runs/${part(run)}/log/search`, { ...query, from }));
    for (const match of answer.matches) {
      for (const line of [...match.before, match, ...match.after]) {
        if (line.line <= last || pieces.length >= savedMax) continue;
        last = line.line;
        pieces.push(`${hasTimes.peek() ? `${line.at} ` : ""}${line.text}\n`);
      }
    }
    // A log that may grow has a next line at its end, too.
    if (!(answer.next > from)) break;
    from = answer.next;
  }
  return pieces;
}

/**
 * Copies lines as they were printed.
 * @param {string} run
 * @param {{first: number, last: number} | null} chosen
 */
export async function copyLines(run, chosen) {
  if (!chosen) return;
  const all = chosen.last - chosen.first + 1;
  const last = Math.min(chosen.last, chosen.first + copyMax - 1);
  const texts = [];
  let from = chosen.first;
  while (from <= last) {
    const answer = await get(url(`/v1/runs/${part(run)}/log`, { from, count: Math.min(1000, last - from + 1) }));
    for (const line of answer.lines) if (line.line <= last) texts.push(line.text);
    if (!(answer.next > from)) break;
    from = answer.next;
  }
  await copy(texts.join("\n"), all > copyMax ? `The first ${count(texts.length)} of ${lines(all)} copied: download the rest`
    : `${lines(texts.length)} copied`);
}
