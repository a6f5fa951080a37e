// The page of a plan: what it does step by step, its graph, its inputs, and how it differs from another one.
// @ts-check
import { duration, plain, plural } from "../core/format.js";
import { html } from "../core/html.js";
import { bind } from "../core/keys.js";
import { query, setQuery } from "../core/router.js";
import { computed } from "../core/signal.js";
import { part } from "../data/api.js";
import { mayRun } from "../data/me.js";
import { actionFacts, checkText, kindOf, nameOf } from "../data/plan.js";
import { resource } from "../data/resource.js";
import { copyButton } from "../parts/copy.js";
import { loaded } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { lazily } from "../parts/lazy.js";
import { pageHead } from "../parts/page.js";
import { tabbed } from "../parts/tabs.js";
import { rules } from "./run/inspector.js";
import { factList, valueView } from "./run/value.js";

/** @typedef {import("../data/plan.js").Plan} Plan */

/** @param {import("../core/router.js").PageContext} context */
export default function planPage({ params }) {
  const { digest } = params;
  /** @type {import("../data/resource.js").Resource<Plan>} */
  const data = resource(() => `/v1/plans/${part(digest)}`);
  return html`<div class="page plan-page">
    ${pageHead({
      title: () => plain(data.data.value?.title || data.data.value?.name || "Plan", 90),
      actions: html`<a class="button" href=${`/ui/runs?plan=${part(digest)}`}
        title="Runs of exactly this version">${icon("runs")}Its runs</a>
        ${() => (mayRun.value && data.data.value ? html`<button type="button" class="button is-primary"
          @click=${() => run(digest)}>${
          icon("play")}Run…</button>` : null)}`,
    })}
    ${loaded(data, (plan) => body(digest, plan.peek()))}
  </div>`;
}

/** @param {string} digest */
async function run(digest) {
  const { openRunDialog } = await import("../parts/run-dialog.js");
  openRunDialog({ digest });
}

/** @param {string} digest @param {Plan} plan */
function body(digest, plan) {
  const chosen = computed(() => {
    const wanted = query.value.get("step");
    return plan.steps.find((step) => step.id === wanted) ? wanted : null;
  });
  const select = (/** @type {string | null} */ step) => setQuery({ step });
  const move = (/** @type {number} */ by) => {
    const at = plan.steps.findIndex((step) => step.id === chosen.peek());
    select(plan.steps[Math.min(plan.steps.length - 1, Math.max(0, at + by))]?.id ?? null);
  };
  bind("j", "Next step", () => move(1));
  bind("k", "Step before", () => move(-1));
  bind("escape", "", () => select(null));
  const fact = (/** @type {string} */ name, /** @type {any} */ value) => (value
    ? html`<span class="run-fact"><span class="muted">${name}</span> ${value}</span>` : null);
  return html`
    <section class="run-line" aria-label="The plan">
      <span class="run-fact"><code title=${digest}>${digest.slice(0, 19)}…</code>${copyButton(() => digest,
        "Copy the digest")}</span>
      ${fact("name", plain(plan.name, 80))}${fact("version", plan.version && plain(plan.version, 40))}
      ${fact("steps", html`<span class="num">${plan.steps.length}</span>`)}
      ${fact("at once", html`<span class="num">${plan.maxParallel}</span>`)}
      ${fact("at most", duration(plan.timeoutMilliseconds))}
      ${fact("secrets", plan.secrets.length > 0 ? plain(plan.secrets.join(", "), 200) : null)}
      ${fact("environment", plan.environment.length > 0 ? plain(plan.environment.join(", "), 200) : null)}
    </section>
    <div class="run-body plan-body" class:has-inspector=${() => chosen.value !== null}>
      ${tabbed({ label: "Views of the plan", className: "run-tabs", tabs: [
        { id: "graph", name: "Graph", body: () => graph(digest, plan, chosen, select) },
        { id: "steps", name: "Steps", count: () => plan.steps.length, body: () => steps(plan, chosen, select) },
        { id: "inputs", name: "Inputs & outputs", body: () => inputs(plan) },
        { id: "source", name: "Canonical JSON", body: () => html`<div class="plan-json">${lazily(() =>
          import("../leaves/json.js"),
          (/** @type {any} */ module) => module.jsonView(() => plan))}</div>` },
        { id: "diff", name: "Compare", body: () => lazily(() => import("./plan/compare.js"),
          (module) => module.compare(digest, plan)) },
      ] })}
      ${() => (chosen.value === null ? null : details(plan, chosen.value, select))}
    </div>`;
}

/**
 * @param {string} digest
 * @param {Plan} plan
 * @param {import("../core/signal.js").Readable<string | null>} chosen
 * @param {(step: string | null) => void} select
 */
function graph(digest, plan, chosen, select) {
  const picture = resource(() => `/v1/plans/${part(digest)}/graph`);
  return html`<div class="run-graph">${loaded(picture, (data) => html`<div class="fill">${lazily(() =>
    import("../leaves/dag.js"), (module) =>
    module.dag({ graph: () => data.peek(), selected: () => chosen.value, onSelect: select,
      titles: new Map(plan.steps.map((step) => [step.id, step.title ?? ""])) }))}</div>`)}</div>`;
}

/**
 * @param {Plan} plan
 * @param {import("../core/signal.js").Readable<string | null>} chosen
 * @param {(step: string | null) => void} select
 */
const steps = (plan, chosen, select) => html`<div class="table-wrap"><table
  class="table plan-steps"><thead><tr><th>Step</th><th>Does</th>
  <th>Needs</th><th>Effects</th><th>Checks</th></tr></thead><tbody>${plan.steps.map((step) => html`<tr
    class:is-selected=${() => chosen.value === step.id}><td><button type="button" class="link-button"
      @click=${() => select(step.id)}>${
      plain(nameOf(step), 100)}</button>${step.title ? html` <code>${plain(step.id, 60)}</code>` : null}</td>
    <td class="plan-does"><span class="tag">${kindOf(step)}</span> <span
      class="mono clip">${plain(actionFacts(step.action)[0]?.value ?? "", 160)}</span></td>
    <td>${plain(step.needs.join(", ") || "–", 200)}</td><td>${step.effects}</td>
    <td>${step.preconditions.length + step.verify.length > 0 ? html`<span title=${[...step.preconditions,
      ...step.verify].map((one) =>
      plain(`${one.id}: ${checkText(one)}`)).join("\n")}>${plural(step.preconditions.length + step.verify.length,
        "check")}</span>` : html`<span
      class="muted">its tool's own</span>`}</td></tr>`)}</tbody></table></div>`;

/** @param {Plan} plan */
function inputs(plan) {
  const names = Object.keys(plan.inputs).sort();
  const outputs = Object.keys(plan.outputs).sort();
  return html`<div class="run-data"><section class="section"><h2>Inputs</h2>${names.length === 0
    ? html`<p class="muted">This plan takes no inputs.</p>` : html`<div class="table-wrap"><table
    class="table"><thead><tr><th>Name</th>
      <th>Type</th><th>Default</th><th>What it is</th></tr></thead><tbody>${names.map((name) => {
        const input = plan.inputs[name];
        return html`<tr><td><code>${plain(name, 80)}</code></td><td>${[input.type, input.format].filter(Boolean)
          .join(", ")}</td>
          <td>${input.default === undefined || input.default === null ? html`<b>needed</b>`
            : valueView(input.default)}</td>
          <td>${plain(input.title ?? "", 300)}${input.enum ? html` <span
            class="muted">one of ${plain(input.enum.join(", "), 300)}</span>` : null}</td></tr>`;
      })}</tbody></table></div>`}</section>
    <section class="section"><h2>Outputs</h2>${outputs.length === 0 ? html`<p class="muted">This plan gives no
      outputs.</p>`
      : factList(outputs.map((name) => ({ name, value: typeof plan.outputs[name] === "string" ? plan.outputs[name]
        : JSON.stringify(plan.outputs[name]), isCode: true })))}</section></div>`;
}

/** @param {Plan} plan @param {string} id @param {(step: string | null) => void} select */
function details(plan, id, select) {
  const step = plan.steps.find((one) => one.id === id);
  if (!step) return null;
  return html`<aside class="run-inspector" aria-label="The chosen step">
    <header class="inspector-head"><h2>${plain(nameOf(step), 160)}</h2><span class="grow"></span>
      <button type="button" class="icon-button" aria-label="Close" title="Close"
        @click=${() => select(null)}>${icon("close")}</button></header>
    <p class="muted small inspector-id"><code>${plain(id, 100)}</code>${copyButton(() => id, "Copy the step's id")}</p>
    <section class="section"><h3>What it does</h3>${factList([{ name: "Kind", value: kindOf(step) },
      ...actionFacts(step.action)])}</section>
    <section class="section"><h3>Rules</h3>${rules(step)}</section></aside>`;
}
