// The steps of a run as a list: state, name, attempts, how long; arrow keys move in it.
// @ts-check
import { plain } from "../../core/format.js";
import { each, html } from "../../core/html.js";
import { computed, effect } from "../../core/signal.js";
import { progressOf } from "../../data/steps.js";
import { keyed } from "../../parts/keyed.js";
import { sign } from "../../parts/status.js";
import { elapsed } from "../../parts/time.js";

/** @typedef {import("../run.js").RunView} RunView */

/** @param {RunView} view */
export function stepList(view) {
  const list = /** @type {HTMLElement} */ (html`<nav class="run-steps" aria-label="Steps" @keydown=${press}>
    <button type="button" class="run-step is-all" class:is-chosen=${() => view.chosen() === null} data-step=""
      aria-current=${() => (view.chosen() === null ? "true" : null)} title="The log of all steps"
        @click=${() => view.select(null)}>
      <span class="sign" aria-hidden="true">≡</span><span class="grow">All steps</span><span class="num muted">${() => {
        const { done, total } = progressOf(view.rows.value);
        return `${done}/${total}`;
      }}</span></button>
    ${each(() => view.rows.value, (row) => row.id, (row) => step(view, row))}
  </nav>`);
  const shown = computed(() => view.rows.value.length > 0 && view.shown());
  effect(() => {
    // The step that is meant stands in sight, as the one that failed among many; the page itself stays where it is.
    if (shown.value) requestAnimationFrame(reveal);
  });
  return list;

  function reveal() {
    const chosen = list.querySelector(".run-step.is-shown")?.getBoundingClientRect();
    const box = list.getBoundingClientRect();
    if (!chosen || (chosen.top >= box.top && chosen.bottom <= box.bottom)) return;
    list.scrollTop += chosen.top - box.top - (box.height - chosen.height) / 2;
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by === 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const buttons = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(".run-step")]);
    const next = buttons[buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + by];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.click();
  }
}

/** @param {RunView} view @param {import("../../core/signal.js").Signal<import("../../data/steps.js").StepRow>} row */
function step(view, row) {
  const { id } = row.peek();
  const attempts = () => row.value.attempts.filter((attempt) => attempt.attempt > 0);
  const isShown = () => view.shown() === id;
  return html`<div class="run-step-row"><button type="button" class="run-step"
    class:is-chosen=${() => view.chosen() === id}
      class:is-shown=${isShown} class:is-quiet=${() => ["pending", "skipped", "cancelled"].includes(row.value.state)}
      aria-current=${() => (view.chosen() === id ? "true" : null)} data-step=${id}
      title=${() => plain(`${row.value.title || id} (${id})`, 200)} @click=${() => view.select(id)}>
      ${sign(() => row.value.state)}<span class="run-step-name clip">${() => plain(row.value.title || id, 120)}</span>
      ${keyed(() => items(row.value), () => html`<span class="tag num">${items(row.value)}</span>`)}
      <span class="muted run-step-time">${() => (row.value.begunAt && !["pending", "skipped",
        "by_hand"].includes(row.value.state)
        ? elapsed(() => row.value.begunAt, () => row.value.endedAt ?? (isUnderWay(row.value) ? null
        : row.value.begunAt)) : null)}</span></button>
    ${keyed(() => (attempts().length > 1 ? JSON.stringify(attempts().map((one) => [one.attempt, one.state,
      one.superseded])) : null),
      () => html`<div class="run-attempts" role="group" aria-label=${`Attempts of ${plain(id, 80)}`}>${
        attempts().map((attempt) => html`<button type="button" class="run-attempt" class:is-old=${attempt.superseded}
          aria-pressed=${() => String(isShown() && (view.attempt() ?? row.value.current?.attempt) === attempt.attempt)}
          title=${`Attempt ${attempt.attempt}: ${attempt.failure ? plain(attempt.failure, 200) : attempt.state}`}
          @click=${() => view.select(id, attempt.attempt)}>${sign(() => (attempt.state === "intent" ? "running"
            : attempt.state))}${
            attempt.attempt}</button>`)}</div>`)}
  </div>`;
}

/** @param {import("../../data/steps.js").StepRow} row */
const isUnderWay = (row) => ["running", "waiting", "retrying"].includes(row.state);

/**
 * How many of a fan-out's items are done.
 * @param {import("../../data/steps.js").StepRow} row
 */
function items(row) {
  const parts = row.items.filter((item) => !item.isUndo);
  if (parts.length > 0) return `${parts.filter((item) => item.state === "succeeded").length}/${parts.length}`;
  return row.items.length > 0 ? "undone" : null;
}
