// Which runs are chosen: one by one, in a stretch, or all that fit the filter. Pure but for its two signals.
// @ts-check
import { signal } from "../core/signal.js";

/** @typedef {import("./run-list.js").Run} Run */

/** What is chosen: runs one by one, or all that fit the filter. */
export function selectionOf() {
  const ids = signal(/** @type {Set<string>} */ (new Set()));
  const isAll = signal(false);
  let anchor = "";
  const put = (/** @type {Iterable<string>} */ next) => {
    isAll.value = false;
    ids.value = new Set(next);
  };
  const between = (/** @type {Run[]} */ rows, /** @type {string} */ from, /** @type {string} */ to) => {
    const places = [from, to].map((id) => rows.findIndex((run) => run.id === id)).sort((a, b) => a - b);
    return places[0] < 0 ? [to] : rows.slice(places[0], places[1] + 1).map((run) => run.id);
  };
  /** Of all that fit nothing can be added. */
  const add = (/** @type {string[]} */ more) => { if (!isAll.peek()) put([...ids.peek(), ...more]); };
  return {
    ids, isAll,
    /**
     * Adds a run, or takes it out. A filter cannot spare a run, so of all that fit those stay that are shown.
     * @param {Run[]} rows The shown ones.
     * @param {string} id
     * @returns {boolean} Whether all that fit were chosen, and only the shown ones are now.
     */
    toggle(rows, id) {
      const wasAll = isAll.peek();
      const next = new Set(wasAll ? rows.map((run) => run.id) : ids.peek());
      if (!next.delete(id) && !wasAll) next.add(id);
      anchor = id;
      put(next);
      return wasAll;
    },
    range(/** @type {Run[]} */ rows, /** @type {string} */ id) {
      add(between(rows, anchor || id, id));
      anchor = id;
    },
    extend(/** @type {Run[]} */ rows, /** @type {string} */ from, /** @type {string} */ to) {
      add(between(rows, from, to));
      anchor = to;
    },
    /** Whether a run is chosen. */
    has: (/** @type {string} */ id) => isAll.value || ids.value.has(id),
    shown(/** @type {Run[]} */ rows) { put(rows.map((run) => run.id)); },
    /**
     * How many that are chosen are not among rows: they do not fit the filter any more, or lie further down.
     * @param {Run[]} rows
     */
    away(rows) {
      if (isAll.value || ids.value.size === 0) return 0;
      return ids.value.size - rows.filter((run) => ids.value.has(run.id)).length;
    },
    all() {
      ids.value = new Set();
      isAll.value = true;
    },
    clear() {
      anchor = "";
      put([]);
    },
  };
}
