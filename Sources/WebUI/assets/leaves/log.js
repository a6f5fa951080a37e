// The viewer of a run's log: all of its lines, however many, live, searched by the node, with places to link to.
// @ts-check
import { count, plain, plural } from "../core/format.js";
import { html } from "../core/html.js";
import { bind } from "../core/keys.js";
import { leaf } from "../core/leaf.js";
import { fragment, navigate, path, query } from "../core/router.js";
import { computed, effect, onEnd, signal, untracked } from "../core/signal.js";
import { part } from "../data/api.js";
import { finder } from "../data/find.js";
import { read as readAddress, write as writeAddress } from "../data/log-address.js";
import { Ranges } from "../data/ranges.js";
import { gaps, listen, watch } from "../data/stream.js";
import { copy } from "../parts/copy.js";
import { icon } from "../parts/icon.js";
import { errorPanel, sentence } from "../parts/error.js";
import { attempt } from "../parts/toast.js";
import { askLine, logBar } from "./log/bar.js";
import { copyLines, downloads } from "./log/export.js";
import { drawRow, makeRow } from "./log/row.js";
import { Rows } from "./log/rows.js";
import { hasTimes, isWrapped, logState } from "./log/state.js";
import { LogStore } from "./log/store.js";

/**
 * @typedef {{run: () => string | null, status: () => string, steps: () => {id: string, attempts?: any}[],
 *   isDock?: boolean, step?: () => string | null, onStep?: (step: string | null) => void}} LogOptions
 */

/** States of a run in which lines may still come. */
const active = new Set(["queued", "claimed", "running", "waiting", "retrying", "paused"]);
/** Looks at a log that may grow, where the stream says nothing. */
const pollMilliseconds = 5000;

/**
 * The log of a run. Filters, search and the line are in the address, unless `isDock`.
 * @param {LogOptions} options `step` and `onStep`: whoever keeps the chosen step; else it is `?step=`.
 */
function body(options) {
  // Lives and ends with the run it shows.
  const run = computed(options.run);
  return html`<div class=${`log-place${options.isDock ? " is-dock" : ""}`}>${() => {
    const id = run.value;
    return id ? untracked(() => view(id, options)) : null;
  }}</div>`;
}

export const logView = leaf("oc-log", body);

/** @param {string} run @param {LogOptions} options */
function view(run, options) {
  const state = logState({ isDock: Boolean(options.isDock), step: options.step, onStep: options.onStep });
  const store = new LogStore(run);
  const isActive = computed(() => active.has(options.status()));
  const stepsText = computed(() => JSON.stringify(options.steps().map(({ id, attempts }) => ({ id, attempts:
    Array.isArray(attempts) ? attempts.length : Number(attempts ?? 1) }))));
  const steps = computed(() => /** @type {{id: string, attempts: number}[]} */ (JSON.parse(stepsText.value)));
  const isFollowing = signal(isActive.peek() || ["failed", "timed_out"].includes(options.status()));
  const isFull = signal(false);
  /** The found line one is at. */
  const current = signal(/** @type {number | null} */ (null));
  const chosen = signal(/** @type {{first: number, last: number} | null} */ (null));
  /**
   * A line to go to as soon as it is known.
   * @type {number | null}
   */
  let pending = null;
  const note = signal("");
  /** Lines when it was last at the end. */
  const seenTotal = signal(0);
  let shown = new Ranges();
  const shownCount = signal(0);
  const find = computed(() => {
    const search = state.search.value;
    if (!search) return null;
    const { text, isExpression, ignoresCase } = JSON.parse(search);
    return { look: finder(text, { isExpression, ignoresCase }) };
  });

  const rows = new Rows({
    label: "Lines of the log",
    make: makeRow,
    draw: (drawn) => drawRow(drawn, {
      lineAt: (row) => shown.at(row),
      known: (line) => store.lines.get(line),
      address: (line) => `/ui/runs/${part(run)}${options.isDock ? "" : location.search}#L${line}`,
      marks: (line, text) => {
        const wanted = untracked(() => find.value);
        const found = wanted ? wanted.look?.(text) ?? null : [];
        return found ?? (store.hits.has(line.line) ? null : []);
      },
      isCurrent: (line) => current.peek() === line,
      isChosen: (line) => chosen.peek() !== null && line >= (chosen.peek()?.first ?? 0) && line <=
        (chosen.peek()?.last ?? 0),
      hasSources: () => untracked(() => steps.value.length > 1 && !state.step.value),
    }),
    onWindow: (first, last) => store.want(shown, first, last, state.isOnly.peek() ? state.around.peek() : null),
    onScrolledUp: () => { isFollowing.value = false; },
    onEnd: () => { isFollowing.value = true; },
  });
  onEnd(() => rows.end());

  const follow = () => {
    isFollowing.value = true;
    rows.toEnd();
  };
  /** @param {number} line @param {"center" | "nearest"} [where] */
  const goTo = (line, where = "center") => {
    isFollowing.value = false;
    if (!store.isLoaded.peek() || line > store.total.peek()) {
      pending = line;
      if (store.isCounted.peek()) note.value = `The log has ${plural(store.total.peek(), "line")}.`;
      return;
    }
    pending = null;
    note.value = shown.has(line) ? "" : `Line ${count(line)} is hidden by the filter.`;
    rows.jump(shown.placeOf(line), where);
  };
  /** @param {1 | -1} by */
  const step = (by) => {
    const from = current.peek() ?? ((shown.at(rows.anchor.row) ?? 1) - (by > 0 ? 1 : 0));
    const { hits } = store;
    const next = by > 0 ? hits.next(from) ?? hits.at(0) : hits.previous(from) ?? hits.at(hits.count - 1);
    if (next === null) return;
    current.value = next;
    goTo(next, "nearest");
    rows.redraw();
  };

  // What is asked for.
  effect(() => {
    const filter = state.filter.value;
    const search = state.search.value;
    untracked(() => {
      current.value = null;
      note.value = "";
      store.ask(filter ? JSON.parse(filter) : {}, search ? JSON.parse(search) : null);
    });
  });
  // What is shown of what is known.
  let wasOnly = "";
  let isReturn = false;
  effect(() => {
    store.changes.value;
    const isOnly = state.isOnly.value;
    const around = state.around.value;
    untracked(() => {
      const isOther = wasOnly !== `${isOnly} ${around} ${state.filter.value} ${state.search.value}`;
      const top = shown.at(rows.anchor.row);
      wasOnly = `${isOnly} ${around} ${state.filter.value} ${state.search.value}`;
      shown = isOnly ? (around ? store.hits.widened(around, store.total.peek()) : store.hits) : store.wanted;
      shownCount.value = shown.count;
      if (isFollowing.peek() && store.isLoaded.peek()) rows.isAtEnd = true;
      rows.setCount(shown.count);
      if (isOther) {
        rows.redraw();
        // Lines stay where they were when a filter comes or goes.
        if (top !== null && !isFollowing.peek() && pending === null) {
          pending = top;
          isReturn = true;
        }
      }
      if (pending !== null && store.isLoaded.peek() && pending <= store.total.peek() && shown.count > 0) {
        const wasReturn = isReturn;
        isReturn = false;
        if (wasReturn) rows.jump(shown.placeOf(/** @type {number} */ (pending)), "start");
        else goTo(pending);
        pending = null;
      }
      if (rows.isAtEnd) seenTotal.value = store.total.peek();
    });
  });
  effect(() => {
    store.arrivals.value;
    untracked(() => {
      rows.redraw(true);
      rows.onWindow(...windowOf(rows));
    });
  });
  effect(() => {
    find.value;
    store.changes.value;
    stepsText.value;
    untracked(() => rows.redraw());
  });
  effect(() => {
    rows.setWrapped(isWrapped.value);
    rows.scroller.classList.toggle("has-times", hasTimes.value);
  });
  effect(() => { rows.scroller.classList.toggle("has-sources", steps.value.length > 1 && !state.step.value); });

  // What comes.
  watch(run);
  listen((event) => {
    if (event.run === run && (event.type === "step.output" || event.type.startsWith("run."))) store.grow();
  });
  let known = gaps.peek();
  effect(() => {
    if (gaps.value !== known) store.grow();
    known = gaps.peek();
  });
  effect(() => {
    store.grow();
    if (!isActive.value) return;
    const timer = setInterval(() => store.grow(), pollMilliseconds);
    onEnd(() => clearInterval(timer));
  });

  places({ options, run, chosen, goTo, rows, state });
  keys({ follow, rows, goTo, step, bar: () => bar.focus(), isFull, store, isFollowing });

  const bar = logBar({
    state, steps: () => steps.value, step, follow,
    hits: () => (store.changes.value, store.hits.count),
    hitIndex: () => (store.changes.value, current.value !== null && store.hits.has(current.value)
      ? store.hits.placeOf(current.value) : -1),
    isSearching: () => store.isSearching.value, searchError: () => store.searchError.value,
    isFollowing: () => isFollowing.value, isActive: () => isActive.value,
    downloads: () => downloads({ run, state, store, shown: () => shown }),
    isFull: () => isFull.value, toggleFull: () => { isFull.value = !isFull.peek(); },
  });
  return html`<div class="log" class:is-full=${() => isFull.value}>
    ${bar.element}
    ${strips({ store, state, note, chosen, run, shownCount })}
    <div class="log-main">
      ${rows.scroller}
      ${() => blank({ store, state, shownCount, isActive })}
      ${() => (isActive.value && !isFollowing.value && store.total.value > seenTotal.value && seenTotal.value > 0
        ? html`<button type="button" class="button log-newer" @click=${follow}>${icon("down")}${
            plural(store.total.value - seenTotal.value, "new line")}</button>` : null)}
    </div>
    <footer class="log-foot muted small"><button type="button" class="log-count num" title="Go to line (:)"
      @click=${() =>
      askLine({ total: () => store.total.peek(), goTo })}>${() => plural(store.total.value, "line")}${() =>
        (store.isLoaded.value && !store.isCounted.value ? " and more" : "")}</button>${() =>
      (store.isLoaded.value && store.scannedTo >= 0 && isActive.value ? html`<span>${isFollowing.value ? "following"
        : "more may come"}</span>` : null)}
      <span class="grow"></span><span
        class="log-keys">f follow · / search · n next · w wrap · t times · F full screen</span></footer>
  </div>`;
}

/**
 * The rows that are drawn.
 * @param {Rows} rows
 * @returns {[number, number]}
 */
function windowOf(rows) {
  const drawn = [...rows.drawn.keys()];
  return drawn.length ? [Math.min(...drawn), Math.max(...drawn) + 1] : [0, 0];
}

/**
 * Lines in the address: to go to, and set by a click on a number.
 * @param {any} options
 */
function places({ options, run, chosen, goTo, rows, state }) {
  let own = "";
  if (!options.isDock) {
    effect(() => {
      const text = fragment.value;
      untracked(() => {
        const address = readAddress(text);
        chosen.value = address ? { first: address.first, last: address.last } : null;
        rows.redraw();
        if (!address || text === own) return;
        if (address.step !== null && state.step.peek() !== address.step) state.chooseStep(address.step);
        if (address.attempt !== null) state.write({ attempt: String(address.attempt) });
        goTo(address.first);
      });
    });
  }
  rows.scroller.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const link = /** @type {Element} */ (event.target).closest?.("a.log-number");
    if (!link || options.isDock || event.metaKey || event.ctrlKey || event.altKey || event.button !== 0) return;
    event.preventDefault();
    const line = Number(link.textContent);
    const before = event.shiftKey ? chosen.peek() : null;
    const first = before ? Math.min(before.first, line) : line;
    const last = before ? Math.max(before.first, line) : line;
    own = writeAddress({ step: null, attempt: null, first, last });
    const text = query.peek().toString();
    navigate(`${path.peek()}${text ? `?${text}` : ""}#${own}`, { replace: true });
    if (event.shiftKey) getSelection()?.removeAllRanges();
  });
  void run;
}

/**
 * What the keyboard does.
 * @param {any} options
 */
function keys({ follow, rows, goTo, step, bar, isFull, store, isFollowing }) {
  const top = () => {
    isFollowing.value = false;
    rows.toStart();
  };
  const full = () => { isFull.value = !isFull.peek(); };
  bind("f", "Log: follow", () => {
    if (isFollowing.peek()) {
      isFollowing.value = false;
      rows.isAtEnd = false;
    } else follow();
  });
  bind("t", "Log: times", () => { hasTimes.value = !hasTimes.peek(); });
  bind("w", "Log: wrap lines", () => { isWrapped.value = !isWrapped.peek(); });
  bind("shift+f", "Log: full screen", full);
  bind("/", "Log: search all lines", bar);
  bind("n", "Log: next match", () => step(1));
  bind("shift+n", "Log: match before", () => step(-1));
  bind(":", "Log: go to line", () => askLine({ total: () => store.total.peek(), goTo }));
  bind("home", "Log: first line", top);
  bind("g g", "", top);
  bind("end", "Log: last line", follow);
  bind("shift+g", "", follow);
  effect(() => {
    if (!isFull.value) return;
    bind("escape", "Log: leave full screen", () => { isFull.value = false; });
  });
  // The browser's own search would find what is drawn only; with the log in focus it is the log's.
  rows.scroller.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "f") {
      event.preventDefault();
      event.stopPropagation();
      bar();
    }
  });
}

/**
 * What is to be said of the lines that are shown: hidden, chosen, not to be had.
 * @param {any} options
 */
function strips({ store, state, note, chosen, run, shownCount }) {
  const hidden = () => (store.changes.value, store.isLoaded.value && !state.isOnly.value && store.isFiltered
    ? store.total.value - store.wanted.count : 0);
  return html`
    ${() => (store.error.value && store.isLoaded.value ? html`<div class="log-strip is-warning"
      role="status">${icon("warning")}
      <span>Lines are missing: ${plain(sentence(store.error.value))} It is tried again by itself.</span></div>` : null)}
    ${() => (store.searchError.value ? html`<div class="log-strip is-warning" role="status">${icon("warning")}<span>${
      plain(sentence(store.searchError.value))} ${plain(store.searchError.value.next)}</span></div>` : null)}
    ${() => (state.isOnly.value ? html`<div class="log-strip" role="status"><span><b
      class="num">${count(shownCount.value)}</b> of ${
      count(store.total.value)} lines: only what the search finds</span><button type="button" class="button is-small"
        @click=${() => state.write({ only: null })}>Show all lines</button></div>` : null)}
    ${() => (hidden() > 0 ? html`<div class="log-strip" role="status"><span><b class="num">${count(hidden())}</b> ${
      hidden() === 1 ? "line" : "lines"} hidden by filter</span><button type="button" class="button is-small"
        @click=${state.clearFilter}>Clear</button></div>` : null)}
    ${() => (note.value ? html`<div class="log-strip" role="status"><span>${note.value}</span><button type="button"
      class="button is-small"
        @click=${() => { if (hidden() > 0) state.clearFilter(); note.value = ""; }}>${
          hidden() > 0 ? "Clear the filter" : "Close"}</button></div>` : null)}
    ${() => (chosen.value ? html`<div class="log-strip"><span>${chosen.value.first === chosen.value.last
        ? `Line ${count(chosen.value.first)}`
          : `Lines ${count(chosen.value.first)} to ${count(chosen.value.last)}`}</span>
      <button type="button" class="button is-small" @click=${() =>
        copy(location.href, "Link copied")}>${icon("link")}Copy link</button>
      <button type="button" class="button is-small" @click=${() =>
        attempt(() => copyLines(run, chosen.peek()))}>Copy text</button>
      <span class="grow"></span><button type="button" class="icon-button" aria-label="Choose no line" @click=${() => {
        const text = query.peek().toString();
        navigate(`${path.peek()}${text ? `?${text}` : ""}`, { replace: true });
      }}>${icon("close")}</button></div>` : null)}`;
}

/**
 * What stands where there are no lines.
 * @param {any} options
 */
function blank({ store, state, shownCount, isActive }) {
  if (!store.isLoaded.value) {
    return store.error.value ? html`<div class="log-blank">${errorPanel(store.error.value, () => store.grow(0))}</div>`
      : html`<div class="log-blank"><div class="placeholder" role="status"><span
        class="sr">Loading the log</span></div></div>`;
  }
  if (shownCount.value > 0) return null;
  if (store.total.value > 0) {
    if (store.isSearching.value) return null;
    return html`<div class="log-blank"><p>${state.isOnly.value ? "No line fits the search."
      : "No line fits the filter."}</p></div>`;
  }
  return html`<div class="log-blank"><p>${isActive.value ? "No output yet. Lines appear here as steps print them."
    : "The steps of this run printed nothing."}</p></div>`;
}
