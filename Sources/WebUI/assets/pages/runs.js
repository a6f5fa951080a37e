// The page of all runs: found by filters that stand in the address, chosen, acted upon, exported, followed live.
// @ts-check
import { present } from "../core/clock.js";
import { count, plural } from "../core/format.js";
import { html } from "../core/html.js";
import { bind } from "../core/keys.js";
import { path, query, setQuery } from "../core/router.js";
import { computed, effect, onEnd, signal, untracked } from "../core/signal.js";
import { url } from "../data/api.js";
import { me } from "../data/me.js";
import { resource } from "../data/resource.js";
import { ask, forBulk, fromText, isAny, isSaid, read, toText, write } from "../data/run-filter.js";
import { selectionOf } from "../data/run-selection.js";
import { openBulk } from "../parts/bulk-dialog.js";
import { empty } from "../parts/empty.js";
import { errorPanel, once, placeholder, sentence } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { pageHead } from "../parts/page.js";
import { byID, exportMax, openExport } from "./runs/export.js";
import { filterBar } from "./runs/filters.js";
import { rowsMax, runList } from "./runs/list.js";
import { begin, savedMenu } from "./runs/saved.js";
import { selectionBar } from "./runs/selection.js";
import { runTable } from "./runs/table.js";

/** How far down the page still counts as its top. */
const topPixels = 80;

export default function runsPage() {
  untracked(() => {
    const text = begin();
    if (text && !isSaid(query.peek())) setQuery(write(fromText(text)));
  });
  const text = computed(() => toText(read(query.value)));
  const filter = computed(() => fromText(text.value));
  const change = (/** @type {import("../data/run-filter.js").RunFilter} */ next) => setQuery(write(next));
  // A span that reaches back from now begins where it did when it was chosen: a list that loses rows
  // at its end while somebody reads it is of no use. The filters say so, and count it from now when they are told to.
  const turn = signal(0);
  const reckonedAt = computed(() => (turn.value, text.value, present()));
  const asked = computed(() => ask(filter.value, reckonedAt.value));
  effect(() => {
    // What does not go together was left out: the address says what is asked.
    const status = filter.value.status.join(",");
    const isSame = (query.value.get("status") ?? "") === status;
    if (!isSame && path.peek() === "/ui/runs") untracked(() => setQuery({ status }));
  });

  const isAtTop = signal(true);
  const list = runList(() => asked.value, () => isAtTop.peek());
  const selection = selectionOf();
  effect(() => {
    asked.value;
    untracked(() => selection.clear());
  });
  followScroll(isAtTop, list.release);

  const isRunEvent = (/** @type {any} */ event) => event.type.startsWith("run.") && event.type !== "run.progress";
  const counts = resource(() => url("/v1/counts", { session: filter.value.session }), { on: isRunEvent, every: 5000,
    gapMilliseconds: 1000 });
  const fitting = resource(() => url("/v1/runs", { ...asked.value, limit: 1, count: true }), { on: isRunEvent,
    every: 10_000, gapMilliseconds: 1500 });
  const everything = resource(() => (isAny(filter.value) ? null : "/v1/runs?limit=1&count=true"), { every: 30_000 });
  const fits = () => fitting.data.value?.count ?? null;

  const chosen = () => (selection.isAll.peek() ? asked.peek() : { run: [...selection.ids.peek()] });
  const chosenText = () => (selection.isAll.peek() ? `${many(fits())} that fit the filter`
    : `${plural(selection.ids.peek().size, "run")} that you selected`);
  const save = () => {
    const ids = selection.ids.peek();
    if (selection.isAll.peek() || ids.size === 0) return openExport([asked.peek()], `${many(fits())} that fit the filter`);
    openExport(byID([...ids], list.rows.peek() ?? []), plural(ids.size, "selected run"));
  };
  bind("e", "Export", save);
  return html`<div class="page runs-page">
    ${pageHead({
      title: () => "Runs",
      note: html`<span class="muted" role="status">${() => (list.rows.value && fits() ? many(fits()) : "")}</span>`,
      actions: html`${savedMenu(() => filter.value, (saved) => change(fromText(saved)))}
        <button class="button" title=${`All that fit, up to ${count(exportMax)}`}
          @click=${save}>${icon("download")} Export</button>
        <a class="button" href="/ui/bulk">Bulk actions</a>`,
    })}
    ${filterBar({ filter: () => filter.value, change, counts: () => counts.data.value,
      reckoned: { at: () => reckonedAt.value, anew: () => { turn.value += 1; } } })}
    ${() => hidden(filter.value, fits(), everything.data.value?.count, () => change(fromText("")))}
    <div class="runs-new" role="status">${() => (list.held.value.size === 0 ? null
      : html`<button class="button is-small" @click=${() => {
        list.release();
        document.getElementById("main")?.scrollTo({ top: 0 });
      }}>${icon("up")} ${plural(list.held.value.size, "new run")}</button>`)}</div>
    ${body(list, filter, selection, change)}
    ${selectionBar({
      selection, rows: () => list.rows.value ?? [], fitting: fits, save,
      act: (action) => openBulk({ action, filter: forBulkOf(chosen()), chosen: chosenText(),
        done: () => selection.clear() }),
    })}
  </div>`;
}

/** @param {any} members */
const forBulkOf = (members) => (Array.isArray(members.run) ? members : forBulk(members));

/** @param {{runs: number, exact: boolean} | null | undefined} fits */
const many = (fits) => (!fits ? "all runs"
  : `${count(fits.runs)}${fits.exact ? "" : "+"} ${fits.runs === 1 ? "run" : "runs"}`);

/**
 * The rows, or why there are none.
 * @param {ReturnType<typeof runList>} list
 * @param {import("../core/signal.js").Readable<import("../data/run-filter.js").RunFilter>} filter
 * @param {ReturnType<typeof selectionOf>} selection
 * @param {(filter: import("../data/run-filter.js").RunFilter) => void} change
 */
function body(list, filter, selection, change) {
  const hasRows = () => (list.rows.value?.length ?? 0) > 0;
  return html`
    ${() => {
      const error = list.error.value;
      if (!error) return null;
      if (!list.rows.peek()) return errorPanel(error, () => list.refresh());
      return html`<div class="stale-strip" role="status">${icon("warning")} Not up to date: ${sentence(error)}</div>`;
    }}
    ${once(hasRows, () => html`<div class="table-wrap runs-wrap">${runTable({
      rows: list.rows, fresh: list.fresh, selection,
      narrow: (members) => change({ ...filter.peek(), ...members }),
    })}</div>`)}
    ${() => {
      if (list.rows.value === null) return list.error.value ? null : placeholder();
      return list.rows.value.length === 0 ? nothing(isAny(filter.value), list.next.value !== null,
        () => change(fromText(""))) : null;
    }}
    <div class="runs-more">${() => {
      if (list.next.value === null || !list.rows.value) return null;
      if (list.rows.value.length >= rowsMax) {
        return html`<p
          class="muted">${count(rowsMax)} runs are shown. Narrow the filter to see older ones, or export them.</p>`;
      }
      return html`<button class="button" disabled=${() => list.isLoading.value} @click=${list.more}>${
        list.rows.value.length === 0 ? "Search further back" : "Load more"}</button>`;
    }}</div>`;
}

/**
 * Why the list is empty.
 * @param {boolean} isAll
 * @param {boolean} hasMore
 * @param {() => void} clear
 */
function nothing(isAll, hasMore, clear) {
  if (isAll) {
    return empty({
      title: "No runs yet",
        text: "A run is one execution of a plan. Start one of a template, or from the command line.",
      action: html`<a class="button is-primary" href="/ui/templates">Choose a template</a>`,
        command: "opsroom run PLAN",
    });
  }
  return empty({
    title: hasMore ? "Nothing found so far" : "No run is like that",
    text: hasMore ? "The newest runs have none that fits; older ones were not looked at yet."
      : "Take away a part of the filter; what ended long ago may not be kept any more.",
    action: html`<button class="button" @click=${clear}>Clear the filter</button>`,
  });
}

/**
 * How many the filter hides, so that nobody takes them for gone.
 * @param {import("../data/run-filter.js").RunFilter} filter @param {{runs: number, exact: boolean} | null} fits
 * @param {{runs: number, exact: boolean} | undefined} all @param {() => void} clear
 */
function hidden(filter, fits, all, clear) {
  if (isAny(filter)) return null;
  const away = fits && all ? all.runs - fits.runs : null;
  if (away !== null && away <= 0 && all?.exact) return null;
  const text = away === null || away <= 0 ? "Others are hidden by the filter"
    : `${all?.exact && fits?.exact ? "" : "More than "}${count(away)} hidden by the filter`;
  return html`<p class="runs-hidden muted">${text} – <button class="link-button" @click=${clear}>clear</button></p>`;
}

/**
 * Whether the page's top is seen: then new runs come in from above.
 * @param {import("../core/signal.js").Signal<boolean>} isAtTop @param {() => void} release
 */
function followScroll(isAtTop, release) {
  const main = document.getElementById("main");
  const look = () => {
    isAtTop.value = (main?.scrollTop ?? 0) < topPixels;
    if (isAtTop.peek()) release();
  };
  main?.addEventListener("scroll", look, { passive: true });
  onEnd(() => main?.removeEventListener("scroll", look));
  // Who signs in anew looks at the beginning.
  effect(() => { if (me.value) untracked(look); });
}
