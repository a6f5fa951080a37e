// The keyboard: which keys do what now, sequences as `g r`, and the list of them behind `?`.
// @ts-check
import { onEnd, signal } from "./signal.js";

/**
 * @typedef {{keys: string, text: string, run: (event: KeyboardEvent) => void, isGlobal?: boolean}} Binding
 */

/**
 * All that can be pressed now, latest first; the overlay shows it.
 * @type {import("./signal.js").Signal<Binding[]>}
 */
export const bindings = signal(/** @type {Binding[]} */ ([]));
let pending = "";
let pendingAt = 0;
/** How long the second key of a sequence is waited for. */
const sequenceMilliseconds = 900;

/**
 * Has a key do something until the present owner ends. Later ones come first.
 * @param {string} keys As `mod+k`, `shift+x`, `?`, `g r`; `mod` is Cmd on a Mac, else Ctrl.
 * @param {string} text What it does, for the overlay; empty is not shown.
 * @param {(event: KeyboardEvent) => void} run
 * @param {{isGlobal?: boolean}} options `isGlobal` works while a field is typed into.
 */
export function bind(keys, text, run, { isGlobal = false } = {}) {
  const binding = { keys, text, run, isGlobal };
  bindings.value = [binding, ...bindings.peek()];
  onEnd(() => {
    bindings.value = bindings.peek().filter((other) => other !== binding);
  });
}

const isMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

/**
 * A key event as text: `mod+shift+k`.
 * @param {KeyboardEvent} event
 */
export function describe(event) {
  const parts = [];
  if (isMac ? event.metaKey : event.ctrlKey) parts.push("mod");
  // The system's or the editor's key of this platform: nothing here is bound to it.
  if (isMac ? event.ctrlKey : event.metaKey) parts.push("other");
  if (event.altKey) parts.push("alt");
  // Shift is part of a sign that needs it: `?` is no shift+/.
  if (event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key))) parts.push("shift");
  parts.push(event.key === " " ? "space" : event.key.toLowerCase());
  return parts.join("+");
}

/**
 * How keys are shown.
 * @param {string} keys
 */
export const shown = (keys) =>
  keys.replaceAll("mod+", isMac ? "⌘" : "Ctrl ").replaceAll("shift+", "⇧").replaceAll("arrow", "");

/** @param {EventTarget | null} target */
function isTyping(target) {
  const element = /** @type {HTMLElement} */ (target);
  return Boolean(element?.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]"));
}

/** @param {KeyboardEvent} event */
function press(event) {
  // Without a key: a browser that fills in a form.
  if (event.defaultPrevented || event.isComposing || !event.key || ["Shift", "Control", "Meta", "Alt"].includes(event.key)) return;
  const key = describe(event);
  const typing = isTyping(event.target);
  const isInDialog = Boolean(document.querySelector("dialog[open]"));
  const sequence = pending && event.timeStamp - pendingAt < sequenceMilliseconds ? `${pending} ${key}` : "";
  pending = "";
  for (const wanted of sequence ? [sequence, key] : [key]) {
    const found = bindings.peek().find((binding) =>
      binding.keys === wanted && (binding.isGlobal || (!typing && !isInDialog)));
    if (found) {
      event.preventDefault();
      found.run(event);
      return;
    }
  }
  if (!typing && bindings.peek().some((binding) => binding.keys.startsWith(`${key} `))) {
    pending = key;
    pendingAt = event.timeStamp;
  }
}

/** Listens to the keyboard. */
export function start() {
  addEventListener("keydown", press);
}
