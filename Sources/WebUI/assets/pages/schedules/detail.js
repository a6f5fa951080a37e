// One schedule: when it ticks next, what it made, and how it is set.
// @ts-check
import { now } from "../../core/clock.js";
import { each, html } from "../../core/html.js";
import { ago, duration, moment, plain, plural, shortID } from "../../core/format.js";
import { bind } from "../../core/keys.js";
import { navigate } from "../../core/router.js";
import { get, part } from "../../data/api.js";
import { mayRun } from "../../data/me.js";
import { isTurn } from "../../data/run-events.js";
import { resource } from "../../data/resource.js";
import { loaded } from "../../parts/error.js";
import { icon } from "../../parts/icon.js";
import { menuButton } from "../../parts/menu.js";
import { pageHead } from "../../parts/page.js";
import { chip } from "../../parts/status.js";
import { elapsed, timeOf } from "../../parts/time.js";
import { backfill, erase, isTriggering, pauseOrResume, trigger } from "./actions.js";
import { openScheduleForm } from "./form.js";
import { sourceAddress, sourceName, standing } from "./list.js";

/** Runs that are shown. */
const runsMax = 20;

/** @param {string} name */
export function schedulePage(name) {
  const path = `/v1/schedules/${part(name)}`;
  const schedule = resource(() => path, { every: 5000, on: isTurn, gapMilliseconds: 1000 });
  const runs = runsResource(path);
  const row = () => schedule.data.value;
  const refresh = () => {
    schedule.refresh();
    runs.refresh();
  };
  const runNow = async (/** @type {Event} */ event) => {
    await trigger(row(), event);
    refresh();
  };
  const edit = () => openScheduleForm({ row: row(), done: (next) => {
    if (next.name !== name) navigate(`/ui/schedules/${part(next.name)}`, { replace: true });
    else schedule.set(next);
  } });
  const isOff = () => !mayRun.value || !row();
  bind("e", "Edit the schedule", () => { if (!isOff()) edit(); });
  bind("x", "Run it now", (event) => { if (!isOff()) runNow(event); });
  return html`<div class="page">${pageHead({
    title: () => plain(name, 64),
    note: html`${() => (row() ? chip(() => standing(row() ?? {}), () => (row() && standing(row()) === "completed"
      ? "Over" : "")) : null)}
      <span class="muted clip">${() => plain(row()?.title ?? "", 120)}</span>`,
    actions: html`<button class="button is-primary" disabled=${() => isOff() || isTriggering(row())}
      @click=${runNow}>${icon("play")}Run now</button>
      <button class="button" disabled=${isOff} @click=${() => pauseOrResume(row(), refresh)}>${() =>
        (row()?.paused ? html`${icon("play")}Resume` : html`${icon("pause")}Pause`)}</button>
      <button class="button" disabled=${isOff} @click=${edit}>${icon("edit")}Edit</button>
      ${menuButton({ label: "More", items: () => [
        { text: "Make up ticks of the past…", icon: "clock", isDisabled: isOff(), run: () => backfill(row()) },
        null,
        { text: "Delete…", icon: "trash", isDangerous: true, isDisabled: isOff(), run: () => erase(row()) },
      ] })}`,
  })}
  ${loaded(schedule, () => html`<div class="stack schedule-page">
    ${() => (row().paused ? html`<div class="stale-strip" role="status">${icon("pause")}<span>Paused by
      ${plain(row().paused.by)}
      ${ago(row().paused.at, now.value)}${row().paused.reason ? `: ${plain(row().paused.reason)}` : ""}. It makes no
        runs.</span></div>` : null)}
    <div class="columns">
      <section class="panel"><h2>How it is set</h2>${facts(row)}</section>
      <section class="panel"><h2>${() => (row().paused ? "Next ticks, once it is resumed" : "Next ticks")}</h2>${ticks(path, row)}</section>
    </div>
    <h2>Its runs</h2>${runsOf(runs)}</div>`)}
  </div>`;
}

/** @param {() => any} row */
const facts = (row) => html`<dl class="facts">
  <dt>Ticks</dt><dd>${() => row().rules.map((/** @type {string} */ rule) => html`<code>${plain(rule)}</code> `)}</dd>
  <dt>Zone</dt><dd>${() => plain(row().zone)}</dd>
  <dt>Runs</dt><dd><a href=${() => sourceAddress(row())}>${() => sourceName(row())}</a></dd>
  <dt>Where</dt><dd><a class="link" href=${() => `/ui/sessions/${part(row().session)}`}>${() =>
    plain(row().session)}</a> · lane ${() => plain(row().lane)}</dd>
  <dt>Inputs</dt><dd>${() => (Object.keys(row().inputs).length === 0 ? html`<span class="muted">the defaults</span>`
    : html`<code>${plain(JSON.stringify(row().inputs), 300)}</code>`)}</dd>
  <dt>While a run is open</dt><dd>${() => ({ skip: "the tick is dropped", queue: "it is queued behind",
    cancel: "the open one is cancelled" })[
    /** @type {"skip"} */ (row().overlap)]}</dd>
  <dt>Missed ticks</dt><dd>${() => ({ skip: "are dropped", latest: "get one run for all",
    all: `get a run each, up to ${row().catch_up_max}` })[
    /** @type {"skip"} */ (row().misfire)]}, ${() => duration(row().catch_up_ms)} back</dd>
  <dt>Spread</dt><dd>${() => (row().jitter_ms ? `up to ${duration(row().jitter_ms)}` : "none")}</dd>
  <dt>Between</dt><dd>${() => (row().start || row().end ? `${row().start ? moment(row().start)
    : "now"} and ${row().end ? moment(row().end) : "for ever"}`
    : "always")}</dd>
  <dt>Dropped</dt><dd>${() => (row().dropped.count === 0 ? "no tick so far"
    : `${plural(row().dropped.count, "tick")}, last ${ago(row().dropped.last_at,
      now.value)} (${plain(row().dropped.last_reason)})`)}</dd>
  <dt>Changed</dt><dd>${() => ago(row().updated_at, now.value)} by ${() => plain(row().changed_by)}</dd></dl>`;

/** @param {string} path @param {() => any} row */
function ticks(path, row) {
  const list = resource(() => (row() ? `${path}/preview?count=8&from=${encodeURIComponent(
    row().next_at ?? "")}`.replace(/&from=$/, "") : null),
    { every: 60_000 });
  return html`${loaded(list, (data) => html`<ol class="ticks">${each(() => data.value.ticks, (tick) => tick.tick,
    (tick) => html`<li class="row">
    <span class="num">${() => moment(tick.value.tick, now.value)}</span><span
      class="muted num">${() => plain(tick.value.local.replace("T", " ").replace(/:00(?=[+\-Z])/, " "))}</span><span
        class="grow"></span>
    <span class="muted">${() => ago(tick.value.tick, now.value)}</span></li>`)}${() =>
      (data.value.ticks.length === 0 ? html`<li class="muted">None: it is over.</li>` : null)}</ol>`)}`;
}

/**
 * The runs that a schedule made, each as it stands now.
 * @param {string} path
 */
const runsResource = (path) => resource(() => `${path}/runs?limit=${runsMax}`, {
  on: isTurn, every: 5000, gapMilliseconds: 1000,
  fetch: async (asked, abort) => {
    const page = await get(asked, { signal: abort });
    const stands = async (/** @type {any} */ tick) =>
      get(`/v1/runs/${tick.run}`, { signal: abort }).catch(() => ({ id: tick.run, status: "unknown" }));
    return { ...page, runs: await Promise.all(page.runs.map(async (/** @type {any} */ tick) =>
      ({ ...tick, ...(await stands(tick)) }))) };
  },
});

/** @param {import("../../data/resource.js").Resource<any>} list */
function runsOf(list) {
  return html`<div>${loaded(list, (data) => html`${() => (data.value.runs.length === 0
    ? html`<p class="muted">None yet. “Run now” makes one at once.</p>` : null)}
    <div class="table-wrap" hidden=${() => data.value.runs.length === 0}><table class="table"><thead><tr><th>Run</th>
      <th>State</th><th>Tick</th>
      <th class="is-wide-only">Begun</th><th class="is-number">Took</th><th class="is-wide-only">Failure</th></tr>
        </thead>
      <tbody>${each(() => data.value.runs, (run) => run.run, (run) => html`<tr>
        <td><a class="mono" href=${`/ui/runs/${run.peek().run}`}>${shortID(run.peek().run)}</a></td>
        <td>${chip(() => run.value.status)}</td>
        <td>${timeOf(() => run.value.tick)}${() => (run.value.manual ? html` <span class="tag">by hand</span>`
          : null)}</td>
        <td class="is-wide-only">${timeOf(() => run.value.started_at)}</td>
        <td class="is-number">${elapsed(() => run.value.started_at, () => run.value.finished_at)}</td>
        <td class="is-wide-only muted"><span class="clip is-failure">${() => plain(run.value.failure ?? "")}</span>
          </td></tr>`)}</tbody></table></div>`)}</div>`;
}
