// Asks before something is done to many runs: how many, which, why; then has the node do it and shows how it goes.
// @ts-check
import { count, plain, plural, shortID } from "../core/format.js";
import { html } from "../core/html.js";
import { navigate } from "../core/router.js";
import { signal } from "../core/signal.js";
import { make, post } from "../data/api.js";
import { shownState } from "../data/run-list.js";
import { openDialog } from "./dialog.js";
import { errorPanel } from "./error.js";
import { sign } from "./status.js";
import { say } from "./toast.js";

/** From so many on their number must be typed. */
const typedMin = 100;
const reasonMax = 500;

/**
 * What can be done to many runs.
 * @type {{name: string, verb: string, icon: string, done: string, isDangerous?: boolean, isRare?: boolean, told: string,
 *   keeps?: boolean}[]} `keeps`: whether each run keeps the reason; the others leave it with the action.
 */
export const actions = [
  { name: "retry", verb: "Retry", icon: "retry", done: "retried",
    told: "Each runs again from what did not succeed; what has succeeded is kept. Runs that have not ended are left alone." },
  { name: "pause", verb: "Pause", icon: "pause", done: "paused",
    told: "Each begins nothing more until it is resumed. What has ended is left alone." },
  { name: "resume", verb: "Resume", icon: "play", done: "resumed",
    told: "Paused runs go on where they stopped; others are left alone." },
  { name: "cancel", verb: "Cancel", icon: "stop", done: "cancelled", isDangerous: true, keeps: true,
    told: "Programs under way are stopped; steps that always run still do. What has ended is left alone." },
  { name: "discard", verb: "Put aside", icon: "archive", done: "put aside", isRare: true, keeps: true,
    told: "What failed for good is no longer listed as dead letters; the runs stay." },
];

/** @param {string} name */
export const actionOf = (name) => actions.find((action) => action.name === name) ?? actions[0];

/**
 * Asks, and does it; lands on the page of the action.
 * @param {{action: string, filter: Record<string, string | string[]>, chosen: string, done?: () => void,
 *   reason?: string}} options `filter` is what the node is given; `chosen` says what was chosen, as `5,300 runs`.
 */
export function openBulk({ action: name, filter, chosen, done, reason: given = "" }) {
  const action = actionOf(name);
  const preview = signal(/** @type {any} */ (null));
  const typed = signal("");
  let reason = given;
  const many = () => preview.value?.count.runs ?? 0;
  const wanted = () => (many() > typedMin ? String(many()) : "");
  const isReady = () => preview.value?.count.exact && many() > 0
    && typed.value.replace(/[\s,.]/g, "") === wanted();

  /** @param {import("./dialog.js").OpenDialog} dialog */
  async function look({ error }) {
    preview.value = null;
    error.value = null;
    // The field is made anew with the count.
    typed.value = "";
    try {
      preview.value = await post("/v1/bulk?preview=true", { action: name, filter });
    } catch (caught) {
      error.value = caught;
    }
  }

  const opened = openDialog({
    title: `${action.verb} many runs`,
    body: (dialog) => html`<form class="dialog-form" method="dialog" @submit=${async (/** @type {Event} */ event) => {
      event.preventDefault();
      if (dialog.isBusy.peek() || !isReady()) return;
      let made = /** @type {any} */ (null);
      const isDone = await dialog.perform(async () => {
        made = await make("/v1/bulk", {
          action: name, filter, expected_count: many(), ...(reason.trim() ? { reason: reason.trim() } : {}),
        });
      });
      if (!isDone) return;
      done?.();
      const href = `/ui/bulk/${made.id}`;
      if (!dialog.element.open) return say("It is under way.", { href, text: "Show it" });
      dialog.close();
      navigate(href);
    }}>
      ${() => (preview.value ? told(preview.value, action, chosen) : dialog.error.value ? null : html`<p role="status"
        class="muted">Counting…</p>`)}
      <label class="field"><span>Reason</span><input class="input" maxlength=${reasonMax} autocomplete="off"
        placeholder=${action.keeps ? "Kept with each run" : "Kept with the action"} .value=${given}
        @input=${(/** @type {any} */ event) => { reason = event.target.value; }}></label>
      ${() => (wanted() ? html`<label class="field"><span>Type <b>${wanted()}</b> to go on</span>
        <input class="input" inputmode="numeric" autocomplete="off"
          @input=${(/** @type {any} */ event) => { typed.value = event.target.value; }}></label>` : null)}
      ${() => (dialog.error.value ? errorPanel(dialog.error.value, () => look(dialog)) : null)}
      <footer class="dialog-foot"><button type="button" class="button" disabled=${dialog.isBusy}
        @click=${dialog.dismiss}>Back</button>
        <button class=${action.isDangerous ? "button is-danger" : "button is-primary"}
          disabled=${() => dialog.isBusy.value || !isReady()}>${() =>
          dialog.isBusy.value ? "…" : preview.value
            ? `${action.verb} ${plural(many(), "run")}` : action.verb}</button></footer>
    </form>`,
  });
  look(opened);
  return opened;
}

/**
 * What will be touched.
 * @param {any} preview
 * @param {typeof actions[0]} action
 * @param {string} chosen
 */
function told(preview, action, chosen) {
  const { runs, exact } = preview.count;
  if (!exact) {
    return html`<p><strong>More than ${count(runs)} runs fit.</strong>
      One action takes at most 100,000: narrow the filter by time, lane or status.</p>`;
  }
  if (runs === 0) {
    return html`<p><strong>Nothing would be ${action.done}.</strong>
      You chose ${chosen}; to none of them this can be done now.</p>`;
  }
  return html`<div class="stack">
    <p><strong>${plural(runs, "run")} of ${chosen} will be ${action.done}.</strong> ${action.told}</p>
    <ul class="bulk-sample" aria-label="Some of them">${preview.sample.map((/** @type {any} */ run) =>
      html`<li>${sign(() => shownState(run))}
      <span class="clip">${plain(run.plan, 80)}</span><span class="mono muted">${shortID(run.id)}</span>
      <span class="grow"></span><span
        class="muted clip">${plain(run.session, 40)} / ${plain(run.lane, 40)}</span></li>`)}
      ${runs > preview.sample.length ? html`<li
        class="muted">and ${count(runs - preview.sample.length)} more</li>` : null}</ul>
  </div>`;
}
