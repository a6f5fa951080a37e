// Something that is fetched, shown, and fetched anew when events say that it may have changed.
// @ts-check
import { isVisible } from "../core/clock.js";
import { effect, onEnd, signal, untracked } from "../core/signal.js";
import { ApiError, get } from "./api.js";
import { gaps, listen } from "./stream.js";

/**
 * @template T
 * @typedef {{data: import("../core/signal.js").Signal<T | null>,
 *   error: import("../core/signal.js").Signal<ApiError | null>,
 *   isLoading: import("../core/signal.js").Signal<boolean>, refresh: () => Promise<void>,
 *   set: (value: T) => void}} Resource
 */

/**
 * Fetches what `path` names, again whenever it names something else, and when asked to.
 *
 * - `on`: whether an event may have changed it; then it is fetched anew, `gapMilliseconds` apart at least.
 * - `every`: milliseconds after which it is fetched anew in any case, while the tab can be seen.
 * - `isBackground`: goes on while the tab cannot be seen.
 * After a gap in the stream, and when the tab is seen again, it is fetched anew. A failure keeps what was
 * there, is told in `error`, and is tried again where that may help. Ends with the present owner.
 * @template [T=any]
 * @param {() => string | null} path `null` fetches nothing. What it reads is followed.
 * @param {{on?: (event: import("./stream.js").RunEvent) => boolean, every?: number, gapMilliseconds?: number,
 *   isBackground?: boolean, fetch?: (path: string, abort: AbortSignal) => Promise<any>}} options
 * @returns {Resource<T>}
 */
export function resource(path, { on, every, gapMilliseconds = 250, isBackground = false, fetch = fetchPath } = {}) {
  const data = signal(/** @type {T | null} */ (null));
  const error = signal(/** @type {ApiError | null} */ (null));
  const isLoading = signal(false);
  let current = /** @type {string | null} */ (null);
  /** @type {AbortController | null} */
  let running = null;
  let isDirty = false;
  let fetchedAt = 0;
  /** Until when the node asked to be left alone. */
  let notBefore = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isEnded = false;

  async function load() {
    if (current === null || isEnded) return;
    if (running) {
      isDirty = true;
      return;
    }
    const own = (running = new AbortController());
    clearTimeout(timer);
    isDirty = false;
    isLoading.value = true;
    const asked = current;
    try {
      const document = await fetch(asked, own.signal);
      if (own.signal.aborted) return;
      data.value = document;
      error.value = null;
      notBefore = 0;
      later(every);
    } catch (caught) {
      if (own.signal.aborted) return;
      error.value = caught instanceof ApiError ? caught : new ApiError(0, { detail: String(caught) });
      if (!(caught instanceof ApiError)) reportError(caught);
      const patience = 1000 * error.value.retryAfter;
      notBefore = performance.now() + patience;
      later(error.value.isTransient ? Math.max(2000, patience) : every);
    } finally {
      if (running === own) {
        running = null;
        isLoading.value = false;
        fetchedAt = performance.now();
        if (isDirty) soon();
      }
    }
  }

  /** @param {number | undefined} milliseconds */
  function later(milliseconds) {
    clearTimeout(timer);
    if (milliseconds !== undefined && !isEnded) timer = setTimeout(poll, milliseconds);
  }
  function poll() {
    if (isBackground || isVisible.peek()) load();
    else isDirty = true;
  }
  function soon() {
    if (isEnded) return;
    isDirty = true;
    if (!isBackground && !isVisible.peek()) return;
    clearTimeout(timer);
    timer = setTimeout(load, Math.max(0, Math.max(fetchedAt + gapMilliseconds, notBefore) - performance.now()));
  }

  effect(() => {
    const next = path();
    untracked(() => {
      if (next === current) return;
      running?.abort();
      running = null;
      isDirty = false;
      // With another query it is the same thing; under another path it is another one.
      if (next === null || next.split("?")[0] !== current?.split("?")[0]) data.value = null;
      current = next;
      error.value = null;
      load();
    });
  });
  let known = gaps.peek();
  effect(() => {
    if (gaps.value === known) return;
    known = gaps.peek();
    soon();
  });
  effect(() => {
    if (isVisible.value && isDirty) untracked(soon);
  });
  if (on) listen((event) => { if (on(event)) soon(); });
  onEnd(() => {
    isEnded = true;
    clearTimeout(timer);
    running?.abort();
  });
  return { data, error, isLoading, refresh: load, set: (value) => { data.value = value; } };
}

/** @param {string} path @param {AbortSignal} abort */
const fetchPath = (path, abort) => get(path, { signal: abort });
