// The plans that are in use: those of templates and of the latest runs. All others are found by their digest.
// @ts-check
import { each, html } from "../core/html.js";
import { plain, plural, shortID } from "../core/format.js";
import { computed } from "../core/signal.js";
import { part } from "../data/api.js";
import { collect } from "../data/collect.js";
import { knownPlans } from "../data/plans.js";
import { resource } from "../data/resource.js";
import { isTurn } from "../data/run-events.js";
import { empty } from "../parts/empty.js";
import { loaded } from "../parts/error.js";
import { pageHead } from "../parts/page.js";
import { sign, stateOf } from "../parts/status.js";
import { timeAgo } from "../parts/time.js";

/** Runs whose plans are listed. */
const runsMax = 200;

/** The page. */
export default function plansPage() {
  const templates = resource(() => "/v1/templates", { every: 15_000, fetch: collect("templates") });
  const runs = resource(() => `/v1/runs?limit=${runsMax}`, { on: isTurn, every: 15_000, gapMilliseconds: 2000 });
  const rows = computed(() => knownPlans(templates.data.value?.templates ?? [], runs.data.value?.runs ?? []));
  const isNone = () => rows.value.length === 0 && templates.data.value !== null;
  return html`<div class="page">${pageHead({
    title: () => "Plans",
    note: html`<span class="muted">${() => (templates.data.value && runs.data.value && rows.value.length > 0
      ? `${plural(rows.value.length, "plan")} of templates and of the newest ${runsMax} runs` : "")}</span>`,
    actions: html`<a class="button" href="/ui/templates">Templates</a>`,
  })}
  ${loaded(templates, () => null)}
  ${loaded(runs, () => html`
    ${() => (isNone() ? empty({ title: "No plans in use",
      text: "A plan is what a template or a run does: steps with checks. It is stored under the digest of what it "
        + "says, so it never changes; another text is another plan.",
      action: html`<a class="button is-primary" href="/ui/templates">Write a template</a>`,
      command: "opsroom run PLAN" }) : null)}
    <div class="table-wrap" hidden=${() => rows.value.length === 0}><table class="table">
      <thead><tr><th>Plan</th><th>Digest</th><th>Templates</th><th>Latest run</th></tr></thead>
      <tbody>${each(() => rows.value, (row) => row.digest, planRow)}</tbody></table></div>`)}
  </div>`;
}

/** @param {import("../core/signal.js").Signal<import("../data/plans.js").KnownPlan>} row */
function planRow(row) {
  const { digest } = row.peek();
  const href = `/ui/plans/${part(digest)}`;
  return html`<tr><td><a class="strong-link" href=${href}>${() => plain(row.value.name, 80)}</a></td>
    <td><code title=${digest}>${shortID(digest.replace("sha256:", ""))}</code></td>
    <td>${() => (row.value.templates.length === 0 ? html`<span class="muted">–</span>`
      : row.value.templates.slice(0, 3).map((name, at) => html`${at > 0 ? ", " : ""}<a
        href=${`/ui/templates/${part(name)}`}>${plain(name, 64)}</a>`))}${() => (row.value.templates.length > 3
      ? html` <span class="muted">and ${row.value.templates.length - 3} more</span>` : null)}</td>
    <td>${() => (row.value.last ? html`<a class="row" href=${`/ui/runs/${part(row.value.last.id)}`}>${sign(() =>
      row.value.last.status)}${stateOf(row.value.last.status).word}<span class="muted">${timeAgo(() =>
      row.value.last?.enqueued_at)}</span></a>` : html`<span class="muted">none lately</span>`)}</td></tr>`;
}
