// Dialogs over the page: they hold the focus, Esc closes them, and the focus goes back to where it was.
// @ts-check
import { html, render } from "../core/html.js";
import { path } from "../core/router.js";
import { effect, flush, signal, untracked } from "../core/signal.js";
import { errorPanel } from "./error.js";
import { icon } from "./icon.js";
import { fail } from "./toast.js";

/**
 * - `close` closes it in any case; `dismiss` is a person's wish: while it works it stays.
 * - `isHeld` keeps it until it is closed on purpose: what it shows is shown once.
 * - `perform` does its work: `isBusy` meanwhile. A failure stands in `error`, in a note where the dialog is gone.
 * @typedef {{title: string, body: (dialog: OpenDialog) => any, className?: string, label?: string}} DialogOptions
 * @typedef {{close: () => void, dismiss: () => void, element: HTMLDialogElement,
 *   isBusy: import("../core/signal.js").Signal<boolean>, isHeld: import("../core/signal.js").Signal<boolean>,
 *   error: import("../core/signal.js").Signal<any>,
 *   perform: (work: () => unknown) => Promise<boolean>}} OpenDialog
 */

/**
 * Opens a dialog; it belongs to the page that is shown, and goes with it.
 * @param {DialogOptions} options `label` names it where no title is shown.
 * @returns {OpenDialog}
 */
export function openDialog({ title, body, className = "", label }) {
  const begun = path.peek();
  const element = document.createElement("dialog");
  element.className = `dialog ${className}`;
  element.setAttribute("aria-label", label ?? title);
  const opened = handle(element);
  const stays = () => opened.isBusy.value || opened.isHeld.value;
  const scope = render(element, () => {
    // What is shown once stays until it is closed on purpose, whatever page lies below.
    effect(() => { if (path.value !== begun && !opened.isHeld.value) element.close(); });
    return html`
      ${title ? html`<header class="dialog-head"><h2>${title}</h2><button type="button" class="icon-button"
        aria-label="Close" disabled=${stays} @click=${opened.dismiss}>${icon("close")}</button></header>` : null}
      ${body(opened)}`;
  });
  element.addEventListener("close", () => {
    removeEventListener("keydown", hold, true);
    scope.end();
    element.remove();
  });
  element.addEventListener("cancel", (event) => {
    if (event.target === element && untracked(stays)) event.preventDefault();
  });
  // A browser lets a second Esc through, wherever the focus is.
  const hold = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && isUppermost(element) && untracked(stays)) event.preventDefault();
  };
  addEventListener("keydown", hold, true);
  // A key that is held down is pressed once: it must not answer what it has just opened.
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.repeat || event.target instanceof HTMLTextAreaElement) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  // A press beside it, on the backdrop, is one on the element itself; one that only ends there chose some text.
  let isBeside = false;
  element.addEventListener("pointerdown", (event) => { isBeside = event.target === element; });
  element.addEventListener("click", (event) => {
    if (isBeside && event.target === element) opened.dismiss();
  });
  document.body.append(element);
  element.showModal();
  /** @type {HTMLElement | null} */ (element.querySelector("[autofocus]"))?.focus();
  return opened;
}

/** @param {Element} element */
const isUppermost = (element) => [...document.querySelectorAll("dialog[open]")].at(-1) === element;

/** @param {HTMLDialogElement} element @returns {OpenDialog} */
function handle(element) {
  const work = working(() => element.open);
  const isHeld = signal(false);
  return {
    ...work, element, isHeld,
    close: () => element.close(),
    dismiss: () => { if (!work.isBusy.peek() && !isHeld.peek()) element.close(); },
    perform: async (body) => {
      const before = /** @type {HTMLElement | null} */ (document.activeElement);
      const isDone = await work.perform(body);
      // A button that was off meanwhile has lost the focus.
      flush();
      if (element.open && document.activeElement === document.body) before?.focus();
      return isDone;
    },
  };
}

/**
 * Work that is done once at a time, and what went wrong with it.
 * @param {() => boolean} isShown Whether its failure can be read where it was begun; else a note says it.
 * @returns {Pick<OpenDialog, "isBusy" | "error" | "perform">}
 */
export function working(isShown) {
  const isBusy = signal(false);
  const error = signal(/** @type {any} */ (null));
  return {
    isBusy, error,
    perform: async (body) => {
      if (isBusy.peek()) return false;
      isBusy.value = true;
      error.value = null;
      try {
        await body();
        return true;
      } catch (caught) {
        if (isShown()) error.value = caught;
        else fail(caught);
        return false;
      } finally {
        isBusy.value = false;
      }
    },
  };
}

/**
 * Asks before something is done that is not easily undone, does it, and says in the dialog what went wrong.
 * @param {{title: string, text?: any, verb: string, isDangerous?: boolean, typed?: string,
 *   body?: () => any, work: () => unknown}} options `typed` must be typed before it may be done.
 * @returns {Promise<boolean>} Whether it was done; known when the work has ended, even if the dialog went before.
 */
export function confirm({ title, text, verb, isDangerous = false, typed, body, work }) {
  return new Promise((resolve) => {
    let isDone = false;
    const answer = signal("");
    const opened = openDialog({
      title,
      body: (dialog) => html`<form class="dialog-form" method="dialog" @submit=${async (/** @type {Event} */ event) => {
        event.preventDefault();
        if (dialog.isBusy.peek() || (typed && answer.peek() !== typed)) return;
        isDone = await dialog.perform(work);
        if (!dialog.element.open) resolve(isDone);
        else if (isDone) dialog.close();
      }}>
        ${text ? html`<p>${text}</p>` : null}
        ${body?.()}
        ${typed ? html`<label class="field"><span>Type <b>${typed}</b> to go on</span>
          <input class="input" autocomplete="off" .value=${answer}
            @input=${(/** @type {any} */ event) => { answer.value = event.target.value; }}></label>` : null}
        ${() => (dialog.error.value ? errorPanel(dialog.error.value) : null)}
        <footer class="dialog-foot">
          <button type="button" class="button" disabled=${dialog.isBusy} @click=${dialog.dismiss}>Back</button>
          <button type="submit" class=${isDangerous ? "button is-danger" : "button is-primary"} autofocus
            disabled=${() => dialog.isBusy.value || Boolean(typed && answer.value !== typed)}>${() =>
            (dialog.isBusy.value ? "…" : verb)}</button>
        </footer>
      </form>`,
    });
    opened.element.addEventListener("close", () => { if (!opened.isBusy.peek()) resolve(isDone); });
  });
}
