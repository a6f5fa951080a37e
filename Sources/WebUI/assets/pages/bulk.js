// Actions on many runs: the list of them, and one with its progress, its results and their reasons.
// @ts-check
import { count, plain, plural, shortID } from "../core/format.js";
import { each, html } from "../core/html.js";
import { isVisible } from "../core/clock.js";
import { query, setQuery } from "../core/router.js";
import { computed, effect, onEnd, signal, untracked } from "../core/signal.js";
import { get, part, post, url } from "../data/api.js";
import { mayRun } from "../data/me.js";
import { resource } from "../data/resource.js";
import { read, toText } from "../data/run-filter.js";
import { shownState } from "../data/run-list.js";
import { actionOf } from "../parts/bulk-dialog.js";
import { confirm } from "../parts/dialog.js";
import { empty } from "../parts/empty.js";
import { errorPanel, loaded } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { pageHead } from "../parts/page.js";
import { chip, sign, stateOf } from "../parts/status.js";
import { elapsed, timeAgo } from "../parts/time.js";

/** How often an action under way is looked at. */
const pollMilliseconds = 700;
/** How often the results of one kind are fetched while it works: each of their pages may change. */
const kindMilliseconds = 2000;
/** How long the present state of a run, whose result is known, is shown before it is asked for again. */
const presentMilliseconds = 4500;
const pageRows = 100;
/** What can come of a run, with the tone it is drawn in. */
const results = [
  { name: "ok", word: "Done", tone: "succeeded", sign: "✓" }, { name: "skipped", word: "Left alone",
    tone: "cancelled", sign: "→" },
  { name: "failed", word: "Failed", tone: "failed", sign: "✕" }, { name: "pending", word: "To do", tone: "queued",
    sign: "○" },
];

/** @param {import("../core/router.js").PageContext} context */
export default function bulkPage({ params }) {
  return params.id ? onePage(params.id) : listPage();
}

function listPage() {
  const cursors = signal(/** @type {(string | null)[]} */ ([null]));
  const list = resource(() => url("/v1/bulk", { limit: 50, cursor: cursors.value[cursors.value.length - 1] }),
    { every: 2000 });
  return html`<div class="page">
    ${pageHead({ title: () => "Bulk actions", actions: html`<a class="button"
      href="/ui/runs">${icon("runs")} Runs</a>` })}
    ${loaded(list, (data) => html`
      <div class="table-wrap" hidden=${() => data.value.bulk.length === 0}><table class="table">
        <thead><tr><th>Action</th><th>State</th><th class="is-number">Runs</th><th class="is-number">Done</th>
          <th class="is-number">Left alone</th><th class="is-number">Failed</th><th>By</th><th
            class="is-number">When</th></tr></thead>
        <tbody>${each(() => data.value.bulk, (/** @type {any} */ one) => one.id, (one) => html`<tr>
          <td><a class="bulk-name" href=${`/ui/bulk/${one.peek().id}`}>${icon(actionOf(one.peek().action).icon)}
            ${actionOf(one.peek().action).verb} #${one.peek().id}</a></td>
          <td>${chip(() => stateName(one.value), () => stateWord(one.value))}</td>
          <td class="is-number">${() => count(one.value.progress.total)}</td><td
            class="is-number">${() => count(one.value.progress.ok)}</td>
          <td class="is-number">${() => count(one.value.progress.skipped)}</td><td
            class="is-number">${() => count(one.value.progress.failed)}</td>
          <td class="clip">${() => plain(one.value.by, 60)}</td><td
            class="is-number">${timeAgo(() => one.value.created_at)}</td></tr>`)}</tbody>
      </table></div>
      ${() => (data.value.bulk.length > 0 ? null : empty({
        title: "No actions on many runs yet",
          text: "Select runs in the list, or all that fit a filter, and cancel, retry, pause or resume them at once.",
        action: html`<a class="button is-primary" href="/ui/runs">To the runs</a>`,
          command: "opsroom bulk cancel --filter status=queued",
      }))}
      <div class="actions">
        <button class="button" hidden=${() => cursors.value.length === 1}
          @click=${() => { cursors.value = cursors.peek().slice(0, -1); }}>${icon("left")} Newer</button>
        <button class="button" hidden=${() => !data.value.next} @click=${() => { cursors.value = [...cursors.peek(),
          data.peek().next]; }}>Older ${icon("right")}</button>
      </div>`)}
  </div>`;
}

/** @param {any} bulk */
const stateName = (bulk) => (bulk.status === "completed" && bulk.progress.failed > 0 ? "failed" : bulk.status);
/** @param {any} bulk */
const stateWord = (bulk) => {
  if (bulk.status === "running") return "Under way";
  if (bulk.status === "cancelled") return "Stopped";
  return bulk.progress.failed > 0 ? "Done, with failures" : "Done";
};

/** @param {string} id */
function onePage(id) {
  const one = resource(() => `/v1/bulk/${part(id)}`, { every: 30_000 });
  const isUnderWay = computed(() => one.data.value?.status === "running");
  effect(() => {
    // The next one is asked for when the last one came.
    if (!isUnderWay.value || !isVisible.value || one.isLoading.value) return;
    const timer = setTimeout(one.refresh, pollMilliseconds);
    onEnd(() => clearTimeout(timer));
  });
  const title = () => (one.data.value
    ? `${actionOf(one.data.value.action).verb} ${plural(one.data.value.progress.total, "run")}` : "Bulk action");
  return html`<div class="page">
    ${pageHead({
      title,
      note: html`<span>${() => (one.data.value ? chip(() => stateName(one.data.value), () => stateWord(one.data.value)) : null)}</span>`,
      actions: html`${() => (isUnderWay.value && mayRun.value ? html`<button class="button is-danger"
        @click=${() => stop(id, one)}>${icon("stop")} Stop the action</button>` : null)}
        ${() => listLink(one.data.value)}<a class="button" href="/ui/bulk">All actions</a>`,
    })}
    ${loaded(one, (data) => html`<div class="stack bulk-one">
      ${progress(() => data.value)}
      ${facts(() => data.value)}
      ${resultList(id, () => data.value, () => isUnderWay.value)}
    </div>`)}
  </div>`;
}

/**
 * The list of the runs that the action's filter means, where it was made by a filter.
 * @param {any} bulk
 */
function listLink(bulk) {
  if (!bulk || bulk.filter.run) return null;
  const members = new URLSearchParams();
  for (const [name,
    value] of Object.entries(bulk.filter)) members.set(name, Array.isArray(value) ? value.join(",") : String(value));
  for (const by of ["enqueued", "finished"]) {
    for (const [end, word] of [["after", "from"], ["before", "to"]]) {
      const at = members.get(`${by}_${end}`);
      if (at) members.set(word, at);
      if (at && by === "finished") members.set("by", by);
    }
  }
  if (members.get("quiet") === "true") members.set("quiet", "1");
  // What they were is what the action has changed.
  members.delete("status");
  const text = toText(read(members));
  return html`<a class="button" href=${text
    ? `/ui/runs?${text}` : "/ui/runs"}>${icon("runs")} The runs in the list</a>`;
}

/** @param {() => any} bulk */
function progress(bulk) {
  const share = (/** @type {string} */ name) => (bulk().progress.total === 0 ? 0 : (100 * bulk().progress[name]) / bulk().progress.total);
  const worked = () => bulk().progress.total - bulk().progress.pending;
  return html`<section class="bulk-progress" aria-label="Progress">
    <div class="bulk-bar" role="progressbar" aria-label="Runs that were looked after" aria-valuemin="0"
      aria-valuemax=${() => bulk().progress.total}
      aria-valuenow=${worked}>${results.filter((one) => one.name !== "pending").map((one) =>
        html`<span class=${`tone-${one.tone}`} style:--share=${() => String(share(one.name))}></span>`)}</div>
    <div class="bulk-numbers">${results.map((one) => html`<span><strong class=${() => (bulk().progress[one.name] > 0
      ? `tone-${one.tone}` : null)}>${() =>
      count(bulk().progress[one.name])}</strong> <span class="muted">${one.word.toLowerCase()}</span></span>`)}</div>
  </section>`;
}

/** @param {() => any} bulk */
function facts(bulk) {
  const filter = () => Object.entries(bulk().filter).map(([name, value]) =>
    name === "run"
      ? `${plural(Number(value), "run")} selected by hand` : `${name}: ${[value].flat().join(", ")}`);
  return html`<dl class="facts">
    <dt>Which runs</dt><dd>${() => plain(filter().join(" · ") || "all", 600)}</dd>
    <dt>Reason</dt><dd>${() => plain(bulk().reason || "none was given", 600)}</dd>
    <dt>By</dt><dd>${() => plain(bulk().by, 100)}, ${timeAgo(() => bulk().created_at)}</dd>
    <dt>Took</dt><dd>${elapsed(() => bulk().created_at, () => bulk().ended_at)}</dd>
  </dl>`;
}

/**
 * What came of each run, by state; page by page.
 * @param {string} id @param {() => any} bulk @param {() => boolean} isUnderWay
 */
function resultList(id, bulk, isUnderWay) {
  const state = () => { const wanted = query.value.get("state");
    return results.some((one) => one.name === wanted) ? wanted : null; };
  const pages = signal(1);
  effect(() => {
    state();
    untracked(() => { pages.value = 1; });
  });
  const list = resource(() => url(`/v1/bulk/${part(id)}/runs`, { state: state(), limit: pageRows,
    pages: pages.value }), {
    every: 5000, fetch: pagesOf(isUnderWay),
  });
  let seen = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  onEnd(() => clearTimeout(timer));
  effect(() => {
    // As long as it works, the results are fetched when its numbers have changed.
    const now = JSON.stringify(bulk().progress);
    if (seen && now !== seen) timer ??= setTimeout(() => {
      timer = undefined;
      list.refresh();
    }, untracked(() => state() && isUnderWay()) ? kindMilliseconds : 0);
    seen = now;
  });
  const number = (/** @type {string} */ name) => count(name ? bulk().progress[name] : bulk().progress.total);
  return html`<section class="section" aria-label="Results">
    <div class="tabs" role="tablist" aria-label="Results">${[{ name: "", word: "All" }, ...results].map((one) =>
      html`<button class="tab" role="tab"
      aria-selected=${() => String((state() ?? "") === one.name)} aria-controls="bulk-results"
      @click=${() => setQuery({ state: one.name || null })}>${one.word}
      <span class="muted">${() => number(one.name)}</span></button>`)}</div>
    <div id="bulk-results" role="tabpanel" aria-label="Runs">
      ${() => (list.error.value ? errorPanel(list.error.value, () => list.refresh()) : null)}
      ${() => (list.data.value?.runs.length === 0 ? html`<p
        class="muted">${isUnderWay() ? "None yet." : "None."}</p>` : null)}
      <div class="table-wrap" hidden=${() => !list.data.value?.runs.length}><table class="table">
        <thead><tr><th>Run</th><th>Result</th><th>Now</th><th>Why</th></tr></thead>
        <tbody>${each(() => list.data.value?.runs, (/** @type {any} */ item) => item.run, resultRow)}</tbody>
      </table></div>
      <button class="button" hidden=${() => !list.data.value?.next}
        @click=${() => { pages.value += 1; }}>Load more</button>
    </div>
  </section>`;
}

/** @param {import("../core/signal.js").Signal<any>} item */
function resultRow(item) {
  const result = () => results.find((one) => one.name === item.value.state) ?? results[3];
  return html`<tr>
    <td><a href=${`/ui/runs/${part(item.peek().run)}`}>${() =>
      (item.value.document ? plain(item.value.document.plan, 80) : "Run")} <span
      class="mono muted">${shortID(item.peek().run)}</span></a></td>
    <td><span class=${() => `chip tone-${result().tone}`}><span class="sign"
      aria-hidden="true">${() => result().sign}</span>${() => result().word}</span></td>
    <td>${() => (item.value.document ? html`<span
      class="row">${sign(() => shownState(item.value.document))}
      ${stateOf(shownState(item.value.document)).word}</span>` : html`<span class="muted">–</span>`)}</td>
    <td class="muted">${() => plain(item.value.reason ?? "", 300)}</td></tr>`;
}

/**
 * Several pages of results as one, each run with how it stands now. A page whose results are all known is not asked
 * for again, only how its runs stand, and that more seldom.
 * @param {() => boolean} isUnderWay
 */
function pagesOf(isUnderWay) {
  /**
   * The pages by their addresses, as they were.
   * @type {Map<string, {answer: any, isFinal: boolean, documents: Map<string, any>, at: number}>}
   */
  let known = new Map();
  return async (/** @type {string} */ path, /** @type {AbortSignal} */ abort) => {
    const address = new URL(path, location.origin);
    const pages = Number(address.searchParams.get("pages"));
    const isOfAll = !address.searchParams.has("state");
    address.searchParams.delete("pages");
    const before = known;
    known = new Map();
    /** @type {any[]} */
    const runs = [];
    let next = /** @type {string | null} */ (null);
    for (let page = 0; page < pages; page += 1) {
      if (next) address.searchParams.set("cursor", next);
      const place = address.pathname + address.search;
      const old = before.get(place);
      let now = old;
      if (!now?.isFinal || performance.now() - now.at > presentMilliseconds) {
        const hasEnded = !isUnderWay();
        const answer = old?.isFinal ? old.answer : await get(place, { signal: abort });
        const ids = answer.runs.map((/** @type {any} */ item) => item.run);
        const found = ids.length === 0 ? { runs: [] }
          : await get(url("/v1/runs", { run: ids.join(","), limit: pageRows }), { signal: abort });
        now = { answer, at: performance.now(), documents: new Map(found.runs.map((/** @type {any} */ run) =>
          [run.id, run])), isFinal: hasEnded || (isOfAll && answer.runs.every((/** @type {any} */ item) =>
          item.state !== "pending")) };
      }
      known.set(place, now);
      const { answer, documents } = now;
      runs.push(...answer.runs.map((/** @type {any} */ item) => ({ ...item,
        document: documents.get(item.run) ?? null })));
      next = answer.next;
      if (!next) break;
    }
    return { runs, next };
  };
}

/** @param {string} id @param {import("../data/resource.js").Resource<any>} one */
const stop = (id, one) => confirm({
  title: "Stop the action?", verb: "Stop", isDangerous: true,
  text: "What is done stays done; the runs that are left stay as they are.",
  work: async () => {
    await post(`/v1/bulk/${part(id)}/cancel`);
    await one.refresh();
  },
});
