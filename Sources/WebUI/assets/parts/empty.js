// What is shown where there is nothing yet: why, and what to do about it.
// @ts-check
import { html } from "../core/html.js";

/**
 * @param {{title: string, text?: any, action?: any, command?: string}} options `command` is the same on the command line.
 */
export const empty = ({ title, text, action, command }) => html`<section class="empty">
  <h2>${title}</h2>${text ? html`<p>${text}</p>` : null}${action ?? null}
  ${command ? html`<p class="muted">On the command line: <code>${command}</code></p>` : null}</section>`;
