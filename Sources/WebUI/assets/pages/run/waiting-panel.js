// What of a run waits for a person, above everything else.
// @ts-check
import { each, html } from "../../core/html.js";
import { part } from "../../data/api.js";
import { keyOf } from "../../data/approvals.js";
import { mayRun } from "../../data/me.js";
import { resource } from "../../data/resource.js";
import { plain } from "../../core/format.js";
import { approvalCard } from "../../parts/approval.js";
import { icon } from "../../parts/icon.js";

/** @param {import("../run.js").RunView} view */
export function waitingPanel(view) {
  const approvals = resource(() => (["waiting", "running"].includes(view.run().status)
    && view.rows.value.some((row) => row.kind === "approval") ? `/v1/approvals?run=${part(view.id)}&all=true` : null), {
    on: (event) => event.run === view.id && event.type !== "step.output", every: 5000,
  });
  const signals = () => view.rows.value.filter((row) => row.kind === "wait_signal" && row.state === "waiting");
  return html`<div class="run-waiting" hidden=${() => (approvals.data.value?.approvals ?? []).length === 0
    && signals().length === 0}>
    ${each(() => approvals.data.value?.approvals ?? [], keyOf, (one) => approvalCard(() => /** @type {any} */ (one.value), {
      isInRun: true, onDone: () => { approvals.refresh(); view.refresh(); } }))}
    ${each(signals, (row) => row.id, (row) => html`<div class="run-signal row">${icon("clock")}<span
      class="grow">Step <b>${() =>
      plain(row.value.title || row.value.id, 100)}</b> waits for a signal from outside.</span>
      ${mayRun.value ? html`<button type="button" class="button is-small" @click=${async () =>
        (await import("./send-signal.js")).openSignal(view, row.peek().id)}>Send it…</button>` : null}</div>`)}
  </div>`;
}
