// What was checked of each step: what was expected, what was seen, whether it held, and what the steps kept.
// @ts-check
import { bytes, count, moment, plain, plainLines } from "../../core/format.js";
import { each, html } from "../../core/html.js";
import { setQuery } from "../../core/router.js";
import { computed } from "../../core/signal.js";
import { proofsOf, summaryOf } from "../../data/proofs.js";
import { copyButton } from "../../parts/copy.js";
import { icon } from "../../parts/icon.js";
import { sign } from "../../parts/status.js";

/**
 * @typedef {import("../run.js").RunView} RunView
 * @typedef {import("../../data/proofs.js").Proof} Proof
 */

/** Rows that are shown at most. */
const rowsMax = 2000;

/** @param {RunView} view */
export function proofs(view) {
  const all = computed(() => proofsOf(view.rows.value, view.planStep, view.run()));
  const isMeant = (/** @type {string} */ step) => {
    const chosen = view.chosen();
    return chosen === null || step === chosen || step.startsWith(`${chosen}[`) || step.startsWith(`${chosen}!`);
  };
  const meant = computed(() => all.value.filter((proof) => isMeant(proof.step)));
  const shown = computed(() => meant.value.slice(0, rowsMax));
  const hidden = () => all.value.length - meant.value.length;
  const kept = computed(() => (view.run().artifacts ?? []).filter((/** @type {any} */ one) => isMeant(one.step)));
  return html`<div class="proofs">
    <div class="proofs-head">${() => summary(all.value)}
      <p class="muted small">${icon("lock")} Not signed yet: proofs that are signed and chained come with a later
        version. What
        stands here is what the node's verifiers found, as the run's journal keeps it.</p></div>
    ${() => (hidden() > 0 ? html`<p class="muted small">
      ${count(hidden())} of other steps ${hidden() === 1 ? "is" : "are"} hidden.
      <button type="button" class="button is-small" @click=${() => view.select(null)}>Show all</button></p>` : null)}
    ${() => (shown.value.length === 0 ? html`<p class="muted proofs-none">${all.value.length === 0
      ? "No step of this plan names verifiers; a step that ends well has passed its tool's own check."
      : "This step names no verifiers; it ends well when it has passed its tool's own check."}</p>` : null)}
    <ul class="proofs-list" hidden=${() => shown.value.length === 0}>${each(() => shown.value, (proof) => proof.key,
      (proof) =>
      line(view, proof))}</ul>
    ${() => (meant.value.length > rowsMax ? html`<p class="muted small">The first ${count(rowsMax)} of
      ${count(meant.value.length)} are shown; choose a step to see those of it.</p>` : null)}
    ${() => (kept.value.length > 0 ? evidence(kept.value.slice(0, rowsMax)) : null)}
  </div>`;
}

/**
 * What the steps kept, by what it is known again.
 * @param {any[]} artifacts
 */
const evidence = (artifacts) => html`<section class="section"><h2>Kept by the steps</h2>
  <div class="table-wrap" tabindex="0" role="region" aria-label="Kept by the steps"><table class="table"><thead><tr>
    <th>Artifact</th><th>Step</th><th class="is-number">Size</th><th>SHA-256</th></tr></thead>
  <tbody>${artifacts.map((one) => html`<tr>
    <td><button type="button" class="link-button" @click=${() => setQuery({ tab: "artifacts",
      artifact: `${one.step}/${one.name}` })}>${plain(one.name, 120)}</button></td>
    <td>${plain(one.step, 80)}</td><td class="is-number">${bytes(one.size)}</td>
    <td><span class="mono" title=${one.digest}>${plain(one.digest.replace(/^sha256:/, "").slice(0, 16))}…</span>
      ${copyButton(() => one.digest, `Copy the digest of ${plain(one.name, 60)}`)}</td></tr>`)}</tbody></table></div>
  </section>`;

/**
 * @param {RunView} view
 * @param {import("../../core/signal.js").Signal<Proof>} proof
 */
function line(view, proof) {
  const base = proof.peek().step.replace(/[[!].*$/s, "");
  const where = () => [proof.value.step === base ? "" : proof.value.step, proof.value.attempt ? `attempt ${
    proof.value.attempt}` : "", proof.value.isOld ? "of an earlier go" : "", proof.value.isRequired ? ""
    : "not required"]
    .filter(Boolean).join(", ");
  const text = (/** @type {"expected" | "observed"} */ name) => html`<pre class="value" tabindex="0">${() =>
    plainLines(proof.value[name].slice(0, 4000))}</pre>`;
  return html`<li class=${() => `proof tone-${tones[proof.value.result] ?? "queued"}`}
    class:is-old=${() => proof.value.isOld}>
    <div class="proof-head">${sign(() => states[proof.value.result] ?? "unknown")}<b>${() => plain(proof.value.id,
      80)}</b>
      <span class="tag" hidden=${() => proof.value.kind === "by hand"}>${() => proof.value.kind}</span><span
        class="proof-word">${() => word(proof.value)}</span><span class="grow"></span>
      <button type="button" class="link-button" @click=${() => view.select(base)}>${() => plain(proof.value.name,
        80)}</button>
      <span class="muted small">${() => plain(where(), 120)}</span></div>
    ${() => (proof.value.check ? html`<div class="proof-check mono">${plain(proof.value.check, 300)}</div>` : null)}
    ${() => {
      if (proof.value.result === "hand") return html`<dl class="proof-facts"><div><dt>Said</dt><dd>${text(
        "observed")}</dd></div></dl>`;
      return ["passed", "failed", "error"].includes(proof.value.result) ? html`<dl
        class="proof-facts"><div><dt>Expected</dt><dd>${text("expected")}</dd></div>
      <div><dt>Observed</dt><dd>${text("observed")}</dd></div></dl>` : null;
    }}
  </li>`;
}

const states = /** @type {Record<string, string>} */ ({ passed: "succeeded", held: "succeeded", failed: "failed",
  error: "failed", open: "pending", never: "skipped", hand: "by_hand" });
const tones = /** @type {Record<string, string>} */ ({ passed: "succeeded", held: "succeeded", failed: "failed",
  error: "failed", hand: "blocked" });

/** @param {Proof} proof */
function word(proof) {
  switch (proof.result) {
    case "passed": return "Held";
    case "held": return `Held: ${proof.note}`;
    case "failed": return "Did not hold";
    case "error": return "Could not be checked";
    case "never": return `Not checked: ${proof.note}`;
    case "hand": return `By ${plain(proof.note, 80)}, ${moment(proof.expected)}`;
    default: return "Not checked yet";
  }
}

/** @param {Proof[]} all */
function summary(all) {
  const { text, tone } = summaryOf(all);
  return html`<p class=${`proofs-summary tone-${tone}`}>${icon("proof")}<b>${text}</b></p>`;
}
