// What a template compiles to: its steps, what they do and check, and the graph of them.
// @ts-check
import { each, html } from "../../core/html.js";
import { duration, plain, plural } from "../../core/format.js";
import { part } from "../../data/api.js";
import { kindOf } from "../../data/plan.js";
import { resource } from "../../data/resource.js";
import { loaded } from "../../parts/error.js";
import { lazily } from "../../parts/lazy.js";

/** @param {() => string | undefined} digest */
export function planTab(digest) {
  const plan = resource(() => (digest() ? `/v1/plans/${part(digest())}` : null));
  const graph = resource(() => (digest() ? `/v1/plans/${part(digest())}/graph` : null));
  return html`<div class="section">${loaded(plan, (data) => html`<div class="stack">
    <div class="row"><code class="clip">${() => digest() ?? ""}</code><span class="grow"></span>
      <a class="button is-small" href=${() => `/ui/plans/${part(digest())}`}>Open the plan</a></div>
    ${loaded(graph, (found) => html`<div class="template-graph">${lazily(() => import("../../leaves/dag.js"),
      (module) => module.dag({ graph: () => found.value }))}</div>`)}
    <h2>${() => plural(data.value.steps.length, "step")}</h2>
    <div class="table-wrap"><table class="table"><thead><tr><th>Step</th><th>Kind</th>
      <th class="is-wide-only">After</th>
      <th class="is-wide-only">Effects</th><th class="is-number">Checks</th><th class="is-number">Timeout</th></tr>
        </thead>
      <tbody>${each(() => data.value.steps, (step) => step.id, (step) => html`<tr>
        <td><span class="mono">${() => plain(step.value.id)}</span>${() => (step.value.title ? html` <span
          class="muted">${plain(step.value.title)}</span>` : null)}</td>
        <td>${() => kindOf(step.value)}</td>
        <td class="is-wide-only muted">${() => plain((step.value.needs ?? []).join(", ")) || "–"}</td>
        <td class="is-wide-only">${() => step.value.effects}</td>
        <td class="is-number">${() => (step.value.preconditions ?? []).length + (step.value.verify ?? []).length
          || html`<span class="muted">its tool's own</span>`}</td>
        <td class="is-number">${() => duration(step.value.timeoutMilliseconds)}</td></tr>`)}</tbody></table></div>
    <h2>Inputs</h2>
    ${() => inputs(data.value.inputs ?? {})}
  </div>`)}</div>`;
}

/** @param {Record<string, any>} declared */
function inputs(declared) {
  const names = Object.keys(declared);
  if (names.length === 0) return html`<p class="muted">It takes none.</p>`;
  return html`<div class="table-wrap"><table class="table"><thead><tr><th>Input</th><th>Type</th><th>Default</th>
    <th class="is-wide-only">What it is</th></tr></thead>
    <tbody>${names.map((name) => html`<tr><td class="mono">${plain(name)}</td>
      <td>${declared[name].format ?? declared[name].type}</td>
      <td class="mono">${declared[name].default === undefined ? html`<span class="muted">needed</span>`
        : plain(JSON.stringify(declared[name].default), 80)}</td>
      <td class="is-wide-only">${plain(declared[name].title ?? "")}</td></tr>`)}</tbody></table></div>`;
}
