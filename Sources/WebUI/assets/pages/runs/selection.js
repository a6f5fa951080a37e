// Which runs are chosen, and the bar that says how many and what can be done to them.
// @ts-check
import { count, plural } from "../../core/format.js";
import { html } from "../../core/html.js";
import { bind } from "../../core/keys.js";
import { signal } from "../../core/signal.js";
import { mayRun } from "../../data/me.js";
import { actions } from "../../parts/bulk-dialog.js";
import { icon } from "../../parts/icon.js";

/** @typedef {import("../../data/run-list.js").Run} Run */

/** What is chosen: runs one by one, or all that fit the filter. */
export function selectionOf() {
  const ids = signal(/** @type {Set<string>} */ (new Set()));
  const isAll = signal(false);
  let anchor = "";
  const put = (/** @type {Set<string>} */ next) => {
    isAll.value = false;
    ids.value = next;
  };
  const between = (/** @type {Run[]} */ rows, /** @type {string} */ from, /** @type {string} */ to) => {
    const places = [from, to].map((id) => rows.findIndex((run) => run.id === id)).sort((a, b) => a - b);
    return places[0] < 0 ? [to] : rows.slice(places[0], places[1] + 1).map((run) => run.id);
  };
  return {
    ids, isAll,
    toggle(/** @type {string} */ id) {
      const next = new Set(isAll.peek() ? [] : ids.peek());
      if (!next.delete(id)) next.add(id);
      anchor = id;
      put(next);
    },
    range(/** @type {Run[]} */ rows, /** @type {string} */ id) {
      put(new Set([...ids.peek(), ...between(rows, anchor || id, id)]));
      anchor = id;
    },
    extend(/** @type {Run[]} */ rows, /** @type {string} */ from, /** @type {string} */ to) {
      put(new Set([...ids.peek(), ...between(rows, from, to)]));
      anchor = to;
    },
    shown(/** @type {Run[]} */ rows) { put(new Set(rows.map((run) => run.id))); },
    all() {
      ids.value = new Set();
      isAll.value = true;
    },
    clear() {
      anchor = "";
      put(new Set());
    },
  };
}

/**
 * The bar that comes from below.
 * @param {{selection: ReturnType<typeof selectionOf>, fitting: () => {runs: number, exact: boolean} | null,
 *   act: (action: string) => void, save: () => void}} options `fitting`: how many fit the filter.
 */
export function selectionBar({ selection, fitting, act, save }) {
  const has = () => selection.isAll.value || selection.ids.value.size > 0;
  const word = () => {
    const fits = fitting();
    return fits ? `${count(fits.runs)}${fits.exact ? "" : "+"}` : "all";
  };
  bind("escape", "Select nothing", () => selection.clear());
  bind("shift+a", "Select all that fit the filter", () => selection.all());
  return html`<div class="selection-bar" class:is-open=${has} role="region" aria-label="What is selected"
    inert=${() => !has()}>
    <strong role="status">${() => (!has() ? "" : selection.isAll.value
      ? `All ${word()} that fit the filter are selected`
      : `${plural(selection.ids.value.size, "run")} selected`)}</strong>
    <button class="button is-small" hidden=${() => selection.isAll.value
      || (fitting()?.runs ?? 0) <= selection.ids.value.size}
      @click=${() => selection.all()}>Select all ${word} that fit</button>
    <span class="grow"></span>
    ${() => (mayRun.value ? actions.filter((action) => !action.isRare).map((action) => html`<button
      class=${action.isDangerous ? "button is-danger" : "button"}
      @click=${() => act(action.name)}>${icon(action.icon)} ${action.verb}</button>`)
      : html`<span class="muted">Your token may only read.</span>`)}
    <button class="button" @click=${save}>${icon("download")} Export</button>
    <button class="icon-button" aria-label="Select nothing" @click=${() => selection.clear()}>${icon("close")}</button>
  </div>`;
}
