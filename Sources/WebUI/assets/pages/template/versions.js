// What a template stood for: its versions, the difference between two, and going back to one.
// @ts-check
import { each, html } from "../../core/html.js";
import { count, plain, shortID } from "../../core/format.js";
import { query, setQuery } from "../../core/router.js";
import { computed, untracked } from "../../core/signal.js";
import { part, put } from "../../data/api.js";
import { collect } from "../../data/collect.js";
import { mayRun } from "../../data/me.js";
import { resource } from "../../data/resource.js";
import { confirm } from "../../parts/dialog.js";
import { loaded, once, placeholder } from "../../parts/error.js";
import { say } from "../../parts/toast.js";
import { timeAgo } from "../../parts/time.js";
import { diffOf, sourceOf } from "./source.js";

/**
 * @param {string} name
 * @param {import("../../data/resource.js").Resource<any>} template
 */
export function versionsTab(name, template) {
  const list = resource(() => `/v1/templates/${part(name)}/versions`, { fetch: collect("versions", 400) });
  const rows = () => list.data.value?.versions ?? [];
  /** The two that are compared: the newest two, until others are chosen. */
  const left = computed(() => Number(query.value.get("from")) || (rows()[1]?.revision ?? 0));
  const right = computed(() => Number(query.value.get("to")) || (rows()[0]?.revision ?? 0));
  const find = (/** @type {number} */ revision) => rows().find((/** @type {any} */ row) => row.revision === revision);
  const isCompared = computed(() => Boolean(find(left.value) && find(right.value)) && left.value !== right.value);
  const texts = resource(() => (isCompared.value
    ? `${left.value} ${right.value}` : null), {
    fetch: async () => Promise.all([sourceOf(name, find(left.peek()), left.peek()), sourceOf(name, find(right.peek()),
      right.peek())]),
  });
  const restore = (/** @type {any} */ row) => confirm({
    title: `Go back to revision ${row.revision}?`,
      text: "It becomes the newest revision; the present one stays in the list.", verb: "Go back",
    work: async () => {
      const source = await sourceOf(name, row, row.revision);
      const body = source.isStored ? { files: source.files, main: source.main } : { plan_digest: row.plan_digest };
      const next = await put(`/v1/templates/${part(name)}`, { ...body, title: row.title },
        { headers: { "if-match": `"${template.data.peek()?.revision}"` } });
      template.set(next);
      say(`Revision ${next.revision} is what revision ${row.revision} was.`);
      setQuery({ from: null, to: null });
      await list.refresh();
    },
  });
  return html`<div class="section">${loaded(list, () => html`<div class="stack">
    <div class="table-wrap is-short"><table class="table"><thead><tr><th class="is-number">Revision</th><th>From</th>
      <th>To</th><th>Plan</th>
      <th class="is-wide-only">Title</th><th>Stored</th><th class="is-actions"><span class="sr">Actions</span></th>
        </tr></thead>
      <tbody>${each(rows, (row) => row.revision, (row) => html`<tr>
        <td class="is-number">${() => row.value.revision}${() => (row.value.revision === template.data.value?.revision
          ? html` <span class="tag">present</span>` : null)}</td>
        ${["from", "to"].map((side) => html`<td><input type="radio" name=${`version-${side}`}
          aria-label=${() => `Compare ${side} revision ${row.value.revision}`} .checked=${() => (side === "from"
            ? left : right).value === row.value.revision}
          @change=${() => setQuery({ [side]: String(row.peek().revision) })}></td>`)}
        <td><a class="mono" href=${() => `/ui/plans/${part(row.value.plan_digest)}`}>${() =>
          shortID(row.value.plan_digest.replace("sha256:", ""))}</a></td>
        <td class="is-wide-only">${() => plain(row.value.title)}</td><td>${timeAgo(() => row.value.stored_at)}</td>
        <td class="is-actions"><button class="button is-small" disabled=${() => !mayRun.value
          || row.value.revision === template.data.value?.revision}
          aria-label=${() => `Go back to revision ${row.value.revision}`} @click=${() => restore(row.peek())}>Go back
            to it</button></td></tr>`)}</tbody></table></div>
    ${() => (list.data.value?.is_more ? html`<p class="muted">These are the newest ${count(rows().length)}; older
      ones are still stored.</p>` : null)}
    ${() => (rows().length < 2 ? html`<p class="muted">There is one version. The next one can be compared with it
      here.</p>`
      : left.value === right.value ? html`<p class="muted">Choose two different revisions to see what changed.</p>`
        : null)}
    ${once(() => isCompared.value, () => loaded(texts, () => html`<div>${() => {
      const two = texts.data.value;
      if (!two) return placeholder();
      return untracked(() => html`<div class="stack"><h2>Revision ${left.value} → ${right.value}</h2>${
        two[0].isStored && two[1].isStored ? null : html`<p class="muted">The text of one of them was not kept; its
          plan is shown instead.</p>`}${
        diffOf(two[0], two[1], [`revision ${left.peek()}`, `revision ${right.peek()}`])}</div>`);
    }}</div>`))}
  </div>`)}</div>`;
}
