// The rows of the list of runs: what each says, which are chosen, and the keys that move among them.
// @ts-check
import { now, present } from "../../core/clock.js";
import { ago, duration, fullMoment, plain, shortID } from "../../core/format.js";
import { each, html } from "../../core/html.js";
import { bind } from "../../core/keys.js";
import { attemptOf, cause, queuedMilliseconds, shownState, workedMilliseconds } from "../../data/run-list.js";
import { isEnded } from "../../data/steps.js";
import { part } from "../../data/api.js";
import { sign, stateOf } from "../../parts/status.js";
import { say } from "../../parts/toast.js";

/** @typedef {import("../../data/run-list.js").Run} Run */
/**
 * @typedef {{rows: import("../../core/signal.js").Readable<Run[] | null>, fresh: Set<string>,
 *   selection: ReturnType<typeof import("../../data/run-selection.js").selectionOf>,
 *   narrow: (members: Record<string, string>) => void}} TableOptions
 */

/** @param {TableOptions} options */
export function runTable({ rows, fresh, selection, narrow }) {
  const table = /** @type {HTMLTableElement} */ (html`<table class="table runs-table" aria-label="Runs"
    @keydown=${press}>
    <thead><tr>
      <th class="col-check"><input type="checkbox" aria-label="Select all that are shown"
        .checked=${() => (rows.value ?? []).length > 0 && (rows.value ?? []).every((run) => selection.has(run.id))}
        @change=${(/** @type {any} */ event) => (event.target.checked ? selection.shown(rows.peek() ?? []) : selection.clear())}></th>
      <th class="col-run">Run</th><th class="col-status">Status</th><th class="col-place">Session / lane</th>
      <th class="col-template">Template</th><th class="is-number col-attempt">Attempt</th>
      <th class="is-number col-queued">Queued</th><th class="is-number col-took">Duration</th><th
        class="is-number col-when">When</th>
    </tr></thead>
    <tbody>${each(() => rows.value, (run) => run.id, (run) => row(run, { fresh, selection, rows, narrow }, toggle))}</tbody>
  </table>`);
  const links = () => /** @type {HTMLElement[]} */ ([...table.querySelectorAll("a.run-link")]);
  const move = (/** @type {number} */ by, /** @type {boolean} */ isExtending) => {
    const all = links();
    const at = all.findIndex((link) => link.closest("tr") === document.activeElement?.closest("tr"));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by))];
    if (!next) return;
    if (isExtending && at >= 0) selection.extend(rows.peek() ?? [], idOf(all[at]), idOf(next));
    next.focus();
    next.closest("tr")?.scrollIntoView({ block: "nearest" });
  };
  const present = () => {
    const link = /** @type {HTMLElement | null | undefined} */ (document.activeElement?.closest("tr")?.querySelector("a.run-link"));
    return link ? idOf(link) : null;
  };
  bind("j", "Next run", () => move(1, false));
  bind("k", "Run before", () => move(-1, false));
  bind("shift+j", "Select on to the next run", () => move(1, true));
  bind("shift+k", "Select on to the run before", () => move(-1, true));
  bind("x", "Select the run (or Space)", () => {
    const id = present();
    if (id) toggle(id);
  });
  function toggle(/** @type {string} */ id) {
    if (selection.toggle(rows.peek() ?? [], id)) say("A filter cannot spare a run: the others that are shown are selected.");
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!target.matches("a.run-link")) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event.key === "ArrowDown" ? 1 : -1, event.shiftKey);
    else if (event.key === " ") toggle(idOf(target));
    else return;
    event.preventDefault();
  }
  return table;
}

/** @param {HTMLElement} link */
const idOf = (link) => link.dataset.run ?? "";

/**
 * @param {import("../../core/signal.js").Signal<Run>} run @param {TableOptions} options
 * @param {(id: string) => void} toggle
 */
function row(run, { fresh, selection, rows, narrow }, toggle) {
  const { id } = run.peek();
  const isChosen = () => selection.has(id);
  /** Only what goes on follows the clock. */
  const at = () => (isEnded(run.value.status)
    && run.value.finished_at ? Date.parse(run.value.finished_at) : now.value);
  const state = () => shownState(run.value);
  const why = () => plain(cause(run.value, present()), 300);
  return html`<tr class=${fresh.has(id) ? "is-new" : null} class:is-selected=${isChosen}>
    <td class="col-check"><input type="checkbox" aria-label=${`Select run ${shortID(id)}`} .checked=${isChosen}
      @click=${(/** @type {MouseEvent} */ event) => {
        const box = /** @type {HTMLInputElement} */ (event.currentTarget);
        if (event.shiftKey) selection.range(rows.peek() ?? [], id);
        else toggle(id);
        // One that was selected already stays so, whatever the browser has made of its box.
        queueMicrotask(() => { box.checked = selection.has(id); });
      }}></td>
    <td class="col-run"><span class="run-name">${sign(state)}<a class="run-link" data-run=${id}
      href=${`/ui/runs/${part(id)}`}><span
      class="clip">${() => plain(run.value.plan, 120)}</span> <span
        class="mono muted">${shortID(id)}</span></a></span></td>
    <td class="col-status"><span
      class=${() => `runs-state tone-${stateOf(state()).tone}`}>${() => stateOf(state()).word}</span>
      <span class="runs-cause clip" title=${why}>${why}</span></td>
    <td class="col-place"><button class="cell-button clip" title="Only this lane"
      @click=${() => narrow({ session: run.peek().session, lane: run.peek().lane })}>${
      () => plain(run.value.session, 60)} / ${() => plain(run.value.lane, 60)}</button></td>
    <td class="col-template">${() => (run.value.template
      ? html`<button class="cell-button clip" title="Only this template"
        @click=${() => narrow({ template: run.peek().template })}>${plain(run.value.template, 60)}</button>`
      : html`<span class="muted">–</span>`)}</td>
    <td class="is-number col-attempt"><span title=${() => attemptOf(run.value).words}>${() =>
      attemptOf(run.value).text}</span></td>
    <td class="is-number col-queued">${() => duration(round(queuedMilliseconds(run.value,
      run.value.started_at ? 0 : at()), !run.value.started_at))}</td>
    <td class="is-number col-took">${() => duration(round(workedMilliseconds(run.value,
      run.value.started_at ? at() : 0), !run.value.finished_at))}</td>
    <td class="is-number col-when"><time datetime=${() => run.value.finished_at ?? run.value.enqueued_at}
      title=${() => `Queued ${fullMoment(run.value.enqueued_at)}${run.value.finished_at ? `,
        ended ${fullMoment(run.value.finished_at)}` : ""}`}>${
      () => ago(run.value.finished_at ?? run.value.started_at ?? run.value.enqueued_at, now.value)}</time></td>
  </tr>`;
}

/**
 * What still goes on is told in whole seconds.
 * @param {number | null} milliseconds
 * @param {boolean} isGoingOn
 */
const round = (milliseconds, isGoingOn) =>
  milliseconds === null || !isGoingOn ? milliseconds : Math.floor(milliseconds / 1000) * 1000;
