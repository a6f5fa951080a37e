// How a plan differs from another: the other's digest stands in the address, the difference is of the canonical JSON.
// @ts-check
import { plain, plural } from "../../core/format.js";
import { html } from "../../core/html.js";
import { query, setQuery } from "../../core/router.js";
import { computed, signal } from "../../core/signal.js";
import { part } from "../../data/api.js";
import { planChanges } from "../../data/plan-changes.js";
import { resource } from "../../data/resource.js";
import { loaded } from "../../parts/error.js";
import { lazily } from "../../parts/lazy.js";

/** @typedef {import("../../data/plan.js").Plan} Plan */

/** What a digest is. */
const digestText = /^sha256:[0-9a-f]{64}$/;

/** @param {string} digest @param {Plan} plan */
export function compare(digest, plan) {
  const other = computed(() => query.value.get("with"));
  const typed = signal(other.peek() ?? "");
  const isWrong = computed(() => typed.value !== "" && !digestText.test(typed.value.trim()));
  const before = resource(() => (other.value && digestText.test(other.value) ? `/v1/plans/${part(other.value)}`
    : null));
  // Where its other versions may be found without copying a digest.
  const runs = resource(() => `/v1/runs?plan=${part(plan.name)}&limit=100`);
  const known = computed(() => {
    /** @type {Map<string, string>} */
    const found = new Map();
    for (const run of runs.data.value?.runs ?? []) {
      if (run.plan_digest !== digest && !found.has(run.plan_digest)) found.set(run.plan_digest, run.enqueued_at);
    }
    return [...found];
  });
  const show = (/** @type {string} */ wanted) => {
    typed.value = wanted;
    setQuery({ with: wanted });
  };
  return html`<div class="plan-compare">
    <form class="row" @submit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      if (!isWrong.peek()) setQuery({ with: typed.peek().trim() || null });
    }}><label class="field grow"><span>Compare with the plan of digest</span><input class="input mono"
      spellcheck="false" autocomplete="off"
      placeholder="sha256:…" aria-invalid=${() => (isWrong.value ? "true" : null)} .value=${typed}
      @input=${(/** @type {any} */ event) => { typed.value = event.target.value; }}>
      ${() => (isWrong.value ? html`<span class="wrong">A digest is sha256: and 64 hexadecimal digits.</span>`
        : null)}</label>
      <button class="button plan-compare-go" disabled=${() => isWrong.value}>Compare</button></form>
    ${() => (known.value.length > 0 ? html`<p class="row plan-known"><span class="muted">Plans of the same name that
      ran:</span>${
      known.value.slice(0, 10).map(([one, at]) => html`<button type="button" class="button is-small mono"
        aria-pressed=${() =>
        String(other.value === one)} title=${`${one}, last run asked for at ${at}`}
          @click=${() => show(one)}>${one.slice(7, 19)}</button>`)}</p>` : null)}
    ${() => (other.value === null ? html`<p class="muted">Choose another plan to see what changed.</p>`
      : other.value === digest ? html`<p class="muted">That is this plan itself.</p>`
        : loaded(before, (data) => difference(data.peek(), plan)))}
  </div>`;
}

/** @param {Plan} before @param {Plan} after */
function difference(before, after) {
  const changes = planChanges(before, after);
  const list = (/** @type {string} */ word, /** @type {string[]} */ ids, /** @type {string} */ tone) =>
    (ids.length === 0 ? null
    : html`<p class=${`plan-change tone-${tone}`}><b>${plural(ids.length, "step")} ${word}</b> ${ids.map((id) =>
    html`<code>${plain(id, 60)}</code> `)}</p>`);
  return html`<div class="plan-difference">
    ${list("added", changes.added, "succeeded")}${list("removed", changes.removed, "failed")}${list("changed",
      changes.changed, "waiting")}
    ${changes.other.length > 0 ? html`<p class="plan-change tone-waiting"><b>Besides</b> ${plain(changes.other.join(
      ", "), 300)}</p>` : null}
    ${lazily(() => import("../../leaves/diff.js"), (/** @type {any} */ module) => module.diffView({
      before: () => JSON.stringify(before, null, 2), after: () => JSON.stringify(after, null, 2),
        names: ["other plan", "this plan"] }))}
  </div>`;
}
