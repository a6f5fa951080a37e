// The head of a page: its name, what may be done on it, and its title in the browser.
// @ts-check
import { html } from "../core/html.js";
import { effect } from "../core/signal.js";
import { pageOf } from "../pages.js";

/**
 * @param {{title: () => string, actions?: any, note?: any}} options
 */
export function pageHead({ title, actions, note }) {
  effect(() => { pageOf.title.value = title(); });
  return html`<header class="page-head"><h1>${title}</h1>${note ?? null}<span class="grow"></span>
    <div class="actions">${actions ?? null}</div></header>`;
}
