// How a value is shown: a short one as it is, a large one as a tree that is loaded when it is wanted.
// @ts-check
import { plain, plainLines } from "../../core/format.js";
import { html } from "../../core/html.js";
import { lazily } from "../../parts/lazy.js";

/** What is shown as plain text at most. */
const shortMax = 1500;

/**
 * A value that does not change while it is shown.
 * @param {any} value
 */
export function valueView(value) {
  if (value === null || value === undefined) return html`<span class="muted">nothing</span>`;
  if (typeof value === "string") {
    return value.length > shortMax || value.includes("\n") ? html`<pre class="value"
      tabindex="0">${plainLines(value)}</pre>`
      : html`<code>${plain(value, shortMax)}</code>`;
  }
  const text = JSON.stringify(value, null, 2);
  if (text.length <= shortMax) return html`<pre class="value" tabindex="0">${plainLines(text)}</pre>`;
  return html`<div>${lazily(() => import("../../leaves/json.js"), (/** @type {any} */ module) => module.jsonView(
    () => value))}</div>`;
}

/**
 * Names with values, one below the other.
 * @param {import("../../data/plan.js").Fact[]} facts
 */
export const factList = (facts) => html`<dl class="facts">${facts.map((fact) =>
  html`<dt>${fact.name}</dt><dd>${fact.href
  ? html`<a href=${fact.href}>${plain(fact.value, 200)}</a>` : fact.isCode ? html`<pre
  class="value" tabindex="0">${plainLines(String(fact.value))}</pre>`
  : plain(fact.value, 600)}</dd>`)}</dl>`;
