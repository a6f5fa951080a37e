// What a run was given and what it gave.
// @ts-check
import { plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { isEnded } from "../../data/steps.js";
import { keyed } from "../../parts/keyed.js";
import { valueView } from "./value.js";

/** @param {import("../run.js").RunView} view */
export const runData = (view) => html`<div class="run-data">
  <section class="section"><h2>Inputs</h2>${keyed(() => JSON.stringify(view.run().inputs),
    () => table(view.run().inputs, "This plan takes no inputs."))}</section>
  <section class="section"><h2>Outputs</h2>${keyed(() => view.run().status + JSON.stringify(view.run().outputs),
    () => table(view.run().outputs, isEnded(view.run().status)
    ? view.run().status === "succeeded" ? "This plan gives no outputs." : "A run gives outputs only when it succeeds."
    : "Outputs are there when the run has succeeded."))}</section>
</div>`;

/** @param {any} values @param {string} none */
function table(values, none) {
  const names = values && typeof values === "object" ? Object.keys(values) : [];
  if (names.length === 0) return html`<p class="muted">${none}</p>`;
  return html`<div class="table-wrap"><table class="table"><thead><tr><th>Name</th><th>Value</th></tr></thead><tbody>${
    names.map((name) => html`<tr><td class="run-data-name"><code>${plain(name, 100)}</code></td><td>${valueView(
      values[name])}</td></tr>`)}</tbody></table></div>`;
}
