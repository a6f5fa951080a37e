// Dead letters: runs that failed for good and wait for a person, sent again or put aside.
// @ts-check
import { each, html } from "../../core/html.js";
import { plain, plural, shortID } from "../../core/format.js";
import { signal } from "../../core/signal.js";
import { make, post } from "../../data/api.js";
import { collect } from "../../data/collect.js";
import { mayRun } from "../../data/me.js";
import { isTurn } from "../../data/run-events.js";
import { resource } from "../../data/resource.js";
import { confirm } from "../../parts/dialog.js";
import { empty } from "../../parts/empty.js";
import { loaded } from "../../parts/error.js";
import { textField } from "../../parts/field.js";
import { timeAgo } from "../../parts/time.js";
import { attempt, say } from "../../parts/toast.js";
import { isRepeated, underWay } from "../../parts/under-way.js";

/** Rows that are shown; the list of runs has all of them. */
const rowsMax = 200;

export function dead() {
  const list = resource(() => "/v1/dead", {
    on: isTurn, every: 30_000, gapMilliseconds: 2000, fetch: collect("runs", rowsMax),
  });
  const redriving = underWay();
  const redrive = async (/** @type {any} */ run, /** @type {Event} */ event) => {
    // Rows move up when one goes: the second of a double press is another row's.
    if (!isRepeated(event)) await redriving.run(run.id, () => sendAgain(run.id, () => list.refresh()));
  };
  const discard = async (/** @type {any} */ run) => {
    const note = signal("");
    const isDone = await confirm({
      title: `Put ${shortID(run.id)} aside?`, verb: "Put aside",
        text: "Nothing more is done about it. The run stays as it is, with your note.",
      body: () => textField({ label: "Why", value: note, isFirst: true, placeholder: "Done by hand; ticket 4711" }),
      work: () => post(`/v1/dead/${run.id}/discard`, note.peek() ? { note: note.peek() } : {}),
    });
    if (isDone) list.refresh();
  };
  return html`<section class="stack"><div class="row"><h2>Dead letters</h2><span class="grow"></span>
      <a class="button" href="/ui/runs?status=dead">Choose among them</a></div>
    <p class="muted">Runs that failed for good. Sent again, a run goes on from what did not succeed; put aside, it is
      off this list.</p>
    ${loaded(list, (data) => html`${() => (data.value.runs.length === 0 ? empty({ title: "Nothing is left lying",
        text: "No run that failed waits for a decision.", command: "opsroom dead list" }) : null)}
      <div class="table-wrap" hidden=${() => data.value.runs.length === 0} tabindex="0" role="region"
        aria-label="Dead letters"><table class="table"><thead><tr>
        <th>Run</th><th>Of</th><th class="is-wide-only">Where</th><th>Failed</th><th>Why</th>
          <th class="is-actions"><span class="sr">Actions</span></th></tr></thead>
        <tbody>${each(() => data.value.runs, (run) => run.id, (run) => html`<tr>
          <td><a class="mono" href=${`/ui/runs/${run.peek().id}`}>${shortID(run.peek().id)}</a></td>
          <td>${() => plain(run.value.template ?? run.value.plan, 60)}</td>
          <td class="is-wide-only">${() => plain(run.value.session, 40)} <span class="muted">·</span> ${() =>
            plain(run.value.lane, 40)}</td>
          <td>${timeAgo(() => run.value.finished_at)}</td>
          <td><span class="clip is-failure" title=${() => plain(run.value.failure ?? "")}>${() =>
            plain(run.value.failure ?? "")}</span></td>
          <td class="is-actions"><span class="row"><button class="button is-small"
            disabled=${() => !mayRun.value || redriving.has(run.value.id)} aria-label=${`Send ${run.peek().id} again`}
            @click=${(/** @type {Event} */ event) => redrive(run.peek(), event)}>Send again</button><button class="button is-small"
              disabled=${() => !mayRun.value}
            aria-label=${`Put ${run.peek().id} aside`} @click=${() => discard(run.peek())}>Put aside…</button></span>
              </td></tr>`)}</tbody></table></div>
      ${() => (data.value.is_more ? html`<p class="muted">These are the newest ${plural(rowsMax, "run")}. <a
        href="/ui/runs?status=dead">All of them</a></p>` : null)}`)}
  </section>`;
}

/** @param {string} run @param {() => Promise<void>} done */
async function sendAgain(run, done) {
  if (!await attempt(() => make(`/v1/dead/${run}/redrive`, {}))) return;
  say("It runs again, from what did not succeed.", { href: `/ui/runs/${run}`, text: "Show the run" });
  await done();
}
