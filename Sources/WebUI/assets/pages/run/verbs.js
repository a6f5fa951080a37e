// What can be done about a run, as buttons: the most likely first, the rest behind a menu, all by keys too.
// @ts-check
import { html } from "../../core/html.js";
import { bind } from "../../core/keys.js";
import { plain, shortID } from "../../core/format.js";
import { navigate } from "../../core/router.js";
import { signal } from "../../core/signal.js";
import { part, post } from "../../data/api.js";
import { mayRun } from "../../data/me.js";
import { isEnded } from "../../data/steps.js";
import { copy } from "../../parts/copy.js";
import { confirm } from "../../parts/dialog.js";
import { textField } from "../../parts/field.js";
import { icon } from "../../parts/icon.js";
import { keyed } from "../../parts/keyed.js";
import { menuButton } from "../../parts/menu.js";
import { attempt, say } from "../../parts/toast.js";
import { canCancel, canRetry, canSnooze } from "./allowed.js";

/** @typedef {import("../run.js").RunView} RunView */

/** @param {RunView} view */
export function verbs(view) {
  const run = view.run;
  const retry = async () => {
    if (mayRun.peek() && canRetry(run())) (await import("./retry.js")).openRetry(view, null);
  };
  bind("r", "Retry the run", retry);
  bind("x", "Cancel the run", () => { if (mayRun.peek() && canCancel(run())) cancel(view); });
  bind("p", "Pause or resume the run", () => { if (mayRun.peek() && !isEnded(run().status)) turnPause(view); });
  return html`${keyed(() => `${mayRun.value} ${Boolean(run().paused_by)} ${run().status}`, () => buttons(view,
    retry))}${
    menuButton({ label: "More", items: () => items(view) })}`;
}

/** @param {RunView} view @param {() => void} retry */
function buttons(view, retry) {
  const run = view.run();
  if (!mayRun.peek()) return null;
  const isFailed = ["failed", "timed_out", "cancelled"].includes(run.status);
  return html`<span class="row">
    ${isEnded(run.status) ? null : html`<button type="button" class="button" title="p"
      @click=${() => turnPause(view)}>${
      icon(run.paused_by ? "play" : "pause")}${run.paused_by ? "Resume" : "Pause"}</button>`}
    ${canCancel(run) ? html`<button type="button" class="button is-danger" title="x"
      @click=${() => cancel(view)}>Cancel</button>` : null}
    ${isEnded(run.status) ? html`<button type="button" class=${isFailed ? "button is-primary" : "button"} title="r"
      @click=${retry}>${
      icon("retry")}${run.status === "succeeded" ? "Run again…" : "Retry…"}</button>` : null}</span>`;
}

/** @param {RunView} view @returns {import("../../parts/menu.js").MenuItem[]} */
function items(view) {
  const run = view.run();
  const may = mayRun.peek();
  return [
    may && canRetry(run) && !isEnded(run.status) && { text: "Retry…", icon: "retry", run: async () =>
      (await import("./retry.js")).openRetry(view, null) },
    may && canSnooze(run) && { text: "Snooze…", icon: "clock", run: async () =>
      (await import("./snooze.js")).openSnooze(view) },
    may && run.status === "waiting" && { text: "Send a signal…", icon: "right", run: async () =>
      (await import("./send-signal.js")).openSignal(view) },
    { text: "Show its plan", icon: "plan", href: `/ui/plans/${run.plan_digest}` },
    { text: "Runs of the same plan", icon: "runs", href: `/ui/runs?plan=${part(run.plan)}` },
    { text: "Runs it started", icon: "runs", href: `/ui/runs?parent=${run.id}` },
    null,
    { text: "Copy the link", icon: "link", run: () => copy(location.href, "The link is copied.") },
    { text: "Copy its id", icon: "copy", run: () => copy(run.id, "The id is copied.") },
    { text: "Copy the command", icon: "command", run: () => copy(`opsroom runs show ${shortID(run.id)}`,
      "The command is copied.") },
  ];
}

/** @param {RunView} view */
async function cancel(view) {
  const reason = signal("");
  const { id, plan, status } = view.run();
  const isDone = await confirm({
    title: `Cancel run ${shortID(id)}?`, verb: "Cancel the run", isDangerous: true,
    text: status === "queued" ? `${plain(plan, 80)} will not begin.`
      : `What is under way of ${plain(plan, 80)} is ended; what succeeded stays, unless the plan undoes it.`,
    body: () => textField({ label: "Why (kept with the run)", value: reason, isFirst: true }),
    work: () => post(`/v1/runs/${part(id)}/cancel`, reason.peek() ? { reason: reason.peek() } : {}),
  });
  if (!isDone) return;
  say("It shall end: the run is asked to stop.");
  view.refresh();
}

/** @param {RunView} view */
async function turnPause(view) {
  const { id, paused_by: isPaused, status } = view.run();
  await attempt(() => post(`/v1/runs/${part(id)}/${isPaused ? "resume" : "pause"}`), isPaused ? "The run goes on."
    : status === "running" ? "Paused: what is under way ends first." : "The run is paused.");
  view.refresh();
}

/**
 * Goes to a run that was made just now.
 * @param {string} id
 */
export const toRun = (id) => navigate(`/ui/runs/${id}`);
