// The runs that fit a filter, page by page, and how they stay as they are now.
// @ts-check
import { isVisible } from "../../core/clock.js";
import { computed, effect, onEnd, signal, untracked } from "../../core/signal.js";
import { ApiError, get, url } from "../../data/api.js";
import { merged, patched } from "../../data/run-list.js";
import { gaps, listen } from "../../data/stream.js";

/** Rows of the list's beginning, which is fetched anew whenever something happens. */
const headRows = 100;
/** Rows of a further page. */
const pageRows = 200;
/** Rows that are shown at most: whoever wants more narrows the filter, or exports. */
export const rowsMax = 2000;
/** How often the beginning is fetched: what is newly queued makes no event. */
const pollMilliseconds = 3000;
const gapMilliseconds = 300;
/** Events that are kept until they are drawn; of more than those everything is fetched anew. */
const heardMax = 5000;
/** Stretches that are searched in a row before somebody is asked whether to go on. */
const stretchesMax = 5;

/** @typedef {import("../../data/run-list.js").Run} Run */

/**
 * The list for what the node is asked; ends with the present owner.
 * @param {() => Record<string, string>} asked
 * @param {() => boolean} isAtTop Whether new runs may push the others down.
 */
export function runList(asked, isAtTop) {
  const all = signal(/** @type {Run[] | null} */ (null));
  const next = signal(/** @type {string | null} */ (null));
  const error = signal(/** @type {ApiError | null} */ (null));
  const isLoading = signal(false);
  /** New runs that wait above, until somebody looks. */
  const held = signal(/** @type {Set<string>} */ (new Set()));
  /**
   * Runs that came while the list was looked at.
   * @type {Set<string>}
   */
  const fresh = new Set();
  /**
   * Runs of the list of which something was heard: those below the beginning are asked for by their ids.
   * @type {Set<string>}
   */
  const touched = new Set();
  let abort = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isBusy = false;
  let isDirty = false;
  let isEnded = false;

  /** @param {Record<string, unknown>} more */
  const fetch = (more) => get(url("/v1/runs", { ...asked(), ...more }), { signal: abort.signal });

  /** @param {number} milliseconds */
  function later(milliseconds) {
    clearTimeout(timer);
    if (!isEnded) timer = setTimeout(refresh, milliseconds);
  }

  async function refresh() {
    clearTimeout(timer);
    if (!isVisible.peek()) return;
    if (isBusy) return void (isDirty = true);
    const own = abort;
    isBusy = true;
    isDirty = false;
    isLoading.value = true;
    try {
      if (all.peek() === null) await begin(own);
      else await renew(own);
      if (own.signal.aborted) return;
      error.value = null;
      later(isDirty ? gapMilliseconds : pollMilliseconds);
    } catch (caught) {
      if (own.signal.aborted) return;
      error.value = caught instanceof ApiError ? caught : new ApiError(0, { detail: String(caught) });
      if (!(caught instanceof ApiError)) reportError(caught);
      later(error.value.isTransient ? 2000 : 15_000);
    } finally {
      if (own === abort) {
        isBusy = false;
        isLoading.value = false;
      }
    }
  }

  /** @param {AbortController} own */
  async function begin(own) {
    let page = await untracked(() => fetch({ limit: headRows }));
    // A rare text: one stretch of the table had none.
    for (let stretch = 1; page.runs.length === 0 && page.next && stretch < stretchesMax; stretch += 1) {
      page = await untracked(() => fetch({ limit: headRows, cursor: page.next }));
    }
    if (own.signal.aborted) return;
    next.value = page.next;
    all.value = page.runs;
  }

  /** @param {AbortController} own */
  async function renew(own) {
    const page = await untracked(() => fetch({ limit: headRows }));
    if (own.signal.aborted) return;
    const known = all.peek() ?? [];
    const ids = new Set(known.map((run) => run.id));
    const came = page.runs.filter((/** @type {Run} */ run) => !ids.has(run.id)).map((/** @type {Run} */ run) => run.id);
    // A search gives what one stretch has, which may be less than is known.
    const { rows, isCut } = merged(known, page.runs, page.next === null);
    if (isCut || page.next === null) next.value = page.next;
    for (const id of came) fresh.add(id);
    if (came.length > 0 && !isAtTop()) held.value = new Set([...held.peek(), ...came]);
    all.value = same(known, rows);
    const below = rows.slice(page.runs.length).filter((run) => touched.has(run.id)).map((run) => run.id);
    touched.clear();
    // The others come with the next round.
    for (const id of below.splice(headRows)) touched.add(id);
    if (touched.size > 0) isDirty = true;
    if (below.length === 0) return;
    const found = await untracked(() => fetch({ limit: pageRows, run: below.join(",") })).catch((caught) => {
      for (const id of below) touched.add(id);
      throw caught;
    });
    if (own.signal.aborted) return;
    const news = new Map(found.runs.map((/** @type {Run} */ run) => [run.id, run]));
    const gone = new Set(below.filter((id) => !news.has(id)));
    all.value = (all.peek() ?? []).filter((run) => !gone.has(run.id)).map((run) => news.get(run.id) ?? run);
  }

  async function more() {
    const cursor = next.peek();
    if (cursor === null || isBusy) return;
    const own = abort;
    isBusy = true;
    isLoading.value = true;
    try {
      const page = await fetch({ limit: pageRows, cursor });
      if (own.signal.aborted) return;
      const ids = new Set((all.peek() ?? []).map((run) => run.id));
      next.value = page.next;
      all.value = [...(all.peek() ?? []), ...page.runs.filter((/** @type {Run} */ run) => !ids.has(run.id))];
    } catch (caught) {
      if (own.signal.aborted) return;
      error.value = caught instanceof ApiError ? caught : new ApiError(0, { detail: String(caught) });
    } finally {
      if (own === abort) {
        isBusy = false;
        isLoading.value = false;
        later(gapMilliseconds);
      }
    }
  }

  function begun() {
    abort.abort();
    abort = new AbortController();
    isBusy = false;
    fresh.clear();
    touched.clear();
    held.value = new Set();
    error.value = null;
    next.value = null;
    all.value = null;
    refresh();
  }

  effect(() => {
    asked();
    untracked(begun);
  });
  /** @type {import("../../data/stream.js").RunEvent[]} */
  let heard = [];
  let hasMissed = false;
  /** What was not heard, or not drawn when it was: then any of the runs may have changed. */
  const missed = () => {
    heard = [];
    for (const run of all.peek() ?? []) touched.add(run.id);
  };
  let known = gaps.peek();
  effect(() => {
    if (gaps.value !== known && isVisible.value) {
      known = gaps.peek();
      untracked(() => { missed(); later(0); });
    }
  });
  effect(() => {
    if (!isVisible.value) return;
    if (hasMissed) untracked(missed);
    hasMissed = false;
    untracked(() => later(0));
  });

  listen((event) => {
    if (!event.type.startsWith("run.") || event.type === "run.progress") return;
    // A hidden tab draws nothing: what is heard there would only heap up.
    if (!isVisible.peek()) return void (hasMissed = true);
    if (heard.push(event) > heardMax) missed();
    if (heard.length !== 1) return;
    // Many at once are drawn once.
    requestAnimationFrame(() => {
      const events = heard;
      heard = [];
      const rows = all.peek();
      if (isEnded || !rows) return;
      all.value = patched(rows, events);
      const ids = new Set(rows.map((run) => run.id));
      for (const { run } of events) if (ids.has(run)) touched.add(run);
      if (isBusy) isDirty = true;
      else later(gapMilliseconds);
    });
  });
  onEnd(() => {
    isEnded = true;
    clearTimeout(timer);
    abort.abort();
  });
  const rows = computed(() => {
    const away = held.value;
    return away.size === 0 ? all.value : all.value?.filter((run) => !away.has(run.id)) ?? null;
  });
  return {
    rows, next, error, isLoading, held, fresh, more, refresh,
    /** Shows the new runs that wait above. */
    release: () => { if (held.peek().size > 0) held.value = new Set(); },
  };
}

/**
 * Rows that say the same stay the same, so that nothing of them is drawn anew.
 * @param {Run[]} known
 * @param {Run[]} rows
 */
function same(known, rows) {
  const before = new Map(known.map((run) => [run.id, run]));
  return rows.map((run) => {
    const old = before.get(run.id);
    return old && JSON.stringify(old) === JSON.stringify(run) ? old : run;
  });
}
