// Short notes of what was done or failed; they go by themselves, a failure stays until it is closed.
// @ts-check
import { each, html } from "../core/html.js";
import { signal } from "../core/signal.js";
import { plain } from "../core/format.js";
import { sentence } from "./error.js";
import { icon } from "./icon.js";

/** @typedef {{id: number, text: string, next: string, isError: boolean, link?: {href: string, text: string}}} Toast */

const shown = signal(/** @type {Toast[]} */ ([]));
let last = 0;
const toastMilliseconds = 5000;
const toastsMax = 4;

/** @param {number} id */
const close = (id) => { shown.value = shown.peek().filter((toast) => toast.id !== id); };

/** @param {Omit<Toast, "id">} toast */
function add(toast) {
  const id = (last += 1);
  shown.value = [...shown.peek(), { ...toast, id }].slice(-toastsMax);
  if (!toast.isError) setTimeout(() => close(id), toastMilliseconds);
}

/**
 * Says that something was done.
 * @param {string} text
 * @param {{href: string, text: string}} [link]
 */
export const say = (text, link) => add({ text, next: "", isError: false, link });
/**
 * Says that something failed, and what to do.
 * @param {any} error
 */
export const fail = (error) => add({ text: sentence(error), next: error?.next ?? "", isError: true });

/**
 * Does something and says how it came out.
 * @template T
 * @param {() => Promise<T>} work @param {string | ((value: T) => string)} [done]
 * @returns {Promise<T | undefined>} `undefined` where it failed, which has been said.
 */
export async function attempt(work, done) {
  try {
    const value = await work();
    if (done) say(typeof done === "string" ? done : done(value));
    return value;
  } catch (error) {
    fail(error);
    return undefined;
  }
}

/** The place where they are shown. */
export const toasts = () => html`<div class="toasts" role="status" aria-live="polite">
  ${each(() => shown.value, (toast) => toast.id, (toast) => html`<div class="toast" class:is-error=${() => toast.value.isError}>
    ${icon(toast.peek().isError ? "warning" : "check")}
    <div class="grow">${() => plain(toast.value.text)}
      ${toast.peek().next ? html`<p class="muted">${plain(toast.peek().next)}</p>` : null}
      ${toast.peek().link ? html`<a class="link" href=${toast.peek().link?.href}>${toast.peek().link?.text}</a>` : null}</div>
    <button class="icon-button" aria-label="Close" @click=${() => close(toast.peek().id)}>${icon("close")}</button>
  </div>`)}
</div>`;
