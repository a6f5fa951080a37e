// What a room without a run is shown: three steps that check themselves off, and a run to begin with.
// @ts-check
import { each, html } from "../../core/html.js";
import { computed, signal } from "../../core/signal.js";
import { make } from "../../data/api.js";
import { mayRun } from "../../data/me.js";
import { resource } from "../../data/resource.js";
import { attempt } from "../../parts/toast.js";

/** A plan of three steps that anybody may run anywhere: it only talks. */
const sample = {
  apiVersion: "pulser/v1", kind: "Plan", metadata: { name: "sample", title: "A first run" },
  steps: [
    { id: "hello", shell: { argv: ["sh", "-c", "echo \"Hello from $(hostname)\"; sleep 1"] }, effects: "none" },
    { id: "work", needs: ["hello"], effects: "none",
      shell: { argv: ["sh", "-c", "for i in 1 2 3 4 5; do echo \"part $i of 5\"; sleep 0.4; done"] } },
    { id: "report", needs: ["work"], effects: "none", shell: { argv: ["sh", "-c",
      "echo \"All parts are done\" | tee report.txt"] },
      artifacts: [{ file: "report.txt" }] },
  ],
};

/**
 * @param {{lanes: () => string[], hasRun: () => boolean, onRun: (run: any) => void}} options `lanes` are those there
 * are.
 */
export function onboarding({ lanes, hasRun, onRun }) {
  const nodes = resource(() => "/v1/nodes", { every: 3000 });
  const templates = resource(() => "/v1/templates?limit=1", { every: 3000 });
  const isBusy = signal(false);
  const isUp = computed(() => (nodes.data.value?.nodes ?? []).some((/** @type {any} */ node) =>
    node.status === "active"));
  const hasPlan = computed(() => (templates.data.value?.templates ?? []).length > 0 || isBusy.value || hasRun());
  const run = async () => {
    if (isBusy.peek()) return;
    isBusy.value = true;
    const made = await attempt(() => make("/v1/runs", { plan: sample }));
    isBusy.value = false;
    if (made) onRun(made);
  };
  const step = (/** @type {() => boolean} */ isDone, /** @type {string} */ title, /** @type {any} */ text) => html`<li
    class:is-done=${isDone}><span class="step-sign" role="img" aria-label=${() => (isDone() ? "Done"
      : "To do")}>${() => (isDone() ? "✓" : "")}</span>
    <div><strong>${title}</strong><p class="muted">${text}</p></div></li>`;
  const heads = computed(() => [...new Set([...lanes(), "A", "B", "C", "D"])].slice(0, 4).sort());
  return html`<section class="onboarding" aria-label="First steps">
    <div class="ghost-lanes" aria-hidden="true">${each(() => heads.value, (name) => name, (name) =>
      html`<div class="ghost-lane"><b>${name.peek()}</b><span>0 queued</span></div>`)}</div>
    <div class="first-steps">
      <h2>Three steps to the first run</h2>
      <ol role="list">
        ${step(() => isUp.value, "A node is up", html`It takes runs from the lanes and does their steps.`)}
        ${step(() => hasPlan.value, "A template or a plan is chosen", html`<a
          href="/ui/templates">Store a template</a>, or take the sample.`)}
        ${step(hasRun, "The first run is on its way",
          html`Each lane goes through its queue by itself; a run's card shows its step, its node and its pulse.`)}
      </ol>
      ${() => (mayRun.value
        ? html`<button class="button is-primary" disabled=${() => isBusy.value || !isUp.value}
          @click=${run}>Run sample</button>`
        : html`<p class="muted">Your token may only read; one with scope <code>run</code> begins runs.</p>`)}
      <p class="muted small">On the command line: <code>opsroom run examples/service-health.yaml</code></p>
    </div>
  </section>`;
}
