// Metrics: how runs came out, how long they took and waited, by lane and by template.
// @ts-check
import { html } from "../core/html.js";
import { count, duration, fullMoment, plain } from "../core/format.js";
import { bind } from "../core/keys.js";
import { navigate, query, setQuery } from "../core/router.js";
import { computed } from "../core/signal.js";
import { url } from "../data/api.js";
import { resource } from "../data/resource.js";
import { chart } from "../leaves/chart.js";
import { empty } from "../parts/empty.js";
import { loaded, once } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { pageHead } from "../parts/page.js";
import { laneTable, queueTable, templateTable, total } from "./metrics/tables.js";

/** Lengths of time, in hours. */
const spans = /** @type {[string, string][]} */ ([["1", "1 hour"], ["6", "6 hours"], ["24", "24 hours"],
  ["168", "7 days"]]);
const outcomes = /** @type {[string, string, string][]} */ ([
  ["succeeded", "Succeeded", "succeeded"], ["failed", "Failed", "failed"], ["timed_out", "Timed out", "retrying"],
  ["cancelled", "Cancelled", "cancelled"],
]);

export default function metricsPage() {
  const hours = computed(() => spans.find(([id]) => id === query.value.get("hours"))?.[0] ?? "24");
  const named = () => ({ session: query.value.get("session"), lane: query.value.get("lane"),
    template: query.value.get("template") });
  const stats = resource(() => url("/v1/stats", { hours: hours.value, ...named() }), {
    every: 30_000, gapMilliseconds: 5000, on: (event) => ["run.succeeded", "run.failed", "run.cancelled",
      "run.timed_out"].includes(event.type),
  });
  spans.forEach(([id, word], index) => bind(String(index + 1), `Metrics of ${word}`, () => setQuery({ hours: id })));
  /**
   * A list of the runs that a number counts: those of the very time that it tells of.
   * @param {Record<string, string | null>} filter
   */
  const runs = (filter) => url("/ui/runs", { ...named(), by: "finished", ...spanOf(stats.data.value), ...filter });
  // A queue is a lane's, of all templates.
  const hasQueue = () => !named().template;
  const queueOf = () => url("/ui/runs", { session: named().session, lane: named().lane, status: "queued" });
  const pickRuns = (/** @type {number} */ from, /** @type {number} */ to) => navigate(url("/ui/runs", {
    ...named(), by: "finished", from: new Date(from).toISOString(), to: new Date(to).toISOString(),
  }));
  return html`<div class="page metrics-page">${pageHead({
    title: () => "Metrics",
    note: html`${Object.keys(named()).map((name) => () => {
      const value = query.value.get(name);
      return value ? html`<button class="tag is-filter" aria-label=${`Take the filter ${name} ${plain(value)} away`}
        @click=${() => setQuery({ [name]: null })}>${
        name}: ${plain(value, 40)}${icon("close")}</button>` : null;
    })}`,
    actions: html`<div class="segments" role="group" aria-label="Time">${spans.map(([id, word]) => html`<button
      aria-pressed=${() => String(hours.value === id)} @click=${() => setQuery({ hours: id })}>${word}</button>`)}
        </div>`,
  })}
  ${loaded(stats, (data) => html`<div class="stack metrics">
    ${() => (data.value.is_partial ? html`<div class="stale-strip" role="status">${icon("warning")}<span>${
      reach(data.value)} Choose a shorter time, or a lane or template.</span></div>` : null)}
    ${() => (data.value.is_sampled ? html`<p class="muted">Times are those of a sample, spread evenly over the
      runs that ended; counts are of all of them.</p>` : null)}
    ${() => (total(sum(data.value.buckets)) === 0 && (!hasQueue() || data.value.queue.length === 0) ? empty({
      title: "Nothing ended in this time", text: "Runs are counted when they end. Choose a longer time, or start one.",
      action: html`<a class="button" href="/ui/templates">To the templates</a>` }) : null)}
    ${figures(data, runs, hasQueue, queueOf)}
    <div class="metrics-charts">
      ${chart({ title: "Runs that ended", kind: "bars", unit: "count", format: count, onPick: pickRuns,
        pickTitle: "Click shows them",
        data: () => series(data.value, outcomes.map(([name, word, tone]) => ({ member: name, name: word, tone }))) })}
      ${chart({ title: "How long they took", kind: "lines", unit: "duration", format: duration, onPick: pickRuns,
        pickTitle: "Click shows them",
        data: () => series(data.value, [{ member: "run_p50_ms", name: "Half within", tone: "running" },
          { member: "run_p95_ms", name: "95 % within", tone: "blocked", isDashed: true }]) })}
      ${chart({ title: "How long they waited", kind: "lines", unit: "duration", format: duration, onPick: pickRuns,
        pickTitle: "Click shows them",
        data: () => series(data.value, [{ member: "wait_p50_ms", name: "Half within", tone: "running" },
          { member: "wait_p95_ms", name: "95 % within", tone: "waiting", isDashed: true }]) })}
      <section class="chart"><div class="chart-head"><h2>Queued now</h2></div>${once(hasQueue,
        () => queueTable(() => data.value.queue, () => data.value.queue_is_more),
        () => html`<p class="muted">Queues are counted by lane, whatever template their runs are of: take the template
          away to see them.</p>`)}
        </section>
    </div>
    <h2>By lane</h2>${laneTable(() => data.value.lanes, () => data.value.lanes_is_more, runs)}
    <h2>By template</h2>${templateTable(() => data.value.templates,
      () => data.value.templates_is_more, runs)}
  </div>`)}</div>`;
}

/**
 * @param {any} stats
 * @param {{member: string, name: string, tone: string, isDashed?: boolean}[]} wanted
 * @returns {import("../leaves/chart.js").ChartData}
 */
const series = (stats, wanted) => ({
  at: stats.buckets.map((/** @type {any} */ bucket) => Date.parse(bucket.at)), bucketMilliseconds: stats.bucket_ms,
  series: wanted.map(({ member, ...rest }) => ({ ...rest, values: stats.buckets.map((/** @type {any} */ bucket) =>
    bucket[member]) })),
});

/**
 * The time that the figures are of, as the list of runs has it.
 * @param {any} stats
 */
function spanOf(stats) {
  if (!stats) return {};
  const first = stats.buckets.find((/** @type {any} */ bucket) => bucket.succeeded !== null);
  return { from: first?.at ?? stats.from, to: stats.to };
}

/**
 * How far back the figures go where they do not go all the way.
 * @param {any} stats
 */
function reach(stats) {
  const first = stats.buckets.find((/** @type {any} */ bucket) => bucket.succeeded !== null);
  if (!first) return "More runs ended than can be counted in time.";
  return first === stats.buckets[0] ? "Not all figures could be told in time."
    : `More runs ended than can be counted in time: figures are of those since ${fullMoment(first.at)}.`;
}

/**
 * All buckets as one; of those that were not reached nothing is known.
 * @param {any[]} buckets
 */
function sum(buckets) {
  const all = { succeeded: 0, failed: 0, cancelled: 0, timed_out: 0 };
  for (const bucket of buckets) for (const name of /** @type {("succeeded")[]} */ (Object.keys(
    all))) all[name] += bucket[name] ?? 0;
  return all;
}

/**
 * @param {import("../core/signal.js").Readable<any>} data
 * @param {(filter: Record<string, string | null>) => string} runs
 * @param {() => boolean} hasQueue Whether what is queued is told. @param {() => string} queueOf Its list.
 */
function figures(data, runs, hasQueue, queueOf) {
  const all = computed(() => sum(data.value.buckets));
  const share = () => {
    const ended = all.value.succeeded + all.value.failed + all.value.timed_out;
    return ended === 0 ? "–" : `${((100 * all.value.succeeded) / ended).toFixed(ended > 999 ? 2 : 1).replace(/\.0+$/,
      "")} %`;
  };
  const queued = () => data.value.queue.reduce((/** @type {number} */ sum_,
    /** @type {any} */ one) => sum_ + one.queued, 0);
  const isMore = () => data.value.queue_is_more
    || data.value.queue.some((/** @type {any} */ one) => one.queued_is_more);
  const oldest = () => Math.max(0, ...data.value.queue.map((/** @type {any} */ one) => one.oldest_ms));
  /** @param {string} name @param {any} value @param {() => string | null} [href] @param {string} [tone] @param {string} [hint] */
  const figure = (name, value, href, tone = "", hint = "") => html`<div class="figure" title=${hint || null}><span
    class="muted">${name}</span>${href
    ? html`<a class=${() => `figure-value ${value() === "0" ? "" : tone}`} href=${href}>${value}</a>` : html`<span
      class="figure-value">${value}</span>`}</div>`;
  return html`<section class="figures" aria-label="In all">
    ${figure("Ended", () => count(total(all.value)), () => runs({ status: "ended" }))}
    ${figure("Success rate", share, undefined, "", "Of those that were not cancelled")}
    ${figure("Failed", () => count(all.value.failed + all.value.timed_out),
      () => runs({ status: "failed,timed_out" }), "is-failure")}
    ${figure("Cancelled", () => count(all.value.cancelled), () => runs({ status: "cancelled" }))}
    ${once(hasQueue, () => html`${figure("Queued now", () => `${count(queued())}${isMore() ? "+" : ""}`, queueOf, "",
      "Ready for their lanes; what is paused or for later is not counted")}
    ${figure("Oldest of them", () => (queued() === 0 ? "–" : `${duration(oldest())}${isMore() ? "+" : ""}`))}`)}
  </section>`;
}
