// The bar that says how many runs are chosen, and what can be done to them.
// @ts-check
import { count, plural } from "../../core/format.js";
import { html } from "../../core/html.js";
import { bind } from "../../core/keys.js";
import { mayRun } from "../../data/me.js";
import { actions } from "../../parts/bulk-dialog.js";
import { icon } from "../../parts/icon.js";

/**
 * The bar that comes from below.
 * @param {{selection: ReturnType<typeof import("../../data/run-selection.js").selectionOf>,
 *   rows: () => import("../../data/run-list.js").Run[], fitting: () => {runs: number, exact: boolean} | null,
 *   act: (action: string) => void, save: () => void}} options `fitting`: how many fit the filter.
 */
export function selectionBar({ selection, rows, fitting, act, save }) {
  const away = () => { const many = selection.away(rows()); return many > 0 ? `, ${count(many)} not shown` : ""; };
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
      : `${plural(selection.ids.value.size, "run")} selected${away()}`)}</strong>
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
