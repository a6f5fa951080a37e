// What is known of each check of a run's steps: what was found, what is to come, and what nobody will check. Pure.
// @ts-check
import { count, plural } from "../core/format.js";
import { checkText } from "./plan.js";
import { isEnded } from "./steps.js";

/**
 * `result`: `passed`, `failed` or `error` as a verifier found; `held` where the step would not have gone on otherwise;
 * `open` while it is to come; `never` where nobody checked it, for the reason that `note` tells; `hand` for what
 * somebody said of a step that was done by hand.
 * @typedef {{key: string, step: string, name: string, attempt: number | null, isOld: boolean, isLatest: boolean,
 *   id: string, kind: string, isRequired: boolean, result: string, check: string, expected: string, observed: string,
 *   note: string}} Proof
 * @typedef {import("./steps.js").StepRow} StepRow
 */

/**
 * The proofs of a run, in the order of its steps.
 * @param {StepRow[]} rows @param {(id: string) => any} planStep @param {{status: string}} run
 * @returns {Proof[]}
 */
export const proofsOf = (rows, planStep, run) => rows.flatMap((row) => {
  const step = planStep(row.id);
  return [...preconditions(row, step, run), ...outcomes(row, step), ...unchecked(row, step, run)];
});

/** @param {StepRow} row @param {any} verifier @param {Partial<Proof>} more @returns {Proof} */
const proof = (row, verifier, more) => ({
  key: `${row.id} ${verifier.id}`, step: row.id, name: row.title || row.id, attempt: null, isOld: false, isLatest: true,
  id: verifier.id, kind: Object.keys(verifier.check ?? {})[0] ?? "", isRequired: verifier.required !== false,
  check: verifier.check ? checkText(verifier) : "", expected: "", observed: "", note: "", result: "open", ...more,
});

/**
 * What was found, of all attempts; and what was said where a person did the step.
 * @param {StepRow} row @param {any} step
 */
function outcomes(row, step) {
  const checks = new Map((step?.verify ?? []).map((/** @type {any} */ verifier) => [verifier.id, verifier]));
  return [row, ...row.items].flatMap((part) => part.attempts.flatMap((attempt) => {
    const where = { step: part.id, attempt: attempt.attempt, isOld: attempt.superseded, isLatest: attempt === part.current };
    const found = attempt.verifiers.map((outcome, index) => proof(row, { check: checks.get(outcome.id)?.check, ...outcome }, {
      ...where, key: `${part.id} ${attempt.attempt} ${index}`, kind: outcome.kind, result: outcome.result,
      expected: outcome.expected, observed: outcome.observed,
    }));
    if (!attempt.by_hand) return found;
    const { by, at, note } = attempt.by_hand;
    return [...found, proof(row, { id: "Done by hand" }, {
      ...where, key: `${part.id} ${attempt.attempt} hand`, kind: "by hand", result: "hand", expected: at, observed: note,
      note: by,
    })];
  }));
}

/**
 * Checks of the plan that the present attempt has not made, or not yet.
 * @param {StepRow} row @param {any} step @param {{status: string}} run
 */
function unchecked(row, step, run) {
  // Where it went over a list, each of its parts has them.
  if (row.items.length > 0) return [];
  const made = new Set((row.current?.verifiers ?? []).map((outcome) => outcome.id));
  const note = reason(row, run);
  return (step?.verify ?? []).filter((/** @type {any} */ verifier) => !made.has(verifier.id))
    .map((/** @type {any} */ verifier) => proof(row, verifier, { note, result: note ? "never" : "open" }));
}

/**
 * What must hold before a step begins: on record only where it did not.
 * @param {StepRow} row @param {any} step @param {{status: string}} run
 */
function preconditions(row, step, run) {
  const broken = /^precondition '([^']+)' does not hold: (?:expected ([\s\S]*), found )?([\s\S]*)$/.exec(
    row.current?.failure ?? "");
  const hasBegun = row.state === "succeeded" || (row.current?.verifiers.length ?? 0) > 0 || row.items.length > 0;
  const note = reason(row, run);
  return (step?.preconditions ?? []).map((/** @type {any} */ verifier) => {
    const key = `${row.id} before ${verifier.id}`;
    const attempt = row.current?.attempt ?? null;
    if (broken && broken[1] === verifier.id) {
      return proof(row, verifier, { key, attempt, result: "failed", expected: broken[2] ?? "", observed: broken[3] });
    }
    if (hasBegun && !broken && verifier.required !== false) {
      return proof(row, verifier, { key, attempt, result: "held", note: "the step would not have begun otherwise" });
    }
    const isLost = broken || hasBegun;
    return proof(row, verifier, { key, note: isLost ? "what was found is not kept" : note,
      result: isLost || note ? "never" : "open" });
  });
}

/**
 * Why a check that was not made is not to come; empty while it is.
 * @param {StepRow} row @param {{status: string}} run
 */
function reason(row, run) {
  switch (row.state) {
    case "by_hand": return "the step was done by hand";
    case "skipped": return "the step was skipped";
    case "succeeded": return "the step went on without it";
    case "failed": case "unknown": case "cancelled": case "timed_out": return "the step ended before";
    default: return isEnded(run.status) ? "the run ended before the step" : "";
  }
}

/**
 * All that is known in one sentence, and how well it looks.
 * @param {Proof[]} proofs
 * @returns {{text: string, tone: "proof" | "failed" | "queued"}}
 */
export function summaryOf(proofs) {
  const checks = proofs.filter((one) => one.isLatest && one.result !== "hand");
  const many = (/** @type {string[]} */ ...results) => checks.filter((one) => results.includes(one.result)).length;
  const [held, broken, open, never] = [many("passed", "held"), many("failed", "error"), many("open"), many("never")];
  const rest = [open > 0 ? `${count(open)} to come` : "", never > 0 ? `${count(never)} not made` : ""].filter(Boolean).join(", ");
  if (checks.length === 0) return { text: "Nothing to prove", tone: "queued" };
  // Rows of attempts before are shown too; the sentence is not about them.
  const last = proofs.some((one) => !one.isLatest) ? " of the last attempts" : "";
  const told = broken > 0 ? `${plural(broken, "check")} of ${count(held + broken)}${last} did not hold`
    : held > 0 ? `${plural(held, "check")} held` : "";
  const tone = broken > 0 ? "failed" : held > 0 ? "proof" : "queued";
  if (!told) return { text: `${plural(checks.length, "check")}: ${rest}`, tone };
  return { text: rest ? `${told}, ${rest}` : told, tone };
}
