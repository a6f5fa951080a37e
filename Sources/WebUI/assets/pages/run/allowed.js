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

const skippable = new Set(["failed", "unknown", "pending", "cancelled", "skipped", "waiting"]);

/**
 * Whether a step can be told as done by hand.
 * @param {any} run
 * @param {import("../../data/steps.js").StepRow} row
 */
export function canSkip(run, row) {
  if (row.kind === "approval" || row.kind === "wait_signal" || !skippable.has(row.state)) return false;
  if (row.state === "skipped" && !row.current?.failure) return false;
  return (isEnded(run.status) && run.status !== "succeeded") || run.status === "waiting";
}
