// Lines of a log as text: what can be downloaded, what is copied.
// @ts-check
import { count } from "../../core/format.js";
import { get, part, url } from "../../data/api.js";
import { attempt } from "../../parts/toast.js";
import { hasTimes } from "./state.js";

/** Lines that are copied, and matches that are downloaded, at most. */
const copyMax = 20_000;
const matchesMax = 50_000;

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
  const lines = (/** @type {number} */ number) => `${count(number)} ${number === 1 ? "line" : "lines"}`;
  return [
    state.isOnly.peek()
      ? { text: `What is shown (${lines(shown().count)})`, icon: "download", run: () => attempt(() => saveMatches(run,
        store)) }
      : { text: `What is shown (${lines(shown().count)})`, icon: "download", href: raw({ ...store.filter,
        timestamps: times }) },
    { text: `All lines (${lines(store.total.peek())})`, icon: "download", href: raw({}) },
    { text: "All lines with times and steps", icon: "download", href: raw(named) },
  ];
}

/** @param {string} run @param {import("./store.js").LogStore} store */
async function saveMatches(run, store) {
  const { text, isExpression, ignoresCase } = /** @type {import("./state.js").Search} */ (store.search);
  const pieces = [];
  let from = /** @type {number | null} */ (1);
  let found = 0;
  while (from !== null && found < matchesMax) {
    const answer = await get(url(`/v1/runs/${part(run)}/log/search`, {
      ...store.filter, q: text, regex: isExpression ? "true" : "", ignore_case: ignoresCase ? "true" : "false", from,
        count: 200,
      context: "0",
    }));
    for (const line of answer.matches) pieces.push(`${hasTimes.peek() ? `${line.at} ` : ""}${line.text}\n`);
    found += answer.matches.length;
    from = answer.next;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(pieces, { type: "text/plain" }));
  link.download = `run-${run}-matches.log`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * Copies lines as they were printed.
 * @param {string} run
 * @param {{first: number, last: number} | null} lines
 */
export async function copyLines(run, lines) {
  if (!lines) return;
  const last = Math.min(lines.last, lines.first + copyMax - 1);
  const texts = [];
  let from = lines.first;
  while (from <= last) {
    const answer = await get(url(`/v1/runs/${part(run)}/log`, { from, count: Math.min(1000, last - from + 1) }));
    if (answer.lines.length === 0) break;
    for (const line of answer.lines) if (line.line <= last) texts.push(line.text);
    from = answer.lines[answer.lines.length - 1].line + 1;
  }
  await navigator.clipboard.writeText(texts.join("\n"));
}
