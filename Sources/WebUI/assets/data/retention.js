// For how long something is kept, and what would go at once if it were so. Pure.
// @ts-check
import { plural } from "../core/format.js";

/**
 * Whether a text says for how long: whole days, or for ever.
 * @param {string} text
 */
export const isKeep = (text) => /^([1-9]\d{0,4}d|forever)$/.test(text);

/**
 * What a change would drop.
 * @param {{kind: string, rows: number}[]} drops Days that are overdue once it is changed, of every kind.
 * @param {string[]} kinds Those that are changed: what is overdue of another goes without it, too.
 */
export function goesAtOnce(drops, kinds) {
  const own = drops.filter((one) => kinds.includes(one.kind));
  const rows = own.reduce((sum, one) => sum + one.rows, 0);
  return own.length === 0 ? { isAny: false, text: "Nothing would go at once." }
    : { isAny: true, text: `${plural(own.length, "day")} with ${plural(rows, "row")} would go within the hour, for good.` };
}
