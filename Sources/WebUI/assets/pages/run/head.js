// The head of a run: its state, why it failed or waits, and the facts about it, each in one line.
// @ts-check
import { now } from "../../core/clock.js";
import { ago, duration, fullMoment, moment, plain, shortID } from "../../core/format.js";
import { html } from "../../core/html.js";
import { part } from "../../data/api.js";
import { attemptOf, queuedMilliseconds, shownState } from "../../data/run-list.js";
import { isEnded, progressOf } from "../../data/steps.js";
import { copyButton } from "../../parts/copy.js";
import { icon } from "../../parts/icon.js";
import { keyed } from "../../parts/keyed.js";
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
      <span class="run-state">${chip(() => shownState(run()))}</span>
      ${copyID(view)}
      ${fact("took", () => (run().started_at ? "yes" : null), () => elapsed(() => run().started_at,
        () => run().finished_at))}
      ${fact("queued for", () => (queuedMilliseconds(run(), now.value) === null ? null : "yes"), () => html`<span
        class="num"
        title=${() => `Asked for at ${fullMoment(run().enqueued_at)}`}>${() => duration(queuedMilliseconds(run(),
          now.value))}</span>`)}
      ${fact("steps", () => stepsDone(view), (text) => html`<span class="num">${text}</span>`)}
      ${fact("in", () => `${run().session} ${run().lane}`, () => html`<a
        href=${`/ui/sessions/${part(run().session)}`}>${
        plain(run().session, 60)}</a> / <a href=${queueLink(run())}>${plain(run().lane, 60)}</a>`)}
      ${fact("node", () => nodeOf(view), (text) => html`<a href="/ui/cluster">${plain(text, 60)}</a>`)}
      ${fact("worker", () => run().worker?.name, (text) => plain(text, 60))}
      ${fact("attempt", () => (attemptOf(run()).isFirst ? null : attemptOf(run()).text), (text) => html`<span
        class="num" title=${() => attemptOf(run()).words}>${text}</span>`)}
      ${fact("priority", () => (run().priority !== 0 ? run().priority : null), (text) => html`<span
        class="num">${text}</span>`)}
      ${fact("key", () => run().key || null, (text) => html`<code>${plain(text, 80)}</code>`)}
      ${fact("template", () => run().template, (text) => html`<a href=${`/ui/templates/${part(text)}`}>${plain(text,
        80)}</a>`)}
      ${fact("plan", () => run().plan_digest, (text) => html`<a href=${`/ui/plans/${text}`}>${plain(run().plan,
        60)}</a>`)}
      ${fact("schedule", () => run().schedule?.name ?? run().schedule?.schedule, (text) => html`<a
        href=${`/ui/schedules/${part(text)}`}>${plain(text, 80)}</a>`)}
      ${fact("started by run", () => run().parent, (text) => html`<a href=${`/ui/runs/${part(text)}`}>${shortID(
        text)}</a>`)}
      ${fact("must end", () => run().deadline?.end_at, (text) => moment(text))}
    </div>
    ${keyed(() => causeKey(view), () => cause(view))}
    ${standing(view)}
  </section>`;
}

/** @param {RunView} view */
const copyID = (view) => html`<span class="run-fact"><code title=${view.id}>${shortID(view.id)}</code>${
  copyButton(() => view.id, "Copy the run's id")}</span>`;

/**
 * A fact with its name; it is not there while its key is nothing.
 * @param {string} name
 * @param {() => any} key
 * @param {(key: any) => any} body
 */
const fact = (name, key, body) => keyed(key, () => html`<span class="run-fact"><span class="muted">${name}</span> ${
  body(key())}</span>`);

/**
 * The queue that it stood in.
 * @param {any} run
 */
const queueLink = (run) => `/ui/runs?session=${part(run.session)}&lane=${part(run.lane)}`;

/** @param {RunView} view */
function stepsDone(view) {
  const { done, total } = progressOf(view.rows.value);
  return total > 0 ? `${done} of ${total}` : null;
}

/** @param {RunView} view */
function nodeOf(view) {
  const run = view.run();
  return isEnded(run.status) || run.status === "queued" || run.worker?.name ? null : view.why.data.value?.owner?.name
    ?? null;
}

/** @param {RunView} view */
function causeKey(view) {
  const found = view.cause();
  const row = found?.step ? view.row(found.step) : null;
  return found && isEnded(view.run().status) ? JSON.stringify([view.run().status, row?.id, row?.title, found.text])
    : null;
}

/** @param {RunView} view */
function cause(view) {
  const found = view.cause();
  if (!found) return null;
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
  const reason = () => {
    const run = view.run();
    const why = view.why.data.value;
    if (why?.gate && why.gate !== "under_way" && why.gate !== "ended") return String(why.reason);
    return run.status === "waiting" ? String(run.wait_reason ?? "") : "";
  };
  const key = () => {
    const run = view.run();
    if (isEnded(run.status)) return null;
    // What is asked of people stands below, with the answer's buttons.
    const isAsked = view.rows.value.some((row) => row.kind === "approval" && row.state === "waiting");
    if (isAsked && run.status === "waiting") return null;
    const why = view.why.data.value;
    const text = JSON.stringify([reason(), run.status, run.failure, run.due_at, why?.child, why?.ahead > 0]);
    return reason() || (run.failure && run.status === "waiting") ? text : null;
  };
  const since = () => {
    const time = view.why.data.value?.since_ms;
    return time > 999 ? ` (for ${duration(time)})` : "";
  };
  return keyed(key, () => {
    const run = view.run();
    const why = view.why.data.value;
    return html`<p class="run-why" role="status">${icon("clock")}<span>
      ${run.failure && run.status === "waiting" ? html`Its last attempt failed: <b>${plain(run.failure, 300)}</b>. `
        : null}
      ${reason() ? html`${run.status === "queued" ? "Not running yet" : "Waiting"}: ${plain(reason(), 400)}${since}.`
        : null}
      ${() => (run.due_at && Date.parse(run.due_at) > now.value ? ` It is due ${ago(run.due_at, now.value)}.` : null)}
      ${why?.ahead > 0 ? html` <a href=${`${queueLink(run)}&status=queued`}>See its queue</a>` : null}
      ${why?.child ? html` <a href=${`/ui/runs/${part(why.child)}`}>See the run it waits for</a>` : null}</span></p>`;
  });
}
