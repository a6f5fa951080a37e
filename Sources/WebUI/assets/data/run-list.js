// How a list of runs that is shown becomes the one that the node gave anew. Pure.
// @ts-check
import { isEnded } from "./steps.js";

/**
 * @typedef {{id: string, status: string, [member: string]: any}} Run
 */

/**
 * What an event says of its run at once, before the list comes anew.
 * @type {Record<string, string>}
 */
const meanings = {
  "run.started": "running", "run.waiting": "waiting", "run.requeued": "queued", "run.succeeded": "succeeded",
  "run.failed": "failed", "run.cancelled": "cancelled", "run.timed_out": "timed_out", "run.resumed": "running",
};
/**
 * The list after a newer beginning of it came: what it brings is put in front, what it covers is replaced.
 * @param {Run[]} known @param {Run[]} head The first of the list as it is now. @param {boolean} isWhole Whether nothing follows.
 * @returns {{rows: Run[], isCut: boolean}} `isCut` where too much is new to know what lies between: only the head is there.
 */
export function merged(known, head, isWhole) {
  if (isWhole || known.length === 0) return { rows: head, isCut: false };
  const places = new Map(known.map((run, index) => [run.id, index]));
  let last = -1;
  for (const run of head) last = Math.max(last, places.get(run.id) ?? -1);
  if (last < 0) return { rows: head, isCut: true };
  const ids = new Set(head.map((run) => run.id));
  // What lies in the head's stretch and is not in it does not fit any more.
  return { rows: [...head, ...known.slice(last + 1).filter((run) => !ids.has(run.id))], isCut: false };
}

/**
 * The list after events: statuses at once, everything else when the list comes anew.
 * @param {Run[]} rows @param {import("./stream.js").RunEvent[]} events
 * @returns {Run[]} The same list where nothing changed.
 */
export function patched(rows, events) {
  /** @type {Map<string, {status: string, at: string, data: any}>} */
  const news = new Map();
  for (const event of events) {
    const status = meanings[event.type];
    if (status) news.set(event.run, { status, at: event.at, data: event.data });
  }
  if (news.size === 0) return rows;
  let isChanged = false;
  const next = rows.map((run) => {
    const told = news.get(run.id);
    if (!told || told.status === run.status || (isEnded(run.status) && told.at <= (run.finished_at ?? ""))) return run;
    isChanged = true;
    return {
      ...run, status: told.status,
      started_at: told.status === "running" ? run.started_at ?? told.at : run.started_at,
      finished_at: isEnded(told.status) ? told.at : null,
    };
  });
  return isChanged ? next : rows;
}

/**
 * How long a run was, or is, in the queue before its present go: neither what it waited for its time, nor goes before.
 * @param {any} run
 * @param {number} now
 * @returns {number | null} Milliseconds; `null` where its time has not come, or it ended before.
 */
export function queuedMilliseconds(run, now) {
  const ready = Date.parse(run.ready_at ?? run.enqueued_at);
  if (run.started_at) return Math.max(0, Date.parse(run.started_at) - ready);
  const end = run.finished_at ? Date.parse(run.finished_at) : now;
  return end < ready ? null : end - ready;
}

/**
 * How long a run works or worked; `null` where it never began.
 * @param {Run} run
 * @param {number} now
 */
export function workedMilliseconds(run, now) {
  if (!run.started_at) return null;
  return Math.max(0, (run.finished_at ? Date.parse(run.finished_at) : now) - Date.parse(run.started_at));
}

/**
 * Why a run stands as it does, one line; empty where there is nothing to say.
 * @param {Run} run
 * @param {number} now
 */
export function cause(run, now) {
  if (run.failure) return String(run.failure);
  if (run.paused_by && !isEnded(run.status)) return `paused by ${run.paused_by}`;
  if (run.wait_reason) return String(run.wait_reason);
  if (run.due_at && !isEnded(run.status)
    && Date.parse(run.due_at) > now) return `due ${run.due_at.slice(0, 19).replace("T", " ")} UTC`;
  return "";
}

/**
 * The state that is shown: a paused run is no other status, but nobody works on it.
 * @param {Run} run
 */
export const shownState = (run) => (run.paused_by && !isEnded(run.status) ? "paused" : run.status);

/**
 * Which attempt a run is in: how often people started it, and beside that how often it retried by itself since then.
 * @param {{[member: string]: any}} run
 * @returns {{text: string, words: string, isFirst: boolean}} As `2 (+1)`, and the same in words.
 */
export const attemptOf = ({ attempt, retry_count: retries = 0 }) => ({
  text: retries > 0 ? `${attempt} (+${retries})` : String(attempt),
  words: `Attempt ${attempt}${retries > 0 ? `, and ${retries === 1 ? "one retry" : `${retries} retries`} by itself` : ""}`,
  isFirst: attempt === 1 && retries === 0,
});

/** Columns of an export. */
export const columns = [
  "id", "plan", "template", "session", "lane", "status", "attempt", "retry_count", "priority", "key", "enqueued_at",
  "started_at", "finished_at", "failure", "wait_reason", "paused_by", "parent", "plan_digest", "inputs", "outputs",
];

/**
 * A line of CSV as RFC 4180 has it; what a table would take for a formula is kept a text.
 * @param {unknown[]} values
 */
export function csvLine(values) {
  return `${values.map((value) => {
    let text = value === null
      || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }).join(",")}\r\n`;
}
