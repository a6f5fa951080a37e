// What is drawn anew only when a key turns: a button under the pointer stays the same while data is refreshed.
// @ts-check
import { computed, untracked } from "../core/signal.js";

/**
 * A hole whose body is made anew when the key changes; what the body reads besides is not followed.
 * @param {() => string | number | boolean | null | undefined} key Nothing is shown while it is `null`.
 * @param {() => any} body
 */
export function keyed(key, body) {
  const value = computed(key);
  return () => {
    const now = value.value;
    return now === null || now === undefined ? null : untracked(body);
  };
}
