// What can be done to a run and its steps as they stand; the node decides, this keeps needless buttons away.
// @ts-check
import { isEnded } from "../../data/steps.js";

/**
 * Whether it can be queued again.
 * @param {any} run
 */
export const canRetry = (run) => isEnded(run.status) || run.status === "waiting";

/**
 * Whether it can be asked to end.
 * @param {any} run
 */
export const canCancel = (run) => !isEnded(run.status);

/**
 * Whether it waits for a time that can be put off.
 * @param {any} run
 */
export const canSnooze = (run) => run.status === "queued" || (run.status === "waiting" && Boolean(run.due_at));

const skippable = new Set(["failed", "unknown", "pending", "cancelled", "skipped", "waiting", "retrying"]);
/** @type {Record<string, string>} */
const waits = { approval: "an approval", wait_signal: "a wait for a signal" };

/**
 * Whether a step can be told as done by hand, by the rule that the node has.
 * @param {any} run
 * @param {import("../../data/steps.js").StepRow} row
 * @param {import("../../data/steps.js").StepRow[]} rows All of the run's.
 * @param {(step: string) => string[]} needsOf What a step needs.
 * @returns {{why: string} | null} `why` not yet, or `""`; `null` where it makes no sense.
 */
export function skipOf(run, row, rows, needsOf) {
  if (waits[row.kind] || row.isUndo) return null;
  if (!(isEnded(run.status) && run.status !== "succeeded") && run.status !== "waiting") return null;
  const isUndone = row.items.some((item) => item.isUndo && item.current !== null);
  if (!skippable.has(row.state) && !(row.state === "succeeded" && isUndone)) return null;
  if (row.state === "skipped" && !row.current?.failure) return null;
  const underWay = run.status !== "waiting" ? [] : rows.filter((one) => one.current?.state === "intent");
  const asking = underWay.find((one) => waits[one.kind]);
  if (asking) return { why: `the run waits at “${asking.id}”, ${waits[asking.kind]}: that comes first` };
  const other = underWay.find((one) => one.id !== row.id);
  if (other) return { why: `“${other.id}” is under way` };
  const open = undecided(row, rows, needsOf);
  return { why: open ? `it needs “${open.id}”, ${waits[open.kind]} that has not succeeded` : "" };
}

/**
 * The first step before it that waits for people or a signal and has not got it.
 * @param {import("../../data/steps.js").StepRow} row
 * @param {import("../../data/steps.js").StepRow[]} rows
 * @param {(step: string) => string[]} needsOf
 */
function undecided(row, rows, needsOf) {
  const needed = new Set(needsOf(row.id));
  // A set that grows is walked to its end.
  for (const step of needed) for (const need of needsOf(step)) needed.add(need);
  return rows.find((one) => needed.has(one.id) && waits[one.kind] && one.current?.state !== "succeeded"
    && !(one.current?.state === "skipped" && !one.current.failure));
}
