// The list of schedules: what runs when, and what was dropped.
// @ts-check
import { now } from "../../core/clock.js";
import { each, html } from "../../core/html.js";
import { ago, moment, plain } from "../../core/format.js";
import { bind } from "../../core/keys.js";
import { navigate, query, setQuery } from "../../core/router.js";
import { computed } from "../../core/signal.js";
import { part } from "../../data/api.js";
import { collect } from "../../data/collect.js";
import { mayRun } from "../../data/me.js";
import { resource } from "../../data/resource.js";
import { empty } from "../../parts/empty.js";
import { loaded } from "../../parts/error.js";
import { icon } from "../../parts/icon.js";
import { menuButton } from "../../parts/menu.js";
import { more, total } from "../../parts/more.js";
import { pageHead } from "../../parts/page.js";
import { chip } from "../../parts/status.js";
import { backfill, erase, isTriggering, pauseOrResume, trigger } from "./actions.js";
import { openScheduleForm } from "./form.js";

export function schedulesList() {
  const list = resource(() => "/v1/schedules", { every: 10_000, fetch: collect("schedules") });
  const create = (/** @type {string} */ template = "") => {
    if (mayRun.peek()) openScheduleForm({ template, done: (row) => navigate(`/ui/schedules/${part(row.name)}`) });
  };
  const text = () => (query.value.get("q") ?? "").toLowerCase();
  const shown = computed(() => (list.data.value?.schedules ?? []).filter((/** @type {any} */ row) =>
    `${row.name} ${row.title} ${row.template ?? ""} ${row.session} ${row.rules.join(" ")}`.toLowerCase().includes(
      text())));
  /** @type {HTMLInputElement} */
  let search;
  bind("/", "Filter schedules", () => search.focus());
  bind("n", "New schedule", () => create());
  const wanted = query.peek().get("new");
  if (wanted !== null) {
    queueMicrotask(() => {
      setQuery({ new: null });
      create(wanted === "1" ? "" : wanted);
    });
  }
  return html`<div class="page schedules-page">${pageHead({
    title: () => "Schedules",
    note: html`<span class="muted">${() => (list.data.value ? total(list.data.value, "schedule") : "")}</span>`,
    actions: html`<input class="input filter-input" type="search" placeholder="Filter" aria-label="Filter schedules"
        ref=${(/** @type {any} */ made) => { search = made; }} .value=${() => query.value.get("q") ?? ""}
        @input=${(/** @type {any} */ event) => setQuery({ q: event.target.value })}>
      <button class="button is-primary" disabled=${() => !mayRun.value} @click=${() => create()}>${icon("plus")}New
        schedule</button>`,
  })}
  ${loaded(list, (data) => html`${() => (data.value.schedules.length === 0 ? empty({
      title: "Nothing begins by itself yet",
      text: "A schedule makes runs of a template at times you name: a cron expression by a zone's clocks, or an "
        + "interval.",
      action: html`<button class="button" disabled=${() => !mayRun.value} @click=${() => create()}>New
        schedule</button>`,
      command: "opsroom schedules create nightly --template backup --cron '0 3 * * *'",
    }) : null)}
    <div class="table-wrap" hidden=${() => data.value.schedules.length === 0}><table class="table">
      <thead><tr><th>Name</th><th>State</th><th>Ticks</th><th>Next</th><th class="is-wide-only">Runs</th>
        <th class="is-wide-only">Where</th><th class="is-number is-wide-only">Dropped</th>
        <th class="is-actions"><span class="sr">Actions</span></th></tr></thead>
      <tbody>${each(() => shown.value, (row) => row.id, (row) => scheduleRow(row, () => list.refresh()))}</tbody>
        </table></div>
    ${() => more(data.value, "schedule")}
    ${() => (data.value.schedules.length > 0 && shown.value.length === 0 ? html`<p class="muted">No schedule fits the
      filter.
      <button class="button is-small" @click=${() => setQuery({ q: null })}>Clear it</button></p>` : null)}`)}
  </div>`;
}

/**
 * How a schedule stands, as the word of a state.
 * @param {any} row
 */
export const standing = (row) => (row.paused ? "paused" : row.next_at ? "active" : "completed");

/**
 * Where what a schedule runs is shown.
 * @param {any} row
 */
export const sourceAddress = (row) =>
  row.template ? `/ui/templates/${part(row.template)}` : `/ui/plans/${part(row.plan_digest)}`;

/**
 * What a schedule runs: its template, else its plan.
 * @param {any} row
 */
export const sourceName = (row) => plain(row.template ?? String(row.plan_digest).slice(7, 15), 64);

/** @param {import("../../core/signal.js").Signal<any>} row @param {() => void} refresh */
function scheduleRow(row, refresh) {
  const { name } = row.peek();
  const href = `/ui/schedules/${part(name)}`;
  return html`<tr>
    <td><a class="strong-link" href=${href}>${plain(name)}</a>
      ${() => (row.value.title ? html`<span class="muted is-wide-only"> ${plain(row.value.title, 80)}</span>` : null)}
        </td>
    <td>${chip(() => standing(row.value), () => (standing(row.value) === "completed" ? "Over" : ""))}</td>
    <td><code title=${() => row.value.zone}>${() => plain(row.value.rules.join(" · "), 60)}</code></td>
    <td class="num">${() => (row.value.paused || !row.value.next_at ? "–"
      : html`<span title=${moment(row.value.next_at, now.value)}>${ago(row.value.next_at, now.value)}</span>`)}</td>
    <td class="is-wide-only"><a class=${() => (row.value.template ? "" : "mono")}
      href=${() => sourceAddress(row.value)}>${() =>
      sourceName(row.value)}</a></td>
    <td class="is-wide-only"><a href=${() => `/ui/sessions/${part(row.value.session)}`}>${() =>
      plain(row.value.session, 40)}</a>
      <span class="muted">· ${() => plain(row.value.lane, 20)}</span></td>
    <td class="is-number is-wide-only">${() => row.value.dropped.count || html`<span class="muted">0</span>`}</td>
    <td class="is-actions"><span class="row">
      <button class="button is-small" disabled=${() => !mayRun.value || isTriggering(row.value)}
        aria-label=${`Run ${plain(name)} now`} @click=${(/** @type {Event} */ event) =>
          trigger(row.peek(), event)}>${icon("play")}Run now</button>
      ${menuButton({ label: `More for ${plain(name)}`, items: () => {
        const isDisabled = !mayRun.peek();
        return [
          { text: row.peek().paused ? "Resume" : "Pause…", icon: row.peek().paused ? "play" : "pause", isDisabled,
            run: () => pauseOrResume(row.peek(), refresh) },
          { text: "Edit…", icon: "edit", isDisabled, run: () => openScheduleForm({ row: row.peek(), done: refresh }) },
          { text: "Make up ticks of the past…", icon: "clock", isDisabled, run: () => backfill(row.peek()) },
          null,
          { text: "Delete…", icon: "trash", isDangerous: true, isDisabled, run: () => erase(row.peek(), refresh) },
        ];
      } })}</span></td></tr>`;
}
