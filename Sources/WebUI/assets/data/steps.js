// What a run's steps are now: the plan's steps with what the journal says of them. Pure.
// @ts-check

/**
 * @typedef {{step: string, attempt: number, state: string, superseded: boolean, begun_at: string | null,
 *   ended_at: string | null, failure: string | null, result: any, outputs: any, verifiers: any[],
 *   snoozed_ms?: number | null, by_hand?: {by: string, note: string, at: string} | null}} StepAttempt
 * @typedef {{id: string, title: string, kind: string, isUndo: boolean, state: string, attempts: StepAttempt[],
 *   current: StepAttempt | null, items: StepRow[], begunAt: string | null, endedAt: string | null}} StepRow
 * @typedef {{status: string, started_at?: string | null, finished_at?: string | null}} RunState
 */

const ended = new Set(["succeeded", "failed", "cancelled", "timed_out"]);
/**
 * Whether a run has ended.
 * @param {string} status
 */
export const isEnded = (status) => ended.has(status);

/**
 * The plan's step that an attempt belongs to: of `copy[3]` and `copy!0` it is `copy`.
 * @param {string} step
 */
export const baseOf = (step) => /^[^[!]*/.exec(step)?.[0] ?? step;

/** @type {Intl.Collator | undefined} */
let collator;
/**
 * Of `copy[2]` and `copy[10]` the first comes first.
 * @param {string} a @param {string} b
 */
const byNumber = (a, b) => (collator ??= new Intl.Collator("en", { numeric: true })).compare(a, b);

/**
 * @template K, V
 * @param {Map<K, V[]>} lists @param {K} key @param {V} value
 */
function addTo(lists, key, value) {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/**
 * All steps in the plan's order, those not begun included; what is not in the plan comes last.
 * @param {{steps: any[], retry?: any} | null} plan
 * @param {StepAttempt[]} journal
 * @param {RunState} run
 * @param {{kindOf: (step: any) => string, begun?: ReadonlyMap<string, string>}} options `begun`: steps that began
 *   as the stream of events says, with when; the journal says it of some only when they end.
 * @returns {StepRow[]}
 */
export function stepRows(plan, journal, run, { kindOf, begun = new Map() }) {
  /** @type {Map<string, StepAttempt[]>} */
  const byStep = new Map();
  for (const row of journal) addTo(byStep, row.step, row);
  /** @type {Map<string, string[]>} */
  const parts = new Map();
  for (const id of byStep.keys()) {
    const base = baseOf(id);
    if (base !== id) addTo(parts, base, id);
  }
  const known = new Set((plan?.steps ?? []).map((step) => step.id));
  const strays = [...new Set(journal.map((row) => baseOf(row.step)))].filter((id) => !known.has(id));
  /** @type {Map<string, string>} */
  const states = new Map();
  const rows = [...(plan?.steps ?? []), ...strays.map((id) => ({ id, needs: [] }))].map((step) => {
    const row = rowOf(step.id, step, byStep.get(step.id) ?? [], run, kindOf(step));
    row.items = (parts.get(step.id) ?? []).map((id) => rowOf(id, step, byStep.get(id) ?? [], run, ""));
    row.items.sort((a, b) => Number(a.isUndo) - Number(b.isUndo) || byNumber(a.id, b.id));
    states.set(step.id, row.state);
    return row;
  });
  for (const [index, step] of (plan?.steps ?? []).entries()) {
    const row = rows[index];
    if (row.state !== "pending" || run.status !== "running") continue;
    const at = begun.get(step.id);
    // A step without effects has no row before it ends: what it needs has ended, so it is under way.
    const isReady = (step.needs ?? []).every((/** @type {string} */ need) => isSettled(states.get(need) ?? ""));
    const mayWait = kindOf(step) === "approval" || kindOf(step) === "wait_signal";
    if (at !== undefined || row.items.some((item) => item.state === "running") || (isReady
      && !mayWait)) row.state = "running";
    if (row.state === "running") row.begunAt = at ?? row.items[0]?.begunAt ?? null;
  }
  return rows;
}

/** @param {string} state */
const isSettled = (state) => state === "succeeded" || state === "skipped" || state === "by_hand";

/**
 * @param {string} id @param {any} step @param {StepAttempt[]} attempts @param {RunState} run @param {string} kind
 * @returns {StepRow}
 */
function rowOf(id, step, attempts, run, kind) {
  const sorted = [...attempts].sort((a, b) => a.attempt - b.attempt);
  const current = sorted.filter((attempt) => !attempt.superseded).pop() ?? null;
  return {
    id, title: id === step.id ? step.title ?? "" : "", kind, isUndo: id.includes("!"), attempts: sorted, current,
      items: [],
    state: stateOf(current, run, step, kind), begunAt: current?.begun_at ?? null, endedAt: current?.ended_at ?? null,
  };
}

/** @param {StepAttempt | null} current @param {RunState} run @param {any} step @param {string} kind */
function stateOf(current, run, step, kind) {
  if (!current) return "pending";
  if (current.by_hand) return "by_hand";
  if (current.state === "intent") {
    if (isEnded(run.status)) return run.status === "cancelled" ? "cancelled" : "unknown";
    return kind === "approval" || kind === "wait_signal" || run.status === "waiting" ? "waiting" : "running";
  }
  if (current.snoozed_ms && !isEnded(run.status)) return "retrying";
  if (current.state === "failed" && !isEnded(run.status)) {
    const most = step.retry?.maxAttempts ?? 1;
    if (run.status === "running" && current.attempt < most) return "retrying";
  }
  return current.state;
}

/**
 * The step that made the run fail; `null` where none did.
 * @param {StepRow[]} rows
 */
export function failedStep(rows) {
  const failed = rows.filter((row) => row.state === "failed" || row.state === "unknown");
  // Of a cascade the first that ended is the cause.
  failed.sort((a, b) => String(a.endedAt ?? "~").localeCompare(String(b.endedAt ?? "~")));
  return failed[0] ?? null;
}

/**
 * The step that is looked at when nobody chose one.
 * @param {StepRow[]} rows
 */
export function stepToShow(rows) {
  return failedStep(rows) ?? rows.find((row) => row.state === "waiting") ?? rows.find((row) => row.state === "running")
    ?? rows.find((row) => row.state === "retrying") ?? null;
}

/**
 * Why a run failed, in one sentence, and in which step.
 * @param {{status: string, failure?: string | null}} run @param {StepRow[]} rows
 * @returns {{text: string, step: string | null} | null}
 */
export function causeOf(run, rows) {
  if (!run.failure) return null;
  const named = /^step '([^']+)' failed: ([\s\S]+)$/.exec(run.failure);
  const step = named && rows.some((row) => row.id === named[1]) ? named[1] : failedStep(rows)?.id ?? null;
  return { text: named && step === named[1] ? named[2] : run.failure, step };
}

/**
 * How many steps have ended well, of how many.
 * @param {StepRow[]} rows
 */
export const progressOf = (rows) => ({
  done: rows.filter((row) => isSettled(row.state) && !(row.state === "skipped" && row.current?.failure)).length,
  total: rows.length,
});
