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
    // Where the page came without TLS from another machine the browser has no clipboard object.
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else if (!copyByEvent(text)) throw new Error("refused");
    say(what);
  } catch {
    fail({ message: "the browser does not let the page write to the clipboard",
      next: `select it and copy it by hand: ${text}` });
  }
}

/**
 * Puts a text into the clipboard as the browser's own command would.
 * @param {string} text
 */
function copyByEvent(text) {
  let isDone = false;
  const give = (/** @type {ClipboardEvent} */ event) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
    isDone = true;
  };
  document.addEventListener("copy", give, { capture: true });
  try {
    return document.execCommand("copy") && isDone;
  } finally {
    document.removeEventListener("copy", give, { capture: true });
  }
}

/**
 * A button that copies.
 * @param {() => string} text @param {string} label What it copies, as `Copy the digest`.
 */
export const copyButton = (text, label) => html`<button type="button" class="icon-button" aria-label=${label}
  title=${label}
  @click=${() => copy(text(), "Copied")}>${icon("copy")}</button>`;
