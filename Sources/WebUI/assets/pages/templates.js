// The list of templates: what they stand for, how their latest runs came out, and how to make one.
// @ts-check
import { each, html } from "../core/html.js";
import { count, plain, plural } from "../core/format.js";
import { bind } from "../core/keys.js";
import { navigate, query, setQuery } from "../core/router.js";
import { computed, signal } from "../core/signal.js";
import { get, part, remove } from "../data/api.js";
import { collect } from "../data/collect.js";
import { mayRun } from "../data/me.js";
import { isTurn } from "../data/run-events.js";
import { resource } from "../data/resource.js";
import { confirm, openDialog } from "../parts/dialog.js";
import { empty } from "../parts/empty.js";
import { loaded } from "../parts/error.js";
import { textField } from "../parts/field.js";
import { icon } from "../parts/icon.js";
import { menuButton } from "../parts/menu.js";
import { pageHead } from "../parts/page.js";
import { sign, stateOf } from "../parts/status.js";
import { timeAgo } from "../parts/time.js";
import { openRunDialog } from "../parts/run-dialog.js";

/** Signs of latest runs in a row. */
const signsMax = 6;
/** Templates that are asked for one by one. */
const rareMax = 40;

export default function templatesPage() {
  const list = resource(() => "/v1/templates", { every: 15_000, fetch: collect("templates") });
  const recent = resource(() => "/v1/runs?limit=200", {
    on: isTurn, every: 15_000, gapMilliseconds: 2000,
  });
  // Those that ran long ago are asked for one by one, seldom: the latest runs of all may be of one busy template.
  const rare = resource(() => {
    const busy = new Set((recent.data.value?.runs ?? []).map((/** @type {any} */ run) => run.template));
    const names = (list.data.value?.templates ?? []).map((/** @type {any} */ row) => row.name)
      .filter((/** @type {string} */ name) => !busy.has(name)).slice(0, rareMax);
    return recent.data.value && names.length > 0 ? names.join(" ") : null;
  }, { every: 60_000, fetch: async (names, abort) => {
    const found = await Promise.all(names.split(" ").map(async (name) =>
      [name, (await get(`/v1/runs?template=${part(name)}&limit=${signsMax}`, { signal: abort })).runs]));
    return { byName: Object.fromEntries(found) };
  } });
  const latest = computed(() => {
    /** @type {Map<string, any[]>} */
    const map = new Map();
    for (const run of recent.data.value?.runs ?? []) {
      if (!run.template) continue;
      const runs = map.get(run.template) ?? [];
      if (runs.length < signsMax) map.set(run.template, [...runs, run]);
    }
    for (const [name, runs] of Object.entries(rare.data.value?.byName ?? {})) if (!map.has(name)) map.set(name, runs);
    return map;
  });
  const text = () => (query.value.get("q") ?? "").toLowerCase();
  const shown = computed(() => (list.data.value?.templates ?? []).filter((/** @type {any} */ row) =>
    `${row.name} ${row.title} ${row.plan}`.toLowerCase().includes(text())));
  /** @type {HTMLInputElement} */
  let search;
  bind("/", "Filter templates", () => search.focus());
  bind("n", "New template", () => { if (mayRun.peek()) newTemplate(); });

  return html`<div class="page">${pageHead({
    title: () => "Templates",
    note: html`<span class="muted">${() => { const data = list.data.value;
      return !data ? "" : data.is_more ? `${count(data.templates.length)}+ templates`
        : plural(data.templates.length, "template"); }}</span>`,
    actions: html`<input class="input filter-input" type="search" placeholder="Filter" aria-label="Filter templates"
        ref=${(/** @type {any} */ made) => { search = made; }} .value=${() => query.value.get("q") ?? ""}
        @input=${(/** @type {any} */ event) => setQuery({ q: event.target.value })}>
      <button class="button is-primary" hidden=${() => list.data.value?.templates.length === 0}
        disabled=${() => !mayRun.value} title=${() => (mayRun.value ? null : needsRun)}
        @click=${newTemplate}>${icon("plus")}New template</button>`,
  })}
  ${loaded(list, (data) => html`${() => data.value.templates.length === 0 ? empty({
      title: "No templates yet",
      text: "A template is a name for a plan: steps with checks, written as YAML. People and schedules run it "
        + "by its name.",
      action: html`<button class="button is-primary" disabled=${() => !mayRun.value}
        title=${() => (mayRun.value ? null : needsRun)} @click=${newTemplate}>${icon("plus")}New template</button>`,
    }) : null}
    ${() => (data.value.templates.length > 0 && shown.value.length === 0 ? html`<section class="empty">
      <h2>No template fits
      “${plain(text(), 60)}”</h2><button class="button" @click=${() => setQuery({ q: null })}>Clear the
        filter</button></section>` : null)}
    <div class="table-wrap" hidden=${() => shown.value.length === 0}><table class="table templates-table">
      <thead><tr><th>Name</th><th class="is-wide-only">Title</th><th class="is-wide-only">Plan</th>
        <th class="is-number is-wide-only">Revision</th><th class="is-wide-only">Stored</th><th>Latest runs</th>
        <th class="is-actions"><span class="sr">Actions</span></th></tr></thead>
      <tbody>${each(() => shown.value, (row) => row.name, (row) => templateRow(row,
        () => latest.value.get(row.value.name) ?? [], list))}</tbody>
    </table></div>
    ${() => (data.value.is_more ? html`<p class="muted">These are the first ${count(data.value.templates.length)}
      by name.</p>` : null)}`)}
  </div>`;
}

const needsRun = "Your token may only read; this needs the scope run";

/**
 * @param {import("../core/signal.js").Signal<any>} row @param {() => any[]} runs
 * @param {import("../data/resource.js").Resource<any>} list
 */
function templateRow(row, runs, list) {
  const { name } = row.peek();
  const href = `/ui/templates/${part(name)}`;
  return html`<tr>
    <td><a class="strong-link" href=${href}>${plain(name)}</a></td>
    <td class="is-wide-only">${() => plain(row.value.title) || html`<span class="muted">–</span>`}</td>
    <td class="is-wide-only"><a href=${() => `/ui/plans/${part(row.value.plan_digest)}`}>${() =>
      plain(row.value.plan)}</a></td>
    <td class="is-number is-wide-only">${() => row.value.revision}</td>
    <td class="is-wide-only">${timeAgo(() => row.value.stored_at)}</td>
    <td><span class="run-signs">${each(runs, (run) => run.id, (run) => html`<a class="run-sign"
      href=${`/ui/runs/${run.peek().id}`}
        aria-label=${() => `Run ${run.value.id.slice(0, 8)}: ${stateOf(run.value.status).word}`}>${sign(() =>
          run.value.status)}</a>`)}
      ${() => (runs().length === 0 ? html`<span class="muted">none yet</span>` : null)}</span></td>
    <td class="is-actions"><span class="row">
      <button class="button is-small" disabled=${() => !mayRun.value} title=${() => (mayRun.value ? null : needsRun)}
        aria-label=${`Run ${plain(name)}`} @click=${() => openRunDialog({ template: name })}>${icon("play")}Run</button>
      ${menuButton({ label: `More for ${plain(name)}`, items: () => [
        { text: "Edit", icon: "edit", href: `${href}?tab=edit` },
        { text: "Versions", icon: "clock", href: `${href}?tab=versions` },
        { text: "Its runs", icon: "runs", href: `/ui/runs?template=${part(name)}` },
        null,
        { text: "Delete…", icon: "trash", isDangerous: true, isDisabled: !mayRun.peek(), why: mayRun.peek()
          ? undefined : needsRun,
          run: async () => { if (await deleteTemplate(row.peek())) list.refresh(); } },
      ] })}</span></td></tr>`;
}

/**
 * Asks, and deletes a template.
 * @param {any} row
 */
export const deleteTemplate = (row) => confirm({
  title: `Delete the template ${plain(row.name)}?`,
  text: "The name stands for nothing afterwards; schedules that use it make no runs. Its versions and its runs stay.",
  verb: "Delete", isDangerous: true,
  work: () => remove(`/v1/templates/${part(row.name)}`, { headers: { "if-match": `"${row.revision}"` } }),
});

/** Asks for the name of a new one; it is written in the editor. */
function newTemplate() {
  const name = signal("");
  const isWrong = () => name.value !== "" && !/^[A-Za-z0-9_.-]{1,64}$/.test(name.value);
  openDialog({
    title: "New template",
    body: (dialog) => html`<form class="dialog-form" @submit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      if (!name.peek() || isWrong()) return;
      dialog.close();
      navigate(`/ui/templates/${part(name.peek())}?tab=edit&new=1`);
    }}>
      ${textField({ label: "Name", value: name, isMono: true, isRequired: true, isFirst: true, placeholder: "deploy",
        hint: "People and schedules call it by this name.",
        error: () => (isWrong() ? "Letters, digits, “_”, “.” and “-”, at most 64." : "") })}
      <footer class="dialog-foot"><button type="button" class="button" @click=${dialog.close}>Back</button>
        <button class="button is-primary" disabled=${() => !name.value || isWrong()}>Write it</button></footer></form>`,
  });
}
