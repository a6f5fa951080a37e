// The source of a template while it is written: what the compiler finds, saving, and two who save at once.
// @ts-check
import { html } from "../../core/html.js";
import { plain } from "../../core/format.js";
import { bind, shown } from "../../core/keys.js";
import { computed, effect, onEnd, signal, untracked } from "../../core/signal.js";
import { ApiError, get, part, post, put } from "../../data/api.js";
import { mayRun } from "../../data/me.js";
import { findingsOf } from "../../data/plan-findings.js";
import { confirm, openDialog } from "../../parts/dialog.js";
import { errorPanel, once, placeholder } from "../../parts/error.js";
import { icon } from "../../parts/icon.js";
import { lazily } from "../../parts/lazy.js";
import { attempt, fail, say } from "../../parts/toast.js";
import { editor as makeEditor } from "../../leaves/editor.js";
import { checking, fileTabs, findingsList } from "./findings.js";
import { sample } from "./sample.js";
import { diffOf, sourceOf } from "./source.js";
import { textField } from "../../parts/field.js";

/** @typedef {import("./source.js").Draft} Draft */
/**
 * Texts that were left unsaved, by template, with the revision they began with; they live as long as the tab.
 * @type {Map<string, Draft & {isStored: boolean}>}
 */
const drafts = new Map();

/**
 * @param {{name: string, isNew: () => boolean, row: () => any, saved: (row: any) => void}} options
 */
export function editing({ name, isNew, row, saved }) {
  const draft = signal(/** @type {Draft | null} */ (null));
  const active = signal("");
  const text = signal("");
  const base = signal("");
  const isStored = signal(true);
  const loadError = signal(/** @type {any} */ (null));
  const check = signal(/** @type {any} */ (null));
  const isChecking = signal(false);
  const isSaving = signal(false);
  const wasRestored = signal(false);
  const title = signal("");
  /** What of a text can be changed. */
  const print = (/** @type {Draft} */ text) => JSON.stringify([text.files, text.title]);
  const isDirty = computed(() => draft.value !== null && print({ ...draft.value, title: title.value }) !== base.value);
  /** The newest revision, where it is not the one that is written on. */
  const newer = computed(() => (draft.value && row()?.revision > draft.value.revision ? row().revision : null));
  const findings = computed(() => /** @type {any[]} */ (check.value?.diagnostics ?? []));

  /** @param {Draft & {isStored?: boolean}} next @param {Draft & {isStored: boolean}} [kept] */
  const take = (next, kept) => {
    base.value = print(next);
    const shown = kept ?? next;
    isStored.value = shown.isStored ?? true;
    title.value = shown.title;
    if (shown.files[active.peek()] === undefined) active.value = shown.main;
    text.value = shown.files[active.peek()] ?? "";
    draft.value = shown;
    wasRestored.value = Boolean(kept);
  };
  const load = async () => {
    loadError.value = null;
    const before = [draft.peek(), title.peek()];
    try {
      const next = await sourceOf(name, row());
      // What was typed meanwhile stays.
      if (draft.peek() !== before[0] || title.peek() !== before[1]) return;
      const kept = drafts.get(name);
      take(next, kept && print(kept) !== print(next) ? kept : undefined);
    } catch (error) {
      loadError.value = error;
    }
  };
  const key = computed(() => (isNew() ? "new" : row() ? "stored" : ""));
  effect(() => {
    const which = key.value;
    untracked(() => {
      if (draft.peek() || !which) return;
      if (which === "new") {
        take({ files: { "plan.yaml": "" }, main: "plan.yaml", title: "", revision: 0 },
          { ...(drafts.get(name) ?? { files: { "plan.yaml": sample(name) }, main: "plan.yaml", title: "" }),
            revision: 0, isStored: true });
        wasRestored.value = drafts.has(name);
      } else load();
    });
  });
  // What is typed belongs to the file that is shown.
  effect(() => {
    const typed = text.value;
    const now = draft.peek();
    if (now && now.files[active.peek()] !== typed) {
      draft.value = { ...now, files: { ...now.files, [active.peek()]: typed } };
    }
  });
  const keep = () => {
    const now = draft.value;
    if (!now) return;
    if (isDirty.value) drafts.set(name, { ...now, title: title.value, isStored: isStored.peek() });
    else drafts.delete(name);
  };
  effect(keep);
  // What was stored elsewhere is shown where nothing would be lost; else it is only said.
  effect(() => {
    if (newer.value !== null && !isDirty.value && !isSaving.value) untracked(load);
  });
  checking(() => (isStored.value ? draft.value : null), check, isChecking);
  const beforeLeaving = (/** @type {BeforeUnloadEvent} */ event) => { if (isDirty.peek()) event.preventDefault(); };
  addEventListener("beforeunload", beforeLeaving);
  onEnd(() => removeEventListener("beforeunload", beforeLeaving));

  const save = async (/** @type {number} */ over = isNew() ? 0 : draft.peek()?.revision ?? 0) => {
    const now = draft.peek();
    if (!now || isSaving.peek() || !mayRun.peek()) return;
    isSaving.value = true;
    try {
      // Only the title of what has no text can be changed; its plan stays.
      const body = { title: title.peek(),
        ...(isStored.peek() ? { files: now.files, main: now.main } : { plan_digest: row().plan_digest }) };
      const next = await put(`/v1/templates/${part(name)}`, body,
        { headers: isNew() && over === 0 ? { "if-none-match": "*" } : { "if-match": `"${over}"` } });
      // What was typed since then is not saved yet; what is shown stays.
      base.value = print({ ...now, title: body.title });
      draft.value = { .../** @type {Draft} */ (draft.peek()), revision: next.revision };
      untracked(keep);
      saved(next);
      say(`Saved: revision ${next.revision} of ${name}.`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) conflict(now);
      else if (error instanceof ApiError && Array.isArray(error.problem.errors)) {
        check.value = { valid: false, diagnostics: findingsOf(error.problem, now) };
        fail(Object.assign(new Error(`not saved: ${error.message}`), { next: "mend what is listed below the text" }));
      } else fail(error);
    }
    isSaving.value = false;
  };
  const maySave = () => mayRun.value && !isSaving.value && (isDirty.value || isNew()) && check.value?.valid !== false;
  bind("mod+s", "Save the template", () => { if (!document.querySelector("dialog[open]") && untracked(maySave)) save(); },
    { isGlobal: true });
  /**
   * Somebody else saved first: both texts are shown, and which one holds is asked.
   * @param {Draft} mine
   */
  const conflict = async (mine) => {
    const current = await get(`/v1/templates/${part(name)}`).catch((error) => { fail(error); return null; });
    if (!current) return;
    const theirs = await sourceOf(name, current).catch((error) => { fail(error); return null; });
    if (!theirs) return;
    saved(current);
    const takeTheirs = () => {
      drafts.delete(name);
      take(theirs);
    };
    openDialog({
      title: `Somebody saved ${plain(name, 64)} meanwhile`, className: "is-wide",
      body: (dialog) => html`<div class="dialog-body">
        <p>Revision ${current.revision} is not the one you began with. This is what your text would change in
          theirs.</p>
        ${diffOf(theirs, mine, ["theirs", "yours"])}
        <footer class="dialog-foot"><button class="button" @click=${dialog.close}>Go on editing</button>
          <button class="button" @click=${() => { dialog.close(); takeTheirs(); }}>Take
            theirs</button>
          <button class="button is-danger" @click=${() => { dialog.close(); save(current.revision); }}>Save mine over
            it</button></footer></div>`,
    });
  };
  /** Shows the plan of the text as it stands, saved or not; a plan is stored by its digest, under no name. */
  const compile = async () => {
    const now = /** @type {Draft} */ (draft.peek());
    const plan = await attempt(() => post("/v1/plans", { files: now.files, main: now.main }));
    if (!plan) return;
    openDialog({
      title: `The plan of ${plain(name, 64)}`, className: "is-wide",
      body: () => html`<div class="dialog-body">${lazily(() => import("./plan-tab.js"),
        (module) => module.planTab(() => plan.digest))}</div>`,
    });
  };
  /** Begins a text where none was kept; it takes the plan's place when it is saved. */
  const rewrite = () => {
    const present = /** @type {Draft} */ (draft.peek());
    take({ ...present, files: {}, main: "plan.yaml" }, { ...present, files: { "plan.yaml": sample(name) },
      main: "plan.yaml", isStored: true });
    wasRestored.value = false;
  };
  const discard = () => confirm({
    title: "Throw your changes away?", text: "The text goes back to what is stored.", verb: "Throw away",
      isDangerous: true,
    work: async () => {
      drafts.delete(name);
      if (isNew()) take({ files: { "plan.yaml": sample(name) }, main: "plan.yaml", title: "", revision: 0 });
      else await load();
    },
  });

  /** @type {import("../../leaves/editor.js").Editor | null} */
  let made = null;
  const jump = (/** @type {any} */ finding) => {
    if (finding.file && draft.peek()?.files[finding.file] !== undefined) show(finding.file);
    made?.jump(finding.line, finding.column);
  };
  const show = (/** @type {string} */ file) => {
    if (file === active.peek()) return;
    active.value = file;
    text.value = draft.peek()?.files[file] ?? "";
  };
  const here = () => findings.value.filter((finding) => !finding.file || finding.file === active.value
    || draft.value?.files[finding.file] === undefined);

  const body = () => {
    made = makeEditor({ label: `Source of ${name}`, value: text, findings: here, isReadOnly: () => !mayRun.value
      || !isStored.value });
    return html`<div class="section">
      ${() => (wasRestored.value && isDirty.value ? html`<div class="stale-strip" role="status">${icon("edit")} These
        are changes that you have
        not saved yet.<button class="button is-small" @click=${discard}>Throw away</button></div>` : null)}
      ${() => (newer.value !== null && isDirty.value ? html`<div class="stale-strip" role="status">${icon("warning")}
        <span>Revision ${newer.value} was stored meanwhile; your changes are still here.</span>
        <button class="button is-small" @click=${() => conflict(/** @type {Draft} */ (draft.peek()))}>What
          differs</button></div>` : null)}
      ${() => (isStored.value ? null : html`<div class="stale-strip" role="status">${icon("file")}<span>The text of this
        version was not kept: it was made of a plan that was stored already. This is the plan, to read.</span>
        <button class="button is-small" disabled=${() => !mayRun.value} @click=${rewrite}>Write it anew</button>
          </div>`)}
      ${() => (check.value?.unreachable ? html`<div class="stale-strip" role="status">${icon("warning")} Not checked:
        ${plain(check.value.unreachable)}</div>` : null)}
      <div class="template-title">${textField({ label: "Title", value: title,
        placeholder: "What it does, in a few words", isDisabled: () => !mayRun.value })}</div>
      ${() => fileTabs(Object.keys(draft.value?.files ?? {}), active, show, findings)}
      ${made.element}
      ${once(() => isStored.value,
        () => findingsList({ check: () => (isChecking.value && !check.value ? null : check.value), findings,
          isOneFile: () => Object.keys(draft.value?.files ?? {}).length < 2, jump, compile }))}
          </div>`;
  };
  return {
    isDirty,
    saveButton: html`<button class="button is-primary" disabled=${() => !maySave()}
      title=${() => (!mayRun.value ? "Your token may only read" : check.value?.valid === false
      ? "Mend what the compiler found first" : shown("mod+s"))} @click=${() => save()}>${icon("check")}Save</button>`,
    element: () => html`<div>${() => (loadError.value ? errorPanel(loadError.value,
      load) : null)}${once(() => draft.value !== null, body,
      () => (loadError.value ? null : placeholder()))}</div>`,
  };
}
