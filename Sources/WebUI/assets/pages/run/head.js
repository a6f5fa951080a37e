// The head of a run: its state, why it failed or waits, and the facts about it, each in one line.
// @ts-check
import { now } from "../../core/clock.js";
import { ago, duration, fullMoment, moment, plain, shortID } from "../../core/format.js";
import { html } from "../../core/html.js";
import { part } from "../../data/api.js";
import { isEnded, progressOf, queuedMilliseconds } from "../../data/steps.js";
import { copyButton } from "../../parts/copy.js";
import { icon } from "../../parts/icon.js";
import { chip } from "../../parts/status.js";
import { elapsed } from "../../parts/time.js";

/** @typedef {import("../run.js").RunView} RunView */

/**
 * What the run is called.
 * @param {RunView} view
 */
export const runTitle = (view) => plain(view.run().template || view.plan()?.title || view.run().plan, 90);

/** @param {RunView} view */
export function runHead(view) {
  const run = view.run;
  return html`<section class="run-head" aria-label="The run">
    <div class="run-line">
      <span class="run-state">${chip(() => (run().paused_by && !isEnded(run().status) ? "paused"
        : run().status))}</span>
      ${copyID(view)}
      ${fact("took", () => (run().started_at ? elapsed(() => run().started_at, () => run().finished_at) : null))}
      ${fact("queued for", () => queued(run()))}
      ${fact("steps", () => steps(view))}
      ${fact("in", () => html`<a href=${`/ui/sessions/${part(run().session)}`}>${plain(run().session, 60)}</a> /
        <a href=${`/ui/runs?session=${part(run().session)}&lane=${part(run().lane)}`}>${plain(run().lane, 60)}</a>`)}
      ${fact("node", () => nodeOf(view))}
      ${fact("attempt", () => (run().attempt > 1 ? html`<span class="num">${run().attempt}</span>` : null))}
      ${fact("priority", () => (run().priority !== 0 ? html`<span class="num">${run().priority}</span>` : null))}
      ${fact("key", () => (run().key ? html`<code>${plain(run().key, 80)}</code>` : null))}
      ${fact("template", () => (run().template ? html`<a href=${`/ui/templates/${part(run().template)}`}>${plain(
        run().template, 80)}</a>` : null))}
      ${fact("plan", () => html`<a href=${`/ui/plans/${run().plan_digest}`}>${plain(run().plan, 60)}</a>`)}
      ${fact("schedule", () => scheduleOf(run()))}
      ${fact("started by run", () => (run().parent ? html`<a href=${`/ui/runs/${run().parent}`}>${shortID(
        run().parent)}</a>` : null))}
      ${fact("must end", () => (run().deadline?.end_at ? moment(run().deadline.end_at) : null))}
    </div>
    ${() => cause(view)}
    ${() => standing(view)}
  </section>`;
}

/** @param {RunView} view */
const copyID = (view) => html`<span class="run-fact"><code title=${view.id}>${shortID(view.id)}</code>${
  copyButton(() => view.id, "Copy the run's id")}</span>`;

/**
 * A fact with its name; it is not there while it has no value.
 * @param {string} name
 * @param {() => any} value
 */
const fact = (name, value) => () => {
  const shown = value();
  return shown === null || shown === undefined || shown === "" ? null
    : html`<span class="run-fact"><span class="muted">${name}</span> ${shown}</span>`;
};

/** @param {any} run */
function queued(run) {
  const time = queuedMilliseconds(run, now.value);
  return time === null ? null
    : html`<span class="num" title=${`Asked for at ${fullMoment(run.enqueued_at)}`}>${duration(time)}</span>`;
}

/** @param {RunView} view */
function steps(view) {
  const { done, total } = progressOf(view.rows.value);
  return total > 0 ? html`<span class="num">${done} of ${total}</span>` : null;
}

/** @param {RunView} view */
function nodeOf(view) {
  const run = view.run();
  if (run.worker?.name) return html`<span>${plain(run.worker.name, 60)}</span> <span class="muted">(worker)</span>`;
  const owner = view.why.data.value?.owner;
  if (isEnded(run.status) || !owner || run.status === "queued") return null;
  return html`<a href="/ui/cluster">${plain(owner.name, 60)}</a>`;
}

/** @param {any} run */
function scheduleOf(run) {
  const name = run.schedule?.name ?? run.schedule?.schedule;
  return name ? html`<a href=${`/ui/schedules/${part(name)}`}>${plain(name, 80)}</a>` : null;
}

/** @param {RunView} view */
function cause(view) {
  const found = view.cause();
  if (!found || !isEnded(view.run().status)) return null;
  const step = found.step === null ? null : view.row(found.step);
  const tone = view.run().status === "cancelled" ? "tone-cancelled" : "tone-failed";
  return html`<p class=${`run-cause ${tone}`} role="status">${icon(view.run().status === "cancelled" ? "stop"
    : "warning")}<span>${step
    ? html`Step <button type="button" class="run-cause-step" @click=${() => view.select(step.id)}>${plain(step.title
    || step.id, 100)}</button>
      failed: ` : null}<b>${plain(found.text, 600)}</b></span></p>`;
}

/**
 * Why an open run does not go on, or when it will.
 * @param {RunView} view
 */
function standing(view) {
  const run = view.run();
  if (isEnded(run.status)) return null;
  const why = view.why.data.value;
  const gate = why?.gate;
  const reason = gate && gate !== "under_way" && gate !== "ended" ? why.reason : run.status === "waiting"
    ? run.wait_reason : null;
  const isRetry = view.run().failure && run.status === "waiting";
  const isAsked = run.status === "waiting" && view.rows.value.some((row) => row.kind === "approval"
    && row.state === "waiting");
  // What is asked of people stands below, with the answer's buttons.
  if (isAsked || (!reason && !run.paused_by && !isRetry)) return null;
  const since = why?.since_ms ? ` (for ${duration(why.since_ms)})` : "";
  return html`<p class="run-why" role="status">${icon("clock")}<span>
    ${isRetry ? html`Its last attempt failed: <b>${plain(view.run().failure, 300)}</b>. ` : null}
    ${reason ? html`${run.status === "queued" ? "Not running yet" : "Waiting"}: ${plain(reason, 400)}${since}.` : null}
    ${run.due_at && Date.parse(run.due_at) > now.value ? html` It is due ${ago(run.due_at, now.value)}.` : null}
    ${why?.ahead > 0 ? html` <a href=${`/ui/runs?session=${part(run.session)}&lane=${part(
      run.lane)}&status=queued`}>See its queue</a>` : null}
    ${why?.child ? html` <a href=${`/ui/runs/${why.child}`}>See the run it waits for</a>` : null}</span></p>`;
}
