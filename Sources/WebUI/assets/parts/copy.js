// Copying a text, with a word about it.
// @ts-check
import { html } from "../core/html.js";
import { icon } from "./icon.js";
import { fail, say } from "./toast.js";

/**
 * Puts a text into the clipboard.
 * @param {string} text
 * @param {string} [what] What it is, for the note.
 */
export async function copy(text, what = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
    say(what);
  } catch {
    fail({ message: "the browser does not let the page write to the clipboard",
      next: `select it and copy it by hand: ${text}` });
  }
}

/**
 * A button that copies.
 * @param {() => string} text @param {string} label What it copies, as `Copy the digest`.
 */
export const copyButton = (text, label) => html`<button type="button" class="icon-button" aria-label=${label}
  title=${label}
  @click=${() => copy(text(), "Copied")}>${icon("copy")}</button>`;
