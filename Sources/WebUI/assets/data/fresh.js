// Tells what of a list of approvals was not there before. Pure.
// @ts-check
import { keyOf } from "./approvals.js";

/**
 * Which of the approvals are new to this browser; those that are gone are forgotten.
 * @param {Set<string>} known Changed to what is there now.
 * @param {{run: string, step: string, asked_at?: string}[]} list
 * @returns {any[]}
 */
export function fresh(known, list) {
  const keys = list.map(keyOf);
  const found = list.filter((_, index) => !known.has(keys[index]));
  known.clear();
  for (const key of keys) known.add(key);
  return found;
}
