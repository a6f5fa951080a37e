// How many rows a list has that is read up to a bound, and what is said where there are more.
// @ts-check
import { count, plural } from "../core/format.js";
import { html } from "../core/html.js";

/**
 * Rows of a list that `collect` has read, by the list's name as `schedules`.
 * @param {any} list @param {string} noun As `schedule`.
 * @returns {number}
 */
const rows = (list, noun) => list[`${noun}s`].length;

/**
 * How many there are: `12 limits`, `1,000+ limits`.
 * @param {any} list @param {string} noun
 */
export const total = (list, noun) => (list.is_more ? `${count(rows(list, noun))}+ ${noun}s` : plural(rows(list, noun),
  noun));

/**
 * That these are not all, and where the others are; nothing where they are.
 * @param {any} list @param {string} noun
 */
export const more = (list, noun) => (list.is_more ? html`<p class="muted">These are the first ${
  count(rows(list, noun))}; the command line has all: <code>opsroom ${noun}s list</code></p>` : null);
