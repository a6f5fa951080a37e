// How a failure is told: what happened in one sentence, and what to do.
// @ts-check
import { html } from "../core/html.js";
import { plain } from "../core/format.js";
import { computed, untracked } from "../core/signal.js";
import { icon } from "./icon.js";

/**
 * A failure, as a panel.
 * @param {any} error An ApiError, or any other.
 * @param {() => void} [retry] Adds a button.
 */
export function errorPanel(error, retry) {
  return html`<div class="error-panel" role="alert">
    ${icon("warning")}
    <div>
      <strong>${plain(sentence(error))}</strong>
      ${findings(error)}
      ${error?.next ? html`<p class="muted">${plain(error.next)}</p>` : null}
      ${retry ? html`<button class="button" @click=${retry}>Try again</button>` : null}
    </div>
  </div>`;
}

/** Loads the page again, once the node can give it: a browser's own page of failure would take this one's place. */
export async function reload() {
  const answer = await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
}

/**
 * What is wrong in each of the fields that were sent.
 * @param {any} error
 */
function findings(error) {
  const given = error?.problem?.errors;
  if (!Array.isArray(given)) return null;
  // The only one is the sentence already.
  const errors = given.filter((/** @type {any} */ finding) => finding.message !== error.message || finding.hint);
  if (errors.length === 0) return null;
  return html`<ul class="error-findings">${errors.slice(0, 20).map((/** @type {any} */ finding) => html`<li>${
    plain([finding.field, finding.message, finding.hint].filter(Boolean).join(" · "))}</li>`)}</ul>`;
}

/**
 * The failure as one sentence.
 * @param {any} error
 */
export function sentence(error) {
  const text = String(error?.message ?? error ?? "something went wrong");
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}

/**
 * Shows what a resource holds, or why there is nothing; an error over older data is a strip above it.
 * @template T
 * @param {import("../data/resource.js").Resource<T>} resource
 * @param {(data: import("../core/signal.js").Readable<T>) => any} body Called once there is something.
 */
export function loaded(resource, body) {
  const hasData = () => resource.data.value !== null;
  return html`
    ${() => {
      const error = resource.error.value;
      if (!error) return null;
      if (resource.data.peek() === null) return errorPanel(error, () => resource.refresh());
      return html`<div class="stale-strip" role="status">${icon("warning")} Not up to date: ${plain(sentence(error))}</div>`;
    }}
    ${once(hasData, () => body(/** @type {any} */ (resource.data)), () => resource.error.value ? null : placeholder())}`;
}

/** What is shown while the first answer is awaited: nothing for a moment, then a line. */
export const placeholder = () => html`<div class="placeholder" role="status"><span class="sr">Loading</span></div>`;

/**
 * A hole that is drawn anew only when a condition turns, not when what it reads changes.
 * @param {() => boolean} condition @param {() => any} yes @param {() => any} [no]
 */
export function once(condition, yes, no = () => null) {
  const turned = computedBoolean(condition);
  return () => (turned.value ? untracked(yes) : no());
}

/** @param {() => boolean} condition */
const computedBoolean = (condition) => computed(() => Boolean(condition()));
