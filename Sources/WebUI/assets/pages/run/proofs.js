// What was checked of each step: what was expected, what was seen, and whether it held.
// @ts-check
import { count, plain, plainLines, plural } from "../../core/format.js";
import { each, html } from "../../core/html.js";
import { computed } from "../../core/signal.js";
import { checkText } from "../../data/plan.js";
import { icon } from "../../parts/icon.js";
import { sign } from "../../parts/status.js";

/**
 * @typedef {import("../run.js").RunView} RunView
 * @typedef {{key: string, step: string, name: string, attempt: number | null, isOld: boolean,
 *   isLatest: boolean, id: string, kind: string,
 *   isRequired: boolean, result: string, check: string, expected: string, observed: string}} Proof
 */

/** Rows that are shown at most. */
const rowsMax = 2000;

/** @param {RunView} view */
export function proofs(view) {
  const all = computed(() => proofsOf(view));
  const shown = computed(() => {
    const chosen = view.chosen();
    return all.value.filter((proof) => chosen === null || proof.step === chosen || proof.step.startsWith(`${chosen}[`)
      || proof.step.startsWith(`${chosen}!`)).slice(0, rowsMax);
  });
  return html`<div class="proofs">
    <div class="proofs-head">${() => summary(all.value.filter((proof) => proof.isLatest))}
      <p class="muted small">${icon("lock")} Not signed yet: proofs that are signed and chained come with a later
        version. What
        stands here is what the node's verifiers found, as the run's journal keeps it.</p></div>
    ${() => (view.chosen() !== null && shown.value.length < all.value.length ? html`<p class="muted small">
      ${count(all.value.length - shown.value.length)} of other steps are hidden.
      <button type="button" class="button is-small" @click=${() => view.select(null)}>Show all</button></p>` : null)}
    ${() => (shown.value.length === 0 ? html`<p class="muted proofs-none">No step of this plan names verifiers; a
      step that ends well
      has passed its tool's own check.</p>` : null)}
    <ul class="proofs-list" hidden=${() => shown.value.length === 0}>${each(() => shown.value, (proof) => proof.key,
      (proof) =>
      line(view, proof))}</ul>
  </div>`;
}

/**
 * @param {RunView} view
 * @param {import("../../core/signal.js").Signal<Proof>} proof
 */
function line(view, proof) {
  const base = proof.peek().step.replace(/[[!].*$/s, "");
  const where = () => [proof.value.step === base ? "" : proof.value.step, proof.value.attempt === null ? ""
    : `attempt ${proof.value.attempt}`, proof.value.isOld ? "of an earlier go" : "", proof.value.isRequired ? ""
    : "not required"]
    .filter(Boolean).join(", ");
  const text = (/** @type {"expected" | "observed"} */ name) => html`<pre class="value" tabindex="0">${() =>
    plainLines(proof.value[name].slice(0, 4000))}</pre>`;
  return html`<li class=${() => `proof tone-${tones[proof.value.result] ?? "queued"}`}
    class:is-old=${() => proof.value.isOld}>
    <div class="proof-head">${sign(() => states[proof.value.result] ?? "unknown")}<b>${() => plain(proof.value.id,
      80)}</b>
      <span class="tag">${() => proof.value.kind}</span><span class="proof-word">${() => words[proof.value.result]
        ?? proof.value.result}</span><span class="grow"></span>
      <button type="button" class="link-button" @click=${() => view.select(base)}>${() => plain(proof.value.name,
        80)}</button>
      <span class="muted small">${() => plain(where(), 120)}</span></div>
    ${() => (proof.value.check ? html`<div class="proof-check mono">${plain(proof.value.check, 300)}</div>` : null)}
    ${() => (proof.value.result === "none" ? null : html`<dl class="proof-facts"><div><dt>Expected</dt><dd>${text(
      "expected")}</dd></div>
      <div><dt>Observed</dt><dd>${text("observed")}</dd></div></dl>`)}
  </li>`;
}

const states = /** @type {Record<string, string>} */ ({ passed: "succeeded", failed: "failed", error: "failed",
  none: "pending" });
const tones = /** @type {Record<string, string>} */ ({ passed: "succeeded", failed: "failed", error: "failed" });
const words = /** @type {Record<string, string>} */ ({ passed: "Held", failed: "Did not hold",
  error: "Could not be checked", none: "Not checked yet" });

/** @param {Proof[]} proofs */
function summary(proofs) {
  const checked = proofs.filter((proof) => proof.result !== "none");
  const broken = checked.filter((proof) => proof.result !== "passed");
  const isGood = broken.length === 0 && checked.length > 0;
  const text = proofs.length === 0 ? "Nothing to prove" : checked.length === 0 ? `${plural(proofs.length,
    "check")}, none made yet`
    : broken.length === 0 ? `${plural(checked.length, "check")} held${proofs.length > checked.length
    ? `, ${count(proofs.length - checked.length)} to come` : ""}`
      : `${plural(broken.length, "check")} of ${count(checked.length)} did not hold`;
  return html`<p class=${`proofs-summary tone-${isGood ? "proof" : broken.length > 0 ? "failed"
    : "queued"}`}>${icon("proof")}<b>${text}</b></p>`;
}

/** @param {RunView} view @returns {Proof[]} */
function proofsOf(view) {
  /** @type {Proof[]} */
  const found = [];
  for (const row of view.rows.value) {
    const step = view.planStep(row.id);
    const checks = new Map([...(step?.preconditions ?? []), ...(step?.verify ?? [])].map((verifier) => [verifier.id,
      verifier]));
    const seen = new Set();
    for (const part of [row, ...row.items]) {
      for (const attempt of part.attempts) {
        for (const [index, outcome] of attempt.verifiers.entries()) {
          if (!attempt.superseded && part === row) seen.add(outcome.id);
          found.push({
            key: `${part.id} ${attempt.attempt} ${index}`, step: part.id, name: row.title || row.id,
              attempt: attempt.attempt,
            isOld: attempt.superseded, isLatest: attempt === part.current, id: outcome.id, kind: outcome.kind,
              isRequired: outcome.required,
              result: outcome.result,
            check: checks.has(outcome.id) ? checkText(checks.get(outcome.id)) : "", expected: outcome.expected,
              observed: outcome.observed,
          });
        }
      }
    }
    for (const verifier of row.items.length > 0 ? [] : step?.verify ?? []) {
      if (seen.has(verifier.id)) continue;
      found.push({ key: `${row.id} ${verifier.id}`, step: row.id, name: row.title || row.id, attempt: null,
        isOld: false, isLatest: true, id: verifier.id,
        kind: Object.keys(verifier.check)[0], isRequired: verifier.required, result: "none",
          check: checkText(verifier), expected: "", observed: "" });
    }
  }
  return found;
}
