// What a person has chosen for this browser: theme, motion, recent commands; kept in local storage.
// @ts-check
import { effect, signal } from "./signal.js";

/**
 * A value that this browser keeps, told to its other tabs.
 * @template T
 * @param {string} name @param {T} fallback
 * @returns {import("./signal.js").Signal<T>}
 */
export function kept(name, fallback) {
  const key = `opsroom.${name}`;
  const read = () => {
    try {
      const text = localStorage.getItem(key);
      return text === null ? fallback : /** @type {T} */ (JSON.parse(text));
    } catch {
      // No storage, or something else's text in it.
      return fallback;
    }
  };
  const value = signal(read());
  let isFirst = true;
  effect(() => {
    const text = JSON.stringify(value.value);
    if (isFirst) {
      isFirst = false;
      return;
    }
    try {
      localStorage.setItem(key, text);
    } catch {
      // A full or forbidden storage loses a preference, nothing else.
    }
  });
  globalThis.addEventListener?.("storage", (event) => {
    if (event.key === key) value.value = read();
  });
  return value;
}

/** `system`, `dark` or `light`. */
export const theme = kept("theme", "system");
/** Whether the navigation shows its words. */
export const isNavigationWide = kept("navigation", true);
/** `default`, or `compact` for lower rows. */
export const density = kept("density", "default");

/** Whether the browser shows a note when something begins to wait for a person. */
export const isNotifying = kept("notifying", false);

/** Has the document follow the theme and density. */
export function start() {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
    document.documentElement.dataset.density = density.value;
  });
}
