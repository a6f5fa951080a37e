// A short table of runs, newest first, that follows what happens to them.
// @ts-check
import { each, html } from "../core/html.js";
import { plain, shortID } from "../core/format.js";
import { part } from "../data/api.js";
import { isTurn } from "../data/run-events.js";
import { resource } from "../data/resource.js";
import { empty } from "./empty.js";
import { loaded } from "./error.js";
import { chip } from "./status.js";
import { elapsed, timeAgo } from "./time.js";

/** @param {{path: () => string | null, all?: string, emptyText: string}} options */
export function recentRuns({ path, all, emptyText }) {
  const runs = resource(path, { on: isTurn, every: 10_000, gapMilliseconds: 1000 });
  return html`<div class="stack">${loaded(runs, (data) => html`${() => (data.value.runs.length === 0
    ? empty({ title: "No runs", text: emptyText }) : null)}
    <div class="table-wrap" hidden=${() => data.value.runs.length === 0}><table class="table"><thead><tr><th>Run</th>
      <th>State</th>
      <th class="is-wide-only">Where</th><th>Queued</th><th class="is-number">Took</th>
        <th class="is-wide-only">Failure</th></tr></thead>
      <tbody>${each(() => data.value.runs, (run) => run.id, (run) => html`<tr>
        <td><a class="mono" href=${`/ui/runs/${run.peek().id}`}>${shortID(run.peek().id)}</a></td>
        <td>${chip(() => run.value.status)}</td>
        <td class="is-wide-only"><a href=${() => `/ui/sessions/${part(run.value.session)}`}>${() =>
          plain(run.value.session, 40)}</a>
          <span class="muted">· ${() => plain(run.value.lane, 40)}</span></td>
        <td>${timeAgo(() => run.value.enqueued_at)}</td>
        <td class="is-number">${elapsed(() => run.value.started_at, () => run.value.finished_at)}</td>
        <td class="is-wide-only muted"><span class="clip is-failure"
          title=${() => plain(run.value.failure ?? "")}>${() => plain(run.value.failure ?? "")}</span></td></tr>`)}
            </tbody>
    </table></div>
    ${all ? html`<p hidden=${() => data.value.runs.length === 0}><a href=${all}>All of them</a></p>` : null}`)}</div>`;
}
