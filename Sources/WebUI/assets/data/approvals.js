// In which order approvals want to be looked at, and which events change what waits. Pure.
// @ts-check

/** A deadline this near goes before everything that has none. */
export const nearMilliseconds = 3_600_000;

/**
 * @typedef {{run: string, step: string, asked_at: string, expires_at: string | null, may_decide: boolean,
 *   [member: string]: any}} Waiting
 */

/**
 * What tells one from another; a step that asks again asks something else.
 * @param {{run: string, step: string, asked_at?: string}} one
 */
export const keyOf = (one) => `${one.run} ${one.step} ${one.asked_at ?? ""}`;

/** Events after which a run that waited may wait no more. */
const endings = new Set(["run.resumed", "run.succeeded", "run.failed", "run.cancelled", "run.timed_out"]);

/**
 * Whether after an event more or less may wait than is listed: ends of runs that did not wait change nothing.
 * @param {{type: string, run: string}} event @param {{run: string}[]} listed
 */
export const mayChange = (event, listed) => event.type === "run.waiting" || event.type.startsWith("approval.")
  || (endings.has(event.type) && listed.some((one) => one.run === event.run));

/**
 * The most urgent first: whose time ends soon, then who waits longest; what one cannot decide comes last.
 * @param {Waiting[]} approvals @param {number} now
 */
export function byUrgency(approvals, now) {
  return [...approvals].sort((a, b) =>
    Number(b.may_decide) - Number(a.may_decide) || compared(deadline(a, now), deadline(b, now))
    || Date.parse(a.asked_at) - Date.parse(b.asked_at) || (keyOf(a) < keyOf(b) ? -1 : 1));
}

/**
 * When its time ends, where that is near.
 * @param {Waiting} one
 * @param {number} now
 */
function deadline(one, now) {
  if (!one.expires_at) return Infinity;
  const at = Date.parse(one.expires_at);
  return at - now <= nearMilliseconds ? at : Infinity;
}

/**
 * Two numbers, either of which may be without end.
 * @param {number} a
 * @param {number} b
 */
const compared = (a, b) => (a === b ? 0 : a < b ? -1 : 1);
