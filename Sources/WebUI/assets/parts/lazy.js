// Parts of a page whose module is loaded when they are first shown.
// @ts-check
import { signal, untracked } from "../core/signal.js";
import { errorPanel, placeholder, reload } from "./error.js";

/**
 * A hole that shows what a module makes, once it is loaded; it belongs to whoever put it there.
 * @template T
 * @param {() => Promise<T>} load @param {(module: T) => any} body
 */
export function lazily(load, body) {
  const state = signal(/** @type {{module?: T, error?: any}} */ ({}));
  load().then((module) => { state.value = { module }; }, (error) => { state.value = { error }; });
  return () => {
    const { module, error } = state.value;
    if (error) return errorPanel(error, reload);
    return module ? untracked(() => body(module)) : placeholder();
  };
}
