// For how long ended runs and events are kept, how much there is, and what goes next.
// @ts-check
import { html } from "../../core/html.js";
import { bytes, count, moment, plain, plural } from "../../core/format.js";
import { signal } from "../../core/signal.js";
import { patch } from "../../data/api.js";
import { resource } from "../../data/resource.js";
import { goesAtOnce, isKeep } from "../../data/retention.js";
import { confirm } from "../../parts/dialog.js";
import { loaded } from "../../parts/error.js";
import { textField } from "../../parts/field.js";
import { say } from "../../parts/toast.js";

const kinds = /** @type {[string, string, string][]} */ ([
  ["runs", "Ended runs", "With their journals and artifacts."], ["events", "Events",
    "The lanes’ logs: what happened, and what steps printed."],
]);

export function retention() {
  const history = resource(() => "/v1/retention", { every: 30_000 });
  return html`<section class="stack"><h2>Retention</h2>
    <p class="muted">Whole days (UTC) that are older are dropped, within the hour. What still runs is never dropped.</p>
    ${loaded(history, (data) => html`<div class="columns">${kinds.map(([kind, name, text]) => html`<section
      class="panel stack">
      <div class="row"><h3>${name}</h3><span class="grow"></span>
        <button class="button is-small" aria-label=${`Change how long ${name.toLowerCase()} are kept`}
          @click=${() => change(kind, name, data.peek(), history)}>Change…</button></div>
      <p class="figure-value">${() => words(data.value[kind].keep)}</p><p class="muted">${text}</p>
      <dl class="facts"><dt>Rows</dt><dd class="num">${() => count(data.value[kind].rows)}</dd>
        <dt>On disk</dt><dd class="num">${() => bytes(data.value[kind].bytes)}</dd>
        <dt>Days</dt><dd>${() => (data.value[kind].days === 0
          ? "none" : `${data.value[kind].days}, ${data.value[kind].oldest} to ${data.value[kind].newest}`)}</dd>
        <dt>Next goes</dt><dd>${() => (data.value[kind].next_drop ? moment(data.value[kind].next_drop) : "nothing")}
          </dd></dl></section>`)}</div>`)}
    <p class="muted small">On the command line: <code>opsroom retention set --runs 90d --events 30d</code></p>
      </section>`;
}

/** @param {string} keep */
const words = (keep) => (keep === "forever" ? "Kept for ever" : /^\d+d$/.test(keep)
  ? `Kept for ${plural(Number.parseInt(keep, 10), "day")}` : keep);

/**
 * Asks for how long, tells what would go at once, and changes it.
 * @param {string} kind @param {string} name
 * @param {any} present
 * @param {import("../../data/resource.js").Resource<any>} history
 */
async function change(kind, name, present, history) {
  const keep = signal(present[kind].keep);
  const preview = signal(/** @type {any} */ (null));
  const isKnown = () => isKeep(keep.value);
  const seen = { headers: { "if-match": `"${present.revision}"` } };
  let turn = 0;
  const look = async () => {
    const own = (turn += 1);
    preview.value = null;
    if (!isKnown()) return;
    const answer = await patch("/v1/retention", { [kind]: keep.peek(), dry_run: true },
      seen).catch((error) => ({ error }));
    if (own === turn) preview.value = answer;
  };
  look();
  await confirm({
    title: `${name}: keep for how long?`, verb: "Keep it so", isDangerous: true,
    body: () => html`<div class="stack" @input=${look}>
      ${textField({ label: "Keep", value: keep, isMono: true, isFirst: true, placeholder: "30d",
        hint: "Whole days as 30d, or forever.",
        error: () => (isKnown() ? "" : "Whole days as 30d, or forever.") })}
      <p role="status">${() => {
        const answer = preview.value;
        if (!answer) return html`<span class="muted">${isKnown() ? "Looking what would go…" : ""}</span>`;
        if (answer.error) return plain(answer.error.message);
        const { isAny, text } = goesAtOnce(answer.drops, [kind]);
        return isAny ? html`<b>${text}</b>` : html`<span class="muted">${text}</span>`;
      }}</p></div>`,
    work: async () => {
      if (!isKnown()) throw new Error("say whole days, as 30d, or forever");
      history.set(await patch("/v1/retention", { [kind]: keep.peek() }, seen));
      say(`${name}: ${words(keep.peek()).toLowerCase()}.`);
    },
  });
}
