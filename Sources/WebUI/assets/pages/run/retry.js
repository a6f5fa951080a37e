// The dialog that runs something again: from what failed, from a step, or all as a new run; it says what is taken over.
// @ts-check
import { plain, plural } from "../../core/format.js";
import { html } from "../../core/html.js";
import { computed, signal } from "../../core/signal.js";
import { get, make, part } from "../../data/api.js";
import { exactly, inputToSend } from "../../data/exact.js";
import { nameOf } from "../../data/plan.js";
import { rerunSteps } from "../../data/rerun.js";
import { fieldsOf } from "../../data/schema.js";
import { openDialog } from "../../parts/dialog.js";
import { errorPanel } from "../../parts/error.js";
import { icon } from "../../parts/icon.js";
import { shown } from "../../parts/run-dialog.js";
import { schemaForm } from "../../parts/schema-form.js";
import { attempt } from "../../parts/toast.js";

/** @typedef {import("../run.js").RunView} RunView */

/** @param {RunView} view @param {string | null} from The step it begins with; `null` is from what failed. */
export async function openRetry(view, from) {
  const run = view.run();
  const stored = `/v1/plans/${part(run.plan_digest)}`;
  const plan = view.plan() ?? await attempt(() => get(stored));
  const exact = plan && await attempt(() => Promise.all([
    exactly(run.inputs ?? {}, `/v1/runs/${part(run.id)}`, (document) => document.inputs),
    exactly(plan.inputs, stored, (document) => document.inputs),
  ]));
  if (exact) ask(view, plan, run, from, exact[0], exact[1]);
}

/**
 * @param {RunView} view @param {import("../../data/plan.js").Plan} plan @param {any} run @param {string | null} from
 * @param {Record<string, any>} inputs With what it ran.
 * @param {any} declared
 */
function ask(view, plan, run, from, inputs, declared) {
  const succeeded = run.status === "succeeded";
  const mode = signal(from !== null ? "step" : succeeded ? "whole" : "failed");
  const step = signal(from ?? view.cause()?.step ?? plan.steps[0]?.id ?? "");
  const isEdited = signal(false);
  const form = schemaForm(declared, inputs);
  const again = computed(() => (mode.value === "whole" ? plan.steps.map((one) => one.id)
    : rerunSteps(plan, run.steps ?? [], mode.value === "step" ? step.value : null)));

  /** @param {Event} event @param {import("../../parts/dialog.js").OpenDialog} dialog */
  const submit = async (event, dialog) => {
    event.preventDefault();
    if (dialog.isBusy.peek() || again.peek().length === 0 || (isEdited.peek() && !form.touch())) return;
    const isWhole = mode.peek() === "whole";
    const said = isEdited.peek() ? { ...defaultsOf(declared), ...form.value() } : null;
    let answer = /** @type {any} */ (null);
    const isDone = await dialog.perform(async () => {
      answer = await (isWhole ? make("/v1/runs", {
        plan_digest: run.plan_digest, session: run.session, lane: run.lane, priority: run.priority,
        inputs: said ?? toSend(inputs), ...(run.key ? { key: run.key } : {}),
      }) : make(`/v1/runs/${part(run.id)}/retry`, {
        ...(mode.peek() === "step" ? { from: step.peek() } : {}), ...(said ? { inputs: said } : {}),
      }));
    });
    if (!isDone) return;
    shown(dialog, `/ui/runs/${answer.id}`, isWhole ? "A new run is queued."
      : `Queued again: ${plural(answer.steps?.length ?? again.peek().length, "step")} will run.`);
    view.refresh();
  };
  const choice = (/** @type {string} */ value, /** @type {string} */ text, /** @type {string} */ hint,
    isOff = false) => html`<label
    class="retry-choice" class:is-off=${isOff}><input type="radio" name="retry" value=${value} disabled=${isOff}
      .checked=${() => mode.value === value}
      @change=${() => { mode.value = value; }}><span><b>${text}</b><span
        class="muted small">${hint}</span></span></label>`;

  openDialog({
    title: succeeded ? "Run again" : "Retry",
    className: "is-wide retry-dialog",
    body: (dialog) => html`<form class="dialog-form" @submit=${(/** @type {Event} */ event) => submit(event,
      dialog)}>
      <fieldset class="retry-choices"><legend class="sr">What runs again</legend>
        ${choice("failed", "From what failed", "Steps that succeeded are taken over with their outputs.", succeeded)}
        ${choice("step", "From a chosen step", "It runs again, with all that need it and what has not succeeded.")}
        ${choice("whole", "Everything, as a new run", "Nothing is taken over; this run stays as it is.")}
      </fieldset>
      ${() => (mode.value === "step" ? html`<label class="field"><span>Begin with</span><select class="select"
        @change=${(/** @type {any} */ event) => { step.value = event.target.value; }}>${plan.steps.map((one) =>
          html`<option value=${one.id}
          selected=${one.id === step.peek()}>${plain(one.title ? `${one.title} (${one.id})`
            : one.id, 120)}</option>`)}</select></label>` : null)}
      ${form.isEmpty ? null : html`<label class="check"><input type="checkbox" .checked=${isEdited}
        @change=${(/** @type {any} */ event) => { isEdited.value = event.target.checked; }}><span>With other
          inputs</span></label>`}
      <div class="retry-inputs" hidden=${() => !isEdited.value}>${form.element}
        ${() => (mode.value === "whole" || !isEdited.value ? null
          : html`<p class="muted small">Steps that are taken over keep what they gave with the old inputs.</p>`)}</div>
      ${() => preview(plan, again.value, mode.value)}
      ${() => (dialog.error.value ? errorPanel(dialog.error.value) : null)}
      <footer class="dialog-foot"><button type="button" class="button" disabled=${dialog.isBusy}
        @click=${dialog.dismiss}>Back</button>
        <button class="button is-primary" autofocus
          disabled=${() => dialog.isBusy.value || again.value.length === 0}>${icon("retry")}${() =>
          (mode.value === "whole" ? "Start a new run"
            : `Run ${plural(again.value.length, "step")} again`)}</button></footer>
    </form>`,
  });
}

/** @param {Record<string, any>} inputs */
const toSend = (inputs) => Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, inputToSend(value)]));

/**
 * What inputs are when they are not said. The node keeps the old value of one that is not sent.
 * @param {any} declared
 */
const defaultsOf = (declared) => toSend(Object.fromEntries(fieldsOf(declared)
  .filter(({ fallback }) => fallback !== undefined).map(({ name, fallback }) => [name, fallback])));

/** @param {import("../../data/plan.js").Plan} plan @param {string[]} again @param {string} mode */
function preview(plan, again, mode) {
  const set = new Set(again);
  const kept = plan.steps.filter((step) => !set.has(step.id));
  const list = (/** @type {import("../../data/plan.js").PlanStep[]} */ steps) => html`<ul>${steps.slice(0, 100)
    .map((step) => html`<li class="clip"
    title=${plain(step.id)}>${plain(nameOf(step), 100)}${step.effects === "destructive" && set.has(step.id)
      ? html`<span class="tag tone-waiting retry-tag">destructive</span>` : null}</li>`)}
    ${steps.length > 100 ? html`<li class="muted">${steps.length - 100} more</li>` : null}</ul>`;
  if (again.length === 0) return html`<p class="muted">Every step succeeded: choose the one to begin with.</p>`;
  return html`<div class="retry-preview"><section><h3>${icon("retry")}Runs again: ${again.length}</h3>${
    list(plan.steps.filter((step) => set.has(step.id)))}</section>
    <section><h3>${icon("check")}${mode === "whole" ? "Taken over: nothing" : `Taken over: ${kept.length}`}</h3>${
      mode === "whole" ? null : list(kept)}</section></div>`;
}
