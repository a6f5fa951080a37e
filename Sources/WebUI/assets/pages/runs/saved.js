// Filters that this browser keeps under names, and the one that is there when the page is opened.
// @ts-check
import { html } from "../../core/html.js";
import { kept } from "../../core/settings.js";
import { signal } from "../../core/signal.js";
import { isAny, toText } from "../../data/run-filter.js";
import { openDialog } from "../../parts/dialog.js";
import { menuButton } from "../../parts/menu.js";
import { say } from "../../parts/toast.js";

/** @typedef {{name: string, text: string}} SavedFilter */

/** The filters, by name. */
export const saved = kept("filters", /** @type {SavedFilter[]} */ ([]));
/** The name of the one that the page begins with; empty for none. */
export const first = kept("filter-first", "");
const namesMax = 60;
const savedMax = 50;

/** What the page begins with; empty for everything. */
export const begin = () => saved.peek().find((filter) => filter.name === first.peek())?.text ?? "";

/**
 * The menu of kept filters.
 * @param {() => import("../../data/run-filter.js").RunFilter} filter The present one.
 * @param {(text: string) => void} open
 */
export function savedMenu(filter, open) {
  return menuButton({
    label: "Saved filters", text: html`<span>Saved</span>`, icon: "chevron-down", className: "button",
    items: () => {
      const present = toText(filter());
      const isKnown = saved.peek().find((one) => one.text === present);
      return [
        ...saved.peek().map((one) => ({
          text: one.name === first.peek() ? `${one.name} (at the beginning)` : one.name,
          icon: one.text === present ? "check" : "filter", run: () => open(one.text),
        })),
        saved.peek().length > 0 && null,
        {
          text: "Save this filter…", icon: "save", isDisabled: isAny(filter()),
          why: isAny(filter()) ? "There is no filter: choose one first." : undefined, run: () => askName(present),
        },
        isKnown !== undefined && {
          text: isKnown.name === first.peek() ? "Begin with all runs" : "Begin with this filter", icon: "check",
          run: () => { first.value = isKnown.name === first.peek() ? "" : isKnown.name; },
        },
        isKnown !== undefined && {
          text: `Forget “${isKnown.name}”`, icon: "trash", isDangerous: true,
          run: () => { saved.value = saved.peek().filter((one) => one !== isKnown); },
        },
      ];
    },
  });
}

/** @param {string} text */
function askName(text) {
  const name = signal("");
  const isFirst = signal(false);
  openDialog({
    title: "Save the filter",
    body: (dialog) => html`<form class="dialog-form" method="dialog" @submit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      const given = name.peek().trim().slice(0, namesMax);
      if (!given) return;
      saved.value = [...saved.peek().filter((one) => one.name !== given), { name: given, text }].slice(-savedMax)
        .sort((a, b) => a.name.localeCompare(b.name));
      if (isFirst.peek()) first.value = given;
      dialog.close();
      say(`Saved as “${given}”`);
    }}>
      <label class="field"><span>Name</span><input class="input" autofocus autocomplete="off" maxlength=${namesMax}
        @input=${(/** @type {any} */ event) => { name.value = event.target.value; }}></label>
      <label class="check"><input type="checkbox" @change=${(/** @type {any} */ event) => {
        isFirst.value = event.target.checked; }}> Begin with it when this page is opened</label>
      <p class="muted">It is kept in this browser. The address of the page is a link that others can open.</p>
      <footer class="dialog-foot"><button type="button" class="button" @click=${dialog.close}>Back</button>
        <button class="button is-primary" disabled=${() => !name.value.trim()}>Save</button></footer>
    </form>`,
  });
}
