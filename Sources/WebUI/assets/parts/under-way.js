// What is under way, by name: pressed again meanwhile it is not begun once more.
// @ts-check
import { signal } from "../core/signal.js";

/**
 * Keeps what is under way.
 * @returns {{has: (name: string) => boolean, run: (name: string, work: () => Promise<unknown>) => Promise<void>}} `has`
 *   can be followed; `run` does nothing for a name that is under way.
 */
export function underWay() {
  const names = signal(/** @type {readonly string[]} */ ([]));
  return {
    has: (name) => names.value.includes(name),
    run: async (name, work) => {
      if (names.peek().includes(name)) return;
      names.value = [...names.peek(), name];
      try {
        await work();
      } finally {
        names.value = names.peek().filter((one) => one !== name);
      }
    },
  };
}

/**
 * Whether a press is the second of a double one, or a bound key that is held down: the first may have been done already.
 * @param {Event} event
 */
export const isRepeated = (event) => /** @type {UIEvent} */ (event).detail > 1
  || Boolean(/** @type {KeyboardEvent} */ (event).repeat);
