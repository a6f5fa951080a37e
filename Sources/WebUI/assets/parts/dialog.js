// Dialogs over the page: they hold the focus, Esc closes them, and the focus goes back to where it was.
// @ts-check
import { html, render } from "../core/html.js";
import { signal } from "../core/signal.js";
import { errorPanel } from "./error.js";
import { icon } from "./icon.js";

/**
 * @typedef {{title: string, body: (dialog: OpenDialog) => any, className?: string, label?: string}} DialogOptions
 * @typedef {{close: () => void, element: HTMLDialogElement}} OpenDialog
 */

/**
 * Opens a dialog.
 * @param {DialogOptions} options `label` names it where no title is shown.
 * @returns {OpenDialog}
 */
export function openDialog({ title, body, className = "", label }) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const element = document.createElement("dialog");
  element.className = `dialog ${className}`;
  element.setAttribute("aria-label", label ?? title);
  const opened = { element, close: () => element.close() };
  const scope = render(element, () => html`
    ${title ? html`<header class="dialog-head"><h2>${title}</h2>
      <button class="icon-button" aria-label="Close" @click=${opened.close}>${icon("close")}</button></header>` : null}
    ${body(opened)}`);
  element.addEventListener("close", () => {
    scope.end();
    element.remove();
    before?.focus?.();
  });
  element.addEventListener("click", (event) => {
    // A click beside it, on the backdrop, is one on the element itself.
    if (event.target === element) element.close();
  });
  document.body.append(element);
  element.showModal();
  /** @type {HTMLElement | null} */ (element.querySelector("[autofocus]"))?.focus();
  return opened;
}

/**
 * Asks before something is done that is not easily undone, does it, and says in the dialog what went wrong.
 * @param {{title: string, text?: any, verb: string, isDangerous?: boolean, typed?: string,
 *   body?: () => any, work: () => Promise<unknown>}} options `typed` must be typed before it may be done.
 * @returns {Promise<boolean>} Whether it was done.
 */
export function confirm({ title, text, verb, isDangerous = false, typed, body, work }) {
  return new Promise((resolve) => {
    let isDone = false;
    const isBusy = signal(false);
    const error = signal(/** @type {any} */ (null));
    const answer = signal("");
    const opened = openDialog({
      title,
      body: (dialog) => html`<form class="dialog-form" method="dialog" @submit=${async (/** @type {Event} */ event) => {
        event.preventDefault();
        if (isBusy.peek() || (typed && answer.peek() !== typed)) return;
        isBusy.value = true;
        error.value = null;
        try {
          await work();
          isDone = true;
          dialog.close();
        } catch (caught) {
          error.value = caught;
        }
        isBusy.value = false;
      }}>
        ${text ? html`<p>${text}</p>` : null}
        ${body?.()}
        ${typed ? html`<label class="field"><span>Type <b>${typed}</b> to go on</span>
          <input class="input" autocomplete="off" .value=${answer}
            @input=${(/** @type {any} */ event) => { answer.value = event.target.value; }}></label>` : null}
        ${() => (error.value ? errorPanel(error.value) : null)}
        <footer class="dialog-foot">
          <button type="button" class="button" @click=${dialog.close}>Back</button>
          <button type="submit" class=${isDangerous ? "button is-danger" : "button is-primary"} autofocus
            disabled=${() => isBusy.value || Boolean(typed && answer.value !== typed)}>${() => (isBusy.value ? "…" : verb)}</button>
        </footer>
      </form>`,
    });
    opened.element.addEventListener("close", () => resolve(isDone));
  });
}
