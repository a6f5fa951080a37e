// One template: its text with what the compiler finds in it, its plan, its versions and its runs.
// @ts-check
import { html } from "../core/html.js";
import { plain } from "../core/format.js";
import { bind } from "../core/keys.js";
import { navigate, query, setQuery } from "../core/router.js";
import { computed, untracked } from "../core/signal.js";
import { part } from "../data/api.js";
import { mayRun } from "../data/me.js";
import { resource } from "../data/resource.js";
import { errorPanel, placeholder, sentence } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { lazily } from "../parts/lazy.js";
import { menuButton } from "../parts/menu.js";
import { pageHead } from "../parts/page.js";
import { openRunDialog } from "../parts/run-dialog.js";
import { tabbed } from "../parts/tabs.js";
import { timeAgo } from "../parts/time.js";
import { editing } from "./template/editing.js";
import { deleteTemplate } from "./templates.js";

/** @param {import("../core/router.js").PageContext} context */
export default function templatePage({ params }) {
  const name = params.id;
  const path = `/v1/templates/${part(name)}`;
  const isNew = computed(() => query.value.get("new") === "1");
  const template = resource(() => (isNew.value ? null : path), { every: 15_000 });
  const row = () => template.data.value;
  const hasRow = computed(() => template.data.value !== null);
  const editor = editing({ name, isNew: () => isNew.value, row, saved: (next) => {
    template.set(next);
    if (isNew.peek()) setQuery({ new: null });
    template.refresh();
  } });
  /** Whether somebody has deleted it while it was looked at. */
  const isGone = computed(() => !isNew.value && template.error.value?.status === 404);
  const mayUse = () => mayRun.value && hasRow.value && !isGone.value;
  const run = () => openRunDialog({ template: name });
  const erase = async () => { if (await deleteTemplate(row())) navigate("/ui/templates"); };
  bind("x", "Run this template", () => { if (mayUse()) run(); });

  return html`<div class="page template-page">${pageHead({
    title: () => plain(name, 64),
    note: html`<span class="muted clip">${() => row() ? html`revision ${row().revision} · stored ${timeAgo(() =>
      row()?.stored_at)}${
      row().title ? ` · ${plain(row().title, 120)}` : ""}` : isNew.value ? "new, not stored yet" : ""}</span>`,
    actions: html`
      ${editor.saveButton}
      <button class="button" disabled=${() => !mayUse()} title=${() => (!mayRun.value ? "Your token may only read"
        : mayUse() ? null : "It can run once it is saved")}
        @click=${run}>${icon("play")}Run</button>
      ${menuButton({ label: "More", items: () => [
        { text: "All its runs", icon: "runs", href: `/ui/runs?template=${part(name)}` },
        row() ? { text: "The plan's page", icon: "plan", href: `/ui/plans/${part(row().plan_digest)}` } : false,
        { text: "A schedule for it", icon: "schedules", href: `/ui/schedules?new=${part(name)}` },
        null,
        { text: "Delete…", icon: "trash", isDangerous: true, isDisabled: !mayUse(), run: erase },
      ] })}`,
  })}
    ${() => {
      const error = /** @type {any} */ (template.error.value);
      if (!error) return null;
      if (template.data.peek()) return isGone.value ? html`<div class="stale-strip" role="status">${icon("warning")}
        <span>This template was deleted; its last text is still here.</span>
        <button class="button is-small" disabled=${() => !mayRun.value} @click=${() => setQuery({ new: "1",
          tab: "edit" })}>Write it anew</button></div>`
        : html`<div class="stale-strip" role="status">${icon("warning")} Not up to date: ${plain(sentence(error))}</div>`;
      if (error.status !== 404) return errorPanel(error, () => template.refresh());
      return html`<section class="empty"><h2>There is no template ${plain(name, 64)}</h2>
        <p>It may have been deleted; its runs are still there.</p>
        <div class="row"><button class="button is-primary" @click=${() => setQuery({ new: "1",
          tab: "edit" })}>Write it</button>
        <a class="button" href=${`/ui/runs?template=${part(name)}`}>Its runs</a></div></section>`;
    }}
    ${() => {
      const kind = isNew.value ? "new" : hasRow.value ? "stored" : "none";
      return untracked(() => {
        if (kind === "new") return editor.element();
        if (kind === "none") return template.error.peek() ? null : placeholder();
        return tabbed({ label: "Parts of the template", tabs: [
          { id: "edit", name: "Source", body: () => editor.element() },
          { id: "plan", name: "Plan", body: () => lazily(() => import("./template/plan-tab.js"),
            (module) => module.planTab(() => row()?.plan_digest)) },
          { id: "versions", name: "Versions", body: () => lazily(() => import("./template/versions.js"),
            (module) => module.versionsTab(name, template)) },
          { id: "runs", name: "Runs", body: () => lazily(() => import("./template/runs-tab.js"),
            (module) => module.runsTab(name)) },
        ] });
      });
    }}
  </div>`;
}
