// The tables of the metrics page; their numbers lead to the runs that they count.
// @ts-check
import { each, html } from "../../core/html.js";
import { count, duration, plain } from "../../core/format.js";
import { query } from "../../core/router.js";
import { url } from "../../data/api.js";

/** @typedef {(filter: Record<string, string | null>) => string} RunsAddress */

/**
 * How many ended, of a bucket, a lane or a template.
 * @param {any} row
 */
export const total = (row) => row.succeeded + row.failed + row.cancelled + row.timed_out;

/** @param {() => any[]} rows @param {() => boolean} isMore @param {RunsAddress} runs */
export const laneTable = (rows, isMore, runs) => outcomeTable(rows, isMore, "Lane", (row) => `${row.session}/${row.lane}`,
  (row) => html`<a href=${() => url("/ui/metrics", { hours: query.value.get("hours"), session: row.value.session,
    lane: row.value.lane })}>${() =>
    plain(row.value.session, 60)} <span class="muted">·</span> ${() => plain(row.value.lane, 60)}</a>`,
  (row) => ({ session: row.session, lane: row.lane }), runs, "No run of a lane ended in this time.");

/** @param {() => any[]} rows @param {() => boolean} isMore @param {RunsAddress} runs */
export const templateTable = (rows, isMore, runs) => outcomeTable(rows, isMore, "Template",
  (row) => `${row.template ?? ""} ${row.plan}`,
  (row) => (row.peek().template ? html`<a href=${() => url("/ui/metrics", { hours: query.value.get("hours"),
    template: row.peek().template })}>${plain(row.peek().template, 60)}</a>`
    : html`${plain(row.peek().plan, 60)} <span class="muted">without a template</span>`),
  (row) => (row.template ? { template: row.template, plan: null } : { template: null, plan: row.plan }), runs,
    "No run ended in this time.");

/**
 * @param {() => any[]} rows @param {() => boolean} isMore Whether the node told only the first.
 * @param {string} head
 * @param {(row: any) => string} key
 * @param {(row: import("../../core/signal.js").Signal<any>) => any} name
 * @param {(row: any) => Record<string, string | null>} filter
 * @param {RunsAddress} runs
 * @param {string} nothing
 */
function outcomeTable(rows, isMore, head, key, name, filter, runs, nothing) {
  /**
   * @param {import("../../core/signal.js").Signal<any>} row
   * @param {(row: any) => number} value
   * @param {string} status
   */
  const number = (row, value, status, tone = "") => html`<td class="is-number"><a
    class=${() => (value(row.value) === 0 ? "muted" : tone)}
    href=${() => (value(row.value) === 0 ? null : runs({ ...filter(row.value), status }))}>${() =>
      count(value(row.value))}</a></td>`;
  /** @param {import("../../core/signal.js").Signal<any>} row @param {string} member */
  const time = (row, member) => html`<td class="is-number">${() => duration(row.value[member])}</td>`;
  return html`<div>${() => (rows().length === 0 ? html`<p class="muted">${nothing}</p>` : null)}
    <div class="table-wrap" hidden=${() => rows().length === 0} tabindex="0" role="region"
      aria-label=${`By ${head.toLowerCase()}`}><table class="table"><thead><tr><th>${head}</th>
      <th class="is-number">Ended</th><th class="is-number">Succeeded</th><th class="is-number">Failed</th>
        <th class="is-number">Cancelled</th>
      <th class="is-number">Half within</th><th class="is-number">95 % within</th>
        <th class="is-number">Waited, 95 % within</th></tr></thead>
    <tbody>${each(() => [...rows()].sort((a, b) => total(b) - total(a)), key, (row) => html`<tr><td>${name(row)}</td>
      ${number(row, total, "ended")}${number(row, (one) => one.succeeded, "succeeded")}
      ${number(row, (one) => one.failed + one.timed_out, "failed,timed_out", "is-failure")}
      ${number(row, (one) => one.cancelled, "cancelled")}
      ${time(row, "run_p50_ms")}${time(row, "run_p95_ms")}${time(row, "wait_p95_ms")}</tr>`)}</tbody></table></div>
    ${() => (isMore() ? html`<p class="muted small">The ${count(rows().length)} with most runs are shown; there are
      more.</p>` : null)}</div>`;
}

/** @param {() => any[]} rows @param {() => boolean} isMore Whether the node told only the first. */
export const queueTable = (rows, isMore) => html`<div>${() => (rows().length === 0 ? html`<p class="muted">No run waits for
  its lane.</p>` : null)}
  <div class="table-wrap is-short" hidden=${() => rows().length === 0} tabindex="0" role="region"
    aria-label="Queued now"><table class="table"><thead><tr>
    <th>Lane</th><th class="is-number">Queued</th><th class="is-number">Oldest waits</th></tr></thead>
    <tbody>${each(() => [...rows()].sort((a, b) => b.oldest_ms - a.oldest_ms), (row) => `${row.session}/${row.lane}`,
      (row) => html`<tr>
      <td>${() => plain(row.value.session, 60)} <span class="muted">·</span> ${() => plain(row.value.lane, 60)}</td>
      <td class="is-number"><a href=${() => url("/ui/runs", { session: row.value.session, lane: row.value.lane,
        status: "queued" })}>${() =>
        count(row.value.queued)}${() => (row.value.queued_is_more ? "+" : "")}</a></td>
      <td class="is-number">${() => duration(row.value.oldest_ms)}${() =>
        (row.value.queued_is_more ? "+" : "")}</td></tr>`)}</tbody></table></div>
  ${() => (isMore() ? html`<p class="muted small">${count(rows().length)} lanes are shown; more have something
    queued.</p>` : null)}</div>`;
